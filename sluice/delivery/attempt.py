"""Reading a batch's records and delivering them: plainly, or with care when an earlier attempt was killed."""

from collections.abc import Callable
from typing import Generic, TypeVar

from sluice.contract import Contract, ContractViolation
from sluice.deadline import Deadline
from sluice.delivery.caution import Caution
from sluice.delivery.entries import DELIVERY
from sluice.delivery.outcomes import Accepted, Rejected, Retry, Sink, Skipped
from sluice.delivery.suspects import DELIVERED_GROUPS, GROUPS, Suspect, suspects
from sluice.delivery.times import Times
from sluice.delivery.verdicts import Refused, Verdicts
from sluice.delivery.watchdog import BATCH_SECONDS, RECORD_SECONDS, Watchdog
from sluice.errors import DeliveryError, told
from sluice.observing.tracing import subsegment
from sluice.records import Record, readable

P = TypeVar("P")

Marking = Callable[[str, Deadline], None]
"""Writes down a suspect, its name or DELIVERY, before it is touched; raises DeliveryError."""

KILLER = Refused(
    "crash",
    "the function died twice while it had this record in hand, so it was put aside unread; "
    "look in the function's log for its time-out or its memory",
)

OUT_OF_MEMORY = Refused(
    "crash",
    "the function ran out of memory over this record, or over its aggregate, alone; give it more memory",
)

MOST_AT_ONCE = 50_000
"""Events of a batch. Lambda hands over 10,000 records at most, but those may be aggregates of junk, of which
each piece becomes a dead letter of a kilobyte: what lies beyond comes in another invocation."""


class Attempt(Generic[P]):
    """One attempt at one batch; writes its findings into `verdicts`.

    `together` says that all records come again if any does: then one that memory does not hold is refused
    wherever it stands, since it will never be the first.
    """

    def __init__(
        self,
        contract: Contract,
        sink: Sink[P],
        verdicts: Verdicts,
        times: Times,
        watchdog: Watchdog,
        *,
        together: bool = False,
    ) -> None:
        self._contract = contract
        self._sink = sink
        self._verdicts = verdicts
        self._times = times
        self._watchdog = watchdog
        self._together = together
        self._ready: list[tuple[int, P]] = []
        self.trouble: str | None = None

    def plainly(self) -> None:
        """Read every record, then deliver all together."""
        with subsegment("decode", records=len(self._verdicts.records)), self._watchdog(BATCH_SECONDS):
            for index, record in enumerate(self._verdicts.records):
                if self._enough(index) or not self._read(index, record):
                    break
        self._deliver()

    def carefully(self, caution: Caution, mark: Marking) -> None:
        """Name each suspect to `mark` before touching it; stop when time runs out or naming fails."""
        records = self._verdicts.records
        groups = DELIVERED_GROUPS if caution.singly else GROUPS
        try:
            for suspect in suspects(records, caution.killers, groups=groups):
                if self._enough(suspect.start) or not self._with_care(suspect, caution, mark):
                    break
                if suspect.ends:
                    self._verdicts.read = int(records[suspect.start].sequence)
            if self._ready and caution.until >= int(records[0].sequence):
                mark(DELIVERY, self._times.sink)
        except DeliveryError as error:
            self.trouble = str(error)
        else:
            self._deliver()

    def _with_care(self, suspect: Suspect, caution: Caution, mark: Marking) -> bool:
        """Handle what is named together; return False when the batch has to end before it."""
        each, records = self._verdicts.each, self._verdicts.records
        suspected = int(records[suspect.start].sequence) <= caution.until
        if suspect.name in caution.killers:
            each[suspect.start] = KILLER
            return True
        if suspected:
            if not self._times.reading.remaining():
                return False
            mark(suspect.name, self._times.reading)
        with self._watchdog(RECORD_SECONDS):
            read = all(self._read(index, records[index]) for index in range(suspect.start, suspect.stop))
        if read and suspected and caution.singly:
            self._deliver()
            return not any(isinstance(verdict, Retry) for verdict in each[suspect.start : suspect.stop])
        return read

    def _enough(self, index: int) -> bool:
        """Whether the batch has to end before a record, because so many events are in hand already."""
        if index < MOST_AT_ONCE or self._verdicts.comes_with_the_one_before(index):
            return False
        self.trouble = (
            f"of a batch of more than {MOST_AT_ONCE} events the rest is left for the next invocation"
        )
        return True

    def _read(self, index: int, record: Record) -> bool:
        """Decode and prepare one record; whatever goes wrong concerns this record alone.

        Returns False when memory ran out: then the record comes again, with the first of its batch, and if
        there is no room even then it is refused.
        """
        try:
            event = self._contract.decode(readable(record))
            event_type = self._contract.type_of(event)
            prepared = self._sink.prepare(Accepted(record, event, event_type))
        except ContractViolation as violation:
            verdict = Refused("contract", violation.reason, violation.field, violation.type)
        except MemoryError:
            if not self._together and record.sequence != self._verdicts.records[0].sequence:
                self.trouble = "memory ran out"
                return False
            verdict = OUT_OF_MEMORY
        except Exception as error:  # noqa: BLE001 - a bad record must never hold up its shard
            verdict = Refused("crash", f"reading the record failed with {type(error).__name__}")
        else:
            if isinstance(prepared, Rejected):
                verdict = Refused("rejected", prepared.reason, prepared.field, event_type.name)
                self._verdicts.known.add(index)
            elif isinstance(prepared, Skipped):
                self._verdicts.each[index] = prepared
                return True
            else:
                self._ready.append((index, prepared))
                return True
        self._verdicts.each[index] = verdict
        return True

    def _deliver(self) -> None:
        """Hand over what is ready; a sink that breaks is a sink that has to be asked again."""
        ready, self._ready = self._ready, []
        if not ready:
            return
        try:
            with subsegment("deliver", events=len(ready)):
                outcomes = self._sink.deliver([prepared for _, prepared in ready], self._times.sink)
            found = [(index, outcome) for (index, _), outcome in zip(ready, outcomes, strict=True)]
        except MemoryError:
            self._deliver_less(ready)
            return
        except Exception as error:  # noqa: BLE001 - nothing is known to be delivered, so all of it comes again
            self.trouble = f"the sink failed: {told(error)}"
            found = [(index, Retry(self.trouble)) for index, _ in ready]
        each, known = self._verdicts.each, self._verdicts.known
        for index, outcome in found:
            if isinstance(outcome, Rejected):
                each[index] = Refused("rejected", outcome.reason, outcome.field)
                known.add(index)
            else:
                each[index] = outcome
                if isinstance(outcome, Retry):
                    known.add(index)

    def _deliver_less(self, ready: list[tuple[int, P]]) -> None:
        """Deliver the first half of what memory does not hold at once.

        The rest comes again, but for what is out of the batch's first aggregate: that would come whole again.
        """
        self.trouble = "memory ran out"
        if len(ready) == 1:
            self._verdicts.each[ready[0][0]] = OUT_OF_MEMORY
            return
        half = len(ready) // 2
        self._ready = ready[:half]
        self._deliver()
        records = self._verdicts.records
        self._ready = [one for one in ready[half:] if records[one[0]].sequence == records[0].sequence]
        self._deliver()
