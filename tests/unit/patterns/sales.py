"""Events with a field for each way in which a pattern could go wrong."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

from sluice.contract import Contract, Event, EventType, Nested, field
from sluice.patterns import Compiled, compile_route
from sluice.routes import Queue, Route


class Method(Enum):
    CARD = "card"
    CASH = "cash"
    BANK = "bank"


class Place(Nested):
    city: Annotated[str, field("Always there")]
    floor: Annotated[int | None, field("Storey", ge=-9, le=200)] = None
    zone: Annotated[str, field("With a default")] = "a"


class Shop(Nested):
    place: Annotated[Place | None, field("Where")] = None
    tags: Annotated[list[str], field("Words")] = []  # noqa: RUF012 - msgspec copies a list default


class Sale(Event, type="sale", id="sale_id", time="sold_at"):
    """A sale."""

    sale_id: Annotated[str, field("Unique id")]
    sold_at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal, field("A number", ge=-1_000_000, le=1_000_000, scale=2, strings=False)]
    tip: Annotated[Decimal | None, field("A number, or none", ge=0, lt=1_000, scale=2, strings=False)] = None
    rate: Annotated[
        Decimal | None, field("Five decimals", ge=-5_000_000_000, le=5_000_000_000, scale=5, strings=False)
    ] = None
    fee: Annotated[Decimal, field("With a default", ge=0, le=10, scale=1, strings=False)] = Decimal("1.5")
    price: Annotated[Decimal | None, field("A number or a string", ge=0, le=100, scale=2)] = None
    fine: Annotated[Decimal | None, field("Nine decimals", ge=0, le=1, strings=False)] = None
    pieces: Annotated[int, field("Bounded", ge=0, le=1_000)] = 1
    score: Annotated[int | None, field("Bounded below", ge=0)] = None
    whole: Annotated[int | None, field("Unbounded")] = None
    real: Annotated[float | None, field("A float", ge=0, le=10)] = None
    title: Annotated[str, field("With a default")] = ""
    text: Annotated[str | None, field("Text, or none")] = None
    currency: Annotated[str, field("With a default", pattern="^[A-Z]{3}$")] = "EUR"
    paid: Annotated[bool | None, field("Or none")] = None
    first: Annotated[bool, field("With a default")] = True
    method: Annotated[Method | None, field("Choices, or none")] = None
    level: Annotated[Literal[1, 2, 3], field("Choices, with a default")] = 2
    day: Annotated[date | None, field("A day")] = None
    seen_at: Annotated[datetime | None, field("A moment")] = None
    place: Annotated[Place | None, field("A struct, or none")] = None
    home: Annotated[Place, field("A struct with a default")] = Place(city="home", zone="b")
    shop: Annotated[Shop | None, field("Structs in structs")] = None
    tags: Annotated[list[str], field("Words")] = []  # noqa: RUF012 - same
    steps: Annotated[list[int], field("Numbers", ge=-100, le=100)] = []  # noqa: RUF012 - same
    given: Annotated[tuple[str, ...], field("Words, with a default")] = ("a",)
    methods: Annotated[list[Method], field("Choices")] = []  # noqa: RUF012 - same


class Visit(Event, type="visit", id="visit_id", time="at"):
    """Something with fields of the same names."""

    visit_id: str
    at: datetime
    text: str | None = None
    first: bool = False


CONTRACT = Contract([Sale, Visit])
SALE: EventType = CONTRACT.types["sale"]
HEAD = '"type":"sale","sale_id":"s","sold_at":"2026-11-20T12:00:00Z"'


def sale(rest: str = "") -> str:
    """A sale as JSON; without an amount in the rest, of 1."""
    amount = "" if '"amount"' in rest else ',"amount":1'
    return f"{{{HEAD}{amount}{',' if rest else ''}{rest}}}"


def compiled(where: str, *types: type[Event], enhanced: bool = True) -> Compiled:
    """What a route of that condition is compiled to."""
    route = Route("wanted", where, types=types or [Sale], to=Queue())
    return compile_route(route, CONTRACT, enhanced=enhanced)
