"""The probe's function: what it does about an event, a question, and records of others."""

import json
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.errors import NoCloud, SettingsError, UsageError
from sluice.probe.asked import insert
from sluice.probe.event import batches, plan
from sluice.probe.function import merged, probe
from sluice.probe.given_up import GivenUp
from sluice.probe.ground import Ground
from sluice.sinks.answers import Answer, NoAnswer

NOW = 1_767_225_600.0
ENVIRONMENT = {
    "SLUICE_PROBE_TABLE": "journal",
    "SLUICE_ENVIRONMENT": "sluice-dev",
    "SLUICE_BIGQUERY_PROJECT": "project",
    "SLUICE_BIGQUERY_DATASET": "probe",
    "BIGQUERY_EMULATOR_HOST": "127.0.0.1:1",
}


def entry(data: bytes, sequence: int = 1, arrived: float = NOW) -> dict[str, Any]:
    return {
        "kinesis": {
            "data": b64encode(data).decode(),
            "partitionKey": "key",
            "sequenceNumber": str(sequence),
            "approximateArrivalTimestamp": arrived,
        },
        "eventID": f"shardId-0:{sequence}",
        "eventSourceARN": "arn",
    }


def order(**more: Any) -> bytes:
    return json.dumps({"to": "parts", "run": "run", "case": "case", "n": 0, **more}).encode()


def context() -> Any:
    return SimpleNamespace(aws_request_id="request", get_remaining_time_in_millis=lambda: 60_000)


def test_records_of_nobody_and_of_runs_that_are_long_over_are_passed_over() -> None:
    foreign = [b"", b"no json", b'{"type": "sale"}', b"probe two words", b"\xf3\x89\x9a\xc2broken"]
    event = {"Records": [entry(each) for each in (*foreign, order())]}
    (batch,) = batches(event, "request", NOW)
    assert (batch.seen.numbers, batch.seen.batch, batch.seen.shard) == ([0], 6, "shardId-0")
    assert batches(event, "request", NOW + 901) == []


def test_an_event_without_records_of_the_probe_is_answered_as_done() -> None:
    handler = probe(ENVIRONMENT)
    assert handler({"Records": [entry(b"no json")]}, context()) == {}
    assert handler({"Records": [], "window": {}, "state": {"a": 1}}, context()) == {"state": {"a": 1}}


def test_a_question_is_answered_and_another_refused_in_one_line() -> None:
    handler = probe(ENVIRONMENT)
    assert handler({"ask": "ready"}, context()) == {"ready": True}
    with pytest.raises(UsageError, match="it knows ready and insert"):
        handler({"ask": "more"}, context())


def test_an_environment_that_says_too_little_is_refused_in_one_line() -> None:
    with pytest.raises(SettingsError, match="SLUICE_PROBE_TABLE"):
        probe({})


def test_parts_of_an_answer_are_joined() -> None:
    first = {"batchItemFailures": [1], "state": {"a": 1}}
    assert merged(first, {"batchItemFailures": [2], "state": {"b": 2}}) == {
        "batchItemFailures": [1, 2],
        "state": {"a": 1, "b": 2},
    }
    assert merged({}, {"batchItemFailures": None}) == {"batchItemFailures": None}


def test_an_order_is_carried_out_as_often_as_it_says() -> None:
    event = {"Records": [entry(order(act="raise", times=2))]}
    (batch,) = batches(event, "request", NOW)
    tries = [plan(batch, [batch.seen] * before).fails for before in range(4)]
    assert tries == [True, True, False, False]


class Said:
    """A transport that answers the same to everything, and keeps what was sent."""

    def __init__(self, answer: Answer | NoAnswer) -> None:
        self.answer, self.bodies = answer, list[bytes]()

    def insert_all(self, table: str, body: bytes, deadline: Deadline, attempt: int) -> Answer:
        del table, deadline, attempt
        self.bodies.append(body)
        if isinstance(self.answer, NoAnswer):
            raise self.answer
        return self.answer


def test_rows_are_made_as_long_as_is_asked_and_the_answer_is_handed_on() -> None:
    transport: Any = Said(Answer(413, b"<html>"))
    question = {"table": "t", "body": {"rows": [{"json": {"text": ""}}]}, "pad": {"text": 1000}}
    assert insert(transport, question, Deadline.after(1)) == {"status": 413, "body": "<html>"}
    assert len(json.loads(transport.bodies[0])["rows"][0]["json"]["text"]) == 1000


def test_no_answer_is_told_as_such() -> None:
    transport: Any = Said(NoAnswer("no answer from BigQuery"))
    answer = insert(transport, {"table": "t", "body": {"rows": []}}, Deadline.after(1))
    assert answer == {"status": 0, "body": "no answer from BigQuery"}


class Queue:
    """SQS with a few messages."""

    def __init__(self, *bodies: str) -> None:
        self.bodies = list(bodies)
        self.deleted: list[str] = []

    def receive_message(self, **_: Any) -> dict[str, Any]:
        found = [{"Body": self.bodies.pop(0), "ReceiptHandle": "handle"}] if self.bodies else []
        return {"Messages": found} if found else {}

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.deleted.append(ReceiptHandle)


def test_what_was_given_up_is_found_by_its_range_and_nothing_stays_in_the_queue() -> None:
    info = {"startSequenceNumber": "10", "endSequenceNumber": "20"}
    queue: Any = Queue(json.dumps({"KinesisBatchInfo": info}), "no json", "{}")
    given_up = GivenUp(queue, "url", 0)
    given_up.drain()
    assert queue.deleted == ["handle"] * 3
    assert given_up.about([15])[0]["KinesisBatchInfo"] == info
    assert given_up.about([21]) == []


def test_an_export_of_another_version_is_told_in_one_line() -> None:
    with pytest.raises(NoCloud, match="deploy this version"):
        Ground.parse({"streams": {}})
