"""The limits of shards as callers of Kinesis meet them."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sluice.local.aws_kinesis import TARGET, DataPlane
from sluice.local.aws_log import RecordLog, SegmentStore
from sluice.local.clock import FakeClock
from sluice.local.cloud_process import ChildProcess
from sluice.local.watch.store import MetricStore

HALF = 2**127
THROTTLED = "ProvisionedThroughputExceededException"


class Kinesis:
    """The data plane over one stream of two shards; the first half of the hash keys is the first shard's."""

    def __init__(self, *, limits: bool = True) -> None:
        self.clock = FakeClock()
        store = SegmentStore(2**30)
        shards = {
            name: SimpleNamespace(
                shard_id=name, log=RecordLog(store, 10**50), is_open=True, starting_hash=start, parent=None
            )
            for name, start in (("shardId-000000000000", 0), ("shardId-000000000001", HALF))
        }
        stream = SimpleNamespace(
            stream_name="events",
            arn="arn:aws:kinesis:x:1:stream/events",
            retention_period_hours=24,
            shards=shards,
        )
        self.metrics = MetricStore()
        self.plane = DataPlane(
            lambda _region: {"events": stream}, self.clock.now, limits=limits, metrics=self.metrics
        )

    def call(self, operation: str, *, consumer: str = "", **arguments: Any) -> tuple[int, Any, float]:
        body = json.dumps(arguments).encode()
        status, answer, seconds = self.plane.call(TARGET + operation, body, "x", consumer)
        return status, json.loads(answer), seconds

    def put(self, count: int, size: int, *, second: bool = False) -> list[Any]:
        data = b64encode(b"x" * (size - 1)).decode()
        entry = {"Data": data, "PartitionKey": "k", "ExplicitHashKey": str(HALF if second else 0)}
        status, answer, _ = self.call("PutRecords", StreamName="events", Records=[entry] * count)
        assert status == 200
        assert answer["FailedRecordCount"] == sum("ErrorCode" in record for record in answer["Records"])
        return list(answer["Records"])

    def fill(self, megabytes: int) -> None:
        for _ in range(megabytes):
            assert all("SequenceNumber" in record for record in self.put(10, 100_000))
            self.clock.advance(1)

    def sum(self, metric: str) -> float:
        cell = self.metrics.between(
            ("AWS/Kinesis", metric, (("StreamName", "events"),)), 0, self.clock.now() + 60
        )
        return cell.total if cell else 0.0

    def cursor(self) -> str:
        _, answer, _ = self.call(
            "GetShardIterator",
            StreamName="events",
            ShardId="shardId-000000000000",
            ShardIteratorType="TRIM_HORIZON",
        )
        return str(answer["ShardIterator"])


def test_put_records_answers_each_record_that_a_shard_had_no_room_for_in_kinesis_words() -> None:
    kinesis = Kinesis()
    answers = kinesis.put(12, 100_000)
    assert [set(answer) for answer in answers[:10]] == [{"SequenceNumber", "ShardId"}] * 10
    said = "Rate exceeded for shard shardId-000000000000 in stream events under account 123456789012."
    assert answers[10:] == [{"ErrorCode": THROTTLED, "ErrorMessage": said}] * 2
    assert all("SequenceNumber" in answer for answer in kinesis.put(10, 100_000, second=True))
    assert kinesis.sum("IncomingRecords") == 20
    assert kinesis.sum("IncomingBytes") == 2_000_000
    assert kinesis.sum("WriteProvisionedThroughputExceeded") == 2
    assert kinesis.sum("PutRecords.ThrottledRecords") == 2


def test_put_record_raises_when_its_shard_has_no_room() -> None:
    kinesis = Kinesis()
    kinesis.put(10, 100_000)
    status, answer, _ = kinesis.call(
        "PutRecord", StreamName="events", Data="", PartitionKey="k", ExplicitHashKey="0"
    )
    assert (status, answer["__type"]) == (400, THROTTLED)
    assert answer["message"].startswith("Rate exceeded for shard shardId-000000000000 in stream events under")
    kinesis.clock.advance(0.01)
    status, answer, _ = kinesis.call(
        "PutRecord", StreamName="events", Data="", PartitionKey="k", ExplicitHashKey="0"
    )
    assert status == 200
    assert kinesis.plane.totals() == {"arn:aws:kinesis:x:1:stream/events": 11}


