"""Events of which some end the process that reads them: by leaving, by memory, by never coming back."""

import os
from datetime import datetime
from typing import Annotated, Literal

from sluice.contract import Event, field
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline


class Visit(Event, type="visit", id="id", time="at"):
    """A visit, and what happens to whoever reads it."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]
    fate: Annotated[Literal["exit", "memory", "hang"] | None, field("What the reader dies of")] = None

    def __post_init__(self) -> None:
        """Die, where nobody is told that this is only a test: never outside a sink's own process."""
        if self.fate is None or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
            return
        if self.fate == "exit":
            os._exit(1)
        hoard = [b""]
        while True:
            if self.fate == "memory":
                hoard.append(b"x" * 50_000_000)


pipeline = Pipeline(
    events=[Visit],
    metrics=[Metric("visits", events=[Visit], window="10s", measures={"count": Count()})],
)
