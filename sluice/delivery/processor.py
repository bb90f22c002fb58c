"""One invocation: read, deliver, send dead letters, close the books, answer.

Lambda retries a batch from the lowest failed sequence number on. So only what lies below it is settled: gets
its dead letters and its place in the ledger. What lies above comes again, and every step is idempotent.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

from sluice.deadletters import DeadLetter
from sluice.deadline import LambdaContext
from sluice.delivery.handling import Handling, is_careful
from sluice.delivery.ledger import Settled
from sluice.delivery.letters import answered
from sluice.delivery.times import Times
from sluice.delivery.verdicts import Verdicts
from sluice.observing.tracing import subsegment
from sluice.records import Record, records_of

P = TypeVar("P")


class Processor(Handling[P]):
    """A Lambda handler over one sink: call it with Lambda's event and context.

    Raises DeliveryError when the ledger does not answer: Lambda then retries the whole batch.
    """

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one invocation; the answer is Lambda's partial batch response."""
        times = self._times(context)
        records = sorted(records_of(event), key=lambda record: (record.shard, *record.order))
        redriven = event.get("redrive") is True
        answer: dict[str, Any] = {"batchItemFailures": []}
        for _, shard in groupby(records, key=lambda record: record.shard):
            if redriven:
                self._redrive(list(shard), times, answer)
            else:
                self._batch(list(shard), times, answer)
        return answer

    def _batch(self, records: list[Record], times: Times, answer: dict[str, Any]) -> None:
        """Settle what lies below the first failure, and name that failure alone."""
        with subsegment("open the books", shard=records[0].shard):
            opened = self._ledger.open(
                records[0].shard, int(records[0].sequence), int(records[-1].sequence), times.sink
            )
        verdicts = Verdicts(records)
        trouble = self._attempt(self._sink, verdicts, times, opened)
        unlisted = self._send_letters(verdicts, verdicts.failure(), times)
        failure = verdicts.failure()
        with subsegment("close the books", shard=records[0].shard):
            self._ledger.close(opened, verdicts.settled(failure), verdicts.read, times.books)
        if failure < len(records):
            answer["batchItemFailures"].append({"itemIdentifier": records[failure].sequence})
        self._tell(verdicts, failure, careful=is_careful(opened), trouble=trouble, unlisted=unlisted)

    def _redrive(self, records: list[Record], times: Times, answer: dict[str, Any]) -> None:
        """Settle every record that can be settled: whoever redrives reads the outcomes one by one.

        The books of the original batch stay as they are.
        """
        verdicts = Verdicts(records)
        trouble = self._attempt(self._sink, verdicts, times)
        unlisted = self._send_letters(verdicts, len(records), times)
        settled = verdicts.settled(len(records))
        self._ledger.redriven(settled, times.books)
        unlisted = {**unlisted, **self._strike_out(settled, times)}
        outcomes = answer.setdefault("outcomes", {})
        outcomes.update({record.identity: state for record, state in settled})
        answer["batchItemFailures"] += [
            {"itemIdentifier": record.sequence} for record in records if record.identity not in outcomes
        ]
        self._tell(verdicts, len(records), trouble=trouble, unlisted=unlisted, redriven=True)

    def _strike_out(self, settled: Sequence[Settled], times: Times) -> Mapping[str, str]:
        """Let the sink's list of dead letters know what a redrive has placed."""
        placed = [
            DeadLetter.of(
                record,
                sink=self._sink.name,
                kind="redriven",
                reason=f"{state} by a redrive",
                failed_at=self._now(),
            )
            for record, state in settled
            if state != "dead_lettered"
        ]
        return answered(self._sink.note, placed, times.letters) if placed else {}
