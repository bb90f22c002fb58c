"""The local AWS over HTTP, with AWS's own client."""

import datetime as dt
import socket
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sluice.errors import EnvironmentProblem
from sluice.local.cloud_process import ChildProcess

_numbers = count()


@pytest.fixture
def stream(kinesis: Any) -> str:
    name = f"stream-{next(_numbers)}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return name


@pytest.fixture
def queue(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName=f"queue-{next(_numbers)}")["QueueUrl"])


def put(kinesis: Any, stream: str, count: int) -> list[dict[str, str]]:
    records = [{"Data": f"r{n}".encode(), "PartitionKey": f"k{n}"} for n in range(count)]
    answer = kinesis.put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 0
    return list(answer["Records"])


def read(kinesis: Any, stream: str, shard: str, **start: Any) -> Iterator[dict[str, Any]]:
    start = start or {"ShardIteratorType": "TRIM_HORIZON"}
    cursor = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)["ShardIterator"]
    while cursor:
        page = kinesis.get_records(ShardIterator=cursor, Limit=7)
        yield from page["Records"]
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return
        cursor = page.get("NextShardIterator")


def shards(kinesis: Any, stream: str) -> list[str]:
    return [shard["ShardId"] for shard in kinesis.list_shards(StreamName=stream)["Shards"]]


def test_what_was_put_is_read_where_the_answer_said_under_the_number_that_it_said(
    kinesis: Any, stream: str
) -> None:
    placed = put(kinesis, stream, 50)
    found = {
        (shard, record["SequenceNumber"]): record
        for shard in shards(kinesis, stream)
        for record in read(kinesis, stream, shard)
    }
    assert len(found) == 50
    for number, place in enumerate(placed):
        record = found[place["ShardId"], place["SequenceNumber"]]
        assert record["Data"] == f"r{number}".encode()
        assert record["PartitionKey"] == f"k{number}"
        assert abs(record["ApproximateArrivalTimestamp"].timestamp() - time.time()) < 60
        assert len(place["SequenceNumber"]) == 56


def test_sequence_numbers_grow_within_a_shard_and_a_reader_may_start_at_or_after_one(
    kinesis: Any, stream: str
) -> None:
    placed = [p["SequenceNumber"] for p in put(kinesis, stream, 40) if p["ShardId"].endswith("0")]
    assert placed == sorted(placed, key=int)
    first = shards(kinesis, stream)[0]
    at = read(
        kinesis,
        stream,
        first,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=placed[3],
    )
    after = read(
        kinesis,
        stream,
        first,
        ShardIteratorType="AFTER_SEQUENCE_NUMBER",
        StartingSequenceNumber=placed[3],
    )
    assert [record["SequenceNumber"] for record in at] == placed[3:]
    assert [record["SequenceNumber"] for record in after] == placed[4:]


def test_latest_sees_only_what_comes_later(kinesis: Any, stream: str) -> None:
    put(kinesis, stream, 20)
    cursors = [
        kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="LATEST")
        for shard in shards(kinesis, stream)
    ]
    put(kinesis, stream, 20)
    pages = [kinesis.get_records(ShardIterator=cursor["ShardIterator"]) for cursor in cursors]
    assert sum(len(page["Records"]) for page in pages) == 20


def test_a_split_leaves_records_with_the_parent_and_sends_new_ones_to_the_children(
    kinesis: Any, stream: str
) -> None:
    put(kinesis, stream, 40)
    parent = shards(kinesis, stream)[0]
    before = [record["Data"] for record in read(kinesis, stream, parent)]
    kinesis.split_shard(StreamName=stream, ShardToSplit=parent, NewStartingHashKey=str(2**126))
    assert [record["Data"] for record in read(kinesis, stream, parent)] == before
    where = Counter(place["ShardId"] for place in put(kinesis, stream, 100))
    assert parent not in where
    assert len(where) == 3
    cursor = kinesis.get_shard_iterator(StreamName=stream, ShardId=parent, ShardIteratorType="LATEST")
    page = kinesis.get_records(ShardIterator=cursor["ShardIterator"])
    assert "NextShardIterator" not in page
    assert sorted(child["ShardId"] for child in page["ChildShards"]) == sorted(set(where))[1:]


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([{"Data": b"", "PartitionKey": "k"}] * 501, "ValidationException"),
        ([{"Data": b"x" * (1024 * 1024), "PartitionKey": "k"}], "ValidationException"),
        ([{"Data": b"x", "PartitionKey": "k" * 257}], "ValidationException"),
        ([{"Data": b"x" * (1024 * 1024 - 1), "PartitionKey": "k"}] * 11, "InvalidArgumentException"),
    ],
)
def test_limits_are_those_of_the_service(
    kinesis: Any, stream: str, records: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(ClientError) as error:
        kinesis.put_records(StreamName=stream, Records=records)
    assert error.value.response["Error"]["Code"] == code


def test_a_record_of_one_mebibyte_and_an_empty_one_pass(kinesis: Any, stream: str) -> None:
    kinesis.put_record(StreamName=stream, Data=b"x" * (1024 * 1024 - 1), PartitionKey="k")
    kinesis.put_record(StreamName=stream, Data=b"", PartitionKey="k")
    sizes = [len(r["Data"]) for shard in shards(kinesis, stream) for r in read(kinesis, stream, shard)]
    assert sorted(sizes) == [0, 1024 * 1024 - 1]


def test_an_unknown_stream_is_the_services_error(kinesis: Any) -> None:
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.put_record(StreamName="nowhere", Data=b"x", PartitionKey="k")


def test_cloudwatch_shows_what_a_stream_took_in(kinesis: Any, cloudwatch: Any, stream: str) -> None:
    put(kinesis, stream, 30)
    put(kinesis, stream, 12)
    now = dt.datetime.now(dt.UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/Kinesis",
        MetricName="IncomingRecords",
        Dimensions=[{"Name": "StreamName", "Value": stream}],
        StartTime=now - dt.timedelta(minutes=10),
        EndTime=now + dt.timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in answer["Datapoints"]) == 42


def test_a_queue_holds_hides_shows_again_and_forgets(sqs: Any, queue: str) -> None:
    for start in range(0, 30, 10):
        entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(start, start + 10)]
        assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 10

    def receive() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=300).get(
            "Messages"
        ):
            found += page
        return found

    held = receive()
    assert {message["Body"] for message in held} == {f"m{n}" for n in range(30)}
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "30"
    for message in held[:10]:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    for message in held[10:]:
        sqs.change_message_visibility(
            QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert {m["Body"] for m in receive()} == {m["Body"] for m in held[10:]}


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        child = ChildProcess("sluice.local.aws", "--port", port, name="the local AWS")
        try:
            with pytest.raises(
                EnvironmentProblem,
                match=f"ended instead of answering: error: cannot listen on 127.0.0.1:{port}",
            ):
                child.hear(60)
        finally:
            child.close()
            child.wait()
