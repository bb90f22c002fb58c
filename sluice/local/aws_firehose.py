"""Firehose with direct put into a bucket: buffered, packed and named as the service does it.

Documented (Amazon Data Firehose developer guide, "Buffering hints", "Quota", read 2026-11): records are
joined as they are; an object is written when the buffer has its size or its age. moto writes an object per
call, unpacked, with the prefix as it stands. Nothing runs by itself here: what is due is written before a
bucket is looked at, so nobody sees a difference.

What is put to a Firehose with Iceberg tables behind it is kept until the lake's process has dealt with it.
"""

import gzip
import time
import uuid
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.firehose import models as firehose
from moto.firehose.exceptions import ResourceNotFoundException
from moto.s3.models import s3_backends

from sluice.local.aws_firehose_meter import DeliveryMeter
from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.firehose_prefix import object_name, prefix_at

MIB = 1024 * 1024
DEFAULT_MIB, DEFAULT_SECONDS = 5, 300
MOST_RECORDS, MOST_BATCH_BYTES, MOST_RECORD_BYTES = 500, 4 * MIB, 1000 * 1024


@dataclass(slots=True)
class _Buffer:
    began: float
    records: int = 0
    size: int = 0
    pieces: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Queue:
    """Records from the place `start` on, each with its arrival in epoch seconds."""

    start: int = 0
    records: deque[tuple[float, bytes]] = field(default_factory=deque)


class Firehoses:
    """The buffers of all delivery streams. Called by one thread at a time, as moto is."""

    def __init__(self, meter: DeliveryMeter, now: Callable[[], float] = time.time) -> None:
        self._meter = meter
        self._now = now
        self._buffers: dict[tuple[Any, str], _Buffer] = {}
        self._queues: dict[str, _Queue] = {}

    def put(self, backend: Any, name: str, records: list[dict[str, bytes]]) -> dict[str, Any]:
        """Answer PutRecordBatch."""
        _check(records)
        stream = backend.delivery_streams.get(name)
        if stream is None:
            raise ResourceNotFoundException(f"Firehose {name} under account {backend.account_id} not found.")
        if stream.delivery_stream_type == "KinesisStreamAsSource":
            raise JsonRESTError(
                "InvalidArgumentException",
                "This operation is not permitted on KinesisStreamAsSource delivery stream type.",
            )
        if "Iceberg" in stream.destinations[0]:
            queue, now = self._queues.setdefault(name, _Queue()), self._now()
            queue.records.extend((now, record["Data"]) for record in records)
        else:
            self._buffer(backend, name, stream, records)
        answers = [{"RecordId": str(uuid.uuid4())} for _ in records]
        return {"FailedPutCount": 0, "Encrypted": False, "RequestResponses": answers}

    def _buffer(self, backend: Any, name: str, stream: Any, records: list[dict[str, bytes]]) -> None:
        buffer = self._buffers.setdefault((backend, name), _Buffer(self._now()))
        buffer.pieces += [record["Data"] for record in records]
        buffer.records += len(records)
        buffer.size += sum(len(record["Data"]) for record in records)
        self._meter.taken(name, len(records), sum(len(record["Data"]) for record in records), self._now())
        if buffer.size >= _hint(_destination(stream), "SizeInMBs", DEFAULT_MIB) * MIB:
            self._deliver(backend, name)

    def taken(self, name: str, *, start: int, settled: int, limit: int) -> dict[str, Any]:
        """What was put to a Firehose from a place on, and where it ends; what is settled is forgotten."""
        queue = self._queues.setdefault(name, _Queue())
        while queue.records and queue.start < settled:
            queue.records.popleft()
            queue.start += 1
        offset = start - queue.start
        found = list(queue.records)[offset : offset + limit]
        return {
            "end": queue.start + len(queue.records),
            "records": [
                (start + number, arrived, b64encode(data).decode())
                for number, (arrived, data) in enumerate(found)
            ],
        }

    def deliver(self, *, all_of_it: bool = False) -> None:
        """Write what has waited long enough, or everything."""
        for backend, name in list(self._buffers):
            stream = backend.delivery_streams.get(name)
            if stream is None:  # deleted, with what it held
                del self._buffers[backend, name]
                continue
            wait = _hint(_destination(stream), "IntervalInSeconds", DEFAULT_SECONDS)
            if all_of_it or self._buffers[backend, name].began + wait <= self._now():
                self._deliver(backend, name)

    def sample(self, moment: float) -> None:
        """Measure, for a moment, how long something has waited in each Firehose with a bucket behind it."""
        now = self._now()
        for region in list(firehose.firehose_backends[ACCOUNT].values()):
            for name, stream in list(region.delivery_streams.items()):
                if "Iceberg" not in stream.destinations[0]:
                    buffer = self._buffers.get((region, name))
                    self._meter.aged(name, now - buffer.began if buffer else 0.0, moment)

    def _deliver(self, backend: Any, name: str) -> None:
        buffer = self._buffers[backend, name]
        if self._meter.refused(name, self._now()):
            return
        stream = backend.delivery_streams[name]
        destination = _destination(stream)
        data = b"".join(buffer.pieces)
        moment = datetime.fromtimestamp(buffer.began, tz=UTC)
        packed = destination.get("CompressionFormat") == "GZIP"
        prefix = prefix_at(destination.get("Prefix") or "", moment)
        key = prefix + object_name(name, stream.version_id, moment, packed=packed)
        s3_backends[backend.account_id][backend.partition].put_object(
            destination["BucketARN"].rpartition(":")[2], key, gzip.compress(data, 1) if packed else data
        )
        del self._buffers[backend, name]
        self._meter.delivered(name, buffer.records, len(data), self._now())


