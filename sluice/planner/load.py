"""The load that a cost is stated at, and what Sluice's functions make of it.

What the figures rest on stands beside each of them; a real month is in the clouds' own cost reports.
"""

import math
from dataclasses import dataclass
from typing import Final

from sluice.planner.prices import HOURS_A_MONTH

SECONDS_A_MONTH: Final = HOURS_A_MONTH * 3600
GB: Final = 1_000_000_000
KB: Final = 1024

USUAL_RATE: Final = 100.0
USUAL_BYTES: Final = 1_000

PUSH_SECONDS: Final = 0.25
"""How often a shard with enhanced fan-out hands on what came in: pushed in 70 ms, but a call takes time."""

POLL_SECONDS: Final = 1.0
"""How often Lambda polls a shard that it shares (Lambda developer guide)."""

PAYLOAD: Final = 6_000_000
"""Bytes of one invocation at most."""

CALL_SECONDS: Final = 0.1
"""What an invocation takes before its first record: a request to BigQuery takes 75 ms in the median."""

RECORD_SECONDS: Final = 0.000_02
"""A record of 1 KB on a whole core: decoding, checking, building and compressing the request."""

FULL_CORE_MB: Final = 1_769
"""Memory with which Lambda gives one whole core (Lambda developer guide)."""

LOGGED: Final = 1_500
"""Bytes that an invocation logs: Lambda's three lines, and one of metrics."""

COMPRESSED: Final = 0.18
"""What gzip leaves of a request of ten rows; of one of 500 it leaves 0.10 (docs/observability.md)."""

LEDGER_WRITES: Final = 2
"""Write units of the ledger for an invocation (docs/delivery.md)."""

SEGMENT_WRITES: Final = 8
"""Write units of the windows' table for a shard and tumbling window (docs/windows.md)."""

TRACED: Final = 0.05
"""Share of the invocations beyond one a second that X-Ray's default rule samples."""

FIREHOSE_STEP: Final = 5 * KB
"""Firehose counts each record in steps of 5 KB (its price page)."""

PAYLOAD_UNIT: Final = 25 * KB
SHARD_RECORDS: Final = 1_000
SHARD_BYTES: Final = 1_000_000
"""What a shard takes in a second (Kinesis developer guide)."""

ON_DEMAND_SHARDS: Final = 4
"""What an on-demand stream begins with."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """Records a second, around the clock, and the bytes of one; all of them go to every sink and route.

    `deduped`: a metric counts each event id once, which writes an item per event.
    """

    rate: float = USUAL_RATE
    bytes: int = USUAL_BYTES
    deduped: bool = False

    @property
    def records(self) -> float:
        """Records a month."""
        return self.rate * SECONDS_A_MONTH

    def gigabytes(self, *, step: int = 1, least: int = 0) -> float:
        """Gigabytes a month, where a record counts in whole steps, or as `least` bytes at least."""
        one = max(math.ceil(self.bytes / step) * step, least)
        return self.records * one / GB

    @property
    def payload_units(self) -> float:
        """Kinesis' payload units a month."""
        return self.records * math.ceil(self.bytes / PAYLOAD_UNIT)

    @property
    def shards(self) -> int:
        """Shards that this load needs at least."""
        return max(1, math.ceil(self.rate / SHARD_RECORDS), math.ceil(self.rate * self.bytes / SHARD_BYTES))

    def __str__(self) -> str:
        return f"{self.rate:,g} records/s of {self.bytes:,} bytes"
