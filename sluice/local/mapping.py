"""A Lambda event-source mapping on a Kinesis stream, as a machine that only decides.

A driver asks `next_work(now)` what to do, does it (`mapping_runner` with threads, `mapping_simulation` in
simulated time), and hands each result back. Per shard records are delivered in order, per partition key when
the parallelization factor is above 1; every record is delivered at least once or reported to the on-failure
destination.

Where Lambda's behaviour is not documented this one is chosen: retries wait 1 s, doubling to 30 s; a partial
response without bisect consumes a retry; records past the age limit leave a batch from its head.
"""

from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from sluice.local.mapping_lane import Lane
from sluice.local.mapping_types import (
    PAYLOAD_BYTES,
    Invocation,
    Invoke,
    ListShards,
    MappingConfig,
    Open,
    Page,
    Read,
    Report,
    ShardInfo,
    SourceError,
    Start,
    StartKind,
    Work,
)

MAX_READ = 10_000
READ_AHEAD = 500
RETRY_READ_SECONDS = 1.0


@dataclass(slots=True)
class Shard:
    """How far a shard has been read and worked on."""

    info: ShardInfo
    start: Start
    lanes: list[Lane]
    cursor: str | None = None
    last_read: str | None = None
    waiting: bool = False
    read_to_end: bool = False
    not_before: float = 0.0
    read_began: float = 0.0
    tip_seen: float = 0.0
    behind_ms: int = 0
    error: str = ""
    counted: int = field(default=0)

    @property
    def idle(self) -> bool:
        """No record of this shard is queued or in flight."""
        return all(lane.idle for lane in self.lanes)

    @property
    def finished(self) -> bool:
        """The shard is closed and every record of it is dealt with."""
        return self.read_to_end and self.idle

    def room(self, config: MappingConfig) -> int:
        """How many records may be read ahead now; 0 while enough are waiting."""
        most = max(READ_AHEAD, 2 * config.batch_size * config.parallelization)
        queued = sum(lane.queued for lane in self.lanes)
        too_large = sum(lane.queued_bytes for lane in self.lanes) > PAYLOAD_BYTES * config.parallelization
        return 0 if too_large or queued > most // 2 else min(MAX_READ, most - queued)


