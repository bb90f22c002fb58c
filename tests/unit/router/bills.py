"""A pipeline with routes, and its events as records."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from sluice.contract import Event, field
from sluice.delivery import Accepted
from sluice.pipeline import Pipeline
from sluice.records import Record
from sluice.routes import Firehose, Function, Queue, Route, Stream
from tests.unit.delivery.builders import ARRIVED, SHARD, sequence


class Bill(Event, type="bill", id="id", time="at"):
    """A bill, which may have no amount yet."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal | None, field("Total", scale=2)] = None
    note: Annotated[str | None, field("What was written on it")] = None


class Ping(Event, type="ping", time="at"):
    """An event without an id of its own."""

    at: Annotated[datetime, field("When")]


PIPELINE = Pipeline(
    events=[Bill, Ping],
    routes=[
        Route("paid", "amount >= 0", types=[Bill], to=Function("bills")),
        Route("copied", "amount >= 0", types=[Bill], to=Stream(consumers=[Function("bills")])),
        Route("queued", "TRUE", types=[Bill, Ping], to=Queue()),
        Route("in_order", "TRUE", types=[Bill, Ping], to=Queue(fifo=True)),
        Route("kept", "TRUE", types=[Bill], to=Firehose()),
    ],
)


def route(name: str) -> Route:
    (found,) = (route for route in PIPELINE.routes if route.name == name)
    return found


def bill(number: int, amount: Any = 1, **more: Any) -> bytes:
    document = {"type": "bill", "id": f"b{number}", "at": "2026-11-01T12:00:00Z", "amount": amount, **more}
    return json.dumps(document, ensure_ascii=False).encode()


PING = b'{"type": "ping", "at": "2026-11-01T12:00:00Z"}'


def accepted(number: int, data: bytes | None = None, key: str | None = None) -> Accepted:
    record = Record(
        stream="activity",
        shard=SHARD,
        sequence=sequence(number),
        partition_key=f"key{number}" if key is None else key,
        arrived_at=ARRIVED + number,
        data=bill(number) if data is None else data,
    )
    event = PIPELINE.contract.decode(record.data)
    return Accepted(record, event, PIPELINE.contract.type_of(event))
