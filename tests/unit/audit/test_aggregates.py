"""The books with KPL producers: the stream counts records, the sinks events, and both sums agree."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.audit.evidence import FilteredOut
from sluice.audit.reading import read_books
from sluice.audit.sources import SinkSource, Sources
from sluice.audit.stream import behind, filtered_out
from sluice.deadletters import DeadLetterQueue
from sluice.delivery import Ledger, Processor
from sluice.records.aggregate import Aggregate, is_aggregate, unpack
from sluice.sinks.memory import MemorySink
from tests.unit.audit.plant import BUCKET, STREAM, TABLE, Plant, entry, visit
from tests.unit.delivery.builders import Context

BAD = ("bad", b"{")


def packed(*records: tuple[str, bytes]) -> tuple[str, bytes]:
    aggregate = Aggregate()
    for key, data in records:
        aggregate.add(key, data)
    return records[0][0], aggregate.encode()


def work_off(plant: Plant, records: int = 100) -> None:
    for shard in plant.shards():
        while plant.waiting(shard):
            plant.work(shard, records)


def test_books_of_aggregates_balance_at_every_moment(plant: Plant) -> None:
    key, whole = packed(visit(100), visit(101))
    plant.produce(
        *(visit(n) for n in range(10)),
        *(packed(*(visit(20 + 5 * n + m) for m in range(5))) for n in range(8)),
        packed(visit(70), BAD, visit(71)),
        (key, whole[:-1]),
    )
    books = read_books(plant.sources)
    (sink,) = books.sinks
    assert books.sentences == []
    assert (books.produced, sink.records, sink.total, sink.in_flight) == (20, 20, 54, 54)
    for shard in plant.shards() * 2:
        if plant.waiting(shard):
            plant.work(shard, 3)
        books = read_books(plant.sources)
        assert books.sentences == []
        assert (books.sinks[0].records, books.sinks[0].total) == (20, 54)
    work_off(plant)
    books = read_books(plant.sources)
    (sink,) = books.sinks
    assert books.sentences == []
    assert (sink.delivered, sink.dead_lettered, sink.in_flight) == (52, 2, 0)
    assert sink.document() == {
        "delivered": 52,
        "dead_lettered": 2,
        "undelivered": 0,
        "skipped": 0,
        "filtered": 0,
        "in_flight": 0,
        "events": 54,
        "records": 20,
        "stream": STREAM,
    }


def test_one_event_of_an_aggregate_that_vanishes_is_told(plant: Plant) -> None:
    plant.produce(packed(*(visit(n) for n in range(6))))
    work_off(plant)
    plant.sink.held.popitem()
    assert "the ledger says 6 delivered, the sink holds 5" in read_books(plant.sources).sentences[0]


def test_an_aggregate_that_a_mapping_skips_is_told_as_the_record_it_is(plant: Plant) -> None:
    plant.produce(*(packed(visit(n), visit(n + 50)) for n in range(20)))
    shards = [shard for shard in plant.shards() if len(plant.waiting(shard)) > 2]
    plant.marks[shards[0]] = plant.waiting(shards[0])[0]["SequenceNumber"]
    work_off(plant)
    assert (
        "1 of the 20 records that the stream accepted are in no state"
        in read_books(plant.sources).sentences[0]
    )


def test_aggregates_that_lambda_gave_up_on_are_records_until_they_are_redriven(plant: Plant) -> None:
    plant.produce(*(packed(visit(n), visit(n + 50), visit(n + 70)) for n in range(10)))
    shard = next(shard for shard in plant.shards() if plant.waiting(shard))
    given_up = min(len(plant.waiting(shard)), 2)
    plant.give_up(shard, given_up)
    work_off(plant)
    books = read_books(plant.sources)
    assert (books.sentences, books.sinks[0].dead_lettered, books.sinks[0].records) == ([], given_up, 10)


class Mapping:
    """A mapping with a filter over the plant's stream: events of even numbers pass, the others only count."""

    def __init__(self, plant: Plant, *, doubt: str | None = None) -> None:
        self.plant = plant
        self.dropped = 0
        self.doubt = doubt
        self.passed: dict[str, int] = {}
        letters = DeadLetterQueue(lambda: plant.sqs, plant.queue_url, lambda: plant.s3, BUCKET)
        ledger = Ledger(plant.dynamodb, TABLE, "route", keep=timedelta(days=1), disjoint=True)
        self.processor = Processor(plant.contract, MemorySink("route"), ledger, letters)

    def sources(self) -> Sources:
        sinks = {"memory": SinkSource(function="memory-sink"), "route": SinkSource(function="r", keeps=False)}
        told = {"route": FilteredOut(self.dropped, self.doubt, {} if self.doubt else self.passed)}
        return replace(self.plant.sources, sinks=sinks, filtered=lambda _: told)

    def work(self, most: int = 1000) -> None:
        """Read on in each shard; what passes comes record by record, as Lambda takes it out of aggregates."""
        for shard in self.plant.shards():
            done = self.passed.get(shard, -1)
            waiting = [each for each in self.plant.everything(shard) if int(each["SequenceNumber"]) > done][
                :most
            ]
            passing = []
            for each in waiting:
                (key, data), sequence = (each["PartitionKey"], each["Data"]), int(each["SequenceNumber"])
                inside = [(one.partition_key, one.data) for one in unpack(data)] if is_aggregate(data) else []
                for user_key, user_data in inside or [(key, data)]:
                    if int(json.loads(user_data)["id"][1:]) % 2:
                        self.dropped += 1
                    else:
                        passing.append(entry(shard, {**each, "PartitionKey": user_key, "Data": user_data}))
                self.passed[shard] = sequence
            if passing:
                assert self.processor({"Records": passing}, Context()) == {"batchItemFailures": []}


