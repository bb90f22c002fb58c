"""The codec of KPL aggregates, held to AWS's own Python library both ways, and to whatever bytes may come."""

import base64
import contextlib
import hashlib

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.records.aggregate import (
    MAGIC,
    MOST_RECORDS,
    Aggregate,
    AggregateError,
    UserRecord,
    is_aggregate,
    unpack,
)

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
HASH_KEYS = st.none() | st.integers(0, 2**128 - 1).map(str)
USER_RECORDS = st.builds(UserRecord, KEYS | st.sampled_from("abc"), st.binary(max_size=300), HASH_KEYS)
SEVERAL = st.lists(USER_RECORDS, min_size=1, max_size=30)


def packed(records: list[UserRecord]) -> Aggregate:
    aggregate = Aggregate()
    for record in records:
        aggregate.add(*record)
    return aggregate


def framed(body: bytes) -> bytes:
    return MAGIC + body + hashlib.md5(body, usedforsecurity=False).digest()


@settings(suppress_health_check=[HealthCheck.too_slow])  # how fast examples are drawn is the machine's affair
@given(SEVERAL)
def test_what_is_packed_is_unpacked_in_order(records: list[UserRecord]) -> None:
    assert unpack(packed(records).encode()) == records


@given(SEVERAL)
def test_the_size_is_known_before_a_record_is_added(records: list[UserRecord]) -> None:
    aggregate = Aggregate()
    for count, record in enumerate(records, start=1):
        foretold = aggregate.size_with(*record)
        aggregate.add(*record)
        assert (foretold, aggregate.size, count) == (aggregate.size, len(aggregate.encode()), len(aggregate))


@given(SEVERAL)
def test_awss_library_unpacks_what_sluice_packs(records: list[UserRecord]) -> None:
    entry = {
        "kinesis": {
            "data": base64.b64encode(packed(records).encode()).decode(),
            "kinesisSchemaVersion": "1.0",
            "sequenceNumber": "1",
            "approximateArrivalTimestamp": 1.0,
            "partitionKey": "outer",
        },
        "eventID": "shardId-000000000000:1",
    }

    theirs = deaggregate_records(entry)

    assert [
        (each["kinesis"]["partitionKey"], base64.b64decode(each["kinesis"]["data"])) for each in theirs
    ] == [(record.partition_key, record.data) for record in records]


@given(SEVERAL)
def test_sluice_unpacks_what_awss_library_packs(records: list[UserRecord]) -> None:
    aggregator = RecordAggregator()
    for record in records:
        assert aggregator.add_user_record(*record) is None
    _, _, data = aggregator.clear_and_get().get_contents()

    assert unpack(data) == records
    assert len(data) == packed(records).size


@given(SEVERAL, st.data())
def test_no_cut_aggregate_passes_for_a_whole_one(records: list[UserRecord], data: st.DataObject) -> None:
    whole = packed(records).encode()
    cut = whole[: data.draw(st.integers(len(MAGIC), len(whole) - 1))]

    assert is_aggregate(cut)
    with pytest.raises(AggregateError):
        unpack(cut)


@given(SEVERAL, st.data())
def test_no_changed_byte_passes_unseen(records: list[UserRecord], data: st.DataObject) -> None:
    changed = bytearray(packed(records).encode())
    changed[data.draw(st.integers(len(MAGIC), len(changed) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(AggregateError):
        unpack(bytes(changed))


@given(st.binary(max_size=200))
def test_any_message_under_a_right_checksum_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(AggregateError):
        assert 1 <= len(unpack(framed(body))) <= MOST_RECORDS


@given(SEVERAL, st.data())
@settings(max_examples=200)
def test_a_valid_message_that_was_tampered_with_is_read_or_refused(
    records: list[UserRecord], data: st.DataObject
) -> None:
    body = bytearray(packed(records).encode()[len(MAGIC) : -16])
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))

    with contextlib.suppress(AggregateError):
        assert all(isinstance(record.partition_key, str) for record in unpack(framed(bytes(body))))
