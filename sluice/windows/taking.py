"""Taking records in: read, claimed, refused ones sent to the dead letters, and the others counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.contract import Contract
from sluice.delivery import Delivered, Retry
from sluice.delivery.attempt import Attempt, Marking
from sluice.delivery.caution import Caution
from sluice.delivery.letters import Letterbox, send_letters
from sluice.delivery.times import Times
from sluice.delivery.verdicts import STATES, Verdicts
from sluice.delivery.watchdog import BATCH_SECONDS, Watchdog
from sluice.errors import DeliveryError
from sluice.records import Record
from sluice.windows.aggregates import Aggregates
from sluice.windows.claims import Claims
from sluice.windows.counting import Counted, Counting
from sluice.windows.gathered import Gathered
from sluice.windows.plan import Plan


class CountingFailed(DeliveryError):  # noqa: N818 - what happened
    """Some record cannot be counted: the next attempt finds out which."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the records before the first that has to come again are counted.

    `reason` says why that one has to; None when there is none. `read` is the last sequence number that was
    read without harm, -1 for none.
    """

    states: Counter[str]
    refusals: Counter[str]
    reason: str | None
    read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Takes records into what is gathered. `keep` is how long windows are kept."""

    contract: Contract
    plan: Plan
    claims: Claims
    letterbox: Letterbox
    sink: str
    keep: timedelta
    watchdog: Watchdog
    now: Callable[[], datetime]

    def take(
        self, gathered: Gathered, records: Sequence[Record], caution: Caution, mark: Marking, times: Times
    ) -> Taken:
        """Count what can be counted, in order, up to the first record that has to come again.

        A dead letter is safe before anything after it is counted.

        Raises:
            CountingFailed: `gathered` is spoilt.
        """
        verdicts, counted, trouble = self.judge(records, caution, mark, times)
        failure = verdicts.failure()
        states: Counter[str] = Counter()
        try:
            with self.watchdog(BATCH_SECONDS):
                for record, verdict in zip(records[:failure], verdicts.each, strict=False):
                    state = STATES[type(verdict)]
                    if isinstance(verdict, Delivered):
                        state = count(gathered.aggregates, counted[record.position])
                    gathered.note(record, state)
                    states[state] += 1
        except Exception as error:
            raise CountingFailed(
                f"counting failed with {type(error).__name__}: the batch is retried record by record"
            ) from error
        retry = verdicts.each[failure] if failure < len(records) else None
        reason = (trouble or retry.reason) if isinstance(retry, Retry) else None
        refusals: Counter[str] = Counter(refused.kind for _, refused in verdicts.refused(failure))
        return Taken(states, refusals, reason, verdicts.read)

    def judge(
        self,
        records: Sequence[Record],
        caution: Caution,
        mark: Marking,
        times: Times,
        *,
        single: bool = False,
    ) -> tuple[Verdicts, dict[str, Counted], str | None]:
        """Find out what each record is, and send the dead letters of all that will be settled.

        With `single` every record is settled by itself, whatever becomes of those before it. Returns what to
        count by the record's position, too, and what went wrong with the batch as a whole.
        """
        careful = caution != Caution()
        counting = Counting(self.sink, self.plan, self.claims, keep=self.keep, tried=careful)
        verdicts = Verdicts(records)
        attempt = Attempt(self.contract, counting, verdicts, times, self.watchdog)
        if careful:
            attempt.carefully(caution, mark)
        else:
            attempt.plainly()
        below = len(records) if single else verdicts.failure()
        send_letters(
            verdicts, below, self.letterbox, sink=self.sink, failed_at=self.now(), deadline=times.letters
        )
        return verdicts, {one.accepted.record.position: one for one in counting.counted}, attempt.trouble


def count(aggregates: Aggregates, counted: Counted) -> str:
    """Count an event, and return the state that its record is in now."""
    record = counted.accepted.record
    taken = aggregates.add(counted.accepted.event, record.arrived_at, winner=counted.winner)
    return "delivered" if taken else "skipped"
