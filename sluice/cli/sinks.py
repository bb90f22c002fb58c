"""What a target's lake and search index hold, for the books."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sluice.cli.outputs import FIREHOSE
from sluice.errors import EnvironmentProblem

if TYPE_CHECKING:
    from sluice.audit.handed import Lake
    from sluice.cli.outputs import SearchOutputs, SinkOutputs
    from sluice.cli.target import Target

ICEBERG = "iceberg"
"""The destination that can be counted: the lake's tables."""

SEARCH = "search"
"""The sink that writes to the search index; infra/search.py calls it so."""


def only_declared(target: "Target", sink: "SinkOutputs") -> bool:
    """Whether nothing delivers to a sink: the local cloud's Firehoses know the lake alone."""
    return target.is_local and sink.reads == FIREHOSE and sink.destination != ICEBERG


def booked(target: "Target") -> "dict[str, SinkOutputs]":
    """Return the sinks that have books: locally, no Firehose delivers to what nothing here speaks."""
    return {name: sink for name, sink in target.outputs.sinks.items() if not only_declared(target, sink)}


def lake_of(target: "Target", sink: "SinkOutputs") -> "Lake | None":
    """Return where the evidence about a Firehose's destination lies; None of a sink that Lambda feeds."""
    from sluice.audit.handed import Lake
    from sluice.cli.lake import athena_of
    from sluice.deadletters import undelivered
    from sluice.lake.count import Tables

    bucket, errors, firehose = sink.bucket, sink.errors, sink.firehose
    if sink.reads != FIREHOSE or bucket is None or errors is None or firehose is None:
        return None

    def begun() -> datetime:
        described = target.firehose.describe_delivery_stream(DeliveryStreamName=firehose)
        moment = described["DeliveryStreamDescription"].get("CreateTimestamp")
        return moment.astimezone(UTC) if moment else datetime.fromtimestamp(0, UTC)

    tables = None
    if sink.destination == ICEBERG and target.outputs.lake is not None:
        tables = Tables(athena_of(target), target.glue, target.outputs.lake.database)
    return Lake(
        undelivered=lambda: undelivered.read(target.s3, bucket, errors),
        returned=lambda since: undelivered.returned(target.s3, bucket, errors, since),
        begun=begun,
        count=tables.count if tables else None,
        among=tables.among if tables else None,
    )


def documents_of(target: "Target", name: str) -> Callable[[datetime | None], int] | None:
    """Return what counts the documents of the search index; None of a sink that writes to none."""
    search = target.outputs.search
    if name != SEARCH or search is None:
        return None
    return lambda since: _documents(target, search, since)


def _documents(target: "Target", search: "SearchOutputs", since: datetime | None) -> int:
    """Count what can be found, after asking the index to show what it has taken in lately.

    Who may not ask that (it is a right of its own) counts what the index shows by itself, some seconds old.
    """
    from contextlib import suppress

    from sluice.cli.searching import ask, client_of, count

    client = client_of(target)
    every: dict[str, Any] = {"match_all": {}}
    query = every if since is None else {"range": {"_arrived_at": {"gte": since.isoformat()}}}
    with suppress(EnvironmentProblem):
        ask(client, target, f"/{search.prefix}/_refresh", None)
    return count(client, target, search.prefix, query)
