"""PutRecord, PutRecords, GetShardIterator and GetRecords, answered without moto's per-request machinery.

Everything else about Kinesis (streams, consumers, encryption, tags, resharding) stays moto's: these calls
work on moto's own stream objects, whose shards `aws_patches` gives a `RecordLog`. Limits are those of Amazon
Kinesis Data Streams, "Quotas and limits" (read 2025-11): 500 records and 10 MiB a call, 1 MiB a record with
its key, 10,000 records and 10 MiB a read. Shards are not throttled.
"""

import binascii
import hashlib
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

MAX_RECORDS_PER_PUT = 500
MAX_BYTES_PER_PUT = 10 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024
MAX_KEY_LENGTH = 256
MAX_RECORDS_PER_READ = 10_000
MAX_TEXT_PER_READ = 13 * 1024 * 1024  # 10 MiB of data in base64
METRIC_MINUTES = 15 * 24 * 60  # CloudWatch keeps one-minute points for 15 days
TARGET = "Kinesis_20131202."
ACCOUNT = "123456789012"


class KinesisError(Exception):
    """An error as the service answers it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Entry(msgspec.Struct):
    Data: str
    PartitionKey: str
    ExplicitHashKey: str | None = None


class _Put(_Entry):
    StreamName: str | None = None
    StreamARN: str | None = None


class _PutMany(msgspec.Struct):
    Records: list[_Entry]
    StreamName: str | None = None
    StreamARN: str | None = None


class _Read(msgspec.Struct):
    ShardIterator: str
    Limit: int | None = None


class _Iterate(msgspec.Struct):
    ShardId: str
    ShardIteratorType: str
    StreamName: str | None = None
    StreamARN: str | None = None
    StartingSequenceNumber: str | None = None
    Timestamp: float | None = None


class Traffic:
    """IncomingRecords and IncomingBytes per stream and minute, as CloudWatch would show them."""

    def __init__(self) -> None:
        self.minutes: dict[str, dict[int, list[int]]] = defaultdict(dict)

    def add(self, stream_arn: str, records: int, size: int, now: float) -> None:
        """Count one successful put."""
        minute = int(now // 60)
        points = self.minutes[stream_arn]
        point = points.get(minute)
        if point is None:
            point = points[minute] = [0, 0, 0]
            while len(points) > METRIC_MINUTES:
                del points[next(iter(points))]
        point[0] += records
        point[1] += size
        point[2] += 1


class DataPlane:
    """The data plane of Kinesis over moto's streams (`streams(region)` gives them by name)."""

    def __init__(
        self, streams: Callable[[str], dict[str, Any]], now: Callable[[], float] = time.time
    ) -> None:
        self._streams = streams
        self._now = now
        self.traffic = Traffic()
        self.metrics_provider: type | None = None
        self._operations: dict[str, Callable[[bytes, str], bytes]] = {
            TARGET + "PutRecord": self._put_record,
            TARGET + "PutRecords": self._put_records,
            TARGET + "GetRecords": self._get_records,
            TARGET + "GetShardIterator": self._get_shard_iterator,
        }

    def handles(self, target: str) -> bool:
        """Whether a call is one of the data plane's."""
        return target in self._operations

    def call(self, target: str, body: bytes, region: str) -> tuple[int, bytes]:
        """Answer one call: HTTP status and JSON body."""
        try:
            return 200, self._operations[target](body, region)
        except KinesisError as error:
            return 400, msgspec.json.encode({"__type": error.code, "message": str(error)})
        except msgspec.MsgspecError as error:
            return 400, msgspec.json.encode({"__type": "SerializationException", "message": str(error)})

    def totals(self) -> dict[str, int]:
        """How many records each stream (by ARN) has ever taken."""
        return {
            arn: sum(point[0] for point in list(points.values()))
            for arn, points in list(self.traffic.minutes.items())
        }

    def _stream(self, name: str | None, arn: str | None, region: str) -> Any:
        if name is None and arn is not None:
            name = arn.rpartition("/")[2]
        stream = self._streams(region).get(name or "")
        if stream is None:
            raise KinesisError(
                "ResourceNotFoundException", f"Stream {name} under account {ACCOUNT} not found."
            )
        return stream

    def _append(self, stream: Any, entry: _Entry, now: float) -> tuple[int, str]:
        shard = route(stream, entry.PartitionKey, entry.ExplicitHashKey)
        log = shard.log
        sequence = log.sequence(log.stop)
        log.append(
            b'{"SequenceNumber":"%d","ApproximateArrivalTimestamp":%.3f,"Data":"%b","PartitionKey":%b}'
            % (sequence, now, entry.Data.encode(), msgspec.json.encode(entry.PartitionKey)),
            now,
        )
        return sequence, shard.shard_id

    def _put_record(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=_Put)
        stream = self._stream(request.StreamName, request.StreamARN, region)
        size = _size(request, 1)
        now = self._tick(stream)
        sequence, shard_id = self._append(stream, request, now)
        self.traffic.add(stream.arn, 1, size, now)
        return msgspec.json.encode({"SequenceNumber": str(sequence), "ShardId": shard_id})

    def _put_records(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=_PutMany)
        stream = self._stream(request.StreamName, request.StreamARN, region)
        if not 1 <= len(request.Records) <= MAX_RECORDS_PER_PUT:
            raise KinesisError(
                "ValidationException",
                "1 validation error detected: Value at 'records' failed to satisfy constraint: "
                f"Member must have length between 1 and {MAX_RECORDS_PER_PUT}",
            )
        size = sum(_size(entry, number) for number, entry in enumerate(request.Records, 1))
        if size > MAX_BYTES_PER_PUT:
            raise KinesisError("InvalidArgumentException", "Records size exceeds 10 MB limit")
        now = self._tick(stream)
        placed = [
            '{"SequenceNumber":"%d","ShardId":"%s"}' % self._append(stream, e, now)  # noqa: UP031 - fastest per record
            for e in request.Records
        ]
        self.traffic.add(stream.arn, len(placed), size, now)
        return ('{"FailedRecordCount":0,"Records":[' + ",".join(placed) + "]}").encode()

    def _tick(self, stream: Any) -> float:
        now = self._now()
        before = now - stream.retention_period_hours * 3600
        for shard in stream.shards.values():
            shard.log.expire(before)
        return now

    def _get_shard_iterator(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=_Iterate)
        stream = self._stream(request.StreamName, request.StreamARN, region)
        shard = stream.shards.get(request.ShardId)
        if shard is None:
            raise KinesisError(
                "ResourceNotFoundException",
                f"Shard {request.ShardId} in stream {stream.stream_name} under account {ACCOUNT} "
                "does not exist",
            )
        position = _start_position(shard.log, request)
        return msgspec.json.encode({"ShardIterator": _iterator(stream.stream_name, shard.shard_id, position)})

    def _get_records(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=_Read)
        try:
            name, shard_id, position = urlsafe_b64decode(request.ShardIterator).decode().split("\n")
        except ValueError:
            raise KinesisError("InvalidArgumentException", "Invalid ShardIterator.") from None
        limit = MAX_RECORDS_PER_READ if request.Limit is None else request.Limit
        if not 1 <= limit <= MAX_RECORDS_PER_READ:
            raise KinesisError(
                "InvalidArgumentException", f"Limit must be between 1 and {MAX_RECORDS_PER_READ}."
            )
        stream = self._stream(name, None, region)
        self._tick(stream)
        shard = stream.shards[shard_id]
        page = shard.log.read(int(position), limit, MAX_TEXT_PER_READ)
        tail: dict[str, Any] = {"MillisBehindLatest": int(page.behind_seconds * 1000)}
        if shard.is_open or page.next_position < shard.log.stop:
            tail["NextShardIterator"] = _iterator(name, shard_id, page.next_position)
        else:
            tail["ChildShards"] = _children(stream, shard_id)
        return b'{"Records":[%b],%b' % (page.text, msgspec.json.encode(tail)[1:])


