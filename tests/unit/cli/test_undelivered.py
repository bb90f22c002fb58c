"""What a Firehose could not deliver is a dead letter on the command line, and goes back without a loss."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.cli.outputs import Outputs, SinkOutputs
from sluice.cli.target import Target
from sluice.local.endpoints import Endpoints
from sluice.producer.failures import Failure, Why
from sluice.records.wrapped import unwrap
from tests.unit.delivery.aws import BUCKET, REGION, TABLE, Aws, running
from tests.unit.delivery.builders import CONTRACT, Context, record, sequence, visit
from tests.unit.sinks.firehose.rig import SHARD, Rig, direct, event_of, results, row_of

FAILED = "errors/lake/iceberg-failed/date=2026-11-21/lake-1-x"
UNTOUCHED = "errors/lake/processing-failed/date=2026-11-21/lake-1-y"
SECRET = "hunter2"  # noqa: S105 - what a listing must not show


@pytest.fixture
def aws() -> Iterator[Aws]:
    with running() as found:
        yield found


class Sink:
    """Lambda's API before the sink's function."""

    def __init__(self, aws: Aws) -> None:
        self.rig = Rig(aws)
        self.modes: list[object] = []
        self.breaks = 0

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == "lake-sink"
        event = json.loads(Payload)
        self.modes.append(event["redrive"])
        if self.breaks:
            self.breaks -= 1
            error = {"errorType": "Error", "errorMessage": "no"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        answer = self.rig.handler(event, Context(60.0))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def sink(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Sink:
    lake = SinkOutputs(function="lake-sink", bucket=BUCKET, errors="errors/lake/", firehose="lake")
    outputs = Outputs(
        environment="dev",
        region=REGION,
        stream_name="activity",
        dead_letter_queue_url=aws.queue_url,
        dead_letter_bucket=BUCKET,
        ledger_table=TABLE,
        bigquery_project="p",
        bigquery_dataset="raw",
        bigquery_views_dataset="views",
        sinks={"bigquery": SinkOutputs(function="other"), "lake": lake},
    )
    found = Target(outputs=outputs, endpoints=Endpoints(aws_url="", lambda_url="", bigquery_url=""))
    sink = Sink(aws)
    found.__dict__.update(sqs=aws.sqs, s3=aws.s3, functions=sink)  # as the cached properties would
    monkeypatch.setattr(Target, "find", lambda *_: found)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: Path("elsewhere"))
    return sink


def line(data: bytes, code: str) -> bytes:
    told = {
        "attemptsMade": 1,
        "arrivalTimestamp": 1_795_251_601_000,
        "errorCode": code,
        "errorMessage": "no",
        "attemptEndingTimestamp": 1_795_251_700_000,
        "rawData": base64.b64encode(data).decode(),
    }
    return json.dumps(told).encode() + b"\n"


def rows(sink: Sink, *numbers: int) -> list[bytes]:
    found = sink.rig.ask(event_of([record(number, visit(number, page=SECRET)) for number in numbers]))
    return [base64.b64decode(each["data"]) for each in found.values()]


def failed_rows(aws: Aws, sink: Sink, *numbers: int) -> None:
    """Let rows that the transform made fail behind it."""
    body = b"".join(line(row, "Iceberg.NoSuchTable") for row in rows(sink, *numbers))
    aws.s3.put_object(Bucket=BUCKET, Key=FAILED, Body=body)


def failed_raw(aws: Aws, *datas: bytes, code: str = "Lambda.FunctionError") -> None:
    aws.s3.put_object(Bucket=BUCKET, Key=UNTOUCHED, Body=b"".join(line(data, code) for data in datas))


def called(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert run([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def objects(aws: Aws, prefix: str) -> dict[str, int]:
    """Return how many lines each object has."""
    found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    bodies = {each["Key"]: aws.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found}
    return {key: body.count(b"\n") for key, body in bodies.items()}


def arrived(sink: Sink) -> list[dict[str, Any]]:
    """Return the rows that the Firehose for redriven records gets to deliver."""
    answers = sink.rig.ask(direct(sink.rig.put))
    assert set(results(answers)) <= {"Ok", "Dropped"}
    return [row_of(each) for each in answers.values() if each["result"] == "Ok"]


def test_they_are_listed_beside_the_queues_and_shown_without_content(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_rows(aws, sink, 0, 1)
    sink.rig.ask(event_of([record(7, b"junk")]))
    listed = called(capsys, "dlq", "list")
    assert sorted(each["kind"] for each in listed) == ["contract", "undelivered", "undelivered"]
    assert len(called(capsys, "dlq", "list", "--sink", "bigquery")) == 0
    assert SECRET not in json.dumps(listed)
    name = next(each["id"] for each in listed if each["kind"] == "undelivered")
    assert called(capsys, "dlq", "show", name)["payload_s3"] == f"s3://{BUCKET}/{FAILED}"
    assert SECRET in called(capsys, "dlq", "show", name, "--payload")["payload_text"]
    assert run(["dlq", "list"]) == 0
    assert "Firehose could not deliver it" in " ".join(capsys.readouterr().out.split())


def test_rows_go_back_as_they_are_and_their_object_moves(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_rows(aws, sink, 0, 1, 2)
    before = sink.rig.entries()
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 3
    assert sink.modes == ["rows"]
    assert {row["_sequence"] for row in arrived(sink)} == {sequence(0), sequence(1), sequence(2)}
    assert objects(aws, "errors/") == {}
    (moved,) = objects(aws, "redriven/").items()
    assert moved[0].startswith(FAILED.replace("errors/", "redriven/"))
    assert moved[1] == 3
    assert sink.rig.entries() == before
    assert called(capsys, "dlq", "list") == []


def test_records_of_which_no_ledger_knows_are_checked_booked_and_delivered(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_raw(aws, visit(0), visit(0), b"junk")
    told = called(capsys, "dlq", "redrive", "--all", "--sink", "lake", status=1)
    assert (told["delivered"], told["refused_again"]) == (2, 1)
    assert objects(aws, "errors/") == {}
    booked = sink.rig.entries("undelivered")
    assert (len(booked), sum(each.delivered for each in booked)) == (3, 2)
    assert len({row["_sequence"] for row in arrived(sink)}) == 2
    (letter,) = called(capsys, "dlq", "list")
    assert letter["kind"] == "contract"


def test_records_that_the_transform_gave_up_are_not_booked_again(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_raw(aws, visit(0), code="Lambda.ProcessingFailedStatus")
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 1
    assert sink.modes == ["booked"]
    assert sink.rig.entries("undelivered") == []
    assert [row["_event_id"] for row in arrived(sink)] == ["v0"]


def test_one_of_many_is_redriven_and_the_others_stay(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    failed_rows(aws, sink, 0, 1, 2)
    chosen = next(each for each in called(capsys, "dlq", "list") if each["sequence"] == sequence(1))
    left = {each["id"] for each in called(capsys, "dlq", "list")} - {chosen["id"]}
    assert called(capsys, "dlq", "redrive", chosen["id"])["delivered"] == 1
    assert [row["_sequence"] for row in arrived(sink)] == [sequence(1)]
    assert {each["id"] for each in called(capsys, "dlq", "list")} == left
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 2
    assert sorted(objects(aws, "redriven/").values()) == [1, 2]


def test_a_redrive_that_is_killed_midway_loses_nothing_and_goes_on(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_rows(aws, sink, *range(6))
    monkeypatch.setattr("sluice.cli.undelivered.CHUNK_LINES", 2)
    invoke = sink.invoke

    def until_killed(**request: Any) -> dict[str, Any]:
        if len(sink.modes) == 2:
            raise KeyboardInterrupt
        return invoke(**request)

    monkeypatch.setattr(sink, "invoke", until_killed)
    assert run(["dlq", "redrive", "--all"]) != 0
    capsys.readouterr()
    assert objects(aws, "errors/") == {FAILED: 6}
    monkeypatch.setattr(sink, "invoke", invoke)
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 6
    assert len({row["_sequence"] for row in arrived(sink)}) == 6
    assert objects(aws, "errors/") == {}


def test_a_sink_that_takes_nothing_is_not_asked_for_long(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_rows(aws, sink, *range(10))
    monkeypatch.setattr("sluice.cli.undelivered.CHUNK_LINES", 1)
    sink.breaks = 1000
    told = called(capsys, "dlq", "redrive", "--all", status=1)
    assert (told["delivered"], told["not_placed"]) == (0, 10)
    assert len(sink.modes) == 3
    assert objects(aws, "errors/") == {FAILED: 10}


def test_what_the_redrive_firehose_does_not_take_stays_undelivered(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_rows(aws, sink, 0, 1)
    busy = Failure(Why.PASSING, "ServiceUnavailableException", "busy")

    def refuse(data: bytes) -> Failure | None:
        found = unwrap(data)
        return busy if found and found.record.sequence == sequence(1) else None

    monkeypatch.setattr(sink.rig, "_refuse", refuse)
    told = called(capsys, "dlq", "redrive", "--all", status=1)
    assert (told["delivered"], told["not_placed"]) == (1, 1)
    assert objects(aws, "errors/") == {FAILED: 1}


def test_lines_that_no_firehose_wrote_are_counted_said_and_kept(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = rows(sink, 0)
    aws.s3.put_object(Bucket=BUCKET, Key=FAILED, Body=b"junk\n" + line(row, "Iceberg.NoSuchTable"))
    assert run(["dlq", "list", "--json"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 1
    assert f"1 line under an error prefix not written by Firehose: see s3://{BUCKET}/{FAILED}" in said.err
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 1
    assert objects(aws, "errors/") == {FAILED: 1}


def test_a_dead_letter_of_the_queue_goes_back_with_its_lineage(
    aws: Aws, sink: Sink, capsys: pytest.CaptureFixture[str]
) -> None:
    sink.rig.ask(event_of([record(3, visit(3, more=1))]))
    letters = sink.rig.letters()
    assert list(letters) == [f"lake/{SHARD}/{sequence(3)}"]
    sink.rig = Rig(aws, contract=Lenient())
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 1
    (row,) = arrived(sink)
    assert (row["_sequence"], row["_shard"], row["_event_id"]) == (sequence(3), SHARD, "v3")
    assert not sink.rig.letters()


class Lenient:
    """The contract after it was mended: the field that was too much is passed over."""

    def __init__(self) -> None:

        self.types, self.type_of = CONTRACT.types, CONTRACT.type_of
        self.encode_lake_row = CONTRACT.encode_lake_row
        self._decode = CONTRACT.decode

    def decode(self, data: bytes) -> Any:
        return self._decode(data.replace(b', "more": 1', b""))
