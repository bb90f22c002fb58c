"""Sales, and two metrics of them, for tests of what shows windows."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

from sluice.contract import Event, field
from sluice.metrics import Count, Mean, Metric, Quantiles, Sum, TopK


class Country(Enum):
    """Where."""

    AT = "AT"
    PT = "PT"


class Sale(Event, type="sale", id="id", time="at"):
    """A sale."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    country: Annotated[Country | None, field("Where")] = None
    day: Annotated[date | None, field("Ships on")] = None
    paid: Annotated[bool, field("Whether")] = True
    amount: Annotated[Decimal, field("Price", scale=2)] = Decimal(0)
    took: Annotated[float | None, field("Milliseconds")] = None
    query: Annotated[str | None, field("Searched for", max_length=100)] = None


SALES = Metric(
    "sales",
    events=[Sale],
    window="15m",
    by=["country", "day", "paid", "amount"],
    measures={"count": Count(), "total": Sum("amount"), "took": Mean("took")},
).definition
SEARCHES = Metric(
    "searches",
    events=[Sale],
    window="1m",
    measures={"terms": TopK("query", 2), "took": Quantiles("took", (0.5, 0.99))},
).definition


def sold(*amounts: str) -> dict[str, list[Any]]:
    count, total, took = (measure.signature for measure in SALES.measures)
    return {count: list(amounts), total: list(map(Decimal, amounts)), took: [1.0 / 3 for _ in amounts]}


AUSTRIAN: tuple[Any, ...] = ("AT", date(2026, 11, 20), True, Decimal("9.90"))
NOBODY: tuple[Any, ...] = (None, None, False, Decimal(0))
