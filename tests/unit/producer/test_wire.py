"""A prepared client asks for and answers the same as any other."""

import base64
import io
import json
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from sluice.errors import UsageError
from sluice.producer import Producer
from sluice.producer.clients import CALL
from sluice.producer.destinations import FirehoseStream, KinesisStream, Placed
from sluice.producer.failures import Failure, Why
from sluice.producer.wire import prepared

TAKEN = {"SequenceNumber": "49", "ShardId": "shardId-000000000001"}
THROTTLED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
ROWS = [("key", b"\x00\xff{}", None), ("Schlüssel 🔑", b"", "340282366920938463463374607431768211455")]


class Wire:
    """Answers what a client sends, without a network."""

    def __init__(self, service: str, answer: bytes, status: int = 200, *, config: Any = CALL) -> None:
        self.client: Any = botocore.session.Session().create_client(
            service,
            region_name="eu-west-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - nothing is sent
            config=config,
        )
        self.client.meta.events.register("before-send", self._send)
        self.requests: list[Any] = []
        self._answer = answer
        self._status = status

    def _send(self, request: Any, **_: Any) -> Any:
        self.requests.append(request)
        return AWSResponse(request.url, self._status, HTTPHeaders(), _Raw(self._answer))


class _Raw(io.BytesIO):
    def stream(self) -> Any:
        yield self.read()


def answer(*results: dict[str, Any]) -> bytes:
    failed = sum("ErrorCode" in result for result in results)
    return json.dumps(
        {"FailedRecordCount": failed, "Records": results, "EncryptionType": "KMS"}, indent=1
    ).encode()


def entries(rows: list[tuple[str, bytes, str | None]]) -> list[dict[str, Any]]:
    return [
        {"Data": data, "PartitionKey": key} | ({"ExplicitHashKey": place} if place else {})
        for key, data, place in rows
    ]


@pytest.mark.parametrize("config", [CALL, None], ids=["a producer's own", "with validation"])
def test_request_and_answer_are_those_of_botocore(config: Any) -> None:
    body = answer(TAKEN, THROTTLED)
    plain, fast = Wire("kinesis", body, config=config), Wire("kinesis", body, config=config)
    prepared(fast.client)
    found = [each.client.put_records(StreamName="clicks", Records=entries(ROWS)) for each in (plain, fast)]
    assert found[0] == found[1]
    asked = [each.requests[0] for each in (plain, fast)]
    assert json.loads(asked[0].body) == json.loads(asked[1].body)
    for header in ("X-Amz-Target", "Content-Type"):
        assert asked[0].headers[header] == asked[1].headers[header]
    assert asked[1].headers["Content-Length"] == str(len(asked[1].body))


def test_records_arrive_as_they_are_and_each_has_its_answer() -> None:
    wire = Wire("kinesis", answer(TAKEN, THROTTLED))
    answers = KinesisStream(prepared(wire.client), "clicks").put(ROWS)
    assert answers == [
        Placed("shardId-000000000001", "49"),
        Failure(Why.PASSING, "ProvisionedThroughputExceededException", "Rate exceeded"),
    ]
    sent = json.loads(wire.requests[0].body)["Records"]
    assert [base64.b64decode(each["Data"]) for each in sent] == [data for _, data, _ in ROWS]
    assert [(each["PartitionKey"], each.get("ExplicitHashKey")) for each in sent] == [
        (key, place) for key, _, place in ROWS
    ]


def test_a_firehose_is_written_to_the_same_way() -> None:
    results = [{"RecordId": "1"}, {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}]
    wire = Wire("firehose", json.dumps({"FailedPutCount": 1, "RequestResponses": results}).encode())
    answers = FirehoseStream(prepared(wire.client), "clicks").put([("", b"1\n", None), ("", b"2\n", None)])
    assert answers == [Placed("", "1"), Failure(Why.PASSING, "ServiceUnavailableException", "Slow down.")]
    sent = json.loads(wire.requests[0].body)
    assert sent["DeliveryStreamName"] == "clicks"
    assert [base64.b64decode(each["Data"]) for each in sent["Records"]] == [b"1\n", b"2\n"]


def test_an_error_of_the_service_is_raised_as_ever() -> None:
    body = b'{"__type": "ResourceNotFoundException", "message": "Stream clicks not found."}'
    wire = Wire("kinesis", body, status=400)
    with pytest.raises(ClientError, match="Stream clicks not found") as raised:
        prepared(wire.client).put_records(StreamName="clicks", Records=entries(ROWS))
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"Records": [{}]}'])
def test_an_answer_that_cannot_be_read_counts_as_none(body: bytes) -> None:
    wire = Wire("kinesis", body)
    answers = KinesisStream(prepared(wire.client), "clicks").put(ROWS)
    assert [each.why for each in answers if isinstance(each, Failure)] == [Why.PASSING] * len(ROWS)
    assert {each.code for each in answers if isinstance(each, Failure)} == {"UnreadableAnswer"}


def test_other_operations_and_a_second_preparation_change_nothing() -> None:
    wire = Wire("kinesis", b'{"StreamNames": ["clicks"], "HasMoreStreams": false}')
    assert prepared(prepared(wire.client)).list_streams()["StreamNames"] == ["clicks"]


def test_a_text_is_refused_before_it_is_taken_for_base64() -> None:
    with Producer("clicks", client=Wire("kinesis", b"").client) as producer:
        with pytest.raises(UsageError, match="put_record takes bytes, not str: encode a text first"):
            producer.put_record("dGV4dA==", "key")  # type: ignore[arg-type]
        assert producer.report.pending == 0
