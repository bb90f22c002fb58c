"""Taking records in: read, claimed, refused ones sent to the dead letters, and the others counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluice.contract import Contract
from sluice.delivery import Retry
from sluice.delivery.attempt import Attempt, Marking
from sluice.delivery.caution import Caution
from sluice.delivery.letters import Letterbox, send_letters
from sluice.delivery.naming import naming
from sluice.delivery.times import Times
from sluice.delivery.verdicts import STATES, Verdict, Verdicts
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
    read without harm, -1 for none. `named` tells of some that were refused or come again, `unsent` counts
    dead letters that could not be sent.
    """

    states: Counter[str]
    refusals: Counter[str]
    reason: str | None
    read: int
    named: Sequence[Mapping[str, str]] = ()
    unsent: int = 0


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
        verdicts, trouble = self.judge(records, caution, mark, times)
        failure = verdicts.failure()
        settled = records[:failure]
        try:
            with self.watchdog(BATCH_SECONDS):
                aggregates = gathered.aggregates
                states = [count(aggregates, *one) for one in zip(settled, verdicts.each, strict=False)]
                gathered.note(settled, states)
        except Exception as error:
            raise CountingFailed(
                f"counting failed with {type(error).__name__}: the batch is retried record by record"
            ) from error
        # what has to come again may stand anywhere in the aggregate that comes again because of it
        retry = next((each for each in verdicts.each[failure:] if isinstance(each, Retry)), None)
        reason = None if retry is None else trouble or retry.reason
        refusals: Counter[str] = Counter(refused.kind for _, refused in verdicts.refused(failure))
        named = naming(self.contract, verdicts) if refusals or reason else ()
        return Taken(
            Counter(states), refusals, reason, verdicts.read, named, verdicts.unsent if reason else 0
        )

    def judge(
        self,
        records: Sequence[Record],
        caution: Caution,
        mark: Marking,
        times: Times,
        *,
        single: bool = False,
    ) -> tuple[Verdicts, str | None]:
        """Find out what each record is, and send the dead letters of all that will be settled.

        With `single` every record is settled by itself, whatever becomes of those before it. Returns what
        went wrong with the batch as a whole, too.
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
        return verdicts, attempt.trouble


def count(aggregates: Aggregates, record: Record, verdict: Verdict) -> str:
    """Count the record's event if it is to be counted, and return the state that the record is in now."""
    if not isinstance(verdict, Counted):
        return STATES[type(verdict)]
    taken = aggregates.add(verdict.event, record.arrived_at, winner=verdict.winner)
    return "delivered" if taken else "skipped"
