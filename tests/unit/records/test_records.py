import base64
from datetime import datetime

import pytest

from sluice.errors import DeliveryError
from sluice.records import Record, packed, readable, records_of
from sluice.records.aggregate import MAGIC, Aggregate, AggregateError
from tests.unit.delivery.builders import (
    ARRIVED,
    CONSUMER_ARN,
    SHARD,
    STREAM_ARN,
    entry,
    event_of,
    record,
    sequence,
)


@pytest.mark.parametrize("arn", [STREAM_ARN, CONSUMER_ARN])
def test_lambdas_event_becomes_records_with_their_stream_shard_and_place(arn: str) -> None:
    data = bytes(range(256))
    (read,) = records_of({"Records": [entry(record(2, data), arn)]})
    assert read == Record(
        stream="activity",
        shard=SHARD,
        sequence=sequence(2),
        partition_key="key2",
        arrived_at=ARRIVED + 2,
        data=data,
    )


def test_an_identity_names_a_record_for_good() -> None:
    one = record(2)
    assert one.identity == f"{SHARD}/{sequence(2)}"
    assert one.fallback_id == f"key2:{sequence(2)}"


def test_a_record_out_of_an_aggregate_is_told_from_its_siblings() -> None:
    document = entry(record(2))
    document["kinesis"]["subSequenceNumber"] = 5
    (read,) = records_of({"Records": [document]})
    assert read.identity == f"{SHARD}/{sequence(2)}:5"
    assert read.fallback_id == f"key2:{sequence(2)}:5"
    assert read.order > record(2).order


@pytest.mark.parametrize(
    "arrived", [0.0, 1_700_000_000.0, 1_700_000_000.25, 1_699_999_999.999999, 1_764_000_000.123]
)
def test_the_arrival_as_text_is_the_arrival(arrived: float) -> None:
    one = Record("s", SHARD, "1", "k", arrived, b"")
    assert datetime.fromisoformat(one.arrived_text) == one.arrived


def test_records_sort_by_number_not_by_text() -> None:
    def at(number: str) -> Record:
        return Record("s", SHARD, number, "k", ARRIVED, b"")

    assert sorted([at("1000"), at("999")], key=lambda one: one.order) == [at("999"), at("1000")]


def test_empty_data_is_a_record_too() -> None:
    (read,) = records_of(event_of([record(1, b"")]))
    assert read.data == b""


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": None},
        {"Records": [{}]},
        {"Records": [{**entry(record(1)), "eventSourceARN": "arn:aws:sqs:eu-central-1:1:queue"}]},
        {"Records": [{**entry(record(1)), "kinesis": {"data": base64.b64encode(b"x").decode()}}]},
        {"Records": [{**entry(record(1)), "kinesis": {**entry(record(1))["kinesis"], "data": "a"}}]},
    ],
)
def test_an_event_that_is_not_kinesis_is_refused_in_one_line(event: dict[str, object]) -> None:
    with pytest.raises(DeliveryError) as refused:
        records_of(event)
    assert "\n" not in str(refused.value)
    assert "not a Kinesis event" in str(refused.value)


def aggregate_of(*datas: bytes) -> bytes:
    aggregate = Aggregate()
    for place, data in enumerate(datas):
        aggregate.add(f"user{place}", data)
    return aggregate.encode()


def test_an_aggregate_becomes_its_user_records_each_with_its_own_key_and_place() -> None:
    read = records_of(event_of([record(1), record(2, aggregate_of(b"a", b"b")), record(3)]))

    assert [(one.sequence, one.sub_sequence, one.partition_key) for one in read] == [
        (sequence(1), None, "key1"),
        (sequence(2), 0, "user0"),
        (sequence(2), 1, "user1"),
        (sequence(3), None, "key0"),
    ]
    assert [one.data for one in read[1:3]] == [b"a", b"b"]
    assert read[1].arrived_at == record(2).arrived_at
    assert packed(read) == (1, 2)


def test_a_broken_aggregate_stays_one_record_that_says_why() -> None:
    broken = aggregate_of(b"a", b"b")[:-1]
    (read,) = records_of(event_of([record(1, broken)]))

    assert (read.sub_sequence, read.data, packed([read])) == (None, broken, (0, 0))
    with pytest.raises(AggregateError, match="checksum is wrong"):
        readable(read)


def test_an_aggregate_inside_an_aggregate_is_refused_not_unpacked() -> None:
    inner = aggregate_of(b"a")
    plain, nested = records_of(event_of([record(1, aggregate_of(b"b", inner))]))

    assert readable(plain) == b"b"
    assert nested.data == inner
    with pytest.raises(AggregateError, match="an aggregate inside an aggregate"):
        readable(nested)


def test_what_a_redrive_brings_out_of_an_aggregate_keeps_its_name_whatever_it_holds() -> None:
    document = entry(record(2, aggregate_of(b"a")))
    document["kinesis"]["subSequenceNumber"] = 7
    (read,) = records_of({"Records": [document]})

    assert (read.identity, read.data) == (f"{SHARD}/{sequence(2)}:7", aggregate_of(b"a"))


def test_what_lambda_took_out_of_an_aggregate_itself_is_told_apart_the_same_way_each_time() -> None:
    split = [record(1), record(2, b"a"), record(2, b"a"), record(3, b"b")]
    read = records_of(event_of(split))

    assert [one.sub_sequence for one in read] == [None, 0, 1, None]
    assert len({one.identity for one in read}) == 4
    assert records_of(event_of(split)) == read
    assert packed(read) == (1, 2)


def test_only_the_magic_number_makes_an_aggregate() -> None:
    (read,) = records_of(event_of([record(1, MAGIC[:3] + b"{}")]))
    assert readable(read) == MAGIC[:3] + b"{}"
