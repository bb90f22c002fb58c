"""Aggregates on their way through a sink: each user record is an event, and Lambda repeats all of them."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sluice.delivery import DELIVERED, Accepted, Outcome, Rejected, Retry
from sluice.records.aggregate import MAGIC, Aggregate
from tests.unit.delivery.aws import Aws
from tests.unit.delivery.builders import SHARD, Killed, Time, batch, entry, record, sequence, visit
from tests.unit.delivery.rig import Rig, failures


def packed(numbers: Iterable[int], *more: bytes) -> bytes:
    aggregate = Aggregate()
    for number in numbers:
        aggregate.add(f"user{number}", visit(number))
    for data in more:
        aggregate.add("more", data)
    return aggregate.encode()


def identity(number: int, sub: int) -> str:
    return f"{SHARD}/{sequence(number)}:{sub}"


def once(decide: Callable[[Accepted], Outcome]) -> Callable[[Accepted], Outcome]:
    """Decide so for the first delivery of each record; later ones succeed."""
    seen: set[str] = set()

    def decided(accepted: Accepted) -> Outcome:
        new = accepted.record.identity not in seen
        seen.add(accepted.record.identity)
        return decide(accepted) if new else DELIVERED

    return decided


def test_each_user_record_is_an_event_of_its_own_and_the_books_tell_them_from_records(aws: Aws) -> None:
    rig = Rig(aws)
    answer = rig.invoke(batch([visit(0), packed([1, 2, 3], b"no event"), visit(4)]))

    assert answer == failures()
    assert {each.record.position: each.event_id for each in rig.sink.held.values()} == {
        sequence(0): "v0",
        f"{sequence(1)}:0": "v1",
        f"{sequence(1)}:1": "v2",
        f"{sequence(1)}:2": "v3",
        sequence(2): "v4",
    }
    (letter,) = rig.letters().values()
    assert (letter.id, letter.partition_key) == (f"bigquery/{identity(1, 3)}", "more")
    assert (letter.sub_sequence, letter.payload) == (3, b"no event")
    (closed,) = rig.closed()
    assert (closed.delivered, closed.dead_lettered) == (5, 1)
    assert (closed.records, closed.events, closed.aggregates, closed.aggregated) == (3, 6, 1, 4)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (packed([1, 2])[:-3], "an aggregate whose checksum is wrong: it was cut off or changed on its way"),
        (MAGIC + hashlib.md5(b"", usedforsecurity=False).digest(), "an aggregate that holds no records"),
        (MAGIC, "an aggregate that ends after 4 bytes, before its checksum"),
    ],
)
def test_a_broken_aggregate_is_one_dead_letter_with_its_reason(aws: Aws, data: bytes, reason: str) -> None:
    rig = Rig(aws)

    assert rig.invoke(batch([visit(0), data, visit(2)])) == failures()
    (letter,) = rig.letters().values()
    assert (letter.kind, letter.reason, letter.payload) == ("contract", reason, data)
    assert letter.id == f"bigquery/{SHARD}/{sequence(1)}"
    (closed,) = rig.closed()
    assert (closed.delivered, closed.dead_lettered, closed.records) == (2, 1, 3)


def test_one_event_to_be_retried_brings_its_whole_aggregate_back_and_nothing_counts_twice(aws: Aws) -> None:
    rig = Rig(
        aws,
        decide=once(lambda accepted: Retry("busy") if accepted.event_id == "v2" else DELIVERED),
    )
    event = batch([visit(0), packed([1, 2, 3], b"no event"), visit(4)])

    assert rig.invoke(event) == failures(1)
    assert rig.letters() == {}
    assert [one.events for one in rig.closed()] == [1]
    assert rig.invoke({"Records": event["Records"][1:]}) == failures()
    assert len(rig.letters()) == 1
    assert [(one.records, one.events) for one in rig.closed()] == [(1, 1), (2, 5)]


def test_a_refused_event_is_redriven_under_its_own_name(aws: Aws) -> None:
    refusing = Rig(aws, decide=lambda one: Rejected("no") if one.event_id == "v2" else DELIVERED)
    refusing.invoke(batch([packed([1, 2, 3])]))
    (letter,) = refusing.letters().values()
    document = entry(record(0, letter.payload))
    document["kinesis"]["subSequenceNumber"] = letter.sub_sequence
    rig = Rig(aws)

    answer = rig.invoke({"redrive": True, "Records": [document]})

    assert answer["outcomes"] == {identity(0, 1): "delivered"}
    assert [one.record.identity for one in rig.sink.held.values()] == [identity(0, 1)]
    before, again = rig.closed()
    assert (before.delivered, before.dead_lettered, before.records) == (2, 1, 1)
    assert (again.position, again.redriven) == (f"{sequence(0)}:1", True)


class Loop:
    """Lambda's retries over one batch, each in a new runtime, with marks that take time."""

    def __init__(self, aws: Aws, datas: list[bytes]) -> None:
        self.aws = aws
        self.datas = datas
        self.crashes = self.invocations = 0
        self.slowest = 0.0

    def run(self, hook: Callable[[str, Any], None], *, mark_seconds: float = 0.005, at_most: int = 12) -> Rig:
        first = 0
        while first < len(self.datas) and self.invocations < at_most:
            time = Time()

            def slowed(step: str, about: Any, time: Time = time) -> None:
                if step == "update_item":
                    time.sleep(mark_seconds)
                hook(step, about)

            rig, started = Rig(self.aws, hook=slowed, time=time), time.now
            self.invocations += 1
            try:
                answer = rig.invoke(batch(dict(list(enumerate(self.datas))[first:])))
            except Killed:
                self.crashes += 1
                continue
            finally:
                self.slowest = max(self.slowest, time.now - started)
            failed = [int(each["itemIdentifier"]) for each in answer["batchItemFailures"]]
            first = next(
                (n for n in range(len(self.datas)) if failed and int(sequence(n)) >= failed[0]),
                len(self.datas),
            )
        assert first == len(self.datas)
        return Rig(self.aws)


