"""Rows on their way to the stub, and what it should hold afterwards."""

from collections.abc import Sequence
from typing import Any

from sluice.delivery import Accepted, Outcome
from sluice.sinks.bigquery.inserts import Row
from sluice.sinks.bigquery.sink import BigQuerySink
from tests.unit.delivery.builders import CONTRACT, SHARD, Time, record, sequence, visit
from tests.unit.sinks.bigquery.stub_bigquery import StubBigQuery

INVALID = {"reason": "invalid", "location": "page", "message": "bad value"}
STOPPED = {"reason": "stopped", "location": "", "message": ""}


def accepted(number: int, data: bytes | None = None) -> Accepted:
    one = record(number, data)
    event = CONTRACT.decode(one.data)
    return Accepted(one, event, CONTRACT.type_of(event))


def rows_of(sink: BigQuerySink, numbers: Sequence[int], **more: Any) -> list[Row]:
    return [sink.prepare(accepted(number, visit(number, **more))) for number in numbers]


def deliver(
    sink: BigQuerySink, time: Time, numbers: Sequence[int], seconds: float = 60.0
) -> Sequence[Outcome]:
    return sink.deliver(rows_of(sink, numbers), time.deadline(seconds))


def ids(stub: StubBigQuery, table: str = "visit") -> set[str]:
    return set(stub.rows[table])


def expected(numbers: Sequence[int]) -> set[str]:
    return {f"{SHARD}/{sequence(number)}" for number in numbers}
