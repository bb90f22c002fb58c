"""The contract of an event-source mapping, whatever arrives, however the function behaves."""

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.mapping_types import (
    Invocation,
    Start,
    StartKind,
    Verdict,
)
from tests.property.mapping_world import BASE, BROKEN, FINE, World, caught_up, config, failing_from, record


@settings(deadline=None, max_examples=40)
@given(
    puts=st.lists(st.tuples(st.integers(1, 60), st.floats(0, 20)), min_size=1, max_size=8),
    batch=st.integers(1, 40),
    window=st.sampled_from([0, 0.5, 5]),
    lanes=st.integers(1, 4),
    keys=st.integers(1, 6),
    outcomes=st.lists(st.sampled_from(["fine", "error", "throttle", "partial", "nonsense"]), max_size=12),
    bisect=st.booleans(),
)
def test_every_record_is_taken_in_order_per_key_in_batches_within_limits(  # noqa: PLR0917 - drawn by name
    puts: list[tuple[int, float]],
    batch: int,
    window: float,
    lanes: int,
    keys: int,
    outcomes: list[str],
    bisect: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    script = iter(outcomes)
    done: dict[str, list[str]] = defaultdict(list)

    def answer(records: list[dict[str, Any]]) -> tuple[Invocation, float]:
        outcome = next(script, "fine")
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
            case "partial":
                return failing_from(records[failed]["sequenceNumber"]), 0.1
            case _:
                return Invocation(Verdict.ANSWERED, b'{"batchItemFailures":[{"itemIdentifier":""}]}'), 0.1

    world = World(
        config(batch_size=batch, window_seconds=window, parallelization=lanes, bisect=bisect), answer
    )
    for count, at in sorted(puts, key=lambda put: put[1]):
        world.put(count, keys=keys, at=at)
    world.run(600)

    assert all(len(records) <= batch for _, _, records in world.batches)
    assert not world.simulation.reports
    expected: dict[str, list[str]] = defaultdict(list)
    for entry in world.stream.shards["s0"].records:
        expected[entry.partition_key].append(entry.sequence)
    assert done == expected
    assert caught_up(world)


@settings(deadline=None, max_examples=40)
@given(count=st.integers(1, 80), batch=st.integers(1, 30), bad=st.sets(st.integers(0, 79), max_size=5))
def test_with_partial_responses_exactly_the_stubborn_records_go_to_the_destination_once_bisected(
    count: int, batch: int, bad: set[int]
) -> None:
    stubborn = {str(BASE + 7 * place) for place in bad if place < count}

    def answer(records: list[dict[str, Any]]) -> tuple[Invocation, float]:
        return (BROKEN if any(e["sequenceNumber"] in stubborn for e in records) else FINE), 0.1

    world = World(config(batch_size=batch, bisect=True, retry_attempts=2), answer)
    world.put(count)
    world.run(3600)

    assert world.abandoned() == stubborn
    assert sum(r["KinesisBatchInfo"]["batchSize"] for r in world.simulation.reports) == len(stubborn)
    for sequence in stubborn:
        alone = [b for _, _, b in world.batches if [e["sequenceNumber"] for e in b] == [sequence]]
        assert len(alone) >= 3  # the splits before consumed none of its two retries
    assert set(world.delivered()) == set(world.sequences())
    assert all(r["requestContext"]["condition"] == "RetryAttemptsExhausted" for r in world.simulation.reports)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(2, 60), failed=st.integers(0, 59))
def test_a_partial_response_is_retried_from_its_lowest_failure_on(count: int, failed: int) -> None:
    failed %= count
    calls = iter(range(1000))

    def answer(records: list[dict[str, Any]]) -> tuple[Invocation, float]:
        if next(calls) == 0:
            later = [{"itemIdentifier": e["sequenceNumber"]} for e in reversed(records[failed:])]
            return Invocation(Verdict.ANSWERED, json.dumps({"batchItemFailures": later}).encode()), 0.1
        return FINE, 0.1

    world = World(config(batch_size=100), answer)
    world.put(count)
    world.run(60)
    assert [e["sequenceNumber"] for e in world.batches[1][2]] == world.sequences()[failed:]
    assert len(world.batches) == 2


def test_without_bisect_a_batch_is_given_up_whole_after_its_retries() -> None:
    world = World(config(batch_size=10, retry_attempts=3), lambda _records: (BROKEN, 0.1))
    world.put(10)
    world.run(120)
    assert len(world.batches) == 4
    assert world.abandoned() == set(world.sequences())
    assert world.simulation.reports[0]["requestContext"]["approximateInvokeCount"] == 4


def test_a_record_past_the_age_limit_is_given_up_and_younger_ones_are_not() -> None:
    world = World(config(batch_size=10, max_age_seconds=60))
    world.answer = lambda _records: (BROKEN if world.clock.now() < world.began + 70 else FINE, 0.1)
    world.put(5)
    world.put(5, at=30)
    world.run(300)
    assert world.abandoned() == set(world.sequences()[:5])
    assert world.simulation.reports[0]["requestContext"]["condition"] == "RecordAgeExceeded"
    assert set(world.sequences()[5:]) <= {
        e["sequenceNumber"] for at, _, b in world.batches if at > world.began + 70 for e in b
    }


def test_a_report_that_its_destination_refuses_is_sent_again_before_the_shard_goes_on() -> None:
    world = World(config(batch_size=1, retry_attempts=0), lambda _records: (BROKEN, 0.1))
    world.simulation.refuse_reports = lambda: world.clock.now() < world.began + 100
    world.put(3)
    world.run(99)
    assert len(world.batches) == 1
    world.run(300)
    assert world.abandoned() == set(world.sequences())
    assert len(world.simulation.reports) == 3


