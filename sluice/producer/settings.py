"""What a producer can be told, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from sluice.errors import UsageError
from sluice.producer.destinations import MAX_RECORD_BYTES, MAX_RECORDS, MAX_REQUEST_BYTES

WhenFull = Literal["block", "raise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a producer batches, waits and gives up.

    Sizes are bytes, times are seconds.

    - `linger`: how long an event waits for others to share a request (or an aggregate) with.
    - `max_batch_records`, `max_batch_bytes`: of one request.
    - `max_pending_records`, `max_pending_bytes`: events that are not confirmed yet, all together.
    - `when_full`: what `put` does then: "block" until there is room, or "raise" BacklogFull.
    - `ordered`: events of one partition key arrive in the order in which they were put.
    - `aggregate`: pack events into records of the Kinesis Producer Library (KPL), each within one shard.
    - `max_aggregate_bytes`: of one such record. 51,200 is KPL's own default.
    - `rate`: the most events a second.
    - `retry_for`: how long an event is tried, from its first attempt on.
    - `in_flight`: requests on their way at once.
    """

    linger: float = 0.1
    max_batch_records: int = MAX_RECORDS
    max_batch_bytes: int = MAX_REQUEST_BYTES
    max_pending_records: int = 10_000
    max_pending_bytes: int = 64 * 1024 * 1024
    when_full: WhenFull = "block"
    ordered: bool = False
    aggregate: bool = False
    max_aggregate_bytes: int = 51_200
    rate: float | None = None
    retry_for: float = 120.0
    in_flight: int = 4

    def __post_init__(self) -> None:
        for name, least, most in _BOUNDS:
            value = getattr(self, name)
            if value is None and name == "rate":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
                raise UsageError(f"Producer({name}={value!r}): accepted are {least:,} to {most:,}")
            if _KINDS[name] == "int" and not isinstance(value, int):
                raise UsageError(f"Producer({name}={value!r}): accepted are whole numbers")
        if self.when_full not in ("block", "raise"):
            raise UsageError(f'Producer(when_full={self.when_full!r}): accepted are "block" and "raise"')


_BOUNDS: tuple[tuple[str, float, float], ...] = (
    ("linger", 0, 60),
    ("max_batch_records", 1, MAX_RECORDS),
    ("max_batch_bytes", 1, MAX_REQUEST_BYTES),
    ("max_pending_records", 1, 100_000_000),
    ("max_pending_bytes", 1, 2**40),
    ("max_aggregate_bytes", 1_024, MAX_RECORD_BYTES - 1_024),
    ("rate", 0.001, 1e9),
    ("retry_for", 0, 7 * 24 * 3600),
    ("in_flight", 1, 64),
)
_KINDS = {each.name: each.type for each in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Report:
    """How far a producer has come.

    - `accepted`: events that the service confirmed; `records`: the Kinesis records that they are (fewer, when
      aggregated); `bytes`: data and keys of those records.
    - `pending`: events that are not settled yet.
    - `undelivered`: events that were given up, each told by its receipt, `on_failure` or `close`.
    - `requests`: requests that were answered or failed; `failed`: those that broke as a whole, by an error of
      the service or of the way to it.
    - `retried`: records that were put into line again, for whatever reason; `throttled`: records that the
      service refused as too many at once.
    """

    accepted: int = 0
    records: int = 0
    bytes: int = 0
    pending: int = 0
    undelivered: int = 0
    requests: int = 0
    failed: int = 0
    retried: int = 0
    throttled: int = 0
