"""What the local Firehose tells its transform, and how it reads the answer: as the service does."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.local.clock import FakeClock
from sluice.local.lake.declared import firehose
from sluice.local.lake.event import PAYLOAD_BYTES, AnswerError, Entry, event, read_answer
from sluice.local.lake.faults import Faults
from sluice.local.lake.source import taken_apart
from sluice.local.lake.transform import Transform
from sluice.local.mapping_types import StreamRecord
from sluice.records.aggregate import Aggregate
from tests.unit.local_cloud import lake_servers

FIREHOSE = firehose(lake_servers.firehose())
SHARD = "shardId-000000000000"


def entry(number: int, data: bytes = b"{}") -> Entry:
    return Entry(f"{number}000000", SHARD, str(number), 1_767_225_600.25, data, "key")


def answer(*records: Any) -> bytes:
    return json.dumps({"records": records}).encode()


def ok(number: int, **more: Any) -> dict[str, Any]:
    return {"recordId": f"{number}000000", "result": "Ok", "data": b64encode(b"row").decode(), **more}


def test_the_event_says_of_each_record_where_in_the_stream_it_lies() -> None:
    told = json.loads(event(FIREHOSE, [entry(7, b"seven")]))
    assert told["deliveryStreamArn"] == FIREHOSE.arn
    assert told["sourceKinesisStreamArn"] == FIREHOSE.stream
    assert told["region"] == lake_servers.REGION
    assert told["records"] == [
        {
            "recordId": "7000000",
            "approximateArrivalTimestamp": 1_767_225_600_250,
            "data": b64encode(b"seven").decode(),
            "kinesisRecordMetadata": {
                "shardId": SHARD,
                "partitionKey": "key",
                "approximateArrivalTimestamp": 1_767_225_600_250,
                "sequenceNumber": "7",
                "subsequenceNumber": "",
            },
        }
    ]


def test_what_was_put_directly_comes_without_a_place_in_a_stream() -> None:
    direct = firehose(lake_servers.firehose(stream=False))
    told = json.loads(event(direct, [Entry("1", "", "1", 0.0, b"x")]))
    assert "sourceKinesisStreamArn" not in told
    assert "kinesisRecordMetadata" not in told["records"][0]


def test_an_aggregate_is_taken_apart_and_its_records_keep_its_number_and_their_place() -> None:
    aggregate = Aggregate()
    for key in ("a", "b"):
        aggregate.add(key, key.encode() * 2)
    record = StreamRecord("9", 1.0, b64encode(aggregate.encode()).decode(), "outer")
    parts = taken_apart(SHARD, record)
    assert [(one.sequence, one.sub, one.partition_key, one.data, one.last) for one in parts] == [
        ("9", 0, "a", b"aa", False),
        ("9", 1, "b", b"bb", True),
    ]
    assert len({one.record_id for one in parts}) == 2


def test_a_broken_aggregate_stays_whole() -> None:
    data = b"\xf3\x89\x9a\xc2" + b"x" * 20
    parts = taken_apart(SHARD, StreamRecord("9", 1.0, b64encode(data).decode(), "outer"))
    assert [(one.data, one.sub, one.last) for one in parts] == [(data, None, True)]


def test_rows_keep_their_metadata_and_dropped_records_leave_no_trace() -> None:
    rows, failed = read_answer(
        answer(ok(1, metadata={"otfMetadata": {}}), {"recordId": "2000000", "result": "Dropped"}),
        [entry(1), entry(2)],
        1,
    )
    assert [(row.entry.sequence, row.data, row.metadata) for row in rows] == [
        ("1", b"row", {"otfMetadata": {}})
    ]
    assert not failed


@pytest.mark.parametrize(
    ("answered", "code"),
    [
        (answer(), "Lambda.MissingRecordId"),
        (answer(ok(2)), "Lambda.MissingRecordId"),
        (b"null", "Lambda.MissingRecordId"),
        (b"not json", "Lambda.MissingRecordId"),
        (b'{"records": 5}', "Lambda.MissingRecordId"),
        (answer(None, 5, {"recordId": 1}), "Lambda.MissingRecordId"),
        (answer(ok(1), ok(1)), "Lambda.DuplicatedRecordId"),
        (answer(ok(1, result="ProcessingFailed")), "Lambda.ProcessingFailedStatus"),
        (answer(ok(1, result="Fine")), "Lambda.InvalidReturnFormat"),
        (answer(ok(1, data=None)), "Lambda.InvalidReturnFormat"),
    ],
)
def test_a_record_without_a_proper_answer_fails_alone_as_it_was_read(answered: bytes, code: str) -> None:
    rows, failed = read_answer(answered, [entry(1, b"raw")], 2)
    assert not rows
    assert [(one.code, one.data, one.attempts, one.kind) for one in failed] == [
        (code, b"raw", 2, "processing-failed")
    ]


@pytest.mark.parametrize("answered", [answer(ok(1, data="?")), b" " * (PAYLOAD_BYTES + 1)])
def test_an_answer_that_is_too_large_or_no_base64_is_as_good_as_a_failed_function(answered: bytes) -> None:
    with pytest.raises(AnswerError):
        read_answer(answered, [entry(1)], 1)


RESULTS = st.sampled_from(["Ok", "Dropped", "ProcessingFailed", "Fine", None])
ANSWERS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "recordId": st.integers(0, 6).map(lambda n: f"{n}000000") | st.none(),
            "result": RESULTS,
            "data": st.binary(max_size=4).map(lambda data: b64encode(data).decode()) | st.none(),
        },
    )
)


@given(ANSWERS)
def test_every_record_is_a_row_or_failed_or_dropped_whatever_is_answered(
    records: list[dict[str, Any]],
) -> None:
    entries = [entry(number) for number in range(5)]
    rows, failed = read_answer(answer(*records), entries, 1)
    found = [row.entry.sequence for row in rows] + [one.entry.sequence for one in failed]
    assert len(found) == len(set(found))
    dropped = {one.sequence for one in entries} - set(found)
    said = {record.get("recordId") for record in records if record.get("result") == "Dropped"}
    assert {f"{sequence}000000" for sequence in dropped} <= said
    assert all(isinstance(b64decode(b64encode(row.data)), bytes) for row in rows)


def test_a_record_that_no_invocation_holds_fails_at_once_instead_of_being_tried_for_ever() -> None:
    transform = Transform(FIREHOSE, "http://127.0.0.1:1", Faults(), FakeClock())
    found = transform([entry(1, b"x" * PAYLOAD_BYTES)])
    assert [(one.code, one.attempts) for one in found.failed] == [("Lambda.FunctionError", 1)]
    assert "cannot be given to a function" in found.problem


def test_a_function_that_cannot_be_reached_is_tried_as_often_as_declared() -> None:
    clock = FakeClock()
    began = clock.now()
    found = Transform(FIREHOSE, "http://127.0.0.1:1", Faults(), clock)([entry(1, b"raw")])
    assert [(one.code, one.data, one.attempts) for one in found.failed] == [
        ("Lambda.FunctionError", b"raw", 2)
    ]
    assert clock.now() - began == FIREHOSE.attempts - 1
