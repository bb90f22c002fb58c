"""Reading a batch's records and delivering them: plainly, or with care when an earlier attempt was killed."""

from typing import Generic, TypeVar

from sluice.contract import Contract, ContractViolation
from sluice.delivery.entries import DELIVERY
from sluice.delivery.ledger import Ledger, Opened
from sluice.delivery.outcomes import Accepted, Rejected, Retry, Sink, Skipped
from sluice.delivery.times import Times
from sluice.delivery.verdicts import Refused, Verdicts
from sluice.errors import DeliveryError
from sluice.records import Record

P = TypeVar("P")

KILLER = Refused(
    "crash",
    "the function died twice while it had this record in hand, so it was put aside unread; "
    "look in the function's log for its time-out or its memory",
)


class Attempt(Generic[P]):
    """One attempt at one batch; writes its findings into `verdicts`."""

    def __init__(self, contract: Contract, sink: Sink[P], verdicts: Verdicts, times: Times) -> None:
        self._contract = contract
        self._sink = sink
        self._verdicts = verdicts
        self._times = times
        self._ready: list[tuple[int, P]] = []
        self.trouble: str | None = None

    def plainly(self) -> None:
        """Read every record, then deliver all together."""
        for index, record in enumerate(self._verdicts.records):
            self._read(index, record)
        self._deliver()

    def carefully(self, ledger: Ledger, opened: Opened) -> None:
        """Name each record in the ledger before touching it; stop when time or the ledger runs out."""
        caution = opened.caution
        try:
            for index, record in enumerate(self._verdicts.records):
                sequence = int(record.sequence)
                suspected = sequence <= caution.until
                if record.position in caution.killers:
                    self._verdicts.each[index] = KILLER
                elif suspected and not self._times.reading.remaining():
                    break
                else:
                    if suspected:
                        ledger.mark(opened, record.position, self._times.reading)
                    self._read(index, record)
                if suspected and caution.singly:
                    self._deliver()
                    if isinstance(self._verdicts.each[index], Retry):
                        return
                self._verdicts.read = sequence
            if self._ready and caution.until >= opened.first:
                ledger.mark(opened, DELIVERY, self._times.sink)
        except DeliveryError as error:
            self.trouble = str(error)
        else:
            self._deliver()

    def _read(self, index: int, record: Record) -> None:
        """Decode and prepare one record; whatever goes wrong concerns this record alone."""
        try:
            event = self._contract.decode(record.data)
            event_type = self._contract.type_of(event)
            event_id = event_type.event_id(event)
            accepted = Accepted(
                record, event, event_type, record.fallback_id if event_id is None else event_id
            )
            prepared = self._sink.prepare(accepted)
        except ContractViolation as violation:
            verdict = Refused("contract", violation.reason, violation.field, violation.type)
        except MemoryError:
            raise  # as deadly as being killed: the ledger then finds the record that does it
        except Exception as error:  # noqa: BLE001 - a bad record must never hold up its shard, whatever it breaks
            verdict = Refused("crash", f"reading the record failed with {type(error).__name__}")
        else:
            if isinstance(prepared, Rejected):
                verdict = Refused("rejected", prepared.reason, prepared.field, event_type.name)
            elif isinstance(prepared, Skipped):
                self._verdicts.each[index] = prepared
                return
            else:
                self._ready.append((index, prepared))
                return
        self._verdicts.each[index] = verdict

    def _deliver(self) -> None:
        """Hand over what is ready; a sink that breaks is a sink that has to be asked again."""
        ready, self._ready = self._ready, []
        if not ready:
            return
        try:
            outcomes = self._sink.deliver([prepared for _, prepared in ready], self._times.sink)
            pairs = list(zip(ready, outcomes, strict=True))
        except Exception as error:  # noqa: BLE001 - nothing is known to be delivered, so all of it comes again
            self.trouble = f"the sink failed with {type(error).__name__}: {error}"
            return
        for (index, _), outcome in pairs:
            if isinstance(outcome, Rejected):
                self._verdicts.each[index] = Refused("rejected", outcome.reason, outcome.field)
            else:
                self._verdicts.each[index] = outcome