def route(stream: Any, key: str, explicit_hash: str | None) -> Any:
    """The open shard of a moto stream whose hash range holds a key."""
    hashed = int(explicit_hash) if explicit_hash else int.from_bytes(_md5(key), "big")
    shards: list[Any] | None = getattr(stream, "sluice_route", None)
    if shards is None or any(not shard.is_open for shard in shards):
        shards = sorted((s for s in stream.shards.values() if s.is_open), key=lambda s: s.starting_hash)
        stream.sluice_route = shards
    return shards[bisect_right(shards, hashed, key=lambda shard: shard.starting_hash) - 1]


def _md5(key: str) -> bytes:
    return hashlib.md5(key.encode(), usedforsecurity=False).digest()


def _size(entry: _Entry, number: int) -> int:
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


def _start_position(log: Any, request: _Iterate) -> int:
    kind = request.ShardIteratorType
    if kind == "TRIM_HORIZON":
        return int(log.start)
    if kind == "LATEST":
        return int(log.stop)
    if kind == "AT_TIMESTAMP" and request.Timestamp is not None:
        return int(log.at_time(request.Timestamp))
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER") and request.StartingSequenceNumber:
        sequence = int(request.StartingSequenceNumber)
        return int(log.position(sequence + (kind == "AFTER_SEQUENCE_NUMBER")))
    raise KinesisError("InvalidArgumentException", f"ShardIteratorType {kind} lacks its starting point.")


def _iterator(stream: str, shard_id: str, position: int) -> str:
    return urlsafe_b64encode(f"{stream}\n{shard_id}\n{position}".encode()).decode()


def _children(stream: Any, parent: str) -> list[dict[str, Any]]:
    return [
        {
            "ShardId": shard.shard_id,
            "ParentShards": [name for name in (shard.parent, shard.adjacent_parent) if name],
            "HashKeyRange": {
                "StartingHashKey": str(shard.starting_hash),
                "EndingHashKey": str(shard.ending_hash),
            },
        }
        for shard in stream.shards.values()
        if parent in (shard.parent, shard.adjacent_parent)
    ]