def test_an_outage_of_an_hour_costs_nothing_but_delay() -> None:
    world = World(config(batch_size=1000, window_seconds=1))
    down = (world.began + 60, world.began + 3660)
    got: list[str] = []

    def answer(records: list[dict[str, Any]]) -> tuple[Invocation, float]:
        if down[0] <= world.clock.now() < down[1]:
            return failing_from(records[0]["sequenceNumber"]), 15.0
        got.extend(e["sequenceNumber"] for e in records)
        return FINE, 0.2

    world.answer = answer
    for second in range(0, 3700, 10):
        world.put(20, at=float(second))
    world.run(3660 + 120)
    assert got == world.sequences()
    assert not world.simulation.reports
    assert caught_up(world)


def test_a_record_that_kills_the_runtime_twice_holds_its_shard_below_a_minute() -> None:
    """What the shipped processor does: it dies twice on the record, then dead-letters it unread."""
    tries: dict[str, int] = defaultdict(int)
    killer = str(BASE + 7 * 5)

    def answer(records: list[dict[str, Any]]) -> tuple[Invocation, float]:
        if any(e["sequenceNumber"] == killer for e in records):
            tries[killer] += 1
            if tries[killer] <= 2:
                return BROKEN, 20.0
        return FINE, 0.2

    world = World(config(batch_size=1000, window_seconds=1), answer)
    world.put(10)
    world.put(10, at=30)
    world.run(300)
    done = next(at for at, _, b in world.batches if b[-1]["sequenceNumber"] == world.sequences()[-1])
    assert done - world.began < 60
    assert set(world.delivered()) == set(world.sequences())


@settings(deadline=None, max_examples=30)
@given(
    split_at=st.floats(0.5, 30),
    before=st.integers(0, 50),
    after=st.integers(1, 50),
    slow=st.floats(0.05, 8),
    start=st.sampled_from([StartKind.TRIM_HORIZON, StartKind.LATEST]),
)
def test_after_a_split_and_a_merge_parents_are_finished_before_children_begin(
    split_at: float, before: int, after: int, slow: float, start: StartKind
) -> None:
    world = World(config(batch_size=7, start=Start(start)), lambda _records: (FINE, slow))
    world.put(before, at=0.3)

    def split() -> None:
        world.stream.close("s0", ["s1", "s2"])

    def merge() -> None:
        world.stream.close("s1", ["s3"])
        world.stream.close("s2", ["s3"])

    began = world.began
    world.simulation.at(began + split_at, split)
    world.run(split_at + 0.5)
    world.put(after, shard="s1", at=split_at + 1)
    world.put(after, shard="s2", at=split_at + 1)
    world.simulation.at(began + split_at + 2, merge)
    world.run(split_at + 2.5)
    world.put(after, shard="s3", at=split_at + 3)
    world.run(split_at + 2000)

    for shard in ("s0", "s1", "s2", "s3"):
        assert world.delivered(shard) == world.sequences(shard)
    times: dict[str, list[float]] = defaultdict(list)
    for at, shard, _ in world.batches:
        times[shard].append(at)
    for parent, child in (("s0", "s1"), ("s0", "s2"), ("s1", "s3"), ("s2", "s3")):
        if times[parent]:
            assert max(times[parent]) + slow <= min(times[child]) + 1e-6
    assert caught_up(world)


def test_a_stream_that_cannot_be_read_for_a_while_loses_nothing() -> None:
    world = World(config(batch_size=5))
    world.stream._failing = lambda: int(world.clock.now() - world.began) % 3 == 0
    for second in range(20):
        world.put(3, at=second)
    world.run(200)
    assert world.delivered() == world.sequences()


def test_a_batch_stays_within_six_megabytes() -> None:
    world = World(config(batch_size=10_000))
    big = "A" * 900_000
    world.stream.put("s0", [record(n, arrived=world.began, data=big) for n in range(30)])
    world.run(60)
    assert world.delivered() == world.sequences()
    assert max(len(b) for _, _, b in world.batches) == 6


def test_a_window_waits_for_more_records_and_a_full_batch_does_not() -> None:
    world = World(config(batch_size=50, window_seconds=30))
    world.put(10)
    world.put(10, at=10)
    world.put(50, at=100)
    world.run(200)
    first, second = world.batches
    assert len(first[2]) == 20
    assert 30 <= first[0] - world.began < 31
    assert second[0] - world.began < 101


@pytest.mark.parametrize("answer", [b"", b"null", b"{}", b'{"batchItemFailures":null}', b'"fine"', b"[1]"])
def test_what_lambda_takes_for_a_success_is_one(answer: bytes) -> None:
    world = World(config(), lambda _records: (Invocation(Verdict.ANSWERED, answer), 0.1))
    world.put(3)
    world.run(60)
    assert len(world.batches) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b'{"batchItemFailures":[{"itemIdentifier":null}]}',
        b'{"batchItemFailures":[{"itemIdentifier":""}]}',
        b'{"batchItemFailures":[{"id":"1"}]}',
        b'{"batchItemFailures":[{"itemIdentifier":"not in the batch"}]}',
        b'{"batchItemFailures":"all"}',
        b"not json",
    ],
)
def test_an_answer_that_lambda_cannot_read_fails_the_whole_batch(answer: bytes) -> None:
    calls = iter([Invocation(Verdict.ANSWERED, answer)])
    world = World(config(), lambda _records: (next(calls, FINE), 0.1))
    world.put(3)
    world.run(60)
    assert [len(b) for _, _, b in world.batches] == [3, 3]


def test_without_report_batch_item_failures_the_answer_is_ignored() -> None:
    world = World(config(report_failures=False), lambda r: (failing_from(r[0]["sequenceNumber"]), 0.1))
    world.put(3)
    world.run(60)
    assert len(world.batches) == 1
