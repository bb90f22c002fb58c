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
    """A record as GetRecords answers it; `data` stays in base64, as the function's event wants it.

    `part`: further entries of the same record follow it, all taken out of an aggregate by a filter.
    """

    sequence: str = msgspec.field(name="SequenceNumber")
    arrived: float = msgspec.field(name="ApproximateArrivalTimestamp")
    data: str = msgspec.field(name="Data")
    partition_key: str = msgspec.field(name="PartitionKey")
    part: bool = False

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
    """An event-source mapping as declared; -1 means unlimited, as in Lambda's API.

    `window_seconds` is the batching window, `tumbling_seconds` the tumbling window. `window_wait_seconds`:
    how long after its end a quiet tumbling window stays open (Lambda: up to 120 s). `final_carries_records`:
    a window's last batch is its final call, instead of one without records. `poll_seconds` pass between reads
    that find nothing; with `rests_at_tip` also after one that found all there was. A read that fails is tried
    again after `retry_read_seconds`. `counts_events`: CloudWatch is told of its events. `qualifier` is the
    alias or version of the function that is invoked; without one it is the newest.
    """

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
    filters: tuple[str, ...] = ()
    enabled: bool = True
    counts_events: bool = False
    tumbling_seconds: int = 0
    window_wait_seconds: float = 0
    final_carries_records: bool = False
    retention_seconds: float = 24 * 3600
    poll_seconds: float = 0.1
    rests_at_tip: bool = False
    retry_read_seconds: float = 1
    qualifier: str = ""
    backoff_seconds: float = 1
    max_backoff_seconds: float = 30

    @property
    def invoked(self) -> str:
        """What is invoked: the function, with its qualifier if it has one."""
        return f"{self.function}:{self.qualifier}" if self.qualifier else self.function

    @property
    def stream_name(self) -> str:
        """Name of the stream, the last part of its ARN."""
        return self.stream_arn.rpartition("/")[2]

    @property
    def consumer(self) -> str:
        """ARN of the enhanced fan-out consumer that the mapping is on; empty when it polls its shards."""
        return self.source_arn if "/consumer/" in self.source_arn else ""

    @property
    def reads_table(self) -> bool:
        """Whether the source is a DynamoDB table's stream instead of a Kinesis stream."""
        return self.source_arn.split(":")[2] == "dynamodb"

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
    version: str = "$LATEST"


@dataclass(frozen=True, slots=True)
class WindowCall:
    """What an invocation is told of its tumbling window: boundaries in epoch seconds, state as JSON."""

    start: int
    end: int
    state: bytes
    final: bool
    early: bool


@dataclass(frozen=True, slots=True)
class ListShards:
    """Ask which shards the stream has."""


@dataclass(frozen=True, slots=True)
class Open:
    """Ask for a cursor into a shard."""

    shard: str
    start: Start
    run: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """Read up to `limit` records from a cursor on."""

    shard: str
    cursor: str
    limit: int
    run: int = 0


@dataclass(frozen=True, slots=True)
class Invoke:
    """Invoke the function with these records, all of one shard and lane; without any in a final call only."""

    shard: str
    lane: int
    records: tuple[StreamRecord, ...]
    window: WindowCall | None = None
    run: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the on-failure destination which records were given up."""

    shard: str
    lane: int
    message: dict[str, Any]
    run: int = 0


Work = ListShards | Open | Read | Invoke | Report


class SourceError(Exception):
    """The stream could not be read; the same work is asked for again a little later."""
