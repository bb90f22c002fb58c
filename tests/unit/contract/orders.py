"""A contract with a field of every type, for the tests of decoding."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from sluice.contract import Contract, ContractViolation, Event, Json, Nested, field


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(Nested):
    lat: Annotated[float, field(ge=-90, le=90)]
    type: str = "point"
    tags: list[str] = []


class Order(Event, type="order", id="order_id", time="at"):
    order_id: Annotated[str, field(max_length=20)]
    at: datetime
    count: Annotated[int | None, field(ge=0, le=10)] = None
    big: int | None = None
    price: Annotated[Decimal | None, field(ge=-5, lt=1000, scale=2)] = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    ratio: float | None = None
    day: date | None = None
    colour: Colour | None = None
    size: Literal["s", "m"] | None = None
    code: Annotated[str | None, field(pattern="^[A-Z]{3}$")] = None
    done: bool | None = None
    place: Place | None = None
    places: list[Place] = []
    names: Annotated[list[str], field(min_length=1, max_items=2)] = []
    extra: Json | None = None
    extras: list[Json] = []


class Tick(Event, type="tick", time="at"):
    at: datetime


CONTRACT = Contract([Order, Tick])


def order(more: str = "") -> bytes:
    return (
        '{"type":"order","order_id":"o1","at":"2024-05-01T10:00:00Z"' + (f",{more}" if more else "") + "}"
    ).encode()


def decoded(more: str) -> Any:
    return CONTRACT.decode(order(more))


def refused(data: bytes) -> ContractViolation:
    """The violation that a record is, or a failed test."""
    try:
        event = CONTRACT.decode(data)
    except ContractViolation as violation:
        return violation
    message = f"accepted: {event}"
    raise AssertionError(message)
