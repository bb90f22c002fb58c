"""A transform over moto, and the Firehose for redriven records as a list."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sluice.deadletters import DeadLetter, DeadLetterQueue, read_queue
from sluice.deadline import Deadline
from sluice.delivery import Entry, Ledger, LedgerReader, Processor, Report
from sluice.producer.failures import Failure
from sluice.records import Record
from sluice.records.wrapped import wrap
from sluice.sinks.firehose.answers import Answers
from sluice.sinks.firehose.function import entrance
from sluice.sinks.firehose.redrive import RedriveSink, RowRedrive, Unbooked
from sluice.sinks.firehose.rows import Row, Rows
from sluice.sinks.firehose.transform import Transform
from tests.unit.delivery.aws import BUCKET, TABLE, Aws, Intercepted
from tests.unit.delivery.builders import CONTRACT, Context, Time, record

STREAM_ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/activity"
FIREHOSES = "arn:aws:firehose:eu-central-1:123456789012:deliverystream/"
DATABASE = "sluice_dev_lake_raw"
NOW = datetime(2023, 11, 14, 23, 0, tzinfo=UTC)
SHARD = "shardId-000000000000"


class Rig:
    """A sink's function as Firehose and a redrive meet it. A new one over the same `aws` is a new runtime."""

    def __init__(
        self,
        aws: Aws,
        *,
        destination: str = "iceberg",
        types: Iterable[str] = (),
        hook: Callable[[str], None] = lambda _step: None,
        contract: Any = CONTRACT,
        letterbox: Any = None,
        refuse: Callable[[bytes], Failure | None] = lambda _data: None,
    ) -> None:
        self.aws = aws
        self.time = Time()
        self.reports: list[Report] = []
        self.put: list[bytes] = []
        self.hook = hook
        self.letterbox = letterbox
        self._refuse = refuse
        rows = Rows(contract, destination, frozenset(types))
        again = RedriveSink("lake", rows, self._put)
        database = DATABASE if destination == "iceberg" else ""

        def answers() -> Answers:
            return Answers("lake", rows, database, lambda rows, until: again.deliver(_wrapped(rows), until))

        client = Intercepted(aws.dynamodb, self._ledger_call)
        ledger = Ledger(
            cast("Any", client),
            TABLE,
            "lake",
            keep=timedelta(days=7),
            cut_aggregates=True,
            now=lambda: NOW,
        )
        queue = letterbox or DeadLetterQueue(lambda: aws.sqs, aws.queue_url, lambda: aws.s3, BUCKET)
        clock = {"clock": self.time.clock, "sleep": self.time.sleep, "now": lambda: NOW}
        report = self.reports.append
        self.transform = Transform(
            contract, answers, ledger, queue, redrive="lake-redrive", report=report, **clock
        )
        processor: Any = Processor(contract, again, ledger, queue, report=report, **cast("Any", clock))
        unbooked: Any = Processor(
            contract, again, cast("Any", Unbooked()), queue, report=report, **cast("Any", clock)
        )
        self.handler = entrance(self.transform, processor, unbooked, RowRedrive(rows, self._put))

    def ask(self, event: Mapping[str, Any], seconds: float = 60.0) -> dict[str, dict[str, Any]]:
        """Return the answers by recordId, having seen that Lambda can hand them back."""
        answer = self.transform(event, Context(seconds))
        assert len(json.dumps(answer)) < 6_291_556
        ids = [each["recordId"] for each in answer["records"]]
        assert sorted(ids) == sorted(entry["recordId"] for entry in event["records"])
        return {each["recordId"]: each for each in answer["records"]}

    def entries(self, shard: str = SHARD) -> list[Entry]:
        return list(LedgerReader(self.aws.dynamodb, TABLE).read("lake", shards=[shard]))

    def closed(self, shard: str = SHARD) -> list[tuple[int, int, int]]:
        found = [each for each in self.entries(shard) if each.state == "closed" and not each.redriven]
        return [(each.delivered, each.dead_lettered, each.skipped) for each in found]

    def letters(self) -> dict[str, DeadLetter]:
        found = read_queue(self.aws.sqs, self.aws.queue_url, wait_seconds=0)
        return {letter.id: letter for letter in found if isinstance(letter, DeadLetter)}

    def _put(self, datas: Sequence[bytes], deadline: Deadline) -> Sequence[Failure | None]:  # noqa: ARG002 - the protocol's
        failures = [self._refuse(data) for data in datas]
        self.put += [data for data, failure in zip(datas, failures, strict=True) if failure is None]
        return failures

    def _ledger_call(self, name: str, call: Callable[[], Any], _request: dict[str, Any]) -> Any:
        self.hook(name)
        return call()


def entry(one: Record, record_id: str, sub: object = None) -> dict[str, Any]:
    """Return a record as Firehose hands it over; `sub` as one of its kinds of subsequenceNumber."""
    milliseconds = round(one.arrived_at * 1000)
    return {
        "recordId": record_id,
        "approximateArrivalTimestamp": milliseconds,
        "data": base64.b64encode(one.data).decode(),
        "kinesisRecordMetadata": {
            "shardId": one.shard,
            "partitionKey": one.partition_key,
            "approximateArrivalTimestamp": milliseconds,
            "sequenceNumber": one.sequence,
            "subsequenceNumber": one.sub_sequence or 0 if sub is None else sub,
        },
    }


def event_of(records: Iterable[Record]) -> dict[str, Any]:
    """Return Firehose's event: recordIds are r0, r1, ..."""
    return event([entry(one, f"r{number}") for number, one in enumerate(records)])


def event(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "invocationId": "invoked",
        "deliveryStreamArn": f"{FIREHOSES}lake",
        "sourceKinesisStreamArn": STREAM_ARN,
        "region": "eu-central-1",
        "records": list(entries),
    }


def direct(datas: Iterable[bytes]) -> dict[str, Any]:
    """Return the event of the Firehose for redriven records."""
    return {
        "invocationId": "invoked",
        "deliveryStreamArn": f"{FIREHOSES}lake-redrive",
        "region": "eu-central-1",
        "records": [
            {
                "recordId": f"r{number}",
                "approximateArrivalTimestamp": 1,
                "data": base64.b64encode(data).decode(),
            }
            for number, data in enumerate(datas)
        ],
    }


def row_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(answer["data"]))
    return found


def results(answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [answers[f"r{number}"]["result"] for number in range(len(answers))]


def records(*datas: bytes, shard: str = SHARD) -> list[Record]:
    return [record(number, data, shard) for number, data in enumerate(datas)]


def _wrapped(rows: Sequence[Row]) -> list[bytes]:
    return [wrap(row.record) for row in rows]
