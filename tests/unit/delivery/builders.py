"""Events, contexts and a clock for tests of the delivery: built, never read from files."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from sluice.contract import Contract, Event, field
from sluice.deadline import Deadline
from sluice.records import Record

SHARD = "shardId-000000000000"
STREAM_ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/activity"
CONSUMER_ARN = STREAM_ARN + "/consumer/bigquery:1700000000"
ARRIVED = 1_700_000_000.25
BASE = 49 * 10**54


class Visit(Event, type="visit", id="id", time="at"):
    """A visit to a page."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    page: Annotated[str | None, field("Which page")] = None


class Ping(Event, type="ping", time="at"):
    """An event without an id of its own."""

    at: Annotated[datetime, field("When")]


CONTRACT = Contract([Visit, Ping])


def sequence(number: int) -> str:
    """Return the sequence number of the shard's record `number`; neighbours have gaps between them."""
    return str(BASE + 7 * number)


def visit(number: int, **more: Any) -> bytes:
    return json.dumps({"type": "visit", "id": f"v{number}", "at": "2026-11-01T12:00:00Z", **more}).encode()


def record(number: int, data: bytes | None = None, shard: str = SHARD) -> Record:
    return Record(
        stream="activity",
        shard=shard,
        sequence=sequence(number),
        partition_key=f"key{number % 3}",
        arrived_at=ARRIVED + number,
        data=visit(number) if data is None else data,
    )


def entry(one: Record, arn: str = CONSUMER_ARN) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": one.partition_key,
            "sequenceNumber": one.sequence,
            "data": base64.b64encode(one.data).decode(),
            "approximateArrivalTimestamp": one.arrived_at,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{one.shard}:{one.sequence}",
        "eventName": "aws:kinesis:record",
        "awsRegion": "eu-central-1",
        "eventSourceARN": arn,
    }


def event_of(records: Iterable[Record]) -> dict[str, Any]:
    return {"Records": [entry(one) for one in records]}


def batch(datas: Mapping[int, bytes] | Sequence[bytes]) -> dict[str, Any]:
    """Return the event of one shard's records: numbered from 0, or as the mapping says."""
    numbered = datas.items() if isinstance(datas, Mapping) else enumerate(datas)
    return event_of(record(number, data) for number, data in numbered)


class Time:
    """A clock that moves only when somebody sleeps, or says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        return Deadline.after(seconds, self.clock, self.sleep)


class Context:
    """Lambda's context, with the time that the function still has."""

    def __init__(self, seconds: float = 20.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Killed(BaseException):
    """Stands for the end of the process: nothing that Sluice catches."""
