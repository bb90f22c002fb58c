"""Several consumers of one stream under its shards' limits, in simulated time: who keeps up?

Mappings and budgets are those of the local cloud; only the stream's records and the functions' times are made
up. Each consumer's function takes a batch in `BATCH_SECONDS`, far less than its records took to arrive, so
that reading alone decides.

What is assumed: a page that is pushed takes 47 ms, so that a record waits 23 ms for the next one and is there
70 ms after it was put, on average (Kinesis developer guide, enhanced-consumers, read 2026-11); a GetRecords
call takes 10 to 30 ms; Lambda polls as `runners.BASE_RATE_SECONDS` says. How soon it tries again after a
refusal is not documented: `Scene.retry_seconds` is the 1 s that the API reference of GetRecords recommends,
or anything else.
"""

import random
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any

from sluice.local.budgets import PUSH_BYTES, READ_BYTES, ShardBudget, read_refusal
from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import Reader, Timeline
from sluice.local.mapping_types import (
    Invocation,
    Invoke,
    ListShards,
    MappingConfig,
    Open,
    Page,
    Read,
    ShardInfo,
    SourceError,
    StreamRecord,
    Verdict,
)
from sluice.local.runners import BASE_RATE_SECONDS

ACCOUNT = "123456789012"
STREAM = f"arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/events"
KEY = "partition-key"
FIRST_SEQUENCE = 10**20
BATCH_SIZE = 500
BATCH_SECONDS = 0.05
PUSH_SECONDS = 0.047
CALL_SECONDS = (0.01, 0.03)
FINE = Invocation(Verdict.ANSWERED, b'{"batchItemFailures":[]}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is simulated; sizes in bytes of data and partition key, rates per second.

    `retry_seconds`: how long a poller that was refused waits.
    """

    enhanced: bool
    consumers: int = 3
    shards: int = 10
    events_per_second: int = 8_000
    event_bytes: int = 1_000
    seconds: int = 120
    retry_seconds: float = 1
    seed: int = 1

    @property
    def wanted(self) -> int:
        """Bytes a second that all consumers together want to read."""
        return self.consumers * self.events_per_second * self.event_bytes

    @property
    def given(self) -> int:
        """Bytes a second that the stream gives to all of them."""
        return self.shards * (self.consumers * PUSH_BYTES if self.enhanced else READ_BYTES)


@dataclass(slots=True)
class Second:
    """One second of one consumer: bytes read, calls refused, and at its end its lag in seconds."""

    read: int = 0
    refused: int = 0
    lag: float = 0.0


@dataclass(slots=True)
class Consumer:
    """What became of one consumer.

    `latencies`: seconds from a record's arrival to its invocation, of every tenth record that was delivered.
    """

    name: str
    seconds: list[Second]
    latencies: list[float] = field(default_factory=list)
    delivered: dict[str, int] = field(default_factory=dict)


class SteadyStream:
    """Records that arrive evenly in every shard from now on; they are made when they are read."""

    def __init__(self, scene: Scene, clock: FakeClock) -> None:
        self._clock = clock
        self._began = clock.now()
        self._rate = scene.events_per_second / scene.shards
        self._data = b64encode(b"x" * (scene.event_bytes - len(KEY))).decode()
        self.names = [f"shardId-{number:012d}" for number in range(scene.shards)]

    def arrived(self, number: int) -> float:
        """When a shard's record arrives (the first is number 0)."""
        return self._began + number / self._rate

    def count(self) -> int:
        """How many records each shard has taken."""
        return floor((self._clock.now() - self._began) * self._rate)

    def page(self, start: int, limit: int) -> Page:
        """Up to `limit` records of any shard."""
        count = self.count()
        end = min(start + limit, count)
        records = [
            StreamRecord(str(FIRST_SEQUENCE + number), self.arrived(number), self._data, KEY)
            for number in range(start, end)
        ]
        behind = self.arrived(count - 1) - self.arrived(end - 1) if records else 0.0
        return Page(records, str(end), int(behind * 1000))

    def other(self, work: ListShards | Open) -> Any:
        """Answer what is no read; everything begins at the oldest record or after a sequence number."""
        match work:
            case ListShards():
                return [ShardInfo(name) for name in self.names]
            case Open(start=start):
                return "0" if start.sequence is None else str(int(start.sequence) - FIRST_SEQUENCE + 1)


class FanOut:
    """A scene as it goes on."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._clock = FakeClock()
        self._began = self._clock.now()
        self._stream = SteadyStream(scene, self._clock)
        self._budgets = {name: ShardBudget.at(self._began) for name in self._stream.names}
        self._chance = random.Random(scene.seed)  # noqa: S311 - delays, no secrets
        self._timeline = Timeline(self._clock)
        self.consumers = [self._consumer(number) for number in range(scene.consumers)]

    def run(self) -> "FanOut":
        """Let the scene's time pass."""
        for second in range(self._scene.seconds):
            self._timeline.run(self._began + second + 1)
            count = self._stream.count()
            for consumer in self.consumers:
                behind = max(count - consumer.delivered.get(name, 0) for name in self._stream.names)
                consumer.seconds[second].lag = behind * self._scene.shards / self._scene.events_per_second
        return self

    def _consumer(self, number: int) -> Consumer:
        name = f"consumer-{number + 1}"
        consumer = Consumer(name, [Second() for _ in range(self._scene.seconds + 1)])
        arn = f"{STREAM}/consumer/{name}:1" if self._scene.enhanced else STREAM
        config = MappingConfig(
            name,
            name,
            arn,
            STREAM,
            batch_size=BATCH_SIZE,
            poll_seconds=0 if self._scene.enhanced else BASE_RATE_SECONDS,
            rests_at_tip=not self._scene.enhanced,
            retry_read_seconds=self._scene.retry_seconds,
        )
        reader = self._pushed(consumer, arn) if self._scene.enhanced else self._polled(consumer)

        def invoked(work: Invoke) -> tuple[Invocation, float]:
            now = self._clock.now()
            consumer.delivered[work.shard] = int(work.records[-1].sequence) - FIRST_SEQUENCE + 1
            consumer.latencies += [now - record.arrived for record in work.records[::10]]
            return FINE, BATCH_SECONDS

        begins = self._chance.uniform(0, BASE_RATE_SECONDS)  # nobody's pollers start at the same moment
        self._timeline.at(self._began + begins, lambda: self._timeline.join(Mapping(config), reader, invoked))
        return consumer

    def _polled(self, consumer: Consumer) -> Reader:
        def read(work: ListShards | Open | Read) -> tuple[Any, float]:
            seconds = self._chance.uniform(*CALL_SECONDS)
            if not isinstance(work, Read):
                return self._stream.other(work), seconds
            now, budget = self._clock.now(), self._budgets[work.shard]
            if not budget.may_read(now):
                self._second(consumer).refused += 1
                return SourceError(read_refusal(ACCOUNT, "events", work.shard)), seconds
            page = self._stream.page(int(work.cursor), work.limit)
            budget.have_read(self._account(consumer, page.records), now)
            return page, seconds

        return read

    def _pushed(self, consumer: Consumer, arn: str) -> Reader:
        def read(work: ListShards | Open | Read) -> tuple[Any, float]:
            if not isinstance(work, Read):
                return self._stream.other(work), PUSH_SECONDS
            now, budget = self._clock.now(), self._budgets[work.shard]
            room = budget.push_room(arn, now) // self._scene.event_bytes
            page = self._stream.page(int(work.cursor), min(work.limit, max(room, 1)))
            arrives = budget.push(arn, self._account(consumer, page.records), now)
            return page, PUSH_SECONDS + arrives

        return read

    def _account(self, consumer: Consumer, records: Sequence[StreamRecord]) -> int:
        size = len(records) * self._scene.event_bytes
        self._second(consumer).read += size
        return size

    def _second(self, consumer: Consumer) -> Second:
        return consumer.seconds[int(self._clock.now() - self._began)]
