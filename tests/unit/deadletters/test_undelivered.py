"""What a Firehose left under its error prefix is read as it stands, and what nobody wrote is told apart."""

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.deadletters.undelivered import UNKNOWN_SHARD, Undelivered, read, read_object, returned
from sluice.records import Record
from sluice.records.wrapped import wrap
from tests.unit.delivery.aws import BUCKET, Aws

KEY = "errors/lake/iceberg-failed/date=2026-11-21/lake-1-2026-11-21-09-00-00-x"
ARRIVED = datetime(2026, 11, 21, 9, 0, 0, 250_000, tzinfo=UTC)
ROW = {
    "type": "visit",
    "_shard": "shardId-000000000001",
    "_sequence": "495:7",
    "_arrived_at": 1_795_251_600_250_000,
}


def line(data: object, code: str = "Iceberg.InvalidColumnValue", **more: Any) -> bytes:
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    told = {
        "attemptsMade": 4,
        "arrivalTimestamp": 1_795_251_601_000,
        "errorCode": code,
        "errorMessage": "no",
        "attemptEndingTimestamp": 1_795_251_700_000,
        "rawData": base64.b64encode(content).decode(),
    }
    return json.dumps(told | more).encode()


def put(aws: Aws, *lines: bytes, key: str = KEY, packed: bool = False) -> None:
    body = b"\n".join(lines) + b"\n"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(body) if packed else body)


def found(aws: Aws, prefix: str = "errors/lake/") -> list[Undelivered]:
    return list(read(aws.s3, BUCKET, prefix))


@pytest.mark.parametrize("packed", [False, True])
def test_a_row_says_itself_which_record_it_was(aws: Aws, *, packed: bool) -> None:
    put(aws, line(ROW), packed=packed)
    (one,) = found(aws)
    assert (one.shard, one.sequence, one.arrived_at) == ("shardId-000000000001", "495:7", ARRIVED)
    assert (one.booked, one.ready, one.broken) == (True, True, False)
    assert one.letter is not None
    assert (one.letter.sink, one.letter.kind, one.letter.type) == ("lake", "undelivered", "visit")
    assert one.letter.reason == "Firehose could not deliver it (Iceberg.InvalidColumnValue): no"
    assert one.letter.payload is None
    assert one.letter.payload_s3 == f"s3://{BUCKET}/{KEY}"


def test_an_envelope_says_it_of_the_document_inside(aws: Aws) -> None:
    text = {"_arrived_at": "2026-11-21T09:00:00.250000Z"}
    put(aws, line({"time": 1, "event": ROW | text}, "Splunk.InvalidToken"))
    (one,) = found(aws)
    assert (one.shard, one.sequence, one.arrived_at) == ("shardId-000000000001", "495:7", ARRIVED)


@pytest.mark.parametrize(
    ("code", "booked"),
    [
        ("Lambda.FunctionError", False),
        ("Lambda.FunctionTimedOut", False),
        ("Lambda.ProcessingFailedStatus", True),
    ],
)
def test_a_record_as_it_came_has_a_place_made_of_its_line(aws: Aws, code: str, *, booked: bool) -> None:
    put(aws, line(b"one", code), line(b"two", code), line(b"two", code))
    first = found(aws)
    assert {one.shard for one in first} == {UNKNOWN_SHARD}
    assert len({one.sequence for one in first}) == 3
    assert all((one.sequence or "").isdecimal() for one in first)
    assert [(one.booked, one.ready) for one in first] == [(booked, False)] * 3
    assert found(aws) == first


def test_a_redriven_record_that_failed_again_keeps_its_place(aws: Aws) -> None:
    record = Record("activity", "shardId-000000000001", "495", "key", ARRIVED.timestamp(), b"{}", 7)
    put(aws, line(wrap(record), "Lambda.FunctionError"))
    (one,) = read_object(aws.s3, BUCKET, KEY, payloads=True)
    assert (one.shard, one.sequence, one.booked, one.ready) == (record.shard, "495:7", True, False)
    assert one.letter is not None
    assert (one.letter.payload, one.letter.partition_key, one.letter.stream) == (b"{}", "key", "activity")


def test_fields_may_be_missing_text_or_called_otherwise(aws: Aws) -> None:
    raw = base64.b64encode(b"x").decode()
    put(
        aws,
        json.dumps({"rawData": raw}).encode(),
        json.dumps({"rawData": raw, "lastErrorCode": "Odd", "arrivalTimestamp": "1795251601000"}).encode(),
    )
    assert [one.letter and one.letter.reason for one in found(aws)] == [
        "Firehose could not deliver it (no error code)",
        "Firehose could not deliver it (Odd)",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"junk",
        b"[]",
        b"{}",
        b'{"rawData": "!"}',
        b"\xff\xfe",
        b"[" * 100_000,
        line(b"", arrivalTimestamp=1e300),
    ],
)
def test_a_line_that_no_firehose_wrote_is_broken_and_hides_no_other(aws: Aws, content: bytes) -> None:
    put(aws, content, line(ROW))
    broken, whole = found(aws)
    assert (broken.broken, broken.shard, broken.sequence, broken.arrived_at) == (True, None, None, None)
    assert not whole.broken


def test_an_object_that_is_cut_or_spoilt_gives_what_is_readable(aws: Aws) -> None:
    packed = gzip.compress(line(ROW) + b"\n", 0)
    aws.s3.put_object(Bucket=BUCKET, Key=KEY, Body=packed + b"\x1f\x8bspoilt")
    assert [one.broken for one in found(aws)] == [False, True]


def test_what_was_redriven_since_a_moment_is_counted_by_the_line(aws: Aws) -> None:
    put(aws, line(ROW), line(ROW), key="redriven/lake/iceberg-failed/date=2026-11-20/a-1")
    put(aws, line(ROW), key="redriven/other/a-1")
    now = datetime.now(UTC)
    assert returned(aws.s3, BUCKET, "errors/lake/", now - timedelta(minutes=1)) == 2
    assert returned(aws.s3, BUCKET, "errors/lake/", now + timedelta(minutes=1)) == 0


def test_objects_are_read_in_chunks_and_by_the_sink(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.deadletters.undelivered.CHUNK_BYTES", 7)
    put(aws, line(ROW), line(ROW), packed=True)
    put(aws, line(ROW), key=KEY.replace("/lake/", "/other/"))
    assert len(found(aws)) == 2
    assert [one.letter and one.letter.sink for one in found(aws, "errors/other/")] == ["other"]
    assert list(read_object(aws.s3, BUCKET, "errors/lake/gone", payloads=False)) == []
