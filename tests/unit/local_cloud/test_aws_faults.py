"""Faults of the local AWS: refused in a service's own words, and counted as it counts."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from sluice.local.mapping_types import SourceError, Start, StartKind
from sluice.local.source import KinesisSource
from tests.unit.local_cloud.clients import client
from tests.unit.local_cloud.measured import total

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def dynamodb(aws_url: str) -> Any:
    return client("dynamodb", aws_url)


@pytest.fixture
def faults(aws_url: str) -> Iterator[Callable[..., int]]:
    def add(**fault: Any) -> int:
        return urllib3.request("POST", f"{aws_url}/_sluice/faults", json=fault).status

    yield add
    urllib3.request("DELETE", f"{aws_url}/_sluice/faults")


def test_throttled_tables_are_counted_and_taken_again_by_those_who_ask_again(
    cloudwatch: Any, dynamodb: Any, faults: Callable[..., int]
) -> None:
    for name in ("books", "others"):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    item = {"pk": {"S": "a"}}
    for operation in ("PutItem", "GetItem"):
        assert faults(service="dynamodb", operation=operation, resource="books", count=1) == 200
    put_again = dynamodb.put_item(TableName="books", Item=item)
    got_again = dynamodb.get_item(TableName="books", Key=item)
    assert [each["ResponseMetadata"]["RetryAttempts"] for each in (put_again, got_again)] == [1, 1]
    assert dynamodb.put_item(TableName="others", Item=item)["ResponseMetadata"]["RetryAttempts"] == 0
    assert total(cloudwatch, "AWS/DynamoDB", "WriteThrottleEvents", TableName="books") == 1
    assert total(cloudwatch, "AWS/DynamoDB", "ReadThrottleEvents", TableName="books") == 1
    named = {"TableName": "books", "Operation": "PutItem"}
    assert total(cloudwatch, "AWS/DynamoDB", "ThrottledRequests", **named) == 1


def test_a_throttled_stream_counts_who_was_refused_what(
    cloudwatch: Any, kinesis: Any, aws_url: str, faults: Callable[..., int]
) -> None:
    kinesis.create_stream(StreamName="ill", ShardCount=1)
    arn = f"arn:aws:kinesis:{REGION}:123456789012:stream/ill/consumer/sink:1"
    pushed, polled = KinesisSource(aws_url, REGION, "ill", arn), KinesisSource(aws_url, REGION, "ill")
    start = Start(StartKind.TRIM_HORIZON)
    (shard,) = polled.shards()
    cursor = polled.open(shard.id, start)
    faults(service="kinesis", operation="PutRecords", resource="ill", count=1)
    faults(service="kinesis", operation="GetRecords", resource="ill", count=1)
    faults(service="kinesis", operation="SubscribeToShard", resource="consumer/sink", count=1)
    kinesis.put_records(StreamName="ill", Records=[{"Data": b"x", "PartitionKey": "k"}])
    for source in (pushed, polled):
        with pytest.raises(SourceError, match="ProvisionedThroughputExceededException"):
            source.read(shard.id, cursor, 10)
        assert len(source.read(shard.id, cursor, 10).records) == 1
    assert total(cloudwatch, "AWS/Kinesis", "WriteProvisionedThroughputExceeded", StreamName="ill") == 1
    assert total(cloudwatch, "AWS/Kinesis", "ReadProvisionedThroughputExceeded", StreamName="ill") == 1
    named = {"StreamName": "ill", "ConsumerName": "sink"}
    assert total(cloudwatch, "AWS/Kinesis", "SubscribeToShard.RateExceeded", **named) == 1
    assert total(cloudwatch, "AWS/Kinesis", "SubscribeToShardEvent.Records", **named) == 1


def test_a_service_that_fails_or_is_slow_is_itself_again_afterwards(
    sqs: Any, aws_url: str, faults: Callable[..., int]
) -> None:
    url = sqs.create_queue(QueueName="shaky")["QueueUrl"]
    faults(service="sqs", kind="fail", operation="SendMessage", count=1)
    faults(service="sqs", kind="slow", seconds=0.01, count=1)
    assert sqs.send_message(QueueUrl=url, MessageBody="m")["ResponseMetadata"]["RetryAttempts"] == 1
    assert faults(service="sqs", kind="explode") == 400
    assert faults(kind="fail") == 400
    assert urllib3.request("GET", f"{aws_url}/_sluice/alarms").status == 200


def test_what_a_stream_or_a_queue_takes_may_have_been_there_for_long(
    kinesis: Any, sqs: Any, faults: Callable[..., int]
) -> None:
    kinesis.create_stream(StreamName="aged", ShardCount=1)
    url = sqs.create_queue(QueueName="aged")["QueueUrl"]
    for service in ("kinesis", "sqs"):
        faults(service=service, kind="age", resource="aged", seconds=7200)
    before = time.time()
    put = kinesis.put_records(StreamName="aged", Records=[{"Data": b"x", "PartitionKey": "k"}])
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (record,) = put["Records"]
    iterator = kinesis.get_shard_iterator(
        StreamName="aged", ShardId=record["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (found,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert 0 <= found["ApproximateArrivalTimestamp"].timestamp() - before + 7200 < 60
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["SentTimestamp"])["Messages"]
    assert 0 <= int(message["Attributes"]["SentTimestamp"]) / 1000 - before + 7200 < 60
