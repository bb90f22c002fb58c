"""A stream, a mapping and a function whose answers a test decides, in simulated time."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import MemoryStream, Simulation
from sluice.local.mapping_types import (
    PAYLOAD_BYTES,
    Invocation,
    MappingConfig,
    ShardInfo,
    StreamRecord,
    Verdict,
)

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:letters"
BASE = 10**20
FINE = Invocation(Verdict.ANSWERED, b'{"batchItemFailures":[]}')
BROKEN = Invocation(Verdict.FAILED, error="Unhandled")


def config(**changes: Any) -> MappingConfig:
    settled: dict[str, Any] = {"on_failure_arn": QUEUE, "report_failures": True, "poll_seconds": 1} | changes
    return MappingConfig("uuid", "sink", STREAM + "/consumer/sink:1", STREAM, **settled)


def record(place: int, *, key: str = "k", arrived: float, data: str = "e30=") -> StreamRecord:
    return StreamRecord(str(BASE + 7 * place), arrived, data, key)


def failing_from(sequence: str) -> Invocation:
    return Invocation(
        Verdict.ANSWERED, json.dumps({"batchItemFailures": [{"itemIdentifier": sequence}]}).encode()
    )


Answer = Callable[[list[dict[str, Any]]], tuple[Invocation, float]]


@dataclass
class World:
    """A stream of some shards, a mapping, and everything that its function was given."""

    mapping: MappingConfig
    answer: Answer = lambda _records: (FINE, 0.05)
    shards: tuple[str, ...] = ("s0",)
    clock: FakeClock = field(default_factory=FakeClock)
    batches: list[tuple[float, str, list[dict[str, Any]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = MemoryStream([ShardInfo(shard) for shard in self.shards])
        self.machine = Mapping(self.mapping)
        self.simulation = Simulation(self.machine, self.stream, self.handle, self.clock)
        self.began = self.clock.now()

    def handle(self, payload: bytes) -> tuple[Invocation, float]:
        assert len(payload) <= PAYLOAD_BYTES
        records = json.loads(payload)["Records"]
        shard = records[0]["eventID"].split(":")[0]
        assert {entry["eventID"].split(":")[0] for entry in records} == {shard}
        self.batches.append((self.clock.now(), shard, [entry["kinesis"] for entry in records]))
        return self.answer([entry["kinesis"] for entry in records])

    def put(self, count: int, *, shard: str = "s0", keys: int = 1, at: float = 0.0) -> None:
        def put() -> None:
            place = len(self.stream.shards[shard].records)
            self.stream.put(
                shard,
                [
                    record(place + n, key=f"k{(place + n) % keys}", arrived=self.clock.now())
                    for n in range(count)
                ],
            )

        self.simulation.at(self.began + at, put)

    def run(self, seconds: float) -> None:
        self.simulation.run(self.began + seconds)

    def delivered(self, shard: str = "s0") -> list[str]:
        return [
            entry["sequenceNumber"] for _, name, batch in self.batches if name == shard for entry in batch
        ]

    def sequences(self, shard: str = "s0") -> list[str]:
        return [entry.sequence for entry in self.stream.shards[shard].records]

    def abandoned(self) -> set[str]:
        every = [entry.sequence for shard in self.stream.shards.values() for entry in shard.records]
        ranges = [report["KinesisBatchInfo"] for report in self.simulation.reports]
        return {
            s
            for s in every
            for r in ranges
            if int(r["startSequenceNumber"]) <= int(s) <= int(r["endSequenceNumber"])
        }


def caught_up(world: World) -> bool:
    at = world.machine.caught_up_at
    return at is not None and at > world.began
