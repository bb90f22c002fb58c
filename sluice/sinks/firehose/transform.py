"""The transform: Firehose asks about each record, and does what the answer says.

Guarantee: at least once. A row that is answered Ok is Firehose's to deliver; what it cannot deliver it leaves
under the error prefix, where it counts as a dead letter. Each recordId is answered once:

- Ok: the record's row.
- Dropped: another type than this destination takes, a dead letter, a record that stands in the same event
  already, or one that took another way for want of room (`Answers`).
- ProcessingFailed: a refused record whose dead letter could not be sent, and data from nobody knows where.
  They stay under the error prefix.

An invocation settles all of its records or none: Firehose knows no partial answer. What has to be tried again
raises, nothing is booked, and Firehose asks again as often as its settings say. Then it gives the records up
to the error prefix, unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sluice.contract import Contract
from sluice.deadline import LambdaContext
from sluice.delivery.entries import DELIVERY
from sluice.delivery.handling import Handling, is_careful
from sluice.delivery.ledger import Ledger, Opened
from sluice.delivery.letters import Letterbox
from sluice.delivery.outcomes import Retry
from sluice.delivery.times import Times
from sluice.delivery.verdicts import STATES, Verdicts
from sluice.errors import DeliveryError
from sluice.observing.tracing import subsegment
from sluice.records import Record
from sluice.records.wrapped import Wrapped
from sluice.sinks.firehose.answers import Answers
from sluice.sinks.firehose.event import Arrivals, arrivals_of, told_apart
from sluice.sinks.firehose.rows import Row

OK, DROPPED, FAILED = "Ok", "Dropped", "ProcessingFailed"


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one shard's records came to. `opened` is None for records that were redriven."""

    verdicts: Verdicts
    opened: Opened | None
    trouble: str | None


class Transform(Handling[Row]):
    """The handler of Firehose's events; `answers` makes the answer of one invocation.

    `more` is what every `Handling` takes. `redrive` names the Firehose for redriven records: only what comes
    from there is unwrapped.

    Raises DeliveryError when the event has to come again, or is none of Firehose's.
    """

    def __init__(
        self,
        contract: Contract,
        answers: Callable[[], Answers],
        ledger: Ledger,
        letterbox: Letterbox,
        *,
        redrive: str,
        **more: Any,
    ) -> None:
        super().__init__(contract, answers(), ledger, letterbox, **more)
        self._answers = answers
        self._redrive_name = redrive

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer for every record of the event."""
        times = self._times(context)
        arrivals = arrivals_of(event, self._redrive_name)
        answers = self._answers()
        answers.expect([arrival.record_id for arrival in arrivals.each])
        named, records = _named(arrivals, answers)
        ordered = sorted(records, key=lambda record: (record.shard, *record.order))
        shards = [list(shard) for _, shard in groupby(ordered, key=lambda record: record.shard)]
        batches = [self._batch(shard, answers, times, direct=arrivals.direct) for shard in shards]
        self._give_up_unless_settled(batches, times)
        results = self._settle(batches, times, direct=arrivals.direct)
        return {
            "records": [
                {"recordId": record_id, **_answer(identity, answers, results)}
                for record_id, identity in named.items()
            ]
        }

    def _batch(self, records: list[Record], answers: Answers, times: Times, *, direct: bool) -> _Batch:
        """Read the records of a shard and make their rows."""
        verdicts = Verdicts(records)
        if direct:
            return _Batch(verdicts, None, self._attempt(answers, verdicts, times, together=True))
        first, last = records[0], records[-1]
        with subsegment("open the books", shard=first.shard):
            opened = self._ledger.open(
                first.shard, int(first.sequence), int(last.sequence), times.sink, sub=first.sub_sequence
            )
        trouble = self._attempt(answers, verdicts, times, opened, together=True)
        if is_careful(opened):
            # no record of this shard is to blame for what another shard's do
            self._ledger.mark(opened, DELIVERY, times.sink)
        return _Batch(verdicts, opened, trouble)

    def _give_up_unless_settled(self, batches: Sequence[_Batch], times: Times) -> None:
        """End all attempts, and raise, when any record has to come again."""
        waiting = [
            verdict.reason
            for batch in batches
            for verdict in batch.verdicts.each
            if isinstance(verdict, Retry)
        ]
        if not waiting:
            return
        for batch in batches:
            if batch.opened is not None:
                self._ledger.close(batch.opened, [], batch.verdicts.read, times.books)
            self._tell(batch.verdicts, 0, trouble=batch.trouble, unlisted={})
        reason = next((batch.trouble for batch in batches if batch.trouble), waiting[0])
        raise DeliveryError(
            f"{len(waiting)} of {sum(len(batch.verdicts.records) for batch in batches)} records could not be "
            f"settled ({reason}): Firehose hands all of them over again"
        )

    def _settle(self, batches: Sequence[_Batch], times: Times, *, direct: bool) -> dict[str, str]:
        """Send the dead letters and close the books; return what is answered for each record, by identity.

        A record whose letter could not be sent is booked as delivered: Firehose keeps it, as undelivered.
        """
        results: dict[str, str] = {}
        for batch in batches:
            verdicts = batch.verdicts
            self._send_letters(verdicts, len(verdicts.records), times)
            booked = []
            for record, verdict in zip(verdicts.records, verdicts.each, strict=True):
                state = STATES.get(type(verdict), "delivered")
                results[record.identity] = FAILED if isinstance(verdict, Retry) else DROPPED
                booked.append((record, state))
            if batch.opened is not None:
                with subsegment("close the books", shard=verdicts.records[0].shard):
                    self._ledger.close(batch.opened, booked, verdicts.read, times.books)
            else:
                # the redrive has booked them as delivered already
                refused = [each for each in booked if each[1] == "dead_lettered"]
                self._ledger.redriven(refused, times.books)
            careful = batch.opened is not None and is_careful(batch.opened)
            self._tell(
                verdicts,
                len(verdicts.records),
                careful=careful,
                trouble=batch.trouble,
                unlisted={},
                redriven=direct,
            )
        return results


def _named(arrivals: Arrivals, answers: Answers) -> tuple[dict[str, str | None], list[Record]]:
    """Return the identity of each recordId's record, and the records to be transformed.

    Finished rows go straight into the answer; "" stands for a repetition, None for what nobody knows.
    """
    named: dict[str, str | None] = {}
    pending: list[tuple[str, Record]] = []
    rows: set[str] = set()
    for arrival in arrivals.each:
        content = arrival.content
        named[arrival.record_id] = None
        if isinstance(content, Wrapped) and content.row:
            identity = content.record.identity
            if identity in rows:
                named[arrival.record_id] = ""
            elif answers.take(Row(content.record, content.record.data, content.table)):
                named[arrival.record_id] = identity
                rows.add(identity)
        elif content is not None:
            record = content.record if isinstance(content, Wrapped) else content
            pending.append((arrival.record_id, record))
    found = told_apart(record for _, record in pending)
    for (record_id, _), each in zip(pending, found, strict=True):
        named[record_id] = "" if each is None else each.identity
    return named, [each for each in found if each is not None]


def _answer(identity: str | None, answers: Answers, results: Mapping[str, str]) -> Mapping[str, Any]:
    if identity is None:
        return {"result": FAILED}
    return answers.of(identity) or {"result": results.get(identity, DROPPED)}
