"""What a producer holds of each event: its receipt, and the Kinesis record that it travels in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from sluice.errors import DeliveryError

if TYPE_CHECKING:
    from threading import Condition

    from sluice.producer.destinations import Placed
    from sluice.producer.failures import Failure

REMEMBERED = 64
"""Bytes that an event counts for in memory beside its data and key, roughly: so that empty ones count."""


class Receipt(msgspec.Struct, eq=False, gc=False):
    """What became of one event: nothing yet, its place in the stream, or why it could not be delivered.

    `key` and `data` are what is being sent; once the event is confirmed, the data is let go of. `told` says
    that somebody has been told of its failure. `strays` counts its arrivals in a shard that is not its own.

    No cycle can lead through it, so the garbage collector leaves it alone (as it does a Parcel): thousands
    of them are alive, and each of its passes would walk them all.
    """

    key: str
    data: bytes
    hash_key: str | None
    size: int
    _settled: Condition
    epoch: int = 0
    placed: Placed | None = None
    failure: Failure | None = None
    told: bool = False
    strays: int = 0

    def __repr__(self) -> str:
        return f"Receipt({self.key!r}, {self.placed or self.failure or 'on its way'})"

    def done(self) -> bool:
        """Whether it is known what became of the event."""
        return self.placed is not None or self.failure is not None

    def result(self, timeout: float | None = None) -> Placed:
        """Wait, at most `timeout` seconds, and return where the event is.

        Raises:
            DeliveryError: the event could not be delivered; the text says why.
            TimeoutError: it is still on its way.
        """
        if not self.done():
            with self._settled:
                if not self._settled.wait_for(self.done, timeout):
                    raise TimeoutError(f"the event {self.key!r} is still on its way after {timeout} s")
        if self.placed is None:
            self.told = True
            raise self.error()
        return self.placed

    def error(self) -> DeliveryError:
        """Return what there is to raise about an event that was given up."""
        reason = self.failure.reason if self.failure else "unknown"
        return DeliveryError(f"the event {self.key!r} was not delivered: {reason}")


class Parcel(msgspec.Struct, eq=False, gc=False):
    """One Kinesis record on its way, with the receipts of the events in it.

    `lane` names what it must not overtake; None: it may. `shard` is where an aggregate is meant to arrive, by
    the `version` of the map of shards. `queued` and `begun` are when it was made and first sent, in seconds
    of the producer's clock.
    """

    row: tuple[str, bytes, str | None]
    size: int
    receipts: list[Receipt]
    queued: float
    lane: str | None = None
    shard: str | None = None
    version: int = 0
    begun: float | None = None
    attempts: int = 0


class OnFailure(Protocol):
    """Takes the events that could not be delivered."""

    def __call__(self, undelivered: list[Receipt]) -> None:
        """Take them; their `failure` says why. An error raised here leaves them for `close` to tell."""
