"""Where routes lead: FIFO queues keep groups in order, Firehose buffers, packs and names its objects."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from sluice.errors import SettingsError
from sluice.local.deploy_firehose import create_delivery_stream
from sluice.local.firehose_prefix import prefix_at
from tests.unit.local_cloud.clients import client

MOMENT = datetime(2026, 1, 31, 12, 5, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def firehose(aws_url: str) -> Iterator[Any]:
    found = client("firehose", aws_url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def s3(aws_url: str) -> Iterator[Any]:
    found = client("s3", aws_url)
    yield found
    found.close()


def delivery(name: str, bucket: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "destination": "extended_s3",
        "extendedS3Configuration": {
            "roleArn": "arn:aws:iam::123456789012:role/firehose",
            "bucketArn": f"arn:aws:s3:::{bucket}",
            "prefix": "route/hour=!{timestamp:HH}/",
            "errorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "bufferingSize": 1,
            "bufferingInterval": 900,
            "compressionFormat": "GZIP",
            "cloudwatchLoggingOptions": {"enabled": True, "logGroupName": "g", "logStreamName": "s"},
            **more,
        },
    }


def objects(s3: Any, bucket: str) -> dict[str, bytes]:
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_firehose_writes_packed_objects_by_size_and_when_all_is_to_be_there(
    firehose: Any, s3: Any, aws_url: str
) -> None:
    elsewhere = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="objects", CreateBucketConfiguration=elsewhere)
    _, outputs = create_delivery_stream(firehose, delivery("hose", "objects"))
    assert outputs["arn"].endswith(":deliverystream/hose")
    answer = firehose.put_record_batch(
        DeliveryStreamName="hose", Records=[{"Data": b'{"n":1}\n'}, {"Data": b'{"n":2}\n'}]
    )
    assert answer["FailedPutCount"] == 0
    assert len({each["RecordId"] for each in answer["RequestResponses"]}) == 2
    assert objects(s3, "objects") == {}
    urllib3.PoolManager().request("POST", aws_url + "/_sluice/firehoses")
    ((key, body),) = objects(s3, "objects").items()
    assert key.startswith("route/hour=")
    assert key.rpartition("/")[2].startswith("hose-1-20")
    assert key.endswith(".gz")
    assert gzip.decompress(body) == b'{"n":1}\n{"n":2}\n'
    firehose.put_record(DeliveryStreamName="hose", Record={"Data": b"x" * 1_000_000})
    firehose.put_record(DeliveryStreamName="hose", Record={"Data": b"y" * 100_000})
    assert len(objects(s3, "objects")) == 2


def test_firehose_takes_no_more_than_its_limits(firehose: Any, s3: Any) -> None:
    s3.create_bucket(Bucket="few", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    create_delivery_stream(firehose, delivery("few", "few"))
    for records in ([{"Data": b"x"}] * 501, [{"Data": b"x" * 1_024_001}], [{"Data": b"x" * 900_000}] * 5):
        with pytest.raises(ClientError):
            firehose.put_record_batch(DeliveryStreamName="few", Records=records)
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.put_record_batch(DeliveryStreamName="none", Records=[{"Data": b"x"}])
    assert objects(s3, "few") == {}


@pytest.mark.parametrize(
    ("prefix", "filled"),
    [
        ("", "2026/01/31/12/"),
        ("route/", "route/2026/01/31/12/"),
        ("r/date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/", "r/date=2026-01-31/hour=12/"),
        ("r/!{timestamp:yyyy/MM/dd'T'HHmmss}/", None),
        ("r/!{partitionKeyFromQuery:x}/", None),
        ("r/!{timestamp:yyyy", None),
    ],
)
def test_a_prefix_is_filled_with_the_time_or_refused(prefix: str, filled: str | None) -> None:
    if filled is None:
        with pytest.raises(ValueError, match=r"not known here|without an end"):
            prefix_at(prefix, MOMENT)
    else:
        assert prefix_at(prefix, MOMENT) == filled


def test_a_prefix_that_cannot_be_filled_is_refused_when_it_is_declared(firehose: Any) -> None:
    with pytest.raises(ClientError, match="not known here"):
        create_delivery_stream(firehose, delivery("wrong", "b", prefix="r/!{timestamp:EEE}/"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"compressionFormat": "Snappy"}, "GZIP or UNCOMPRESSED"),
        ({"dynamicPartitioningConfiguration": {"enabled": True}}, "does not know dynamicPartitioning"),
    ],
)
def test_what_firehose_does_not_do_here_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        create_delivery_stream(None, delivery("hose", "b", **changes))
    with pytest.raises(SettingsError, match="direct put into a bucket"):
        create_delivery_stream(None, {"name": "hose", "destination": "splunk"})


@pytest.fixture
def fifo(sqs: Any) -> Iterator[str]:
    attributes = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "VisibilityTimeout": "600"}
    url = sqs.create_queue(QueueName="route.fifo", Attributes=attributes)["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def send(sqs: Any, url: str, group: str, *bodies: str) -> None:
    entries = [
        {"Id": str(n), "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": body}
        for n, body in enumerate(bodies)
    ]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(bodies)


def receive(sqs: Any, url: str, most: int = 10) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most).get(
        "Messages", []
    )
    return found


def test_a_group_in_flight_waits_and_holds_up_no_other(sqs: Any, fifo: str) -> None:
    for start in range(0, 100, 10):
        send(sqs, fifo, "a", *(f"a{n}" for n in range(start, start + 10)))
    send(sqs, fifo, "b", "b0")
    assert [message["Body"] for message in receive(sqs, fifo, 2)] == ["a0", "a1"]
    (other,) = receive(sqs, fifo)
    assert other["Body"] == "b0"
    assert receive(sqs, fifo) == []


def test_a_group_goes_on_in_order_when_its_messages_are_deleted_or_come_back(sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "a", "a0", "a1", "a2")
    first, second = receive(sqs, fifo, 2)
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    assert receive(sqs, fifo) == []
    sqs.change_message_visibility(QueueUrl=fifo, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert [message["Body"] for message in receive(sqs, fifo)] == ["a1", "a2"]


def test_a_deduplication_id_is_taken_once_even_after_its_message_was_deleted(sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "a", "same")
    send(sqs, fifo, "a", "same")
    send(sqs, fifo, "b", "same")
    messages = receive(sqs, fifo)
    assert len(messages) == 2
    for message in messages:
        sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    send(sqs, fifo, "a", "same")
    assert receive(sqs, fifo) == []
