"""Tumbling windows of an event-source mapping, whatever arrives, however the function behaves."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.mapping_types import Invocation, Verdict
from sluice.local.mapping_window import STATE_BYTES
from tests.property.mapping_world import BROKEN
from tests.property.window_world import Event, WindowWorld, answered, counting, sequences

if TYPE_CHECKING:
    from sluice.local.mapping_shard import Checkpoint

OUTCOMES = st.lists(st.sampled_from(["fine", "error", "throttle", "no state", "nonsense"]), max_size=15)


@settings(deadline=None, max_examples=60)
@given(
    puts=st.lists(st.tuples(st.floats(0, 60), st.integers(1, 12)), min_size=1, max_size=12),
    batch=st.integers(1, 20),
    window=st.sampled_from([0, 1, 7]),
    wait=st.sampled_from([0, 2.5, 120]),
    carries=st.booleans(),
    bisect=st.booleans(),
    outcomes=OUTCOMES,
)
def test_each_window_of_arrivals_is_closed_once_in_order_with_exactly_its_records(  # noqa: PLR0917 - drawn by name
    puts: list[tuple[float, int]],
    batch: int,
    window: float,
    wait: float,
    carries: bool,  # noqa: FBT001 - drawn by hypothesis
    bisect: bool,  # noqa: FBT001 - drawn by hypothesis
    outcomes: list[str],
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
            case "nonsense":
                return Invocation(Verdict.ANSWERED, b'{"state":'), 0.1
            case _:
                return counting(event)

    changes = {"batch_size": batch, "window_seconds": window, "window_wait_seconds": wait, "bisect": bisect}
    world = WindowWorld({**changes, "final_carries_records": carries}, answer)
    for at, count in puts:
        world.put(at, count)
    world.run(600)

    assert world.windows() == world.arrived()
    assert [world.number(event) for _, event, _ in world.closed] == sorted(world.arrived())
    assert not any(event["isWindowTerminatedEarly"] for _, event in world.events)
    for _, event in world.events:
        assert event["shardId"] == "s0"
        assert len(event["Records"]) <= batch
        assert set(sequences(event)) <= set(world.arrived()[world.number(event)])
        if event["Records"] and event["isFinalInvokeForWindow"]:
            assert carries
    assert world.machine.caught_up_at is not None
    assert world.machine.settled == sum(map(len, world.arrived().values()))


def test_a_quiet_window_is_closed_at_its_end_and_an_empty_one_is_not_invoked() -> None:
    world = WindowWorld({"poll_seconds": 0.1})
    world.put(3.0)
    world.put(44.0)
    world.run(200)
    finals = [(at - world.began, world.number(event)) for at, event, _ in world.closed]
    assert [number for _, number in finals] == [0, 4]
    assert 10 <= finals[0][0] < 10.5
    assert 50 <= finals[1][0] < 50.5
    assert not any(sequences(event) for _, event, _ in world.closed)


def test_a_quiet_window_may_stay_open_for_two_minutes_and_the_next_record_closes_it() -> None:
    world = WindowWorld({"window_wait_seconds": 120})
    world.put(3.0)
    world.put(60.0)
    world.run(300)
    first, second = (at - world.began for at, _, _ in world.closed)
    assert 60 <= first < 62
    assert 190 <= second < 192


def test_a_final_call_is_repeated_until_it_succeeds_and_holds_up_its_shard() -> None:
    world = WindowWorld()

    def answer(event: Event) -> tuple[Invocation, float]:
        if event["isFinalInvokeForWindow"] and world.clock.now() < world.began + 100:
            return BROKEN, 1.0
        return counting(event)

    world.answer = answer
    for at in range(0, 60, 3):
        world.put(at)
    world.run(400)
    before = [event for at, event in world.events if at < world.began + 100]
    assert {world.number(event) for event in before} == {0}
    states = [event["state"] for event in before if event["isFinalInvokeForWindow"]]
    assert len(states) > 3
    assert all(state == {"seen": world.arrived()[0]} for state in states)
    assert world.windows() == world.arrived()


def test_with_limited_retries_a_final_call_that_fails_loses_its_window_to_the_destination() -> None:
    world = WindowWorld({"retry_attempts": 2})

    def answer(event: Event) -> tuple[Invocation, float]:
        doomed = event["isFinalInvokeForWindow"] and world.number(event) == 0
        return (BROKEN, 0.1) if doomed else counting(event)

    world.answer = answer
    world.put(1, 7)
    world.put(12, 3)
    world.run(300)
    assert world.windows() == {1: world.arrived()[1]}
    (report,) = world.simulation.reports
    info = report["KinesisBatchInfo"]
    lost = world.arrived()[0]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == (
        lost[0],
        lost[-1],
        7,
    )
    assert report["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_state_above_its_limit_ends_the_window_early_and_the_rest_of_it_starts_afresh() -> None:
    world = WindowWorld({"batch_size": 2})

    def answer(event: Event) -> tuple[Invocation, float]:
        result, seconds = counting(event)
        grown = len(event["state"].get("seen", [])) + len(event["Records"]) >= 4
        if grown and not event["isFinalInvokeForWindow"]:
            seen = event["state"]["seen"] + sequences(event)
            return answered(state={"seen": seen, "padding": "x" * STATE_BYTES}), seconds
        return result, seconds

    world.answer = answer
    world.put(1, 10)
    world.run(100)
    early = [event["isWindowTerminatedEarly"] for _, event, _ in world.closed]
    assert early == [True, True, False]
    assert [len(seen) for _, _, seen in world.closed] == [4, 4, 2]
    assert {world.number(event) for _, event in world.events} == {0}
    assert world.windows() == world.arrived()


def test_a_window_that_grew_too_large_ends_before_its_failed_items_are_tried_again() -> None:
    world = WindowWorld({"report_failures": True})

    def answer(event: Event) -> tuple[Invocation, float]:
        records = sequences(event)
        if len(records) == 5:
            failed = [{"itemIdentifier": records[3]}]
            state = {"seen": records[:3], "padding": "x" * STATE_BYTES}
            return answered(state=state, batchItemFailures=failed), 0.1
        return counting(event)

    world.answer = answer
    world.put(1, 5)
    world.run(60)
    assert [len(event["Records"]) for _, event in world.events] == [5, 0, 2, 0]
    assert [event["isWindowTerminatedEarly"] for _, event, _ in world.closed] == [True, False]
    assert world.windows() == world.arrived()


def test_the_end_of_a_shard_ends_its_window_and_children_start_their_own() -> None:
    world = WindowWorld()
    world.put(1, 3)
    world.at(4, lambda: world.stream.close("s0", ["s1", "s2"]))
    world.run(4.5)
    world.put(5, 2, shard="s1")
    world.put(6, 2, shard="s2")
    world.run(100)
    closed = {event["shardId"]: (at - world.began, event) for at, event, _ in world.closed}
    assert set(closed) == {"s0", "s1", "s2"}
    assert closed["s0"][0] < 8
    assert closed["s0"][1]["isWindowTerminatedEarly"]
    assert not closed["s1"][1]["isWindowTerminatedEarly"]
    for shard in closed:
        assert world.windows(shard) == world.arrived(shard)
        first = next(event for _, event in world.events if event["shardId"] == shard)
        assert first["state"] == {}
    assert world.machine.caught_up_at is not None


@settings(deadline=None, max_examples=40)
@given(
    puts=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 6)), min_size=1, max_size=8),
    taken=st.floats(0, 40),
    restored=st.floats(0, 60),
    keep=st.booleans(),
    slow=st.floats(0.05, 4),
)
def test_a_shard_begun_again_at_a_checkpoint_delivers_its_tail_again_with_or_without_state(
    puts: list[tuple[float, int]],
    taken: float,
    restored: float,
    keep: bool,  # noqa: FBT001 - drawn by hypothesis
    slow: float,
) -> None:
    world = WindowWorld({"batch_size": 3}, lambda event: (counting(event)[0], slow))
    for at, count in puts:
        world.put(at, count)
    kept: list[Checkpoint] = []

    def take() -> None:
        point = world.machine.checkpoint("s0")
        if point is not None:
            kept.append(point if keep else replace(point, window=None))

    world.at(taken, take)
    if taken < restored:
        world.at(restored, lambda: kept and world.machine.restore("s0", kept[0]))
    world.run(600)
    every = [sequence for window in world.arrived().values() for sequence in window]
    assert {sequence for _, event in world.events for sequence in sequences(event)} == set(every)
    for number, seen in world.windows().items():
        assert set(seen) <= set(world.arrived()[number])
    if keep or taken >= restored:
        closed = {sequence for seen in world.windows().values() for sequence in seen}
        assert closed == set(every)


@pytest.mark.parametrize("state", [b"null", b"[]", b'"text"', b"1"])
def test_a_state_that_is_no_object_fails_the_call(state: bytes) -> None:
    calls = iter([Invocation(Verdict.ANSWERED, b'{"state":' + state + b"}")])
    world = WindowWorld(answer=lambda event: (next(calls, counting(event)[0]), 0.1))
    world.put(1, 3)
    world.run(60)
    assert [len(event["Records"]) for _, event in world.events] == [3, 3, 0]
    assert world.windows() == world.arrived()


def test_next_to_failed_items_the_state_counts_for_the_records_before_them() -> None:
    world = WindowWorld({"report_failures": True})
    failed: list[str] = []

    def answer(event: Event) -> tuple[Invocation, float]:
        records = sequences(event)
        if len(records) == 5 and not failed:
            failed.append(records[3])
            return answered(
                state={"seen": records[:3]}, batchItemFailures=[{"itemIdentifier": records[3]}]
            ), 0.1
        return counting(event)

    world.answer = answer
    world.put(1, 5)
    world.run(60)
    assert [len(event["Records"]) for _, event in world.events] == [5, 2, 0]
    assert world.windows() == world.arrived()
