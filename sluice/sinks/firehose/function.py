"""The Lambda of a sink that a Firehose feeds, put together from its environment."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sluice.contract import Contract
from sluice.deadline import LambdaContext
from sluice.delivery import Ledger, Processor, clients
from sluice.delivery.environment import required
from sluice.delivery.function import Handler, equipment
from sluice.delivery.watchdog import ending_the_process
from sluice.producer import put_record_batch
from sluice.records.wrapped import wrap
from sluice.sinks.firehose.answers import Answers
from sluice.sinks.firehose.redrive import Put, RedriveSink, RowRedrive, Unbooked
from sluice.sinks.firehose.rows import Row, Rows
from sluice.sinks.firehose.transform import Transform


def firehose_sink(contract: Contract, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of a sink behind a Firehose: its transform, and the ways back into it.

    An event that says `redrive` is one of `sluice dlq redrive`: true for records that the books count as dead
    letters or not at all, "booked" for those that they count as delivered, "rows" for finished rows.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    name = environ.get("SLUICE_SINK", "lake")
    destination = required(environ, "SLUICE_FIREHOSE_DESTINATION")
    database = required(environ, "SLUICE_LAKE_DATABASE") if destination == "iceberg" else ""
    types = frozenset(filter(None, environ.get("SLUICE_FIREHOSE_TYPES", "").split(",")))
    redrive = required(environ, "SLUICE_REDRIVE_FIREHOSE")
    rows = Rows(contract, destination, types)
    put = _put(redrive)
    again = RedriveSink(name, rows, put)

    def answers() -> Answers:
        return Answers(name, rows, database, lambda beyond, until: again.deliver(_wrapped(beyond), until))

    parts = equipment(name, environ, cut_aggregates=True)
    shared: dict[str, Any] = {"report": parts.report, "watchdog": ending_the_process}
    transform = Transform(contract, answers, parts.ledger, parts.letterbox, redrive=redrive, **shared)
    processor = Processor(contract, again, parts.ledger, parts.letterbox, **shared)
    unbooked = Processor(contract, again, cast("Ledger", Unbooked()), parts.letterbox, **shared)
    return parts.observed(entrance(transform, processor, unbooked, RowRedrive(rows, put)))


def entrance(transform: Handler, processor: Handler, unbooked: Handler, row_redrive: Handler) -> Handler:
    """Return the handler that tells Firehose's events from those of a redrive."""

    def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        match event.get("redrive"):
            case "rows":
                return row_redrive(event, context)
            case "booked":
                return unbooked({**event, "redrive": True}, context)
            case True:
                return processor(event, context)
            case _:
                return transform(event, context)

    return handler


def _put(firehose: str) -> Put:
    return lambda datas, deadline: put_record_batch(
        clients.firehose(), firehose, datas, remaining=deadline.remaining
    )


def _wrapped(rows: Sequence[Row]) -> list[bytes]:
    """Wrap the records of rows that the answer has no room for: they come as records once more."""
    return [wrap(row.record) for row in rows]
