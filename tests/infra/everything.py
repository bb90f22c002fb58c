"""A small pipeline with every kind of event, metric and route: with ALL_ON, all that can be declared."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sluice.contract import Event, field
from sluice.metrics import Count, CountDistinct, Metric, Quantiles, Sum
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream


class Order(Event, type="order", id="order_id", time="ordered_at", cluster=["customer"]):
    """An order in the shop."""

    order_id: Annotated[str, field("Number of the order")]
    customer: Annotated[str, field("Who ordered")]
    ordered_at: Annotated[datetime, field("When it was placed")]
    total: Annotated[Decimal, field("What it costs", scale=2)]


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
            dedupe=True,
            groups=100,
            measures={"orders": Count(), "turnover": Sum("total"), "spread": Quantiles("total")},
        ),
        Metric("customers", events=[Order], window="1m", measures={"customers": CountDistinct("customer")}),
        Metric("visits", events=[Visit], window="30s", measures={"visits": Count()}),
    ],
    routes=[
        Route("large_orders", "total >= 1000", types=[Order], to=Function("transactions")),
        Route("paid", "total > 0", types=[Order], to=Stream(consumers=[Function("transactions")])),
        Route("free", "total = 0", types=[Order], to=Queue()),
        Route("returned_orders", "total < 0", types=[Order], to=Queue(fifo=True)),
        Route("all_orders", "TRUE", types=[Order], to=Firehose()),
    ],
)
