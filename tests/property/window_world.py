"""A stream, a mapping with tumbling windows and a function that a test answers for, in simulated time."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import MemoryStream, Simulation
from sluice.local.mapping_types import PAYLOAD_BYTES, Invocation, ShardInfo, Verdict
from tests.property.mapping_world import config, record

Event = dict[str, Any]
Answer = Callable[[Event], tuple[Invocation, float]]
SECONDS = 10


def answered(**parts: Any) -> Invocation:
    return Invocation(Verdict.ANSWERED, json.dumps(parts).encode())


def sequences(event: Event) -> list[str]:
    return [entry["kinesis"]["sequenceNumber"] for entry in event["Records"]]


def counting(event: Event) -> tuple[Invocation, float]:
    """Folds a batch into the state: which records the window has seen."""
    seen = event["state"].get("seen", []) + sequences(event)
    return answered(state={"seen": seen}, batchItemFailures=[]), 0.05


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@dataclass
class WindowWorld:
    """Every event that the function got, and per window what the final call's answer had seen."""

    changes: dict[str, Any] = field(default_factory=dict)
    answer: Answer = counting
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[tuple[float, Event]] = field(default_factory=list)
    closed: list[tuple[float, Event, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = MemoryStream([ShardInfo("s0")])
        self.machine = self.mapping()
        self.simulation = Simulation(self.machine, self.stream, self.handle, self.clock)
        self.began = self.clock.now()

    def mapping(self) -> Mapping:
        settled = {"tumbling_seconds": SECONDS, "batch_size": 5, "report_failures": False} | self.changes
        return Mapping(config(**settled))

    def handle(self, payload: bytes) -> tuple[Invocation, float]:
        assert len(payload) <= PAYLOAD_BYTES
        event = json.loads(payload)
        self.events.append((self.clock.now(), event))
        result, seconds = self.answer(event)
        if event["isFinalInvokeForWindow"] and b'"seen"' in result.payload:
            self.closed.append((self.clock.now(), event, json.loads(result.payload)["state"]["seen"]))
        return result, seconds

    def put(self, at: float, count: int = 1, *, shard: str = "s0") -> None:
        def put() -> None:
            place = len(self.stream.shards[shard].records)
            now = self.clock.now()
            self.stream.put(shard, [record(place + n, arrived=now) for n in range(count)])

        self.simulation.at(self.began + at, put)

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        def act() -> None:
            action()

        self.simulation.at(self.began + seconds, act)

    def run(self, seconds: float) -> None:
        self.simulation.run(self.began + seconds)

    def arrived(self, shard: str = "s0") -> dict[int, list[str]]:
        """The records by the window that they arrived in, windows counted from the world's beginning."""
        found: dict[int, list[str]] = defaultdict(list)
        for entry in self.stream.shards[shard].records:
            found[int((entry.arrived - self.began) // SECONDS)].append(entry.sequence)
        return dict(found)

    def number(self, event: Event) -> int:
        start, end = epoch(event["window"]["start"]), epoch(event["window"]["end"])
        assert end - start == SECONDS
        assert start % SECONDS == 0
        return (start - int(self.began)) // SECONDS

    def windows(self, shard: str = "s0") -> dict[int, list[str]]:
        """The records that final calls were answered with, by window."""
        found: dict[int, list[str]] = defaultdict(list)
        for _, event, seen in self.closed:
            if event["shardId"] == shard:
                found[self.number(event)] += seen
        return dict(found)
