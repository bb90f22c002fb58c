"""What the table `windows` holds, read from its items."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from sluice.delivery.entries import padded
from sluice.windows.keys import PartKey

Item = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB's own API writes it: {"number": {"N": "3"}}."""

RETENTION_MS = 24 * 3_600_000
"""The least that Kinesis keeps records."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How far one lane is committed.

    `number` segments are committed, numbered from 0. The newest ends with the sequence number `mark`; records
    up to `seen` were handed over, the first of them was `begun`, and the newest call began at `opened`. All
    that arrived before `through` is committed; both are in epoch milliseconds. `ended` marks a closed shard
    without a record left.
    """

    lane: str
    number: int = 0
    mark: int | None = None
    seen: int | None = None
    begun: int | None = None
    opened: int | None = None
    through: int | None = None
    ended: bool = False

    def in_hand(self, now: int) -> bool:
        """Whether records that were handed over of late are not committed yet; `now` is in epoch ms."""
        behind = self.seen is not None and (self.mark is None or self.mark < self.seen)
        return behind and self.opened is not None and self.opened > now - RETENTION_MS

    @classmethod
    def of(cls, item: Item) -> "Lane":
        """Read a lane's item."""
        return cls(
            lane=item["sk"]["S"],
            number=int(item["number"]["N"]) if "number" in item else 0,
            mark=_sequence(item, "mark"),
            seen=_sequence(item, "seen"),
            begun=_sequence(item, "begun"),
            opened=_milliseconds(item["opened_at"]["S"]) if "opened_at" in item else None,
            through=int(item["through"]["N"]) if "through" in item else None,
            ended="ended" in item,
        )


@dataclass(frozen=True, slots=True)
class PartRef:
    """What a segment adds to one window: `count` parts, with the indexes 0 to `count` - 1."""

    metric: str
    version: str
    window_start: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A committed segment: the records `first` to `last` of its lane, and where their parts are.

    `segment` is the nonce of the attempt that committed. `delivered` records were counted by some metric,
    `skipped` ones by none. `refused` are the positions of the dead-lettered ones.
    """

    lane: str
    number: int
    segment: str
    first: int
    last: int
    delivered: int
    skipped: int
    dead_lettered: int
    parts: tuple[PartRef, ...]
    committed_at: datetime
    through: int | None = None
    refused: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, item: Item) -> "Header":
        """Read a header's item."""
        return cls(
            lane=item["pk"]["S"].partition("#")[2],
            number=int(item["sk"]["S"]),
            segment=item["segment"]["S"],
            first=int(item["first"]["S"]),
            last=int(item["last"]["S"]),
            delivered=int(item["delivered"]["N"]),
            skipped=int(item["skipped"]["N"]),
            dead_lettered=int(item["dead_lettered"]["N"]),
            parts=unpack_refs(item["parts"]["B"]),
            committed_at=datetime.fromisoformat(item["committed_at"]["S"]),
            through=int(item["through"]["N"]) if "through" in item else None,
            refused=frozenset(unpack_positions(item["refused"]["B"])) if "refused" in item else frozenset(),
        )

    def item(self, expires_at: int) -> dict[str, Any]:
        """Return the attributes, without the key, that `of` reads; `expires_at` is in epoch seconds."""
        return {
            "segment": {"S": self.segment},
            "first": {"S": padded(self.first)},
            "last": {"S": padded(self.last)},
            "delivered": {"N": str(self.delivered)},
            "skipped": {"N": str(self.skipped)},
            "dead_lettered": {"N": str(self.dead_lettered)},
            "parts": {"B": pack_refs(self.parts)},
            "committed_at": {"S": self.committed_at.isoformat()},
            "expires_at": {"N": str(expires_at)},
            **({"through": {"N": str(self.through)}} if self.through is not None else {}),
            **({"refused": {"B": pack_positions(self.refused)}} if self.refused else {}),
        }

    def keys(self) -> list[PartKey]:
        """Return the keys of all its parts."""
        return [
            PartKey(ref.metric, ref.version, ref.window_start, self.lane, self.number, self.segment, index)
            for ref in self.parts
            for index in range(ref.count)
        ]


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One part with its content, for `sluice.windows.parts.decode_part`."""

    key: PartKey
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, item: Item) -> "StoredPart":
        """Read a part's item."""
        return cls(PartKey.of(item["pk"]["S"], item["sk"]["S"]), bytes(item["data"]["B"]))

    def item(self, expires_at: int) -> dict[str, Any]:
        """Return the whole item that `of` reads; `expires_at` is in epoch seconds."""
        return {**self.key.key, "data": {"B": self.data}, "expires_at": {"N": str(expires_at)}}


@dataclass(frozen=True, slots=True)
class Watermark:
    """All that arrived before `through`, in epoch milliseconds, is committed."""

    through: int
    taken_at: datetime

    @classmethod
    def of(cls, item: Item) -> "Watermark":
        """Read the watermark's item."""
        return cls(
            through=int(item["through"]["N"]),
            taken_at=datetime.fromisoformat(item["taken_at"]["S"]),
        )


@dataclass(frozen=True, slots=True)
class Published:
    """How many segments of each lane, and which watermark in epoch milliseconds, BigQuery has."""

    numbers: Mapping[str, int]
    through: int | None


def pack_refs(refs: Iterable[PartRef]) -> bytes:
    """Compress a header's list of parts: few bytes for each of thousands of windows."""
    metrics: dict[tuple[str, str], list[int]] = {}
    for ref in refs:
        metrics.setdefault((ref.metric, ref.version), []).extend((ref.window_start, ref.count))
    return zlib.compress(msgspec.msgpack.encode([[*metric, *flat] for metric, flat in metrics.items()]))


def unpack_refs(data: bytes) -> tuple[PartRef, ...]:
    """Return what `pack_refs` took, in its order by metrics."""
    return tuple(
        PartRef(metric, version, start, count)
        for metric, version, *flat in msgspec.msgpack.decode(zlib.decompress(bytes(data)))
        for start, count in zip(flat[::2], flat[1::2], strict=True)
    )


def pack_positions(positions: Iterable[str]) -> bytes:
    """Compress the positions of refused records."""
    return zlib.compress("\n".join(sorted(positions)).encode())


def unpack_positions(data: bytes) -> Sequence[str]:
    """Return what `pack_positions` took."""
    return zlib.decompress(bytes(data)).decode().split("\n")


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _sequence(item: Item, name: str) -> int | None:
    return int(item[name]["S"]) if name in item else None
