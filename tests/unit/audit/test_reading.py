"""The books over a pipeline that really runs, with its ledger, its queue and its stream."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.audit.reading import read_books
from sluice.audit.stream import MAX_DATAPOINTS, begin, behind, taken_in
from sluice.audit.warehouse import Counted
from tests.unit.audit.plant import STREAM, Plant, visit

BAD = ("bad", b"{")


def test_books_balance_at_every_moment(plant: Plant) -> None:
    plant.produce(
        *(visit(n) for n in range(40)), BAD, BAD, ("odd", b'{"type": "visit"}'), *(visit(n) for n in range(5))
    )
    books = read_books(plant.sources)
    assert books.sentences == []
    assert (books.produced, books.in_flight, books.sinks[0].delivered) == (48, 48, 0)
    first, second = plant.shards()
    for shard in (first, second, first, second):
        plant.work(shard, 7)
        books = read_books(plant.sources)
        assert books.sentences == []
        assert books.produced == books.sinks[0].total == 48
    for shard in (first, second):
        while plant.waiting(shard):
            plant.work(shard, 10)
    books = read_books(plant.sources)
    assert books.sentences == []
    assert books.document() | {"elapsed_seconds": 0, "latency_ms": {}} == {
        "produced": 48,
        "sinks": {
            "memory": {
                "delivered": 45,
                "dead_lettered": 3,
                "undelivered": 0,
                "skipped": 0,
                "filtered": 0,
                "in_flight": 0,
                "events": 48,
                "records": 48,
                "stream": "activity",
            }
        },
        "dead_letters": 3,
        "duplicates": 5,
        "balanced": True,
        "elapsed_seconds": 0,
        "latency_ms": {},
    }
    assert books.p50 is not None
    assert books.p99 is not None
    assert books.p50 <= books.p99


def test_books_balance_though_a_sink_goes_on_while_they_are_read(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = plant.shards()
    plant.produce(*(visit(n) for n in range(40)))
    plant.work(first, 5)

    def count(*_: Any, **__: Any) -> Counted:
        plant.produce(*(visit(n) for n in range(40, 60)))
        for shard in (first, second):
            while plant.waiting(shard):
                plant.work(shard, 10)
        return plant.count()

    monkeypatch.setattr("sluice.audit.reading.count_tables", count)
    books = read_books(plant.sources)
    assert books.sentences == []
    assert books.sinks[0].delivered == 60


def test_a_batch_that_lambda_gave_up_on_is_dead_lettered(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    first, second = plant.shards()
    skipped = len(plant.waiting(first)[:4])
    plant.give_up(first, 4)
    for shard in (first, second):
        while plant.waiting(shard):
            plant.work(shard, 10)
    books = read_books(plant.sources)
    assert books.sentences == []
    assert books.sinks[0].dead_lettered == books.dead_letters == skipped
    assert books.sinks[0].delivered == 30 - skipped


def test_a_metric_that_is_minutes_late_is_no_imbalance_where_that_is_known_of_it(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    plant.work(plant.shards()[0], 5)
    monkeypatch.setattr("sluice.audit.streams.taken_in", lambda *_, **__: 12)
    assert "its metric is some minutes late" in read_books(plant.sources).sentences[0]
    books = read_books(replace(plant.sources, metric_lag_seconds=300))
    assert (books.sentences, books.produced) == ([], 30)
    monkeypatch.setattr("sluice.audit.streams.taken_in", lambda *_, **__: 31)
    assert "1 of the 31 records" in read_books(replace(plant.sources, metric_lag_seconds=300)).sentences[0]
    long_after = datetime.now(UTC) + timedelta(minutes=10)
    monkeypatch.setattr("sluice.audit.streams.taken_in", lambda *_, **__: 12)
    late = replace(plant.sources, metric_lag_seconds=300)
    for shard in plant.shards():
        while plant.waiting(shard):
            plant.work(shard, 30)
    assert "18 records more" in read_books(late, now=long_after).sentences[0]


def test_what_came_before_the_time_audited_is_not_read(plant: Plant) -> None:
    calls: list[str] = []
    plant.dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    plant.produce(*(visit(n) for n in range(30)))
    for shard in plant.shards():
        plant.work(shard, 30)
    now = datetime.now(UTC)
    calls.clear()
    books = read_books(plant.sources, since=now - timedelta(hours=1))
    assert (books.sentences, books.sinks[0].delivered) == ([], 30)
    assert set(calls) == {"Query"}
    calls.clear()
    read_books(plant.sources, since=now - timedelta(days=9))  # shards may be gone that the ledger still knows
    assert set(calls) == {"Scan"}


def test_a_record_that_vanishes_from_the_sink_is_told(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(10)))
    for shard in plant.shards():
        if plant.waiting(shard):
            plant.work(shard, 100)
    plant.sink.held.popitem()
    books = read_books(plant.sources)
    assert not books.balanced
    assert "the ledger says 10 delivered, the sink holds 9" in books.sentences[0]


def test_a_dead_letter_that_vanishes_from_the_queue_is_told(plant: Plant) -> None:
    plant.produce(BAD)
    for shard in plant.shards():
        if plant.waiting(shard):
            plant.work(shard, 100)
    plant.sqs.purge_queue(QueueUrl=plant.queue_url)
    assert "the ledger says 1 dead-lettered, the queue holds 0" in read_books(plant.sources).sentences[0]


def test_a_mapping_that_skips_records_is_told(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(40)))
    first, second = plant.shards()
    plant.marks[first] = plant.waiting(first)[2]["SequenceNumber"]  # as one that starts at LATEST
    for shard in (first, second):
        plant.work(shard, 100)
    assert (
        "3 of the 40 records that the stream accepted are in no state"
        in read_books(plant.sources).sentences[0]
    )


def test_reading_the_books_leaves_the_queue_as_it_was(plant: Plant) -> None:
    plant.produce(BAD)
    for shard in plant.shards():
        if plant.waiting(shard):
            plant.work(shard, 100)
    assert read_books(plant.sources).dead_letters == read_books(plant.sources).dead_letters == 1


def test_a_sink_that_lags_is_told_with_the_place_where_its_reason_is_written(plant: Plant) -> None:
    plant.produce(visit(1))
    soon, later = datetime.now(UTC), datetime.now(UTC) + timedelta(minutes=12, seconds=5)
    assert read_books(plant.sources, now=soon).notes == ()
    (note,) = read_books(plant.sources, now=later).notes
    assert "the oldest record in flight has waited 12 min" in note
    assert "the log of memory-sink" in note


def test_too_much_in_flight_to_count_is_said(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    counted = behind(plant.kinesis, STREAM, {}, most=10)
    assert not counted.complete


@pytest.mark.parametrize("days", [0.01, 1, 3, 14.9, 20, 62, 100, 400])
def test_the_metric_is_asked_for_in_one_answer_of_periods_that_are_kept(days: float) -> None:
    now = datetime(2026, 11, 21, 10, 30, 17, tzinfo=UTC)
    asked: dict[str, Any] = {}

    class CloudWatch:
        def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
            asked.update(request)
            return {"Datapoints": [{"Sum": 3.0}, {"Sum": 4.0}]}

    assert taken_in(CloudWatch(), "s", now - timedelta(days=days), now) == 7  # type: ignore[arg-type]  # a stand-in
    span = (asked["EndTime"] - asked["StartTime"]).total_seconds()
    assert span / asked["Period"] <= MAX_DATAPOINTS
    assert asked["Period"] % (60 if days < 15 else 300 if days < 63 else 3600) == 0
    assert asked["EndTime"] > now


@pytest.mark.parametrize(("days", "minutes"), [(1, 0), (14, 0), (16, 3), (62, 3), (64, 33)])
def test_an_audit_begins_where_the_metric_can_tell_what_came_before(days: int, minutes: int) -> None:
    now = datetime(2026, 11, 21, 10, 33, 17, 5, tzinfo=UTC)
    whole = now.replace(second=0, microsecond=0) - timedelta(days=days)
    assert begin(now - timedelta(days=days), now) == whole - timedelta(minutes=minutes)
