"""Other settings of an event-source mapping at work: its place stays, and nothing comes twice or is lost."""

from collections import defaultdict
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.mapping_types import Invocation, Verdict
from tests.property.mapping_world import BROKEN, FINE, World, caught_up, config, failing_from
from tests.property.window_world import Event, WindowWorld, answered, counting, sequences

CHANGES = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 40),
        "window_seconds": st.sampled_from([0, 0.5, 5]),
        "parallelization": st.integers(1, 4),
        "bisect": st.booleans(),
        "report_failures": st.booleans(),
    }
)


@settings(deadline=None, max_examples=40)
@given(
    puts=st.lists(st.tuples(st.integers(1, 60), st.floats(0, 20)), min_size=1, max_size=6),
    changes=st.lists(st.tuples(CHANGES, st.floats(0, 40)), min_size=1, max_size=4),
    outcomes=st.lists(st.sampled_from(["fine", "error", "throttle", "partial"]), max_size=12),
)
def test_settings_that_change_at_any_moment_neither_lose_nor_repeat_nor_reorder_a_record(
    puts: list[tuple[int, float]], changes: list[tuple[dict[str, Any], float]], outcomes: list[str]
) -> None:
    script = iter(outcomes)
    done: dict[str, list[str]] = defaultdict(list)

    def answer(records: list[dict[str, Any]]) -> tuple[Invocation, float]:
        outcome = next(script, "fine")
        if outcome == "partial" and not world.machine.config.report_failures:
            outcome = "error"  # without reports a partial answer would count as a whole one
        failed = {"partial": len(records) // 2, "fine": len(records)}.get(outcome, 0)
        for entry in records[:failed]:
            done[entry["partitionKey"]].append(entry["sequenceNumber"])
        match outcome:
            case "fine":
                return FINE, 0.05
            case "error":
                return BROKEN, 0.2
            case "throttle":
                return Invocation(Verdict.THROTTLED), 0.0
            case _:
                return failing_from(records[failed]["sequenceNumber"]), 0.1

    world = World(config(), answer)
    for count, at in puts:
        world.put(count, keys=5, at=at)
    for wanted, at in changes:
        world.simulation.at(world.began + at, partial(world.machine.change, config(**wanted)))
    world.run(900)

    expected: dict[str, list[str]] = defaultdict(list)
    for entry in world.stream.shards["s0"].records:
        expected[entry.partition_key].append(entry.sequence)
    assert done == expected
    assert world.machine.state == "Enabled"
    assert world.machine.settled == sum(map(len, expected.values()))
    assert caught_up(world)


@settings(deadline=None, max_examples=40)
@given(
    puts=st.lists(st.tuples(st.floats(0, 60), st.integers(1, 12)), min_size=1, max_size=10),
    changes=st.lists(st.tuples(st.sampled_from([1, 7, 10, 30]), st.floats(0, 70)), min_size=1, max_size=4),
    outcomes=st.lists(st.sampled_from(["fine", "error", "throttle", "no state"]), max_size=12),
)
def test_tumbling_windows_of_another_length_follow_final_calls_that_had_every_record_once(
    puts: list[tuple[float, int]], changes: list[tuple[int, float]], outcomes: list[str]
) -> None:
    script = iter(outcomes)

    def answer(event: Event) -> tuple[Invocation, float]:
        match next(script, "fine"):
            case "error":
                return BROKEN, 0.3
            case "throttle":
                return Invocation(Verdict.THROTTLED), 0.0
            case "no state":
                return answered(batchItemFailures=[]), 0.1
            case _:
                return counting(event)

    world = WindowWorld({}, answer)
    for at, count in puts:
        world.put(at, count)
    for seconds, at in changes:
        change = config(tumbling_seconds=seconds, batch_size=5, report_failures=False)
        world.at(at, partial(world.machine.change, change))
    world.run(600)

    closed = [sequence for _, _, seen in world.closed for sequence in seen]
    assert closed == [entry.sequence for entry in world.stream.shards["s0"].records]
    early = [event for _, event, _ in world.closed if event["isWindowTerminatedEarly"]]
    assert all(not sequences(event) for event in early)
    assert len(early) <= len(changes)
    assert world.machine.state == "Enabled"


def test_a_paused_mapping_takes_other_settings_and_stays_paused() -> None:
    world = World(config(batch_size=10))
    world.put(10)
    world.run(5)
    world.machine.enable(enabled=False)
    world.machine.change(config(batch_size=3))
    world.put(7, at=6)
    world.run(20)
    assert (world.machine.state, world.machine.config.batch_size) == ("Disabled", 3)
    world.machine.enable(enabled=True)
    world.run(40)
    assert [len(batch) for _, _, batch in world.batches] == [10, 3, 3, 1]


def test_a_change_waits_for_what_is_under_way_and_is_told_as_an_update() -> None:
    world = World(config(batch_size=10), lambda _records: (FINE, 30))
    world.put(20)
    world.run(10)
    world.machine.change(config(batch_size=5))
    assert world.machine.state == "Updating"
    world.run(20)
    assert (world.machine.state, world.machine.config.batch_size) == ("Updating", 10)
    world.run(200)
    assert (world.machine.state, world.machine.config.batch_size) == ("Enabled", 5)
    assert [len(batch) for _, _, batch in world.batches] == [10, 5, 5]
