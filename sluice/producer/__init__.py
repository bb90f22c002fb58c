"""Putting events on a stream: batched, retried record by record, aggregated, paced, and never lost silently.

    from sluice.producer import AsyncProducer, FirehoseProducer, Producer

`put_records` and `put_record_batch` are for functions that pass a handful of records on within their time.
"""

from typing import TYPE_CHECKING, Any

from sluice.producer.destinations import Placed
from sluice.producer.failures import Failure, Why
from sluice.producer.producer import FirehoseProducer, Producer
from sluice.producer.put import put_record_batch, put_records
from sluice.producer.receipts import OnFailure, Receipt
from sluice.producer.settings import Report, Settings
from sluice.producer.wire import prepared

if TYPE_CHECKING:
    from sluice.producer.asynchronous import AsyncProducer

__all__ = [
    "AsyncProducer",
    "Failure",
    "FirehoseProducer",
    "OnFailure",
    "Placed",
    "Producer",
    "Receipt",
    "Report",
    "Settings",
    "Why",
    "prepared",
    "put_record_batch",
    "put_records",
]


def __getattr__(name: str) -> Any:
    """Import what is for asyncio when it is asked for: functions start without it."""
    if name != "AsyncProducer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sluice.producer.asynchronous import AsyncProducer  # noqa: PLC0415 - the point of this function

    return AsyncProducer
