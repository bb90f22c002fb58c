"""The search sink's Lambda, put together from its environment."""

import os
from collections.abc import Mapping
from datetime import date

from sluice.contract import Contract
from sluice.delivery.environment import required
from sluice.delivery.function import Handler, handler_of
from sluice.errors import SettingsError
from sluice.sinks.opensearch.bulk import BulkWriter, Limits
from sluice.sinks.opensearch.connection import cluster
from sluice.sinks.opensearch.indices import PERIODS, Indices
from sluice.sinks.opensearch.sink import SearchSink


def search_sink(contract: Contract, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the search sink.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    limits = limits_of(environ)
    writer = BulkWriter(cluster(environ, limits.concurrency), limits)
    name = environ.get("SLUICE_SINK", "search")
    sink = SearchSink(contract, writer, indices_of(environ), name)
    return handler_of(contract, sink, environ, writer.tally.take)


def limits_of(environ: Mapping[str, str]) -> Limits:
    """Return how the environment wants requests cut; raises SettingsError for what is no count."""
    standard = Limits()
    return Limits(
        concurrency=_count(environ, "MAX_CONCURRENCY", standard.concurrency),
        documents=_count(environ, "MAX_BULK_DOCUMENTS", standard.documents),
        bytes=_count(environ, "MAX_BULK_BYTES", standard.bytes),
    )


def indices_of(environ: Mapping[str, str]) -> Indices:
    """Return how the environment wants indices named; raises SettingsError for what it cannot be."""
    prefix = required(environ, "SLUICE_SEARCH_PREFIX")
    given = environ.get("SLUICE_SEARCH_PERIOD", "month")
    period = next((each for each in PERIODS if each == given), None)
    if period is None:
        raise SettingsError(
            f"SLUICE_SEARCH_PERIOD is {given!r}: {', '.join(PERIODS)} are accepted; deploy again"
        )
    standard = Indices(prefix, period)
    since = environ.get("SLUICE_SEARCH_SINCE", standard.since.isoformat())
    ahead = _count(environ, "SLUICE_SEARCH_AHEAD", standard.ahead_days)
    try:
        return Indices(prefix, period, date.fromisoformat(since), ahead)
    except ValueError:
        raise SettingsError(
            f"SLUICE_SEARCH_SINCE is {since!r}, not a day as 2026-11-21: deploy again"
        ) from None


def _count(environ: Mapping[str, str], name: str, standard: int) -> int:
    text = environ.get(name, str(standard))
    if not text.isdecimal() or not int(text):
        raise SettingsError(
            f"{name} is {text!r}, not a whole number above 0: deploy again with search_sink's"
        )
    return int(text)
