"""Money that comes and goes: positive and negative amounts part ways, in every way there is."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sluice.contract import Event, field
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream


class Transaction(Event, type="transaction", id="id", time="at"):
    """Money that comes or goes; what is not known yet has no amount."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    amount: Annotated[
        Decimal | None, field("How much", ge=-1_000_000, le=1_000_000, scale=2, strings=False)
    ] = None
    currency: Annotated[str, field("ISO 4217 code", pattern=r"^[A-Z]{3}$")] = "EUR"
    # more fields


class Booking(Event, type="booking", id="id", time="at"):
    """Money that has come or gone: no amount, no booking."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal, field("How much", ge=-1_000_000, le=1_000_000, scale=2, strings=False)]


EITHER = [Transaction, Booking]

pipeline = Pipeline(
    events=EITHER,
    routes=[
        Route("positive", "amount >= 0", types=EITHER, to=Function("transactions")),
        Route("negative", "amount < 0", types=EITHER, to=Function("transactions")),
        Route("positive_copy", "amount >= 0", types=EITHER, to=Stream(consumers=[Function("transactions")])),
        Route("negative_copy", "amount < 0", types=EITHER, to=Stream(consumers=[Function("transactions")])),
        Route("in_order", "amount < 0", types=EITHER, to=Queue(fifo=True)),
        Route("large", "ABS(amount) >= 200", types=EITHER, to=Firehose()),
    ],
)
