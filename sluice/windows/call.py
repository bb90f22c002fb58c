"""One invocation of the aggregator as Lambda's tumbling window makes it.

The event's shape: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sluice.errors import DeliveryError
from sluice.records import Record, records_of

SLOTS = 360
"""Of arrivals that the state counts in a window: the latency is known to a 360th of the window's length."""


@dataclass(frozen=True, slots=True)
class Call:
    """Records of one shard, rising, and what Lambda says about the window that they arrived in.

    `end` is the window's, in epoch milliseconds; None without a tumbling window, when every call is final. A
    `final` call that is `early` does not say that all records of the window were handed over.
    """

    shard: str
    records: list[Record]
    state: Mapping[str, Any]
    final: bool
    early: bool
    end: int | None
    length: int

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """Read the event; raises DeliveryError when no event-source mapping of a Kinesis stream wrote it."""
        records = sorted(records_of({"Records": event.get("Records") or []}), key=lambda record: record.order)
        shard = event.get("shardId") or (records[0].shard if records else None)
        if shard is None or any(record.shard != shard for record in records):
            raise DeliveryError(
                "the invocation's event is not one of a Kinesis tumbling window (no shard, or several): "
                "invoke the function through its event-source mapping"
            )
        window = event.get("window")
        if not window:
            return cls(shard, records, {}, final=True, early=True, end=None, length=0)
        try:
            start, end = (_milliseconds(window[name]) for name in ("start", "end"))
        except (KeyError, TypeError, ValueError) as error:
            raise DeliveryError(f"the invocation's window cannot be read ({window!r:.80})") from error
        return cls(
            shard,
            records,
            event.get("state") or {},
            final=bool(event.get("isFinalInvokeForWindow")),
            early=bool(event.get("isWindowTerminatedEarly")),
            end=end,
            length=end - start,
        )

    @property
    def step(self) -> int:
        """Milliseconds by which the state counts arrivals."""
        return max(1, self.length // SLOTS)


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