def test_a_poller_that_took_ten_megabytes_keeps_all_pollers_out_for_five_seconds_but_no_consumer() -> None:
    kinesis = Kinesis()
    kinesis.fill(11)
    cursor = kinesis.cursor()
    status, answer, seconds = kinesis.call("GetRecords", ShardIterator=cursor)
    assert (status, seconds) == (200, 0)
    found = len(answer["Records"])
    assert 98 <= found <= 105
    for _ in range(49):
        kinesis.clock.advance(0.1)
        status, answer, _ = kinesis.call("GetRecords", ShardIterator=cursor)
        assert (status, answer["__type"]) == (400, THROTTLED)
        assert answer["message"] == "Rate exceeded for Shard - 123456789012/events/shardId-000000000000"
    status, answer, _ = kinesis.call("GetRecords", consumer="arn:consumer/a:1", ShardIterator=cursor)
    assert status == 200
    assert answer["Records"]
    kinesis.clock.advance(1)
    assert kinesis.call("GetRecords", ShardIterator=cursor)[0] == 200
    assert kinesis.sum("ReadProvisionedThroughputExceeded") == 49


def test_enhanced_consumers_get_two_megabytes_a_second_each_and_are_never_refused() -> None:
    kinesis = Kinesis()
    kinesis.fill(11)
    for consumer in ("arn:consumer/a:1", "arn:consumer/b:1"):
        cursor, records, waited = kinesis.cursor(), 0, 0.0
        began = kinesis.clock.now()
        found = True
        while found:
            status, answer, seconds = kinesis.call("GetRecords", consumer=consumer, ShardIterator=cursor)
            assert status == 200
            found = bool(answer["Records"])
            records += len(answer["Records"])
            cursor = answer["NextShardIterator"]
            waited += seconds
            kinesis.clock.advance(seconds)
        assert records == 110
        assert 4.4 <= kinesis.clock.now() - began <= 4.6
        assert waited == pytest.approx(4.5, abs=0.1)
    assert kinesis.call("GetRecords", ShardIterator=kinesis.cursor())[0] == 200


def test_what_is_read_is_counted_in_bytes_of_data_and_key() -> None:
    kinesis = Kinesis()
    for size in (1, 2, 3, 4, 100_001):
        kinesis.put(1, size)
    kinesis.call("GetRecords", ShardIterator=kinesis.cursor())
    shard = kinesis.plane._streams("x")["events"].shards["shardId-000000000000"]
    assert shard.sluice_budget._bytes_out.level(kinesis.clock.now()) == 2_000_000 - 100_011


def test_without_limits_nothing_is_refused_or_remembered() -> None:
    kinesis = Kinesis(limits=False)
    assert all("SequenceNumber" in answer for answer in kinesis.put(105, 99_000))
    for _ in range(20):
        status, _, seconds = kinesis.call("GetRecords", ShardIterator=kinesis.cursor(), consumer="arn")
        assert (status, seconds) == (200, 0)
    assert not any(
        hasattr(shard, "sluice_budget") for shard in kinesis.plane._streams("x")["events"].shards.values()
    )


@pytest.fixture(scope="module")
def limited() -> Iterator[Any]:
    child = ChildProcess("sluice.local.aws", "--port", "0", "--limits", name="the local AWS")
    try:
        found = boto3.client(
            "kinesis",
            endpoint_url=f"http://127.0.0.1:{child.hear(60)['port']}",
            region_name="eu-west-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - nobody checks it
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield found
        found.close()
    finally:
        child.close()
        child.wait()


def repeatedly(call: Callable[..., Any], **arguments: Any) -> Callable[[], None]:
    def go_on() -> None:
        for _ in range(10_000):
            call(**arguments)

    return go_on


def test_awss_own_client_sees_the_refusals(limited: Any) -> None:
    limited.create_stream(StreamName="events", ShardCount=1)
    answer = limited.put_records(
        StreamName="events", Records=[{"Data": b"x" * 1_000_000, "PartitionKey": "k"}] * 10
    )
    assert [record.get("ErrorCode") for record in answer["Records"]] == [None] + [THROTTLED] * 9
    cursor = limited.get_shard_iterator(
        StreamName="events", ShardId="shardId-000000000000", ShardIteratorType="LATEST"
    )["ShardIterator"]
    polling = repeatedly(limited.get_records, ShardIterator=cursor)
    putting = repeatedly(limited.put_record, StreamName="events", Data=b"x" * 900_000, PartitionKey="k")
    for call in (polling, putting):
        with pytest.raises(limited.exceptions.ProvisionedThroughputExceededException, match="Rate exceeded"):
            call()
