"""What an event-source mapping works with: settings, records, and the work that it asks its driver to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

PAYLOAD_BYTES = 6 * 1024 * 1024
"""Largest event of a synchronous invocation (AWS Lambda quotas, read 2025-11)."""

ENVELOPE_BYTES = 620
"""Room that a record takes in the event beside its data and partition key, with long names in the ARNs."""


class StreamRecord(msgspec.Struct, frozen=True):
    """A record as GetRecords answers it; `data` stays in base64, as the function's event wants it."""

    sequence: str = msgspec.field(name="SequenceNumber")
    arrived: float = msgspec.field(name="ApproximateArrivalTimestamp")
    data: str = msgspec.field(name="Data")
    partition_key: str = msgspec.field(name="PartitionKey")

    @property
    def event_bytes(self) -> int:
        """Bytes that this record takes in a function's event."""
        return len(self.data) + len(self.partition_key) + ENVELOPE_BYTES


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """A shard of the stream and the shards that it came from."""

    id: str
    parents: tuple[str, ...] = ()


class StartKind(Enum):
    """Where reading a shard begins."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"
    AT_TIMESTAMP = "AT_TIMESTAMP"
    AFTER_SEQUENCE_NUMBER = "AFTER_SEQUENCE_NUMBER"


@dataclass(frozen=True, slots=True)
class Start:
    """A place in a shard: its oldest record, its newest, a time (epoch seconds), after a sequence number."""

    kind: StartKind
    timestamp: float | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class MappingConfig:
    """An event-source mapping as declared; -1 means unlimited, as in Lambda's API."""

    uuid: str
    function: str
    source_arn: str
    stream_arn: str
    batch_size: int = 100
    window_seconds: float = 0
    parallelization: int = 1
    retry_attempts: int = -1
    max_age_seconds: float = -1
    bisect: bool = False
    report_failures: bool = False
    on_failure_arn: str | None = None
    start: Start = Start(StartKind.TRIM_HORIZON)
    retention_seconds: float = 24 * 3600
    poll_seconds: float = 0.1
    backoff_seconds: float = 1
    max_backoff_seconds: float = 30

    @property
    def stream_name(self) -> str:
        """Name of the stream, the last part of its ARN."""
        return self.stream_arn.rpartition("/")[2]

    @property
    def oldest_seconds(self) -> float:
        """Age at which a record is given up: the declared limit, or what the stream keeps."""
        if self.max_age_seconds < 0:
            return self.retention_seconds
        return min(self.max_age_seconds, self.retention_seconds)


@dataclass(frozen=True, slots=True)
class Page:
    """What one read found; no cursor means that the shard is closed and read to its end."""

    records: Sequence[StreamRecord]
    cursor: str | None
    behind_ms: int = 0


class Verdict(Enum):
    """How an invocation went."""

    ANSWERED = "answered"
    FAILED = "failed"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Invocation:
    """The result of invoking the function: its answer, or why there is none."""

    verdict: Verdict
    payload: bytes = b""
    error: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ListShards:
    """Ask which shards the stream has."""


@dataclass(frozen=True, slots=True)
class Open:
    """Ask for a cursor into a shard."""

    shard: str
    start: Start


@dataclass(frozen=True, slots=True)
class Read:
    """Read up to `limit` records from a cursor on."""

    shard: str
    cursor: str
    limit: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """Invoke the function with these records, all of one shard and lane."""

    shard: str
    lane: int
    records: tuple[StreamRecord, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the on-failure destination which records were given up."""

    shard: str
    lane: int
    message: dict[str, Any]


Work = ListShards | Open | Read | Invoke | Report


class SourceError(Exception):
    """The stream could not be read; the same work is asked for again a little later."""
