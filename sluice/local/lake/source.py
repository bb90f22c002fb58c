"""Where a Firehose takes its records from: a Kinesis stream, or what was put to it.

Documented (Amazon Data Firehose developer guide, "Configure source settings", "Sending data with Kinesis Data
Streams", read 2026-11): it "starts reading data from the LATEST position", calls GetRecords once a second for
each shard as any poller of the stream, and takes aggregates of the KPL apart. Not documented, and chosen: a
shard that came of a split or merge is read after its parents; an aggregate that cannot be read stays whole.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec
import urllib3

from sluice.local.clock import Clock
from sluice.local.lake.event import Entry
from sluice.local.mapping_types import Page, SourceError, Start, StartKind, StreamRecord
from sluice.local.source import Source as Stream
from sluice.records.aggregate import AggregateError, is_aggregate, unpack

PAGE_RECORDS = 2_000
POLL_SECONDS = 0.2
BASE_RATE_SECONDS = 1.0
"""With the shards' limits on, as the service does."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at the source found. `at_tip`: there was no more to be had at the time."""

    entries: list[Entry]
    at_tip: bool


class Source(Protocol):
    """A Firehose's source. Calls may raise `SourceError`; the same is asked for again a little later."""

    @property
    def shards(self) -> Mapping[str, str | None]:
        """Shards that are read, and up to where they are dealt with."""
        ...

    def behind_ms(self) -> int | None:
        """How far readings were behind the stream, at most, since this was asked; None without a stream."""
        ...

    def read(self) -> Reading:
        """What is there beyond the last reading."""
        ...

    def settle(self, ends: dict[str, str]) -> None:
        """Note that of these shards everything is dealt with up to a sequence number."""
        ...

    def rewind(self) -> None:
        """Go back to where everything is dealt with, in all shards."""
        ...


@dataclass(slots=True)
class _Shard:
    """`first`: the cursor that reading began with; None for the shard's oldest record."""

    first: str | None = None
    cursor: str | None = None
    settled: str | None = None
    ended: bool = False


class KinesisSource:
    """A stream, shard by shard. Not safe for several threads."""

    def __init__(self, stream: Stream, clock: Clock, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._stream, self._clock, self._poll_seconds = stream, clock, poll_seconds
        self._shards: dict[str, _Shard] = {}
        self._next = 0.0
        self._behind_ms = 0

    def begin(self) -> None:
        """Take the newest place of each shard that there is: what came before is not read."""
        for info in self._stream.shards():
            newest = self._stream.open(info.id, Start(StartKind.LATEST))
            self._shards[info.id] = _Shard(newest, newest)

    @property
    def shards(self) -> dict[str, str | None]:
        """Shards that are read, and up to where they are dealt with."""
        return {name: shard.settled for name, shard in self._shards.items()}

    def read(self) -> Reading:
        """A page of each shard that is due."""
        now = self._clock.now()
        if now < self._next:
            return Reading([], at_tip=False)
        self._next = now + self._poll_seconds
        entries: list[Entry] = []
        at_tip = True
        for name in list(self._shards):
            page = self._page(name)
            if page is None:
                continue
            entries += [entry for record in page.records for entry in taken_apart(name, record)]
            at_tip = at_tip and page.cursor is not None and not page.behind_ms
            self._behind_ms = max(self._behind_ms, page.behind_ms)
            if page.behind_ms:
                self._next = now
        return Reading(entries, at_tip=at_tip)

    def behind_ms(self) -> int:
        """How far readings were behind the stream, at most, since this was asked."""
        behind, self._behind_ms = self._behind_ms, 0
        return behind

    def settle(self, ends: dict[str, str]) -> None:
        """Note that of these shards everything is dealt with up to a sequence number."""
        for name, sequence in ends.items():
            self._shards[name].settled = sequence

    def rewind(self) -> None:
        """Go back to where everything is dealt with, in all shards."""
        for shard in self._shards.values():
            shard.ended = False
            shard.cursor = shard.first if shard.settled is None else None
        self._next = 0.0

    def _page(self, name: str) -> Page | None:
        shard = self._shards[name]
        if shard.ended:
            return None
        if shard.cursor is None:
            start = Start(StartKind.TRIM_HORIZON)
            if shard.settled is not None:
                start = Start(StartKind.AFTER_SEQUENCE_NUMBER, sequence=shard.settled)
            shard.cursor = self._stream.open(name, start)
        page = self._stream.read(name, shard.cursor, PAGE_RECORDS)
        shard.cursor = page.cursor
        if page.cursor is None:
            shard.ended = True
            self._find_children()
        return page

    def _find_children(self) -> None:
        """Begin with the shards whose parents have all been read, from their first record on."""
        for info in self._stream.shards():
            known = [self._shards[parent] for parent in info.parents if parent in self._shards]
            if info.id not in self._shards and all(parent.ended for parent in known):
                self._shards[info.id] = _Shard()


def taken_apart(shard: str, record: StreamRecord) -> list[Entry]:
    """A record of the stream, or the records within it."""
    data = b64decode(record.data)
    if is_aggregate(data):
        try:
            parts = unpack(data)
        except AggregateError:
            parts = []
        if parts:
            return [
                Entry(
                    f"{record.sequence}{number:06d}",
                    shard,
                    record.sequence,
                    record.arrived,
                    part.data,
                    part.partition_key,
                    number,
                    number == len(parts) - 1,
                )
                for number, part in enumerate(parts)
            ]
    return [
        Entry(f"{record.sequence}000000", shard, record.sequence, record.arrived, data, record.partition_key)
    ]


class _Put(msgspec.Struct):
    end: int
    records: list[tuple[int, float, str]]


class DirectSource:
    """What was put to a Firehose, kept by the local AWS until dealt with. Not safe for several threads."""

    def __init__(self, aws_url: str, name: str, clock: Clock) -> None:
        self._url = f"{aws_url}/_sluice/firehoses/{name}"
        self._clock = clock
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False)
        self._settled = self._cursor = 0
        self._next = 0.0

    def behind_ms(self) -> None:
        """There is no stream to be behind."""

    @property
    def shards(self) -> dict[str, str | None]:
        """The one place up to which everything is dealt with."""
        return {"direct": str(self._settled)}

    def read(self) -> Reading:
        """What was put since."""
        now = self._clock.now()
        if now < self._next:
            return Reading([], at_tip=False)
        asked = {"start": self._cursor, "settled": self._settled, "limit": PAGE_RECORDS}
        try:
            answer = self._pool.request("POST", self._url, json=asked)
        except urllib3.exceptions.HTTPError as error:
            raise SourceError(f"{self._url}: {error}") from error
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise SourceError(f"{self._url}: {answer.data[:300].decode(errors='replace')}")
        put = msgspec.json.decode(answer.data, type=_Put)
        entries = [
            Entry(f"{place:056d}", "", str(place + 1), arrived, b64decode(data))
            for place, arrived, data in put.records
        ]
        self._cursor += len(entries)
        self._next = now if self._cursor < put.end else now + POLL_SECONDS
        return Reading(entries, at_tip=self._cursor >= put.end)

    def settle(self, ends: dict[str, str]) -> None:
        """Note that everything is dealt with up to a place."""
        self._settled = int(ends.get("", self._settled))

    def rewind(self) -> None:
        """Go back to where everything is dealt with."""
        self._cursor, self._next = self._settled, 0.0
