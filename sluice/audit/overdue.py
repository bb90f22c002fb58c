"""Records too old to be on their way through a Firehose: in a busy stream the newest would hide them.

What arrived before a moment is counted by itself: what the stream took in until then, less what is in a state
by now. Where the ledger does not tell which side a batch lies on, it counts in favour of the Firehose.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from sluice.audit.handed import Handed, Lake
from sluice.audit.spans import Span
from sluice.audit.window import Window
from sluice.deadletters import DeadLetter, Letter
from sluice.errors import EnvironmentProblem, QueryError


def with_overdue(
    lake: Lake,
    seen: Window,
    handed: Handed,
    letters: Iterable[Letter] | None,
    *,
    sink: str,
    ripe: datetime,
    produced: int,
) -> Handed:
    """Count what arrived before `ripe`, when the stream had taken in `produced`, and is in no state.

    `letters` are the dead letters of all sinks; None if there were too many to read.
    """
    if letters is None or lake.count is None or handed.found is None or _counted_twice(seen, ripe, produced):
        return handed
    try:
        delivered = lake.count(seen.since, ripe)
    except (EnvironmentProblem, QueryError):
        return handed
    lettered = sum(
        each.arrived_at < ripe
        for each in letters
        if isinstance(each, DeadLetter) and each.sink == sink
        if seen.holds(each.shard, int(each.sequence), each.arrived_at)
    )
    undelivered = sum(arrived < ripe for arrived in handed.arrivals)
    missing = produced - delivered - lettered - undelivered - _skipped(seen, ripe) + _surplus(seen, ripe)
    if missing > 0:
        missing -= _returning(lake, seen, ripe)
    return replace(handed, overdue=max(missing, 0))


def _skipped(seen: Window, ripe: datetime) -> int:
    spans = sum(span.skipped for span in seen.spans if span.arrived is None or span.arrived[0] < ripe)
    return spans + sum(entry.skipped for entry in seen.redriven)


def _surplus(seen: Window, ripe: datetime) -> int:
    """Events beyond those that the stream counts as records: of an aggregate all but one."""
    return sum(span.surplus for span in _before(seen, ripe))


def _counted_twice(seen: Window, ripe: datetime, produced: int) -> bool:
    """Whether the ledger knows of more records than there were, as after a Firehose began anew."""
    return sum(span.records for span in _before(seen, ripe)) > produced


def _before(seen: Window, ripe: datetime) -> Iterator[Span]:
    """Yield what lies in the time audited and before `ripe` as a whole."""
    across = set(map(id, seen.across))
    for span in seen.spans:
        if span.arrived is not None and span.arrived[1] < ripe and id(span) not in across:
            yield span


def _returning(lake: Lake, seen: Window, ripe: datetime) -> int:
    """Count what was redriven so lately that a Firehose may hold it: it takes as long as what is new."""
    booked = sum(entry.delivered for entry in seen.redriven if entry.closed_at and entry.closed_at >= ripe)
    return booked + lake.returned(ripe)
