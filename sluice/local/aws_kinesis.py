"""PutRecord, PutRecords, GetShardIterator and GetRecords, answered without moto's per-request machinery.

Everything else about Kinesis (streams, consumers, encryption, tags, resharding) stays moto's: these calls
work on moto's own stream objects, whose shards `aws_patches` gives a `RecordLog`. Shards are throttled, as
`budgets` says, when that is switched on.
"""

import hashlib
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import msgspec

from sluice.local.aws_kinesis_calls import (
    MAX_BYTES_PER_PUT,
    MAX_RECORDS_PER_PUT,
    MAX_RECORDS_PER_READ,
    MAX_TEXT_PER_READ,
    Entry,
    Iterate,
    KinesisError,
    Put,
    PutMany,
    Read,
    Sized,
    size_of,
)
from sluice.local.aws_traffic import Traffic
from sluice.local.budgets import ShardBudget, read_refusal, write_refusal
from sluice.local.watch.store import MetricStore

TARGET = "Kinesis_20131202."
GET_RECORDS = TARGET + "GetRecords"
CONSUMER = "x-sluice-consumer"
"""HTTP header with the ARN of the consumer to whom a GetRecords answer is pushed: no poller's read."""

THROTTLED = "ProvisionedThroughputExceededException"
ACCOUNT = "123456789012"


