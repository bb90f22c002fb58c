"""A small shop's events and metrics: every kind of group and measure, nulls, structs and enums."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from sluice.contract import Event, Nested, field
from sluice.metrics import Count, CountDistinct, Max, Mean, Metric, Min, Quantiles, Sum, TopK, Variance
from sluice.pipeline import Pipeline

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Channel(Enum):
    WEB = "web"
    APP = "app"


class Place(Nested):
    city: Annotated[str, field("City", max_length=100)]
    floor: Annotated[int | None, field("Storey")] = None


class Sale(Event, type="sale", id="sale_id", time="sold_at"):
    """A sale."""

    sale_id: Annotated[str, field("Unique id", max_length=40)]
    sold_at: Annotated[datetime, field("When")]
    channel: Annotated[Channel | None, field("How")] = None
    place: Annotated[Place | None, field("Where")] = None
    price: Annotated[Decimal | None, field("Price", scale=2)] = None
    weight: Annotated[float | None, field("Kilograms")] = None
    pieces: Annotated[int | None, field("How many")] = None
    customer: Annotated[str | None, field("Who")] = None
    ships_on: Annotated[date | None, field("Day the goods leave")] = None
    gift: Annotated[bool, field("For somebody else")] = False
    rank: Annotated[Literal[1, 2, 3] | None, field("Class of customer")] = None


class Return(Event, type="return", id="return_id", time="returned_on"):
    """Goods sent back."""

    return_id: Annotated[int, field("Unique id")]
    returned_on: Annotated[date, field("Day")]
    customer: Annotated[str | None, field("Who")] = None
    pieces: Annotated[int | None, field("How many")] = None


MEASURES = {
    "events": Count(),
    "price": Sum("price"),
    "weight": Sum("weight"),
    "pieces": Sum("pieces"),
    "mean_price": Mean("price"),
    "mean_weight": Mean("weight"),
    "spread": Variance("weight"),
    "spread_price": Variance("price"),
    "first": Min("sold_at"),
    "last_day": Max("ships_on"),
    "lightest": Min("weight"),
    "dearest": Max("price"),
    "customers": CountDistinct("customer"),
    "ranks": Quantiles("pieces", (0.5, 1.0)),
    "top": TopK("customer", 3),
    "top_pieces": TopK("pieces", 2),
}


def metric(name: str = "sales", **options: Any) -> Metric:
    chosen: dict[str, Any] = {
        "events": [Sale],
        "window": "10s",
        "measures": {"events": Count(), "pieces": Sum("pieces")},
        "groups": 3,
    } | options
    return Metric(name, **chosen)


METRICS = (
    metric("all", measures=MEASURES, by=["channel"]),
    metric("places", by=["place.city", "place.floor", "ships_on", "gift", "rank", "price"], window="1m"),
    metric("times", by={"sold": "sold_at", "who": "customer"}, window="1s", measures={"n": Count()}),
    metric("both", events=[Sale, Return], by=["type", "customer"], window="15m"),
    metric("once", by=["gift"], dedupe=True),
)


def pipeline(*metrics: Metric) -> Pipeline:
    return Pipeline(events=[Sale, Return], metrics=metrics)


Grouping = Callable[[Any], tuple[Any, ...]]
GROUPINGS: dict[str, Grouping] = {
    "all": lambda event: (event.channel and event.channel.value,),
    "places": lambda event: (
        event.place and event.place.city,
        event.place and event.place.floor,
        event.ships_on,
        event.gift,
        event.rank,
        event.price,
    ),
    "times": lambda event: (event.sold_at, event.customer),
    "both": lambda event: ("sale" if isinstance(event, Sale) else "return", event.customer),
    "once": lambda event: (event.gift,),
}
"""The group of an event in each of METRICS, in plain Python."""


def second_of(event: Any) -> int:
    """Epoch seconds of an event's time, rounded down."""
    if isinstance(event, Return):
        day = event.returned_on
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return int((event.sold_at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1)
