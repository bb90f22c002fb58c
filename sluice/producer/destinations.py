"""What records are put on: a Kinesis stream or a Firehose stream, one request at a time.

Limits as the API references state them (2026):

- PutRecords: 500 records a request, 10 MiB with the keys. Older endpoints took 5 MiB, so requests stay there.
  1 MiB for one record's data and key, unless a stream opted in to more, which Lambda's 6 MB payload may not
  hold. A partition key has 1 to 256 characters, an explicit hash key is a decimal below 2**128.
  https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
- PutRecordBatch: 500 records and 4 MB a request, 1,000 KB a record.
  https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from sluice.producer.failures import (
    Failure,
    Why,
    failure_of_record,
    failure_of_request,
    may_be_one_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_kinesis import KinesisClient

MAX_RECORDS: Final = 500
MAX_REQUEST_BYTES: Final = 5 * 1024 * 1024
MAX_RECORD_BYTES: Final = 1024 * 1024
MAX_KEY_CHARACTERS: Final = 256
HASHES: Final = 2**128

MAX_FIREHOSE_REQUEST_BYTES: Final = 4_000_000
"""The smaller reading of "4 MB"; the quota page says 4 MiB."""
MAX_FIREHOSE_RECORD_BYTES: Final = 1_000 * 1024

MOST_CUTS: Final = 40
"""Requests spent on finding the records that spoil one: enough for about three of 500."""

Row = tuple[str, bytes, str | None]
"""What one record is made of: partition key, data, explicit hash key. Firehose knows only the data."""


class Placed(NamedTuple):
    """Where a record is: its shard and sequence number, and its place within an aggregate.

    In a Firehose, which has no shards, `sequence` is the record's id.
    """

    shard: str
    sequence: str
    sub_sequence: int | None = None


Answer = Placed | Failure


class FirehoseClient(Protocol):
    """What is needed of boto3's Firehose client."""

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Any) -> Any:  # noqa: N803 - boto3's names
        """Send one request."""


class Destination(Protocol):
    """Takes records; each answer is a record's own."""

    name: str
    max_bytes: int
    """Of one request."""

    def size(self, row: Row) -> int:
        """Return what a record counts for in a request, in bytes."""

    def refusal(self, row: Row, size: int) -> Failure | None:
        """Return why no request could ever carry this record of `size` bytes, or None."""

    def put(self, rows: Sequence[Row]) -> list[Answer]:
        """Send one request, and return each record's answer. It never raises what the service answers."""


class KinesisStream:
    """A stream, by name."""

    max_bytes: int = MAX_REQUEST_BYTES

    def __init__(self, client: KinesisClient, name: str) -> None:
        self.client = client
        self.name = name

    def size(self, row: Row) -> int:
        """Return data and key."""
        key = row[0]
        return len(row[1]) + (len(key) if key.isascii() else len(key.encode(errors="surrogatepass")))

    def refusal(self, row: Row, size: int) -> Failure | None:
        """Return what is wrong with the record itself."""
        key, _, hash_key = row
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not _writable(key):
            return Failure(
                Why.RECORD,
                "PartitionKey",
                f"a partition key has 1 to {MAX_KEY_CHARACTERS} characters of Unicode, not {len(key)}"
                if _writable(key)
                else "the partition key holds half a surrogate pair, which UTF-8 cannot carry",
            )
        if hash_key is not None and not (
            hash_key.isascii() and hash_key.isdecimal() and int(hash_key) < HASHES
        ):
            return Failure(Why.RECORD, "ExplicitHashKey", f"{hash_key!r} is no decimal number below 2**128")
        if size > MAX_RECORD_BYTES:
            return _too_large(size, MAX_RECORD_BYTES, "data and partition key")
        return None

    def put(self, rows: Sequence[Row]) -> list[Answer]:
        """Send one PutRecords."""
        return _asked(self._request, rows)

    def _request(self, rows: Sequence[Row]) -> list[Answer]:
        entries: list[Any] = [
            {"Data": data, "PartitionKey": key}
            if hash_key is None
            else {"Data": data, "PartitionKey": key, "ExplicitHashKey": hash_key}
            for key, data, hash_key in rows
        ]
        results = self.client.put_records(StreamName=self.name, Records=entries)["Records"]
        return [
            Placed(result["ShardId"], result["SequenceNumber"])
            if result.get("ErrorCode") is None
            else failure_of_record(result["ErrorCode"], result.get("ErrorMessage", ""))
            for result in results
        ]


class FirehoseStream:
    """A Firehose stream that takes direct puts, by name."""

    max_bytes: int = MAX_FIREHOSE_REQUEST_BYTES

    def __init__(self, client: FirehoseClient, name: str) -> None:
        self.client = client
        self.name = name

    def size(self, row: Row) -> int:
        """Return the data alone: there are no keys."""
        return len(row[1])

    def refusal(self, row: Row, size: int) -> Failure | None:  # noqa: ARG002 - the size is all that can be wrong
        """Return what is wrong with the record itself."""
        if size > MAX_FIREHOSE_RECORD_BYTES:
            return _too_large(size, MAX_FIREHOSE_RECORD_BYTES, "data")
        return None

    def put(self, rows: Sequence[Row]) -> list[Answer]:
        """Send one PutRecordBatch."""
        return _asked(self._request, rows)

    def _request(self, rows: Sequence[Row]) -> list[Answer]:
        entries: list[Any] = [{"Data": data} for _, data, _ in rows]
        results = self.client.put_record_batch(DeliveryStreamName=self.name, Records=entries)
        return [
            Placed("", result.get("RecordId", ""))
            if result.get("ErrorCode") is None
            else failure_of_record(result["ErrorCode"], result.get("ErrorMessage", ""))
            for result in results["RequestResponses"]
        ]


def _asked(request: Callable[[Sequence[Row]], list[Answer]], rows: Sequence[Row]) -> list[Answer]:
    """Return the answers to one request, or the failure of all of it for each record.

    A request that the service calls invalid is cut in halves: one record may have spoiled it for the others.
    """
    cuts = count()

    def ask(rows: Sequence[Row]) -> list[Answer]:
        try:
            answers = request(rows)
        except (BotoCoreError, ClientError) as error:
            failure = failure_of_request(error)
            if not may_be_one_record(failure) or next(cuts) >= MOST_CUTS:
                return [failure] * len(rows)
            if len(rows) == 1:
                return [Failure(Why.RECORD, failure.code, failure.message)]
            half = len(rows) // 2
            return [*ask(rows[:half]), *ask(rows[half:])]
        except (KeyError, ValueError, TypeError) as error:
            return [_unreadable(f"{type(error).__name__}: {error}")] * len(rows)
        if len(answers) != len(rows):
            return [_unreadable(f"{len(answers)} results for {len(rows)} records")] * len(rows)
        return answers

    return ask(rows)


def _unreadable(what: str) -> Failure:
    return Failure(Why.PASSING, "UnreadableAnswer", what)


def _too_large(size: int, limit: int, what: str) -> Failure:
    return Failure(Why.RECORD, "TooLarge", f"{what} have {size:,} bytes, at most {limit:,} are taken")


def _writable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
