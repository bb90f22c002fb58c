"""The way back into a Firehose's destination: puts, since the Firehose that reads the stream takes none.

Guarantee: at least once. A record that is put twice is two rows with the same lineage, of which the view, or
whoever reads, counts one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline, LambdaContext
from sluice.delivery import DELIVERED, Accepted, Outcome, Rejected, Retry, Skipped
from sluice.delivery.ledger import Settled
from sluice.delivery.times import Times
from sluice.producer.failures import Failure, Why
from sluice.records import records_of
from sluice.records.wrapped import wrap
from sluice.sinks.firehose.rows import Row, Rows

Put = Callable[[Sequence[bytes], Deadline], Sequence[Failure | None]]
"""Puts data until the deadline, and answers for each why it was not taken, or None."""


class RedriveSink:
    """Puts records, with their place in the stream, into the Firehose for redriven ones.

    Each is made a row first, to see that its type is wanted and that the destination will take it; the row
    itself is made again by the transform of that Firehose.
    """

    def __init__(self, name: str, rows: Rows, put: Put) -> None:
        self.name = name
        self._rows = rows
        self._put = put

    def prepare(self, accepted: Accepted) -> bytes | Rejected | Skipped:
        """Wrap the record."""
        row = self._rows(accepted)
        return wrap(row.record) if isinstance(row, Row) else row

    def deliver(self, prepared: Sequence[bytes], deadline: Deadline) -> Sequence[Outcome]:
        """Put all, and those again that were not taken, until the deadline."""
        return [_outcome(failure) for failure in self._put(prepared, deadline)]

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """Keep no list of dead letters beside their queue, so that there is none to be behind."""
        return {}


class Unbooked:
    """Books for records that the ledger has counted as handed to Firehose already: nothing is entered."""

    def redriven(self, settled: Sequence[Settled], deadline: Deadline) -> None:
        """Leave the books as they are."""


class RowRedrive:
    """Puts rows back that Firehose could not deliver: an invocation's handler.

    It books nothing: the transform entered them when it made them, and their way was not over.
    """

    def __init__(self, rows: Rows, put: Put) -> None:
        self._rows = rows
        self._put = put

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer with the outcome of each row that Firehose took, by its identity."""
        found = [(record, self._rows.table_of(record.data)) for record in records_of(event)]
        known = [(record, table) for record, table in found if table is not None]
        wrapped = [
            wrap(msgspec.structs.replace(record, data=self._rows.whole(record.data)), row=True, table=table)
            for record, table in known
        ]
        failures = self._put(wrapped, Times.of(context).sink) if wrapped else ()
        outcomes = {
            record.identity: "delivered"
            for (record, _), failure in zip(known, failures, strict=True)
            if failure is None
        }
        return {
            "outcomes": outcomes,
            "batchItemFailures": [
                {"itemIdentifier": record.sequence} for record, _ in found if record.identity not in outcomes
            ],
        }


def _outcome(failure: Failure | None) -> Outcome:
    if failure is None:
        return DELIVERED
    return Rejected(failure.reason) if failure.why is Why.RECORD else Retry(failure.reason)
