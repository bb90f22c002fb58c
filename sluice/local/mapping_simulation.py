"""Drives mappings in simulated time: deterministic, without threads, an hour in milliseconds.

The same machine as the local cloud's, over a stream in memory and a handler that says how long it took.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_event import event
from sluice.local.mapping_types import (
    Invocation,
    Invoke,
    ListShards,
    Open,
    Page,
    Read,
    Report,
    ShardInfo,
    SourceError,
    Start,
    StartKind,
    StreamRecord,
    Work,
)

Handler = Callable[[bytes], tuple[Invocation, float]]
"""Takes a function's event; gives the result and the seconds that it took. The clock stands at the start."""

Reader = Callable[[ListShards | Open | Read], tuple[Any, float]]
"""Does a piece of reading work; gives what a mapping expects, and the seconds after which it is there."""

Invoked = Callable[[Invoke], tuple[Invocation, float]]
"""Like a handler, without the event being made."""

ANSWER_SECONDS = 0.01


@dataclass(slots=True)
class MemoryShard:
    """A shard of a stream in memory."""

    info: ShardInfo
    records: list[StreamRecord] = field(default_factory=list)
    open: bool = True


class MemoryStream:
    """A stream in memory; `failing` makes every read fail while it returns true."""

    def __init__(self, shards: Sequence[ShardInfo], failing: Callable[[], bool] = lambda: False) -> None:
        self.shards = {info.id: MemoryShard(info) for info in shards}
        self._failing = failing

    def put(self, shard: str, records: Sequence[StreamRecord]) -> None:
        """Append records, in order of their sequence numbers."""
        self.shards[shard].records += records

    def close(self, shard: str, children: Sequence[str]) -> None:
        """Close a shard; its children may name further parents by closing those with the same child."""
        self.shards[shard].open = False
        for child in children:
            known = self.shards.get(child)
            parents = (*known.info.parents, shard) if known else (shard,)
            info = ShardInfo(child, parents)
            if known:
                known.info = info
            else:
                self.shards[child] = MemoryShard(info)

    def answer(self, work: ListShards | Open | Read) -> Any:
        """Do a piece of reading work as a stream would."""
        if self._failing():
            return SourceError("the stream is away")
        match work:
            case ListShards():
                return [shard.info for shard in self.shards.values()]
            case Open(shard=shard, start=start):
                return str(self._place(self.shards[shard], start))
            case Read(shard=shard, cursor=cursor, limit=limit):
                return self._page(self.shards[shard], int(cursor), limit)

    @staticmethod
    def _place(shard: MemoryShard, start: Start) -> int:
        match start.kind:
            case StartKind.TRIM_HORIZON:
                return 0
            case StartKind.LATEST:
                return len(shard.records)
            case StartKind.AT_TIMESTAMP:
                moment = start.timestamp or 0.0
                return sum(1 for record in shard.records if record.arrived < moment)
            case StartKind.AFTER_SEQUENCE_NUMBER:
                after = int(start.sequence or 0)
                return sum(1 for record in shard.records if int(record.sequence) <= after)

    @staticmethod
    def _page(shard: MemoryShard, place: int, limit: int) -> Page:
        records = shard.records[place : place + limit]
        after = place + len(records)
        behind = 1000 if after < len(shard.records) else 0
        ended = not shard.open and not behind
        return Page(records, None if ended else str(after), behind)


@dataclass(frozen=True, slots=True)
class _Driven:
    """A mapping, what it reads with, and its function."""

    mapping: Mapping
    reader: Reader
    invoked: Invoked


class Timeline:
    """Any number of mappings in the time of a `FakeClock`."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._driven: list[_Driven] = []
        self._pending: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = itertools.count()
        self.reports: list[dict[str, Any]] = []
        self.refuse_reports: Callable[[], bool] = lambda: False

    def join(self, mapping: Mapping, reader: Reader, invoked: Invoked) -> None:
        """Run one more mapping from now on."""
        self._driven.append(_Driven(mapping, reader, invoked))

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Let something happen at a moment: records arrive, a shard is split, an outage begins."""
        self._later(moment, lambda _now: action())

    def run(self, until: float) -> None:
        """Let time pass to a moment (epoch seconds)."""
        while True:
            moments = []
            for driven in self._driven:
                for work in driven.mapping.next_work(self._clock.now()):
                    self._start(driven, work)
                wake = driven.mapping.wake_at()
                if wake is not None:
                    moments.append(wake)
            if self._pending:
                moments.append(self._pending[0][0])
            if not moments or min(moments) > until:
                self._clock.advance(until - self._clock.now())
                return
            self._clock.advance(min(moments) - self._clock.now())
            while self._pending and self._pending[0][0] <= self._clock.now():
                heapq.heappop(self._pending)[2](self._clock.now())

    def _later(self, moment: float, then: Callable[[float], None]) -> None:
        heapq.heappush(self._pending, (moment, next(self._number), then))

    def _start(self, driven: _Driven, work: Work) -> None:
        now, mapping = self._clock.now(), driven.mapping
        match work:
            case Invoke():
                result, seconds = driven.invoked(work)
                self._later(now + seconds, lambda then: mapping.invoked(work, result, then))
            case Report(message=message):
                sent = not self.refuse_reports()
                if sent:
                    self.reports.append(message)
                self._later(now + ANSWER_SECONDS, lambda then: mapping.reported(work, then, sent=sent))
            case ListShards():
                listed, seconds = driven.reader(work)
                self._later(now + seconds, lambda then: mapping.listed(listed, then))
            case Open():
                opened, seconds = driven.reader(work)
                self._later(now + seconds, lambda then: mapping.opened(work, opened, then))
            case Read():
                page, seconds = driven.reader(work)
                self._later(now + seconds, lambda then: mapping.read(work, page, then))


class Simulation(Timeline):
    """One mapping over a stream in memory, in the time of a `FakeClock`."""

    def __init__(self, mapping: Mapping, stream: MemoryStream, handler: Handler, clock: FakeClock) -> None:
        super().__init__(clock)
        self.join(
            mapping,
            lambda work: (stream.answer(work), ANSWER_SECONDS),
            lambda work: handler(event(mapping.config, work)),
        )