class DataPlane:
    """The data plane of Kinesis over moto's streams (`streams(region)` gives them by name)."""

    def __init__(
        self,
        streams: Callable[[str], dict[str, Any]],
        now: Callable[[], float] = time.time,
        *,
        limits: bool = False,
        metrics: MetricStore | None = None,
    ) -> None:
        self._streams = streams
        self._now = now
        self._limits = limits
        self.traffic = Traffic(metrics or MetricStore())
        self.age: Callable[[str], float] = lambda _: 0.0
        """By a stream's name: how many seconds ago it is to have got what it gets now."""
        self._operations: dict[str, Callable[[bytes, str], bytes]] = {
            TARGET + "PutRecord": self._put_record,
            TARGET + "PutRecords": self._put_records,
            TARGET + "GetShardIterator": self._get_shard_iterator,
        }

    def handles(self, target: str) -> bool:
        """Whether a call is one of the data plane's."""
        return target in self._operations or target == GET_RECORDS

    def call(self, target: str, body: bytes, region: str, consumer: str = "") -> tuple[int, bytes, float]:
        """Answer one call: HTTP status, JSON body, and the seconds after which it may arrive.

        A GetRecords for an enhanced `consumer` (its ARN) stands for what is pushed to it.
        """
        try:
            if target == GET_RECORDS:
                return 200, *self._get_records(body, region, consumer)
            return 200, self._operations[target](body, region), 0.0
        except KinesisError as error:
            return 400, msgspec.json.encode({"__type": error.code, "message": str(error)}), 0.0
        except msgspec.MsgspecError as error:
            said = {"__type": "SerializationException", "message": str(error)}
            return 400, msgspec.json.encode(said), 0.0

    def totals(self) -> dict[str, int]:
        """How many records each stream (by ARN) has ever taken."""
        return self.traffic.totals()

    def _stream(self, name: str | None, arn: str | None, region: str) -> Any:
        if name is None and arn is not None:
            name = arn.rpartition("/")[2]
        stream = self._streams(region).get(name or "")
        if stream is None:
            raise KinesisError(
                "ResourceNotFoundException", f"Stream {name} under account {ACCOUNT} not found."
            )
        return stream

    def _append(self, stream: Any, entry: Entry, size: int, now: float, age: float) -> tuple[str, int]:
        """Where a record was put; the sequence number is 0 when the shard had no room for it."""
        shard = route(stream, entry.PartitionKey, entry.ExplicitHashKey)
        if self._limits and not _budget(shard, now).write(size, now):
            return shard.shard_id, 0
        log = shard.log
        sequence = log.sequence(log.stop)
        log.append(
            b'{"SequenceNumber":"%d","ApproximateArrivalTimestamp":%.3f,"Data":"%b","PartitionKey":%b}'
            % (sequence, now - age, entry.Data.encode(), msgspec.json.encode(entry.PartitionKey)),
            now - age,
        )
        return shard.shard_id, sequence

    def _put_record(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=Put)
        stream = self._stream(request.StreamName, request.StreamARN, region)
        size = size_of(request, 1)
        now = self._tick(stream)
        shard_id, sequence = self._append(stream, request, size, now, self.age(stream.stream_name))
        if not sequence:
            self.traffic.put(stream.arn, 0, 0, now, refused=None)
            raise KinesisError(THROTTLED, write_refusal(ACCOUNT, stream.stream_name, shard_id))
        self.traffic.put(stream.arn, 1, size, now, refused=None)
        return msgspec.json.encode({"SequenceNumber": str(sequence), "ShardId": shard_id})

    def _put_records(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=PutMany)
        stream = self._stream(request.StreamName, request.StreamARN, region)
        if not 1 <= len(request.Records) <= MAX_RECORDS_PER_PUT:
            raise KinesisError(
                "ValidationException",
                "1 validation error detected: Value at 'records' failed to satisfy constraint: "
                f"Member must have length between 1 and {MAX_RECORDS_PER_PUT}",
            )
        sizes = [size_of(entry, number) for number, entry in enumerate(request.Records, 1)]
        taken = sum(sizes)
        if taken > MAX_BYTES_PER_PUT:
            raise KinesisError("InvalidArgumentException", "Records size exceeds 10 MB limit")
        now, age = self._tick(stream), self.age(stream.stream_name)
        answers: list[str] = []
        refused = 0
        for entry, size in zip(request.Records, sizes, strict=True):
            shard_id, sequence = self._append(stream, entry, size, now, age)
            if sequence:
                answers.append('{"SequenceNumber":"%d","ShardId":"%s"}' % (sequence, shard_id))  # noqa: UP031 - fastest
            else:
                refused += 1
                taken -= size
                message = write_refusal(ACCOUNT, stream.stream_name, shard_id)
                answers.append(f'{{"ErrorCode":"{THROTTLED}","ErrorMessage":"{message}"}}')
        self.traffic.put(stream.arn, len(answers) - refused, taken, now - age, refused=refused)
        return f'{{"FailedRecordCount":{refused},"Records":[{",".join(answers)}]}}'.encode()

    def _tick(self, stream: Any) -> float:
        now = self._now()
        before = now - stream.retention_period_hours * 3600
        for shard in stream.shards.values():
            shard.log.expire(before)
        return now

    def _get_shard_iterator(self, body: bytes, region: str) -> bytes:
        request = msgspec.json.decode(body, type=Iterate)
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

    def _get_records(self, body: bytes, region: str, consumer: str) -> tuple[bytes, float]:
        request = msgspec.json.decode(body, type=Read)
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
        now = self._tick(stream)
        shard = stream.shards[shard_id]
        most = MAX_TEXT_PER_READ
        if self._limits:
            budget = _budget(shard, now)
            if consumer:
                most = min(most, budget.push_room(consumer, now) * 4 // 3)
            elif not budget.may_read(now):
                self.traffic.refuse_read(stream.arn, "", now)
                raise KinesisError(THROTTLED, read_refusal(ACCOUNT, name, shard_id))
        page = shard.log.read(int(position), limit, most)
        self.traffic.read(stream.arn, consumer, page.count, page.behind_seconds * 1000, now)
        pause = self._account(shard, page.text, consumer, now) if self._limits else 0.0
        tail: dict[str, Any] = {"MillisBehindLatest": int(page.behind_seconds * 1000)}
        if shard.is_open or page.next_position < shard.log.stop:
            tail["NextShardIterator"] = _iterator(name, shard_id, page.next_position)
        else:
            tail["ChildShards"] = _children(stream, shard_id)
        return b'{"Records":[%b],%b' % (page.text, msgspec.json.encode(tail)[1:]), pause

    @staticmethod
    def _account(shard: Any, text: bytes, consumer: str, now: float) -> float:
        """Charge what a read found to whom it went; the seconds after which it has arrived there."""
        records = msgspec.json.decode(b"[%b]" % text, type=list[Sized])
        size = sum(
            len(r.Data) * 3 // 4 - r.Data.count("=", -2) + len(r.PartitionKey.encode()) for r in records
        )
        if consumer:
            return _budget(shard, now).push(consumer, size, now)
        _budget(shard, now).have_read(size, now)
        return 0.0


def _budget(shard: Any, now: float) -> ShardBudget:
    """A shard's limits; they go with the shard."""
    found: ShardBudget | None = getattr(shard, "sluice_budget", None)
    if found is None:
        found = shard.sluice_budget = ShardBudget.at(now)
    return found


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


def _start_position(log: Any, request: Iterate) -> int:
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
