"""Reading a batch's records and delivering them: plainly, or with care when an earlier attempt was killed."""

from collections.abc import Callable
from typing import Generic, TypeVar

from sluice.contract import Contract, ContractViolation
from sluice.deadline import Deadline
from sluice.delivery.caution import Caution
from sluice.delivery.entries import DELIVERY
from sluice.delivery.outcomes import Accepted, Rejected, Retry, Sink, Skipped
from sluice.delivery.times import Times
from sluice.delivery.verdicts import Refused, Verdicts
from sluice.delivery.watchdog import BATCH_SECONDS, RECORD_SECONDS, Watchdog
from sluice.errors import DeliveryError
from sluice.records import Record

P = TypeVar("P")

Marking = Callable[[str, Deadline], None]
"""Writes down a suspect, a record's position or DELIVERY, before it is touched; raises DeliveryError."""

KILLER = Refused(
    "crash",
    "the function died twice while it had this record in hand, so it was put aside unread; "
    "look in the function's log for its time-out or its memory",
)

OUT_OF_MEMORY = Refused("crash", "the function ran out of memory over this record alone; give it more memory")


class Attempt(Generic[P]):
    """One attempt at one batch; writes its findings into `verdicts`."""

    def __init__(
        self, contract: Contract, sink: Sink[P], verdicts: Verdicts, times: Times, watchdog: Watchdog
    ) -> None:
        self._contract = contract
        self._sink = sink
        self._verdicts = verdicts
        self._times = times
        self._watchdog = watchdog
        self._ready: list[tuple[int, P]] = []
        self.trouble: str | None = None

    def plainly(self) -> None:
        """Read every record, then deliver all together."""
        with self._watchdog(BATCH_SECONDS):
            for index, record in enumerate(self._verdicts.records):
                if not self._read(index, record):
                    break
        self._deliver()

    def carefully(self, caution: Caution, mark: Marking) -> None:
        """Name each record to `mark` before touching it; stop when time runs out or naming fails."""
        try:
            for index, record in enumerate(self._verdicts.records):
                if not self._with_care(index, record, caution, mark):
                    break
                self._verdicts.read = int(record.sequence)
            if self._ready and caution.until >= int(self._verdicts.records[0].sequence):
                mark(DELIVERY, self._times.sink)
        except DeliveryError as error:
            self.trouble = str(error)
        else:
            self._deliver()

    def _with_care(self, index: int, record: Record, caution: Caution, mark: Marking) -> bool:
        """Handle one record; return False when the batch has to end before it."""
        suspected = int(record.sequence) <= caution.until
        if record.position in caution.killers:
            self._verdicts.each[index] = KILLER
            return True
        if suspected:
            if not self._times.reading.remaining():
                return False
            mark(record.position, self._times.reading)
        with self._watchdog(RECORD_SECONDS):
            read = self._read(index, record)
        if read and suspected and caution.singly:
            self._deliver()
            return not isinstance(self._verdicts.each[index], Retry)
        return read

    def _read(self, index: int, record: Record) -> bool:
        """Decode and prepare one record; whatever goes wrong concerns this record alone.

        Returns False when memory ran out: then the record comes again, as the first of its batch, and if
        there is no room even then it is refused.
        """
        try:
            event = self._contract.decode(record.data)
            event_type = self._contract.type_of(event)
            prepared = self._sink.prepare(Accepted(record, event, event_type))
        except ContractViolation as violation:
            verdict = Refused("contract", violation.reason, violation.field, violation.type)
        except MemoryError:
            if index:
                self.trouble = "memory ran out"
                return False
            verdict = OUT_OF_MEMORY
        except Exception as error:  # noqa: BLE001 - a bad record must never hold up its shard
            verdict = Refused("crash", f"reading the record failed with {type(error).__name__}")
        else:
            if isinstance(prepared, Rejected):
                verdict = Refused("rejected", prepared.reason, prepared.field, event_type.name)
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
            outcomes = self._sink.deliver([prepared for _, prepared in ready], self._times.sink)
            found = [(index, outcome) for (index, _), outcome in zip(ready, outcomes, strict=True)]
        except MemoryError:
            self._deliver_less(ready)
            return
        except Exception as error:  # noqa: BLE001 - nothing is known to be delivered, so all of it comes again
            self.trouble = f"the sink failed with {type(error).__name__}: {error}"
            return
        each = self._verdicts.each
        for index, outcome in found:
            if isinstance(outcome, Rejected):
                each[index] = Refused("rejected", outcome.reason, outcome.field)
            else:
                each[index] = outcome

    def _deliver_less(self, ready: list[tuple[int, P]]) -> None:
        """Deliver the first half of what memory does not hold at once; the rest comes again."""
        self.trouble = "memory ran out"
        if len(ready) == 1:
            self._verdicts.each[ready[0][0]] = OUT_OF_MEMORY
        else:
            self._ready = ready[: len(ready) // 2]
            self._deliver()
