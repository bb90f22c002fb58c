"""Events on their way to the stub."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from sluice.contract import Contract, Event, field
from sluice.delivery import Accepted, Outcome, Rejected
from sluice.sinks.opensearch.bulk import Operation
from sluice.sinks.opensearch.sink import SearchSink
from tests.unit.delivery.builders import Ping, Time, Visit, record

AT = "2023-11-14T12:00:00Z"
"""On the day on which the builders' records arrive."""

INDEX = "test-visit-2023.11"


class Order(Event, type="order", id="id", time="at", version="revision"):
    """An order in one of its states."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    revision: Annotated[int, field("Which state", ge=0)]


CONTRACT = Contract([Visit, Ping, Order])


def accepted(number: int, **event: Any) -> Accepted:
    data = {"type": "visit", "id": f"v{number}", "at": AT} | event
    one = record(number, json.dumps(data).encode())
    decoded = CONTRACT.decode(one.data)
    return Accepted(one, decoded, CONTRACT.type_of(decoded))


def prepared(sink: SearchSink, number: int, **event: Any) -> Operation:
    operation = sink.prepare(accepted(number, **event))
    assert not isinstance(operation, Rejected), operation
    return operation


def deliver(
    sink: SearchSink, time: Time, numbers: Sequence[int], seconds: float = 60.0, **event: Any
) -> Sequence[Outcome]:
    return sink.deliver([prepared(sink, number, **event) for number in numbers], time.deadline(seconds))


def ids(numbers: Sequence[int]) -> set[str]:
    return {f"v{number}" for number in numbers}
