"""What every kind of invocation of a sink's function shares: an attempt, dead letters, a report."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar

from sluice.contract import Contract
from sluice.deadline import LambdaContext
from sluice.delivery.attempt import Attempt
from sluice.delivery.caution import Caution
from sluice.delivery.ledger import Ledger, Opened
from sluice.delivery.letters import Letterbox, answered, send_letters
from sluice.delivery.naming import naming
from sluice.delivery.outcomes import Retry, Sink
from sluice.delivery.times import Times
from sluice.delivery.verdicts import STATES, Report, Verdicts
from sluice.delivery.watchdog import Watchdog, unguarded

P = TypeVar("P")


class Handling(Generic[P]):
    """The parts of a sink's function, and the steps that they make together."""

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

    def _times(self, context: LambdaContext) -> Times:
        return Times.of(context, self._clock, self._sleep)

    def _attempt(
        self,
        sink: Sink[P],
        verdicts: Verdicts,
        times: Times,
        opened: Opened | None = None,
        *,
        together: bool = False,
    ) -> str | None:
        """Read and deliver, with care where the ledger asks for it; return what went wrong with all of it."""
        attempt = Attempt(self._contract, sink, verdicts, times, self._watchdog, together=together)
        if opened is not None and is_careful(opened):
            attempt.carefully(opened.caution, partial(self._ledger.mark, opened))
        else:
            attempt.plainly()
        return attempt.trouble

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
        records = verdicts.records
        settled = [verdict for verdict in verdicts.each[:failure] if not isinstance(verdict, Retry)]
        retries = [verdict for verdict in verdicts.each if isinstance(verdict, Retry)]
        refusals: Counter[str] = Counter(refused.kind for _, refused in verdicts.refused(failure))
        self._report(
            Report(
                shard=records[0].shard,
                first=records[0].position,
                last=records[-1].position,
                states=Counter(STATES[type(verdict)] for verdict in settled),
                refusals=refusals,
                named=naming(self._contract, verdicts) if refusals or retries else (),
                oldest=None if redriven else min(each.arrived_at for each in records[failure:] or records),
                retried=len(records) - len(settled),
                unsent=verdicts.unsent if retries else 0,
                redriven=redriven,
                reason=trouble or (retries[0].reason if retries else None),
                careful=careful,
                unlisted=len(unlisted),
                unlisted_reason=next(iter(unlisted.values()), None),
            )
        )


def is_careful(opened: Opened) -> bool:
    """Whether an earlier attempt at the records was killed."""
    return opened.caution != Caution()
