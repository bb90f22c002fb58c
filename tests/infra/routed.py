"""A small pipeline with a route to every kind of target."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sluice.contract import Event, field
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream


class Order(Event, type="order", id="order_id", time="ordered_at"):
    """An order in the shop."""

    order_id: Annotated[str, field("Number of the order")]
    ordered_at: Annotated[datetime, field("When it was placed")]
    total: Annotated[Decimal, field("What it costs", scale=2)]


pipeline = Pipeline(
    events=[Order],
    routes=[
        Route("large_orders", "total >= 1000", types=[Order], to=Function("transactions")),
        Route("paid", "total > 0", types=[Order], to=Stream(consumers=[Function("transactions")])),
        Route("free", "total = 0", types=[Order], to=Queue()),
        Route("returned_orders", "total < 0", types=[Order], to=Queue(fifo=True)),
        Route("all_orders", "TRUE", types=[Order], to=Firehose()),
    ],
)
