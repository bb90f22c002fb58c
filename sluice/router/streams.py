"""A route's events on a Kinesis stream of its own, or in a Firehose.

Guarantee: at least once. A record keeps its data and its partition key; where a batch is only partly taken,
records of one partition key may change places, and what Lambda hands over again is put again: readers know an
event by its id.

Limits (seen in 2026): 1 MiB for a record's data and partition key together, unless a stream is set to take
more, https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html; 1,000 KiB for a record of a
Firehose, https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from collections.abc import Callable, Sequence
from typing import Final

from sluice.deadline import Deadline
from sluice.delivery.outcomes import DELIVERED, Accepted, Outcome, Rejected, Retry

STREAM_BYTES: Final = 1024 * 1024
FIREHOSE_BYTES: Final = 1000 * 1024

KeyedRecord = tuple[str, bytes, str | None]
"""Partition key, data, and the explicit hash key, which no record that Lambda hands over has."""

Put = Callable[[Sequence[KeyedRecord], Deadline], Sequence[str | None]]
PutLines = Callable[[Sequence[bytes], Deadline], Sequence[str | None]]
"""Put records before the deadline, and answer for each why it was not taken, or None."""


class StreamTarget:
    """Puts each record on a stream as it came."""

    def __init__(self, put: Put) -> None:
        self._put = put

    def prepare(self, accepted: Accepted) -> KeyedRecord | Rejected:
        """Keep data and partition key."""
        record = accepted.record
        size = len(record.data) + len(record.partition_key.encode())
        if size > STREAM_BYTES:
            return Rejected(f"with its partition key it has {size:,} bytes, a stream takes {STREAM_BYTES:,}")
        return record.partition_key, record.data, None

    def deliver(self, prepared: Sequence[KeyedRecord], deadline: Deadline) -> Sequence[Outcome]:
        """Put all records, and those again that the stream did not take, until the deadline."""
        return [_outcome(trouble) for trouble in self._put(prepared, deadline)]


class FirehoseTarget:
    """Puts each record into a Firehose as one line of JSON."""

    def __init__(self, put: PutLines) -> None:
        self._put = put

    def prepare(self, accepted: Accepted) -> bytes | Rejected:
        """End the record with a line end, its only one: within JSON they stand between values alone."""
        data = accepted.record.data
        if b"\n" in data or b"\r" in data:
            data = data.replace(b"\n", b" ").replace(b"\r", b" ")
        if len(data) >= FIREHOSE_BYTES:
            return Rejected(f"its line has {len(data) + 1:,} bytes, a Firehose takes {FIREHOSE_BYTES:,}")
        return data + b"\n"

    def deliver(self, prepared: Sequence[bytes], deadline: Deadline) -> Sequence[Outcome]:
        """Put all lines, and those again that the Firehose did not take, until the deadline."""
        return [_outcome(trouble) for trouble in self._put(prepared, deadline)]


def _outcome(trouble: str | None) -> Outcome:
    return DELIVERED if trouble is None else Retry(trouble)
