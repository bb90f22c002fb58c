"""What a sink takes and what it answers, record by record."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from sluice.contract import Event, EventType
from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.records import Record


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """A record that the contract accepts, and the event that it carries."""

    record: Record
    event: Event
    event_type: EventType

    @property
    def event_id(self) -> str:
        """The event's own id, or what stands for it where its type names none."""
        own = self.event_type.event_id(self.event)
        return self.record.fallback_id if own is None else own


class Delivered(msgspec.Struct, frozen=True):
    """The sink holds the record."""


class Skipped(msgspec.Struct, frozen=True):
    """The record is not meant for this sink."""


class Rejected(msgspec.Struct, frozen=True):
    """The sink will never take the record: it becomes a dead letter.

    `reason` is a sentence for a person; `field` is the path of the offending field, where one is known.
    """

    reason: str
    field: str | None = None


class Retry(msgspec.Struct, frozen=True):
    """The sink could not take the record now: it goes back to Kinesis.

    `throttled` says that the sink's service asks for fewer of them.
    """

    reason: str
    throttled: bool = False


Outcome = Delivered | Skipped | Rejected | Retry

DELIVERED = Delivered()
SKIPPED = Skipped()

P = TypeVar("P")


class Sink(Protocol[P]):
    """Where events go. At-least-once: a sink must make a second delivery of a record harmless."""

    @property
    def name(self) -> str:
        """What the ledger and the dead letters call this sink."""

    def prepare(self, accepted: Accepted) -> P | Rejected | Skipped:
        """Turn one event into what `deliver` takes, without input or output.

        Whatever goes wrong here concerns this record alone.
        """

    def deliver(self, prepared: Sequence[P], deadline: Deadline) -> Sequence[Outcome]:
        """Write to the sink and return one outcome per item, in order, before the deadline.

        Items come in the order of the stream. Whatever goes wrong with the sink as a whole is a Retry.
        """

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:
        """List dead letters of this sink where its readers see them; they are safe in the queue already.

        Returns the ids of those that are not known to be listed, each with the reason.
        """
