"""What the ledger says, however often and in whatever cuts the records come."""

from itertools import pairwise
from typing import Any

import pytest

from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.errors import DeliveryError
from tests.unit.delivery.aws import Aws, refusal
from tests.unit.delivery.builders import batch, event_of, record, sequence, visit
from tests.unit.delivery.rig import Rig, by_number, counts, failures, identity


def test_an_outage_of_the_sink_is_no_crash_however_long(aws: Aws) -> None:
    down = Rig(aws, decide=lambda _: Retry("down"))
    for _ in range(20):
        assert down.invoke(batch([visit(0), visit(1)])) == failures(0)
    assert down.marks == []
    up = Rig(aws)
    assert up.invoke(batch([visit(0), visit(1)])) == failures()
    assert up.letters() == {}
    assert counts(up) == [(2, 0, 0)]


@pytest.mark.parametrize("step", ["query", "update_item"])
def test_without_the_ledger_nothing_is_handled_and_the_whole_batch_comes_again(aws: Aws, step: str) -> None:
    def hook(name: str, _about: Any) -> None:
        if name == step:
            raise refusal("InternalServerError")

    rig = Rig(aws, hook=hook)
    started = rig.time.now
    with pytest.raises(DeliveryError, match="ledger") as refused:
        rig.invoke(batch([visit(0)]))
    assert "\n" not in str(refused.value)
    assert rig.sink.held == {}
    assert rig.time.now - started < 20


def test_a_ledger_that_cannot_be_closed_sends_the_whole_batch_back_in_time(aws: Aws) -> None:
    updates = []

    def hook(step: str, _about: Any) -> None:
        if step == "update_item":
            updates.append(1)
            if len(updates) > 1:
                raise refusal("ThrottlingException")

    rig = Rig(aws, hook=hook)
    started = rig.time.now
    with pytest.raises(DeliveryError):
        rig.invoke(batch([visit(0), b"bad"]))
    assert rig.time.now - started < 20
    healed = Rig(aws)
    assert healed.invoke(batch([visit(0), b"bad"])) == failures()
    assert len(healed.letters()) == 1
    assert counts(healed) == [(1, 1, 0)]


def test_a_ledger_that_stutters_is_asked_again(aws: Aws) -> None:
    calls = []

    def hook(step: str, _about: Any) -> None:
        if step in {"query", "update_item"}:
            calls.append(step)
            if len(calls) % 2:
                raise refusal("ProvisionedThroughputExceededException")

    rig = Rig(aws, hook=hook)
    assert rig.invoke(batch([visit(0)])) == failures()
    assert counts(rig) == [(1, 0, 0)]


def test_a_batch_that_comes_again_overwrites_its_own_entry(aws: Aws) -> None:
    rig = Rig(aws, disjoint=False)
    for _ in range(3):
        assert rig.invoke(batch([visit(0), b"bad"])) == failures()
    assert counts(rig) == [(1, 1, 0)]
    assert len(rig.letters()) == 1


@pytest.mark.parametrize("disjoint", [True, False])
def test_a_shorter_batch_from_the_same_record_on_takes_nothing_out_of_the_books(
    aws: Aws, *, disjoint: bool
) -> None:
    rig = Rig(aws, disjoint=disjoint)
    rig.invoke(batch([visit(0), visit(1), visit(2)]))
    rig.invoke(batch([visit(0)]))
    assert counts(rig) == [(3, 0, 0)]
    assert [one.attempts for one in rig.entries()] == [0]


@pytest.mark.parametrize(
    "cuts",
    [
        [(0, 4), (2, 6), (6, 8)],
        [(2, 4), (0, 8)],
        [(0, 2), (4, 6), (0, 8)],
        [(3, 8), (0, 5)],
        [(0, 8), (3, 5)],
        [(1, 2), (3, 4), (5, 6), (0, 8), (0, 3), (3, 8)],
    ],
)
def test_batches_that_are_cut_anew_count_each_record_once(aws: Aws, cuts: list[tuple[int, int]]) -> None:
    rig = Rig(aws)
    for start, end in cuts:
        assert rig.invoke(batch({n: b"bad" if n == 4 else visit(n) for n in range(start, end)})) == failures()
    closed = rig.closed()
    assert sum(one.delivered for one in closed) == 7
    assert sum(one.dead_lettered for one in closed) == 1
    assert all(before.last < after.first for before, after in pairwise(closed))
    assert [one for one in rig.entries() if one.state == "open"] == []


def test_a_closed_item_far_back_is_found_behind_many_attempts_that_settled_nothing(aws: Aws) -> None:
    Rig(aws).invoke(batch([visit(number) for number in range(40)]))
    busy = Rig(aws, decide=lambda _: Retry("busy"))
    for number in range(10, 35):
        busy.invoke(batch({number: visit(number)}))
    rig = Rig(aws)
    assert rig.invoke(batch({number: visit(number) for number in range(36, 42)})) == failures()
    assert [(one.delivered, one.first) for one in rig.closed()] == [
        (40, int(sequence(0))),
        (2, int(sequence(40))),
    ]


def test_a_large_batch_over_many_small_ones_asks_the_ledger_few_times(aws: Aws) -> None:
    """As after a mapping that was created anew: it reads a quiet week in batches as large as they get."""
    small = Rig(aws)
    for number in range(60):
        small.invoke(batch({number: visit(number)}))
    rig = Rig(aws)
    assert rig.invoke(batch({number: visit(number) for number in range(62)})) == failures()
    assert rig.steps.count("query") == 2
    assert sum(one.delivered for one in rig.closed()) == 62


def test_records_of_several_shards_are_handled_each_in_its_own_lane(aws: Aws) -> None:
    other = "shardId-000000000001"
    rig = Rig(aws, decide=lambda accepted: Retry("busy") if accepted.record.shard == other else DELIVERED)
    event = event_of([record(5, shard=other), record(0), record(1)])
    assert rig.invoke(event) == failures(5)
    assert counts(rig) == [(2, 0, 0)]


def test_a_redriven_record_leaves_the_original_books_alone_and_is_told_one_by_one(aws: Aws) -> None:
    Rig(aws).invoke(batch([visit(0), b"bad", visit(2), visit(3)]))
    rig = Rig(aws, decide=by_number({2: Retry("busy"), 3: Rejected("no")}))
    event = {**batch({1: visit(1), 2: visit(2), 3: visit(3), 4: b"bad"}), "redrive": True}
    assert rig.invoke(event) == {
        **failures(2),
        "outcomes": {identity(1): "delivered", identity(3): "dead_lettered", identity(4): "dead_lettered"},
    }
    original, *redriven = rig.closed()
    assert (original.delivered, original.dead_lettered, original.redriven) == (3, 1, False)
    assert [(one.redriven, one.position, one.delivered, one.dead_lettered) for one in redriven] == [
        (True, sequence(1), 1, 0),
        (True, sequence(3), 0, 1),
        (True, sequence(4), 0, 1),
    ]
    rig = Rig(aws)
    assert rig.invoke({**batch({3: visit(3)}), "redrive": True})["outcomes"] == {identity(3): "delivered"}
    assert [(one.delivered, one.dead_lettered) for one in rig.closed()[1:]] == [(1, 0), (1, 0), (0, 1)]
    struck = rig.sink.noted[f"bigquery/{identity(3)}"]
    assert (struck.kind, struck.reason) == ("redriven", "delivered by a redrive")
