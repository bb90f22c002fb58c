"""Money on every way that there is, counted once each: what needs every right that a role can have."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sluice.contract import Event, field
from sluice.metrics import Count, Metric, Sum
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream


class Transaction(Event, type="transaction", id="id", time="at"):
    """Money that comes or goes."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal, field("How much", ge=-1_000_000, le=1_000_000, scale=2)]
    currency: Annotated[str, field("ISO 4217 code", pattern=r"^[A-Z]{3}$")] = "EUR"


pipeline = Pipeline(
    events=[Transaction],
    metrics=[
        Metric(
            "turnover",
            events=[Transaction],
            window="10s",
            by=["currency"],
            dedupe=True,
            measures={"transactions": Count(), "total": Sum("amount")},
        )
    ],
    routes=[
        Route("to_function", "amount > 0", types=[Transaction], to=Function("transactions")),
        Route(
            "to_stream", "amount > 0", types=[Transaction], to=Stream(consumers=[Function("transactions")])
        ),
        Route("to_queue", "amount > 0", types=[Transaction], to=Queue(fifo=True)),
        Route("to_firehose", "amount > 0", types=[Transaction], to=Firehose()),
    ],
)