def _check(records: list[dict[str, bytes]]) -> None:
    """Refuse what Firehose refuses as a whole; how it words that of a batch's size is not documented."""
    if not 1 <= len(records) <= MOST_RECORDS:
        raise JsonRESTError(
            "ValidationException",
            "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have "
            f"length less than or equal to {MOST_RECORDS}",
        )
    for number, record in enumerate(records, 1):
        if len(record["Data"]) > MOST_RECORD_BYTES:
            raise JsonRESTError(
                "ValidationException",
                f"1 validation error detected: Value at 'records.{number}.member.data' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MOST_RECORD_BYTES}",
            )
    if sum(len(record["Data"]) for record in records) > MOST_BATCH_BYTES:
        raise JsonRESTError("InvalidArgumentException", "Records size exceeds 4 MB limit")


def _destination(stream: Any) -> dict[str, Any]:
    found: dict[str, Any] = stream.destinations[0].get("ExtendedS3") or stream.destinations[0]["S3"]
    return found


def _hint(destination: dict[str, Any], name: str, default: int) -> int:
    return int((destination.get("BufferingHints") or {}).get(name, default))


def patch(meter: DeliveryMeter) -> Firehoses:
    """Replace moto's own ways in this process."""
    buffers = Firehoses(meter)
    backend: Any = firehose.FirehoseBackend
    create = backend.create_delivery_stream

    def create_checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        for given in (*args, *kwargs.values()):
            if isinstance(given, dict) and "BucketARN" in given:
                try:
                    prefix_at(given.get("Prefix") or "", datetime.now(UTC))
                except ValueError as error:
                    raise JsonRESTError("InvalidArgumentException", str(error)) from None
        return create(self, *args, **kwargs)

    def put_record_batch(
        self: Any, delivery_stream_name: str, records: list[dict[str, bytes]]
    ) -> dict[str, Any]:
        return buffers.put(self, delivery_stream_name, records)

    backend.create_delivery_stream = create_checked
    backend.put_record_batch = put_record_batch
    return buffers
