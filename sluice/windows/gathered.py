"""What the records of a lane since its last segment add up to, and how Lambda carries it between two calls.

The state is `{"v": "1", "data": base64 of msgpack}`: texts alone, because what Lambda does to numbers on the
way is not documented. Lambda keeps at most 1 MB of it per shard and ends the window early beyond
(docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html, 2026).
"""

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from sluice.delivery.latency import bucket_of
from sluice.errors import DeliveryError
from sluice.records import Record, packed
from sluice.windows.aggregates import Aggregates
from sluice.windows.items import pack_positions, unpack_positions
from sluice.windows.plan import Plan

VERSION = "1"

STATE_LIMIT = 1_000_000
"""Bytes of the answer's JSON."""

NEAR_LIMIT = 0.6
SPILL = 0.9
"""Shares of the limit: from the first on a metric warns, beyond the second a segment is committed at once."""

MOST_WINDOWS = 4_000
"""Of a segment: its header, an item of at most 400 KB, lists them."""

MOST_REFUSED = 10_000
"""Positions, of about 10 bytes each when compressed, that a header lists."""

NONE = -1
"""Stands for the mark of a lane without a segment, and for the first record of nothing."""


class _Wire(msgspec.Struct, array_like=True):
    base: int
    prior: str
    first: str
    last: str
    states: dict[str, int]
    arrived: tuple[int, int, int]
    step: int
    slots: dict[int, int]
    refused: bytes
    data: bytes
    packed: tuple[int, int] = (0, 0)


_decoder = msgspec.msgpack.Decoder(_Wire)


@dataclass(slots=True)
class Gathered:
    """The records after `prior`, the lane's mark when `base` segments were committed, up to `last`.

    `states` counts them by delivered, skipped and dead_lettered; `refused` are the positions of the last. The
    earliest and the latest arrival, and that of the last record, are in microseconds since 1970; `slots`
    counts arrivals by `step` milliseconds. `packed` is how many aggregates there were, and what they held.
    """

    base: int
    prior: int
    aggregates: Aggregates
    step: int = 100
    first: int = NONE
    last: int = NONE
    states: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    earliest: int = 0
    latest: int = 0
    newest: int = 0
    slots: Counter[int] = field(default_factory=Counter)
    packed: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.last = max(self.last, self.prior)

    @property
    def empty(self) -> bool:
        """Whether there is no record to commit."""
        return self.first == NONE

    @property
    def full(self) -> bool:
        """Whether it has to be committed before more is added."""
        return (
            self.aggregates.size > SPILL * STATE_LIMIT * 3 / 4  # base64 makes 4 bytes of 3
            or len(self.refused) > MOST_REFUSED
            or self.aggregates.windows > MOST_WINDOWS
        )

    def note(self, records: Sequence[Record], states: Sequence[str]) -> None:
        """Count the next records of the lane, each with its state."""
        if not records:
            return
        arrived = [round(record.arrived_at * 1_000_000) for record in records]
        if self.empty:
            self.first, self.earliest, self.latest = int(records[0].sequence), arrived[0], arrived[0]
        self.last, self.newest = int(records[-1].sequence), arrived[-1]
        self.earliest, self.latest = min(self.earliest, *arrived), max(self.latest, *arrived)
        self.slots.update([micros // 1000 // self.step for micros in arrived])
        self.states.update(states)
        aggregates, inside = packed(records)
        self.packed = self.packed[0] + aggregates, self.packed[1] + inside
        self.refused += [
            record.position for record, state in zip(records, states, strict=True) if state == "dead_lettered"
        ]

    def latency(self, now: float) -> Counter[int]:
        """Return the histogram of the times from arrival to `now`, in epoch seconds."""
        buckets: Counter[int] = Counter()
        for slot, count in self.slots.items():
            buckets[bucket_of(1000 * now - (slot + 0.5) * self.step)] += count
        return buckets

    def state(self) -> dict[str, str]:
        """Return what Lambda hands to the next call; `of` reads it."""
        wire = _Wire(
            base=self.base,
            prior=str(self.prior),
            first=str(self.first),
            last=str(self.last),
            states=dict(self.states),
            arrived=(self.earliest, self.latest, self.newest),
            step=self.step,
            slots=dict(self.slots),
            refused=pack_positions(self.refused) if self.refused else b"",
            data=self.aggregates.pack(),
            packed=self.packed,
        )
        data = b2a_base64(msgspec.msgpack.encode(wire), newline=False).decode("ascii")
        return {"v": VERSION, "data": data}

    @classmethod
    def of(cls, plan: Plan, state: Mapping[str, Any]) -> Self:
        """Read a state.

        Raises DeliveryError when another version wrote it: what it held is in the stream, and read again.
        """
        if state.get("v") != VERSION:
            raise DeliveryError(
                f"the state has the version {state.get('v')!r}, this Sluice reads {VERSION!r}"
            )
        try:
            wire = _decoder.decode(a2b_base64(state["data"]))
            return cls(
                base=wire.base,
                prior=int(wire.prior),
                aggregates=Aggregates.unpack(plan, wire.data),
                step=wire.step,
                first=int(wire.first),
                last=int(wire.last),
                states=Counter(wire.states),
                refused=list(unpack_positions(wire.refused)) if wire.refused else [],
                earliest=wire.arrived[0],
                latest=wire.arrived[1],
                newest=wire.arrived[2],
                slots=Counter(wire.slots),
                packed=wire.packed,
            )
        except (msgspec.DecodeError, Base64Error, KeyError, TypeError, ValueError) as error:
            raise DeliveryError(f"the state cannot be read ({type(error).__name__})") from error
