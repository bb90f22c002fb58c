"""What is worth knowing beside the figures: who waits for long, and whose books begin late."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from sluice.audit.evidence import Evidence
from sluice.audit.sources import Sources

LAGGING = timedelta(minutes=1)
"""In flight for longer, a record waits for something other than its turn."""


def waiting(evidence: Iterable[Evidence], sources: Sources, now: datetime) -> Iterator[str]:
    """Say of each sink that lags since when, and where its reason is written."""
    for found in evidence:
        if found.oldest is not None and now - found.oldest >= LAGGING:
            yield (
                f"{found.sink}: the oldest record in flight has waited {_span(now - found.oldest)}; the log"
                f" of {sources.sinks[found.sink].function} says why records go back to the stream"
            )


def later(begins: Mapping[str, datetime | None], since: datetime | None) -> Iterator[str]:
    """Say whose books begin later than those of the others."""
    for sink, begun in begins.items():
        if begun != since and begun is not None:
            yield (
                f"{sink}: its books begin at {begun:%Y-%m-%d %H:%M} UTC, when its Firehose had begun to read:"
                " what the stream took in before does not come by it"
            )


def _span(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - then hours read better