def test_what_a_filter_drops_is_skipped_and_the_sum_is_exact(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(20)), *(packed(visit(n), visit(n + 1)) for n in range(30, 50, 2)))
    mapping = Mapping(plant)
    books = read_books(mapping.sources())
    assert (books.sentences, books.sinks[1].in_flight) == ([], 40)
    mapping.work(3)
    assert read_books(mapping.sources()).sentences == []
    mapping.work()
    work_off(plant)
    books = read_books(mapping.sources())
    assert books.sentences == []
    route = books.sinks[1]
    assert (route.delivered, route.filtered, route.skipped, route.in_flight) == (20, 20, 20, 0)
    assert (route.total, route.records) == (40, 30)


@pytest.mark.parametrize(("wrong", "said"), [(-1, "1 of the 40 events"), (1, "1 events more")])
def test_an_event_that_a_filter_neither_dropped_nor_handed_over_is_told(
    plant: Plant, wrong: int, said: str
) -> None:
    plant.produce(*(visit(n) for n in range(20)), *(packed(visit(n), visit(n + 1)) for n in range(30, 50, 2)))
    mapping = Mapping(plant)
    mapping.work()
    work_off(plant)
    mapping.dropped += wrong
    (sentence,) = read_books(mapping.sources()).sentences
    assert said in sentence


def test_where_only_a_metric_tells_what_was_dropped_the_books_say_how_far_off_it_is(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(20)))
    mapping = Mapping(plant, doubt="known from a metric that is late")
    mapping.work()
    work_off(plant)
    mapping.dropped -= 4
    books = read_books(mapping.sources())
    assert books.sentences == []
    (note,) = books.notes
    assert "known from a metric that is late; with it the sum is" in note


def test_a_sink_on_a_routes_own_stream_is_held_against_that_stream(plant: Plant) -> None:
    plant.kinesis.create_stream(StreamName="own", ShardCount=1)
    plant.produce(*(visit(n) for n in range(5)))
    sinks = {
        "memory": SinkSource(function="memory-sink", into="own"),
        "own-sink": SinkSource(function="other", stream="own", keeps=False),
    }
    sources = replace(plant.sources, sinks=sinks)
    for number in range(7):
        plant.kinesis.put_record(StreamName="own", PartitionKey="k", Data=visit(number)[1])
    work_off(plant)
    books = read_books(sources)
    assert books.sentences == []
    assert books.produced == 5
    assert [(sink.stream, sink.produced, sink.in_flight) for sink in books.sinks] == [
        (STREAM, 5, 0),
        ("own", 7, 7),
    ]


def test_what_a_route_delivered_and_its_stream_never_took_in_is_told(plant: Plant) -> None:
    plant.kinesis.create_stream(StreamName="own", ShardCount=1)
    plant.produce(*(visit(n) for n in range(5)))
    work_off(plant)
    sources = replace(plant.sources, sinks={"memory": SinkSource(function="memory-sink", into="own")})
    assert "5 delivered, its stream own took in 0" in read_books(sources).sentences[0]


def test_in_flight_events_are_those_inside_aggregates(plant: Plant) -> None:
    plant.produce(visit(1), packed(visit(2), visit(3)), ("k", packed(visit(4))[1][:9]))
    found = behind(plant.kinesis, STREAM, {})
    assert (found.records, found.events) == (3, 4)


def test_the_metric_of_a_filter_is_asked_for_by_its_mapping() -> None:
    asked: dict[str, Any] = {}

    class CloudWatch:
        def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
            asked.update(request)
            return {"Datapoints": [{"Sum": 12.0}]}

    now = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
    assert filtered_out(CloudWatch(), "uuid-1", now, now) == 12  # type: ignore[arg-type]  # a stand-in
    assert (asked["Namespace"], asked["MetricName"]) == ("AWS/Lambda", "FilteredOutEventCount")
    assert asked["Dimensions"] == [{"Name": "EventSourceMappingUUID", "Value": "uuid-1"}]
