"""An auction's events, with a field of each kind: nulls, defaults, structs, enums and lists."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from sluice.contract import Contract, Event, Json, Nested, field

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WRONG_FILTER = """
from datetime import datetime
from sluice.contract import Event
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline

class Bid(Event, type="bid", time="bid_at"):
    bid_at: datetime
    amount: int

bids = Metric("bids", events=[Bid], window="1m", measures={"bids": Count()}, where="amuont > 0")
pipeline = Pipeline(events=[Bid], metrics=[bids])
"""


class Channel(Enum):
    WEB = "web"
    PHONE = "phone"


class Place(Nested):
    city: Annotated[str, field("City")]
    floor: Annotated[int | None, field("Storey")] = None
    tags: Annotated[list[str], field("Words")] = []  # noqa: RUF012 - msgspec copies a list default


class Bid(Event, type="bid", id="bid_id", time="bid_at"):
    """A bid."""

    bid_id: Annotated[str, field("Unique id")]
    bid_at: Annotated[datetime, field("When")]
    text: Annotated[str | None, field("Text")] = None
    title: Annotated[str, field("Text that is always there")] = ""
    whole: Annotated[int | None, field("INT64")] = None
    count: Annotated[int, field("INT64 that is always there")] = 0
    price: Annotated[Decimal | None, field("NUMERIC")] = None
    fine: Annotated[Decimal | None, field("BIGNUMERIC", bignumeric=True)] = None
    real: Annotated[float | None, field("FLOAT64")] = None
    yes: Annotated[bool | None, field("BOOL")] = None
    firm: Annotated[bool, field("BOOL that is always there")] = False
    day: Annotated[date | None, field("DATE")] = None
    seen_at: Annotated[datetime | None, field("TIMESTAMP")] = None
    channel: Annotated[Channel | None, field("Enum")] = None
    level: Annotated[Literal[1, 2, 3] | None, field("Literal")] = None
    place: Annotated[Place | None, field("Struct")] = None
    tags: Annotated[list[str], field("Words")] = []  # noqa: RUF012 - msgspec copies a list default
    steps: Annotated[list[int], field("Numbers")] = []  # noqa: RUF012 - same
    channels: Annotated[list[Channel], field("Enums")] = []  # noqa: RUF012 - same
    free: Annotated[Json | None, field("Free JSON")] = None
    date: Annotated[str | None, field("A name that is a type too")] = None
    order: Annotated[int | None, field("A reserved word")] = None
    old: Annotated[str | None, field("Not sent any more", retired=True)] = None


CONTRACT = Contract([Bid])
BID = CONTRACT.types["bid"]


def bid(**fields: Any) -> Bid:
    """A bid as it is read from a record."""
    given: dict[str, Any] = {"bid_id": "b", "bid_at": NOON} | fields
    made = CONTRACT.decode(CONTRACT.encode(Bid(**given)))
    assert isinstance(made, Bid)
    return made
