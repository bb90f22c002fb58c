"""A whole pipeline in this process: moto's stream, ledger and queue, the real processor, a sink in memory."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Annotated, Any, Final

import boto3
from moto import mock_aws

from sluice.audit.sources import SinkSource, Sources
from sluice.audit.warehouse import Counted
from sluice.contract import Contract, Event
from sluice.contract import field as described
from sluice.deadletters import DeadLetterQueue
from sluice.delivery import Accepted, Ledger, Outcome, Processor
from sluice.delivery.outcomes import DELIVERED
from sluice.sinks.memory import MemorySink
from tests.unit.delivery.aws import create_ledger
from tests.unit.delivery.builders import Context

REGION: Final = "eu-central-1"
STREAM, TABLE, BUCKET = "activity", "ledger", "payloads"


class Visit(Event, type="visit", id="id", time="at"):
    """A visit to a page."""

    id: Annotated[str, described("Unique id")]
    at: Annotated[datetime, described("When")]


class Mended(Event, type="visit", id="id", time="at"):
    """The same after its contract was mended: it takes a page too."""

    id: Annotated[str, described("Unique id")]
    at: Annotated[datetime, described("When")]
    page: Annotated[str | None, described("Which page")] = None


def visit(number: int, **more: Any) -> tuple[str, bytes]:
    event = {"type": "visit", "id": f"v{number}", "at": "2026-11-01T12:00:00Z", **more}
    return f"v{number}", json.dumps(event).encode()


@dataclass
class Plant:
    """`marks` says up to where each shard was handled, as a mapping's checkpoint does."""

    kinesis: Any
    cloudwatch: Any
    dynamodb: Any
    sqs: Any
    s3: Any
    queue_url: str
    sink: MemorySink
    contract: Contract = field(default_factory=lambda: Contract([Visit]))
    marks: dict[str, str] = field(default_factory=dict)
    breaks: Exception | None = None

    def produce(self, *records: tuple[str, bytes]) -> None:
        for start in range(0, len(records), 500):
            self.kinesis.put_records(
                StreamName=STREAM,
                Records=[{"PartitionKey": key, "Data": data} for key, data in records[start : start + 500]],
            )

    def processor(self) -> Processor[Accepted]:
        letters = DeadLetterQueue(lambda: self.sqs, self.queue_url, lambda: self.s3, BUCKET)
        ledger = Ledger(self.dynamodb, TABLE, "memory", keep=timedelta(days=1), disjoint=True)
        return Processor(self.contract, self.sink, ledger, letters)

    def shards(self) -> list[str]:
        return [shard["ShardId"] for shard in self.kinesis.list_shards(StreamName=STREAM)["Shards"]]

    def everything(self, shard: str) -> list[dict[str, Any]]:
        where: Any = {"StreamName": STREAM, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = self.kinesis.get_shard_iterator(**where)["ShardIterator"]
        found: list[dict[str, Any]] = self.kinesis.get_records(ShardIterator=iterator)["Records"]
        return found

    def waiting(self, shard: str) -> list[dict[str, Any]]:
        where = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.marks[shard]}
            if shard in self.marks
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        iterator = self.kinesis.get_shard_iterator(StreamName=STREAM, ShardId=shard, **where)
        found: list[dict[str, Any]] = self.kinesis.get_records(ShardIterator=iterator["ShardIterator"])[
            "Records"
        ]
        return found

    def work(self, shard: str, records: int) -> dict[str, Any]:
        """Hand the shard's next records to the processor, as a mapping would."""
        batch = self.waiting(shard)[:records]
        self.marks[shard] = batch[-1]["SequenceNumber"]
        return self.processor()({"Records": [entry(shard, one) for one in batch]}, Context())

    def give_up(self, shard: str, records: int, *, told: int | None = None) -> None:
        """Skip the shard's next records, with the message that Lambda sends when it gives up on a batch.

        `told` is how many of them the message speaks of, where the others belong to other batches.
        """
        batch = self.waiting(shard)[:records]
        self.marks[shard] = batch[-1]["SequenceNumber"]
        moment = datetime.now(UTC).isoformat()
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=json.dumps(
                {
                    "requestContext": {
                        "requestId": "1",
                        "functionArn": f"arn:aws:lambda:{REGION}:123456789012:function:memory-sink",
                        "condition": "RetryAttemptsExhausted",
                        "approximateInvokeCount": 3,
                    },
                    "version": "1.0",
                    "timestamp": moment,
                    "KinesisBatchInfo": {
                        "shardId": shard,
                        "startSequenceNumber": batch[0]["SequenceNumber"],
                        "endSequenceNumber": batch[-1]["SequenceNumber"],
                        "approximateArrivalOfFirstRecord": moment,
                        "approximateArrivalOfLastRecord": moment,
                        "batchSize": told or len(batch),
                        "streamArn": f"arn:aws:kinesis:{REGION}:123456789012:stream/{STREAM}",
                    },
                }
            ),
        )

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Stand in for Lambda's own API, with the same processor behind it."""
        assert FunctionName == "memory-sink"
        if self.breaks is not None:
            error = {
                "errorType": type(self.breaks).__name__,
                "errorMessage": str(self.breaks),
                "stackTrace": [],
            }
            return {"FunctionError": "Unhandled", "Payload": BytesIO(json.dumps(error).encode())}
        answer = self.processor()(json.loads(Payload), Context())
        return {"Payload": BytesIO(json.dumps(answer).encode())}

    def count(self, *_: Any, **__: Any) -> Counted:
        """Stand in for counting in BigQuery."""
        events = {(held.event_id) for held in self.sink.held.values()}
        return Counted(len(self.sink.held), len(events))

    @property
    def sources(self) -> Sources:
        return Sources(
            kinesis=self.kinesis,
            cloudwatch=self.cloudwatch,
            dynamodb=self.dynamodb,
            sqs=self.sqs,
            bigquery=None,  # type: ignore[arg-type]  # counted in the sink in memory instead
            stream=STREAM,
            ledger_table=TABLE,
            queue_url=self.queue_url,
            dataset="raw",
            sinks={"memory": SinkSource(function="memory-sink")},
            patience_seconds=0,
        )


def entry(shard: str, record: dict[str, Any]) -> dict[str, Any]:
    return {
        "kinesis": {
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:123456789012:stream/{STREAM}",
    }


@contextmanager
def running(shards: int = 2) -> Iterator[Plant]:
    with mock_aws():
        session = boto3.Session("test", "test", region_name=REGION)
        kinesis, dynamodb = session.client("kinesis"), session.client("dynamodb")
        sqs, s3 = session.client("sqs"), session.client("s3")
        kinesis.create_stream(StreamName=STREAM, ShardCount=shards)
        create_ledger(dynamodb, TABLE)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        url = sqs.create_queue(QueueName="dead-letters", Attributes={"MaximumMessageSize": "1048576"})
        yield Plant(
            kinesis,
            session.client("cloudwatch"),
            dynamodb,
            sqs,
            s3,
            url["QueueUrl"],
            MemorySink(decide=decide),
        )


def decide(_: Accepted) -> Outcome:
    return DELIVERED
