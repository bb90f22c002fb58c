"""Filtered and paused mappings: what a function gets to see, what is counted, where a shard goes on."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import MemoryStream, Simulation
from sluice.local.mapping_types import Invocation, MappingConfig, ShardInfo, StreamRecord, Verdict
from sluice.records.aggregate import Aggregate

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
POSITIVE = '{"data": {"amount": [{"numeric": [">=", 0]}]}}'
CONFIG = MappingConfig(
    uuid="u",
    function="f",
    source_arn=STREAM + "/consumer/route:1",
    stream_arn=STREAM,
    filters=(POSITIVE,),
    report_failures=True,
)


def record(place: int, data: bytes, key: str = "k") -> StreamRecord:
    return StreamRecord(str(10**20 + place), 1_767_225_600.0, b64encode(data).decode(), key)


def amount(value: object) -> bytes:
    return json.dumps({"amount": value}).encode()


def aggregate(*amounts: object) -> bytes:
    packed = Aggregate()
    for place, value in enumerate(amounts):
        packed.add(f"inner-{place}", amount(value))
    return packed.encode()


class World:
    """A mapping over one shard; `answers` are the verdicts of its first invocations."""

    def __init__(self, config: MappingConfig, answers: Sequence[Invocation] = ()) -> None:
        self.clock = FakeClock()
        self.stream = MemoryStream([ShardInfo("s0")])
        self.machine = Mapping(config)
        self.events: list[list[dict[str, Any]]] = []
        self._answers = iter(answers)
        self.simulation = Simulation(self.machine, self.stream, self._handle, self.clock)

    def _handle(self, payload: bytes) -> tuple[Invocation, float]:
        self.events.append(json.loads(payload)["Records"])
        return next(self._answers, Invocation(Verdict.ANSWERED, b"{}")), 0.1

    def put(self, *records: StreamRecord) -> None:
        self.stream.put("s0", records)

    def run(self, seconds: float = 60) -> None:
        self.simulation.run(self.clock.now() + seconds)

    @property
    def seen(self) -> list[list[Any]]:
        return [
            [json.loads(b64decode(one["kinesis"]["data"]))["amount"] for one in event]
            for event in self.events
        ]

    @property
    def shard(self) -> dict[str, Any]:
        (found,) = self.machine.status()
        return found


def test_a_function_sees_what_matches_and_the_rest_counts_as_filtered() -> None:
    world = World(CONFIG)
    world.put(*(record(n, amount(n - 2)) for n in range(4)), record(4, b"no json"), record(5, amount(None)))
    world.run()
    assert world.seen == [[0, 1]]
    assert (world.shard["read"], world.shard["filtered"], world.machine.settled) == (6, 4, 6)


def test_an_all_filtered_batch_moves_the_checkpoint_without_an_invocation() -> None:
    world = World(CONFIG)
    world.put(*(record(n, amount(-1)) for n in range(3)))
    world.run()
    assert world.events == []
    checkpoint = world.machine.checkpoint("s0")
    assert checkpoint is not None
    assert checkpoint.sequence == world.shard["position"] == str(10**20 + 2)
    assert world.machine.restore("s0", checkpoint)
    world.put(record(3, amount(7)))
    world.run()
    assert world.seen == [[7]]
    assert (world.shard["filtered"], world.machine.tally.filtered, world.machine.settled) == (3, 3, 4)


def test_an_enhanced_mapping_passes_the_records_of_an_aggregate_that_match_and_keeps_them_together() -> None:
    world = World(replace(CONFIG, batch_size=2, parallelization=4))
    world.put(record(0, aggregate(1, -1, 2, 3), key="outer"), record(1, amount(4), key="outer"))
    world.run()
    assert world.seen == [[1, 2, 3], [4]]
    (first, _, last) = world.events[0]
    assert {one["kinesis"]["sequenceNumber"] for one in world.events[0]} == {str(10**20)}
    assert (first["kinesis"]["partitionKey"], last["kinesis"]["partitionKey"]) == ("inner-0", "inner-3")
    shard = world.shard
    assert (shard["read"], shard["filtered"], shard["aggregates"], shard["unpacked"]) == (2, 1, 1, 4)
    assert world.machine.settled == 2


def test_a_shared_mapping_takes_an_aggregate_for_what_is_no_json_and_drops_it() -> None:
    world = World(replace(CONFIG, source_arn=STREAM))
    world.put(record(0, aggregate(1, 2)), record(1, amount(3)))
    world.run()
    assert world.seen == [[3]]
    assert (world.shard["filtered"], world.shard["aggregates"], world.machine.settled) == (1, 0, 2)


def test_a_mapping_without_a_filter_hands_aggregates_over_as_they_are() -> None:
    world = World(replace(CONFIG, filters=()))
    packed = aggregate(1, 2)
    world.put(record(0, packed), record(1, b"no json"))
    world.run()
    assert [b64decode(one["kinesis"]["data"]) for one in world.events[0]] == [packed, b"no json"]


@pytest.mark.parametrize("broken", [aggregate(1)[:-1], aggregate(1)[:10], b"\xf3\x89\x9a\xc2"])
def test_a_broken_aggregate_is_dropped_as_what_is_no_json(broken: bytes) -> None:
    world = World(CONFIG)
    world.put(record(0, broken), record(1, amount(1)))
    world.run()
    assert world.seen == [[1]]
    assert world.shard["filtered"] == 1


def test_a_failed_entry_brings_back_its_whole_aggregate_and_all_behind_it() -> None:
    answer = json.dumps({"batchItemFailures": [{"itemIdentifier": str(10**20 + 1)}]}).encode()
    world = World(CONFIG, [Invocation(Verdict.ANSWERED, answer)])
    world.put(record(0, amount(1)), record(1, aggregate(2, 3, -9)), record(2, amount(4)))
    world.run()
    assert world.seen == [[1, 2, 3, 4], [2, 3, 4]]


def test_bisect_never_cuts_an_aggregate() -> None:
    failed = [Invocation(Verdict.FAILED, error="broken")] * 2
    world = World(replace(CONFIG, bisect=True), failed)
    world.put(record(0, amount(1)), record(1, aggregate(2, 3, 4, 5)))
    world.run(5)
    assert world.seen[:3] == [[1, 2, 3, 4, 5], [1], [1]]
    assert world.seen[3:] == [[2, 3, 4, 5]]


def test_what_was_filtered_behind_a_record_at_work_counts_once_that_is_done() -> None:
    world = World(CONFIG, [Invocation(Verdict.FAILED, error="broken")])
    world.put(record(0, amount(-1)), record(1, amount(1)), *(record(n, amount(-1)) for n in range(2, 9)))
    world.run(0.5)
    checkpoint = world.machine.checkpoint("s0")
    assert checkpoint is not None
    assert (checkpoint.sequence, checkpoint.tally.filtered) == (str(10**20), 1)
    world.run()
    assert world.shard["filtered"] == 8
    assert world.machine.restore("s0", checkpoint)
    world.run()
    assert world.seen == [[1], [1], [1]]
    assert (world.shard["filtered"], world.machine.tally.filtered) == (8, 8)


def test_what_was_filtered_is_remembered_of_shards_that_have_ended() -> None:
    world = World(CONFIG)
    world.put(record(0, amount(-1)))
    world.stream.close("s0", ["s1"])
    world.stream.put("s1", [record(1, amount(-1))])
    world.run()
    assert [shard["shard"] for shard in world.machine.status()] == ["s1"]
    assert world.machine.tally.filtered == 2


def test_other_filters_decide_about_what_is_read_from_then_on() -> None:
    world = World(CONFIG)
    world.put(record(0, amount(-1)))
    world.run()
    world.machine.change(replace(CONFIG, filters=()))
    world.put(record(1, amount(-2)))
    world.run()
    assert world.seen == [[-2]]
    assert world.shard["filtered"] == 1


def test_a_paused_mapping_loses_nothing_and_goes_on_where_it_was() -> None:
    world = World(replace(CONFIG, batch_size=2))
    world.put(*(record(n, amount(n)) for n in range(3)))
    world.run()
    world.machine.enable(enabled=False)
    assert world.machine.state == "Disabled"
    world.put(*(record(n, amount(n)) for n in range(3, 6)))
    world.run(3600)
    assert world.seen == [[0, 1], [2]]
    world.machine.enable(enabled=True)
    assert world.machine.state == "Enabling"
    world.run()
    assert world.machine.state == "Enabled"
    assert [value for values in world.seen for value in values] == [0, 1, 2, 3, 4, 5]


def test_a_mapping_that_is_paused_at_work_is_disabling_until_its_invocation_ends() -> None:
    world = World(CONFIG)
    assert world.machine.state == "Creating"
    world.put(record(0, amount(1)))
    world.run(0.05)
    world.machine.enable(enabled=False)
    assert world.machine.state == "Disabling"
    world.run(1)
    assert world.machine.state == "Disabled"
    assert world.seen == [[1]]
    assert world.machine.settled == 1


def test_a_mapping_that_is_declared_disabled_reads_nothing_until_it_is_enabled() -> None:
    world = World(replace(CONFIG, enabled=False))
    world.put(record(0, amount(1)))
    world.run()
    assert (world.events, world.machine.status(), world.machine.state) == ([], [], "Disabled")
    world.machine.enable(enabled=True)
    world.run()
    assert world.seen == [[1]]


def test_the_state_of_an_open_window_outlives_a_pause() -> None:
    states: list[Any] = []

    def handle(payload: bytes) -> tuple[Invocation, float]:
        event = json.loads(payload)
        states.append((event["state"], len(event["Records"]), event["isFinalInvokeForWindow"]))
        state = {"n": event["state"].get("n", 0) + len(event["Records"])}
        return Invocation(Verdict.ANSWERED, json.dumps({"state": state}).encode()), 0.1

    clock, stream = FakeClock(), MemoryStream([ShardInfo("s0")])
    machine = Mapping(replace(CONFIG, filters=(), tumbling_seconds=60, report_failures=False))
    simulation = Simulation(machine, stream, handle, clock)
    stream.put("s0", [record(0, amount(1))])
    simulation.run(clock.now() + 10)
    machine.enable(enabled=False)
    simulation.run(clock.now() + 300)
    assert states == [({}, 1, False)]
    stream.put("s0", [record(1, amount(2))])
    machine.enable(enabled=True)
    simulation.run(clock.now() + 10)
    assert states == [({}, 1, False), ({"n": 1}, 1, False), ({"n": 2}, 0, True)]
