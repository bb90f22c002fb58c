"""Money on several ways, some of it deadly to who reads it, some of many kinds: all that alarms are about."""

import os
import time
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from sluice.contract import Event, field
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route


class Transaction(Event, type="transaction", id="id", time="at"):
    """Money that comes or goes, and what happens to whoever reads it."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal, field("How much", ge=-1_000_000, le=1_000_000, scale=2, strings=False)]
    currency: Annotated[str, field("ISO 4217 code", pattern=r"^[A-Z]{3}$")] = "EUR"
    what: Annotated[str, field("What it is for", max_length=1000)] = "bread"
    fate: Annotated[Literal["exit", "hang"] | None, field("What the reader dies of")] = None

    def __post_init__(self) -> None:
        """Die, where nobody is told that this is only a test: never outside a sink's own process."""
        if self.fate is None or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
            return
        if self.fate == "exit":
            os._exit(1)
        time.sleep(600)


pipeline = Pipeline(
    events=[Transaction],
    metrics=[
        Metric(
            "spent",
            events=[Transaction],
            window="1m",
            by=["what"],
            groups=100,
            measures={"transactions": Count()},
        )
    ],
    routes=[
        Route("paid", "amount > 0", types=[Transaction], to=Function("transactions")),
        Route("large", "amount > 1000", types=[Transaction], to=Queue()),
        Route("kept", "amount > 2000", types=[Transaction], to=Firehose()),
    ],
)