class Mapping:
    """The state of one mapping. Not safe for several threads: its driver calls it from one."""

    def __init__(self, config: MappingConfig) -> None:
        self.config = config
        self._shards: dict[str, Shard] = {}
        self._finished: set[str] = set()
        self._settled_before = 0
        self._listed = False
        self._listing = False
        self._list_again: float | None = 0.0

    def next_work(self, now: float) -> list[Work]:
        """Everything that can be started now. Each piece must be answered exactly once."""
        work: list[Work] = []
        if self._list_again is not None and now >= self._list_again:
            self._list_again = None
            self._listing = True
            work.append(ListShards())
        for shard in self._shards.values():
            work.extend(self._shard_work(shard, now))
        return work

    def wake_at(self) -> float | None:
        """When to ask again if nothing is answered before (epoch seconds); None: only an answer can help."""
        moments = [self._list_again] if self._list_again is not None else []
        for shard in self._shards.values():
            moments += [moment for lane in shard.lanes if (moment := lane.wake_at()) is not None]
            if shard.waiting or shard.read_to_end or not self._may_read(shard):
                continue
            if shard.room(self.config):
                moments.append(shard.not_before)
        return min(moments, default=None)

    def listed(self, shards: list[ShardInfo] | SourceError, now: float) -> None:
        """Answer to `ListShards`."""
        self._listing = False
        if isinstance(shards, SourceError):
            self._list_again = now + RETRY_READ_SECONDS
            return
        start = Start(StartKind.TRIM_HORIZON) if self._listed else self.config.start
        known = {info.id for info in shards}
        for info in shards:
            if info.id not in self._shards and info.id not in self._finished:
                lanes = [Lane(self.config, info.id, lane) for lane in range(self.config.parallelization)]
                self._shards[info.id] = Shard(info, start, lanes)
        self._finished &= known
        self._listed = True

    def opened(self, work: Open, cursor: str | SourceError, now: float) -> None:
        """Answer to `Open`."""
        shard = self._shards[work.shard]
        shard.waiting = False
        if isinstance(cursor, SourceError):
            shard.error = str(cursor)
            shard.not_before = now + RETRY_READ_SECONDS
        else:
            shard.cursor = cursor

    def read(self, work: Read, page: Page | SourceError, now: float) -> None:
        """Answer to `Read`."""
        shard = self._shards[work.shard]
        shard.waiting = False
        if isinstance(page, SourceError):
            shard.error = str(page)
            shard.not_before = now + RETRY_READ_SECONDS
            if shard.last_read is not None:
                shard.cursor = None
                shard.start = Start(StartKind.AFTER_SEQUENCE_NUMBER, sequence=shard.last_read)
            return
        shard.error = ""
        shard.cursor = page.cursor
        shard.behind_ms = page.behind_ms
        for record in page.records:
            shard.lanes[crc32(record.partition_key.encode()) % len(shard.lanes)].push(record, now)
        if page.records:
            shard.last_read = page.records[-1].sequence
            shard.counted += len(page.records)
        elif page.behind_ms == 0:
            shard.tip_seen = shard.read_began
            shard.not_before = now + self.config.poll_seconds
        if page.cursor is None:
            shard.read_to_end = True
            shard.tip_seen = shard.read_began
            self._list_again = now
        self._retire(shard, now)

    def invoked(self, work: Invoke, result: Invocation, now: float) -> None:
        """Answer to `Invoke`."""
        shard = self._shards[work.shard]
        shard.lanes[work.lane].invoked(result, now)
        self._retire(shard, now)

    def reported(self, work: Report, now: float, *, sent: bool) -> None:
        """Answer to `Report`."""
        shard = self._shards[work.shard]
        shard.lanes[work.lane].reported(now, sent=sent)
        self._retire(shard, now)

    def status(self) -> list[dict[str, Any]]:
        """Per shard: where it stands. `caught_up_at`: when its end was last seen with nothing left to do."""
        return [
            {
                "shard": shard.info.id,
                "position": max((lane.done or "" for lane in shard.lanes), default="") or None,
                "read": shard.counted,
                "behind_ms": shard.behind_ms,
                "queued": sum(lane.queued for lane in shard.lanes),
                "in_flight": sum(lane.in_flight for lane in shard.lanes),
                "given_up": sum(lane.given_up for lane in shard.lanes),
                "idle": shard.idle and self._may_read(shard),
                "caught_up_at": shard.tip_seen if shard.idle else None,
                "last_error": next((lane.error for lane in shard.lanes if lane.error), shard.error),
            }
            for shard in self._shards.values()
        ]

    @property
    def settled(self) -> int:
        """How many records have been delivered or given up."""
        lanes = (lane for shard in self._shards.values() for lane in shard.lanes)
        return self._settled_before + sum(lane.settled for lane in lanes)

    @property
    def caught_up_at(self) -> float | None:
        """All that was put before this moment (epoch seconds) is dealt with; None while something is not."""
        if not self._listed or self._listing or self._list_again is not None:
            return None
        if not all(shard.idle for shard in self._shards.values()):
            return None
        return min((shard.tip_seen for shard in self._shards.values()), default=None)

    def _shard_work(self, shard: Shard, now: float) -> list[Work]:
        work: list[Work] = []
        if not self._may_read(shard):
            return work
        for lane in shard.lanes:
            piece = lane.next_work(now, flush=shard.read_to_end)
            if piece is not None:
                work.append(piece)
        if shard.waiting or shard.read_to_end or now < shard.not_before:
            return work
        room = shard.room(self.config)
        if shard.cursor is None:
            shard.waiting = True
            work.append(Open(shard.info.id, shard.start))
        elif room:
            shard.waiting = True
            shard.read_began = now
            work.append(Read(shard.info.id, shard.cursor, room))
        return work

    def _may_read(self, shard: Shard) -> bool:
        """Parents come first: a child waits until no parent of it is left."""
        return not any(parent in self._shards for parent in shard.info.parents)

    def _retire(self, shard: Shard, now: float) -> None:
        if shard.finished and not shard.waiting:
            del self._shards[shard.info.id]
            self._settled_before += sum(lane.settled for lane in shard.lanes)
            self._finished.add(shard.info.id)
            self._list_again = now
