"""What the calls of Kinesis' data plane ask for, and how large a request and a record may be.

Limits are those of Amazon Kinesis Data Streams, "Quotas and limits" (read 2025-11): 500 records and 10 MiB a
call, 1 MiB a record with its key, 10,000 records and 10 MiB a read.
"""

import binascii

import msgspec

MAX_RECORDS_PER_PUT = 500
MAX_BYTES_PER_PUT = 10 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024
MAX_KEY_LENGTH = 256
MAX_RECORDS_PER_READ = 10_000
MAX_TEXT_PER_READ = 13 * 1024 * 1024  # 10 MiB of data in base64


class KinesisError(Exception):
    """An error as the service answers it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Entry(msgspec.Struct):
    """A record to put; the data in base64."""

    Data: str
    PartitionKey: str
    ExplicitHashKey: str | None = None


class Put(Entry):
    """PutRecord."""

    StreamName: str | None = None
    StreamARN: str | None = None


class PutMany(msgspec.Struct):
    """PutRecords."""

    Records: list[Entry]
    StreamName: str | None = None
    StreamARN: str | None = None


class Read(msgspec.Struct):
    """GetRecords."""

    ShardIterator: str
    Limit: int | None = None


class Iterate(msgspec.Struct):
    """GetShardIterator."""

    ShardId: str
    ShardIteratorType: str
    StreamName: str | None = None
    StreamARN: str | None = None
    StartingSequenceNumber: str | None = None
    Timestamp: float | None = None


class Sized(msgspec.Struct):
    """What counts of a record that was read."""

    Data: str
    PartitionKey: str


def size_of(entry: Entry, number: int) -> int:
    """Bytes of a request's record (data and partition key), the first being number 1.

    Raises:
        KinesisError: Kinesis would not take it.
    """
    if not 1 <= len(entry.PartitionKey) <= MAX_KEY_LENGTH:
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value at 'records.{number}.member.partitionKey' failed to satisfy "
            f"constraint: Member must have length between 1 and {MAX_KEY_LENGTH}",
        )
    if entry.ExplicitHashKey and not (
        entry.ExplicitHashKey.isdecimal() and int(entry.ExplicitHashKey) < 2**128
    ):
        raise KinesisError("InvalidArgumentException", f"Invalid ExplicitHashKey {entry.ExplicitHashKey}.")
    try:
        data = len(binascii.a2b_base64(entry.Data, strict_mode=True)) if entry.Data else 0
    except ValueError:
        raise KinesisError("SerializationException", "Data is not base64.") from None
    size = data + len(entry.PartitionKey.encode())
    if size > MAX_RECORD_BYTES:
        raise KinesisError(
            "ValidationException",
            f"1 validation error detected: Value at 'records.{number}.member.data' failed to satisfy "
            f"constraint: Member must have length less than or equal to {MAX_RECORD_BYTES}",
        )
    return size
