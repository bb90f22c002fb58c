"""A small pipeline whose tables, metrics and views the tests can spell out."""

from datetime import datetime
from typing import Annotated

from sluice.contract import Event, field
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline


class Order(Event, type="order", id="order_id", time="ordered_at", cluster=["customer"]):
    """An order in the shop."""

    order_id: Annotated[str, field("Number of the order")]
    customer: Annotated[str, field("Who ordered")]
    ordered_at: Annotated[datetime, field("When it was placed")]


class Visit(Event, type="visit", time="at", partition="HOUR"):
    """A visit of a page."""

    at: Annotated[datetime, field("When it happened")]


pipeline = Pipeline(
    events=[Order, Visit],
    metrics=[
        Metric(
            "orders_by_customer",
            events=[Order],
            window="1m",
            by=["customer"],
            measures={"orders": Count()},
            description="Orders a minute, by customer.",
        ),
        Metric("visits", events=[Visit], window="30s", measures={"visits": Count()}),
    ],
)