def test_a_killer_inside_a_large_aggregate_does_not_hold_its_shard(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "decode" and about == visit(1234):
            raise Killed

    loop = Loop(aws, [visit(9000), packed(range(3000)), visit(9001)])
    rig = loop.run(hook)

    assert (loop.crashes, loop.invocations) == (3, 4)
    assert loop.slowest < 10
    assert set(rig.letters()) == {f"bigquery/{identity(1, 1234)}"}
    assert sum(one.delivered for one in rig.closed()) == 3001


def test_a_large_aggregate_whose_delivery_kills_is_narrowed_down_too(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "deliver" and any(each.event_id == "v77" for each in about):
            raise Killed

    loop = Loop(aws, [packed(range(200))])
    rig = loop.run(hook)

    assert set(rig.letters()) == {f"bigquery/{identity(0, 77)}"}
    assert loop.crashes <= 5


def test_a_crash_that_no_event_is_to_blame_for_costs_an_aggregate_nothing(aws: Aws) -> None:
    crashed: list[str] = []

    def hook(step: str, _about: Any) -> None:
        if step == "deliver" and not crashed:
            crashed.append(step)
            raise Killed

    loop = Loop(aws, [packed(range(2000))])
    rig = loop.run(hook)

    assert (loop.crashes, loop.invocations, rig.letters()) == (1, 2, {})


def test_an_event_that_memory_does_not_hold_is_refused_out_of_the_first_aggregate(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "decode" and about == visit(3):
            raise MemoryError

    loop = Loop(aws, [packed([1, 2]), packed([3, 4, 5]), visit(6)])
    rig = loop.run(hook)

    assert (loop.invocations, set(rig.letters())) == (2, {f"bigquery/{identity(1, 0)}"})
    assert sum(one.delivered for one in rig.closed()) == 5


def test_an_aggregate_that_memory_does_not_hold_in_one_delivery_arrives_in_several(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "deliver" and len(about) > 3:
            raise MemoryError

    loop = Loop(aws, [packed(range(10)), packed(range(10, 20))])
    rig = loop.run(hook)

    assert rig.letters() == {}
    assert [(one.delivered, one.records) for one in rig.closed()] == [(10, 1), (10, 1)]


def test_a_batch_of_too_many_events_is_cut_between_its_aggregates(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.delivery.attempt.MOST_AT_ONCE", 5)
    rig = Rig(aws)
    event = batch([packed(range(4)), packed(range(4, 8)), packed(range(8, 12))])

    assert rig.invoke(event) == failures(2)
    assert "rest is left for the next invocation" in str(rig.reports[-1].reason)
    assert rig.invoke({"Records": event["Records"][2:]}) == failures()
    assert [one.events for one in rig.closed()] == [8, 4]
