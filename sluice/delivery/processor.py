"""One invocation: read, deliver, send dead letters, close the books, answer.

Lambda retries a batch from the lowest failed sequence number on. So only what lies below it is settled: gets
its dead letters and its place in the ledger. What lies above comes again, and every step is idempotent.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any, Generic, TypeVar

from sluice.contract import Contract
from sluice.deadletters import DeadLetter
from sluice.deadline import LambdaContext
from sluice.delivery.attempt import Attempt
from sluice.delivery.caution import Caution
from sluice.delivery.ledger import Ledger, Settled
from sluice.delivery.letters import Letterbox, answered, send_letters
from sluice.delivery.outcomes import Retry, Sink
from sluice.delivery.times import Times
from sluice.delivery.verdicts import STATES, Report, Verdicts
from sluice.delivery.watchdog import Watchdog, unguarded
from sluice.records import Record, records_of

P = TypeVar("P")


class Processor(Generic[P]):
    """A Lambda handler over one sink: call it with Lambda's event and context.

    Raises DeliveryError when the ledger does not answer: Lambda then retries the whole batch.
    """

    def __init__(
        self,
        contract: Contract,
        sink: Sink[P],
        ledger: Ledger,
        letterbox: Letterbox,
        *,
        report: Callable[[Report], None] | None = None,
        watchdog: Watchdog = unguarded,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._contract = contract
        self._sink = sink
        self._ledger = ledger
        self._letterbox = letterbox
        self._report = report
        self._watchdog = watchdog
        self._now = now
        self._clock = clock
        self._sleep = sleep

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one invocation; the answer is Lambda's partial batch response."""
        times = Times.of(context, self._clock, self._sleep)
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
        opened = self._ledger.open(
            records[0].shard, int(records[0].sequence), int(records[-1].sequence), times.sink
        )
        verdicts = Verdicts(records)
        attempt = Attempt(self._contract, self._sink, verdicts, times, self._watchdog)
        careful = opened.caution != Caution()
        if careful:
            attempt.carefully(opened.caution, partial(self._ledger.mark, opened))
        else:
            attempt.plainly()
        unlisted = self._send_letters(verdicts, verdicts.failure(), times)
        failure = verdicts.failure()
        self._ledger.close(opened, verdicts.settled(failure), verdicts.read, times.books)
        if failure < len(records):
            answer["batchItemFailures"].append({"itemIdentifier": records[failure].sequence})
        self._tell(verdicts, failure, careful=careful, trouble=attempt.trouble, unlisted=unlisted)

    def _redrive(self, records: list[Record], times: Times, answer: dict[str, Any]) -> None:
        """Settle every record that can be settled: whoever redrives reads the outcomes one by one.

        The books of the original batch stay as they are.
        """
        verdicts = Verdicts(records)
        attempt = Attempt(self._contract, self._sink, verdicts, times, self._watchdog)
        attempt.plainly()
        unlisted = self._send_letters(verdicts, len(records), times)
        settled = verdicts.settled(len(records))
        self._ledger.redriven(settled, times.books)
        unlisted = {**unlisted, **self._strike_out(settled, times)}
        outcomes = answer.setdefault("outcomes", {})
        outcomes.update({record.identity: state for record, state in settled})
        answer["batchItemFailures"] += [
            {"itemIdentifier": record.sequence} for record in records if record.identity not in outcomes
        ]
        self._tell(verdicts, len(records), trouble=attempt.trouble, unlisted=unlisted, redriven=True)

    def _send_letters(self, verdicts: Verdicts, below: int, times: Times) -> Mapping[str, str]:
        """Send the dead letters, take back what could not be sent, list the rest in the sink.

        Returns which of them the sink does not list, and why: a list must not hold up a shard.
        """
        safe = send_letters(
            verdicts,
            below,
            self._letterbox,
            sink=self._sink.name,
            failed_at=self._now(),
            deadline=times.letters,
        )
        return answered(self._sink.note, safe, times.letters) if safe else {}

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

    def _tell(
        self,
        verdicts: Verdicts,
        failure: int,
        *,
        trouble: str | None,
        unlisted: Mapping[str, str],
        careful: bool = False,
        redriven: bool = False,
    ) -> None:
        if self._report is None:
            return
        settled = [verdict for verdict in verdicts.each[:failure] if not isinstance(verdict, Retry)]
        retries = [verdict for verdict in verdicts.each if isinstance(verdict, Retry)]
        self._report(
            Report(
                shard=verdicts.records[0].shard,
                states=Counter(STATES[type(verdict)] for verdict in settled),
                refusals=Counter(refused.kind for _, refused in verdicts.refused(failure)),
                retried=len(verdicts.records) - len(settled),
                redriven=redriven,
                reason=trouble or (retries[0].reason if retries else None),
                careful=careful,
                unlisted=len(unlisted),
                unlisted_reason=next(iter(unlisted.values()), None),
            )
        )
