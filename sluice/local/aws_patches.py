"""What moto 5.2.5 does in time that grows with what it holds, done in constant time, or unlike AWS.

- Kinesis: a shard keeps a `RecordLog`; resharding leaves the parent's records where they are, as AWS does,
  instead of moving them to the children; a key is routed to open shards only.
- DynamoDB: see aws_dynamodb.
- S3: a policy's TLS condition is read (aws_policies).
- Firehose: see aws_firehose.
- CloudWatch: metrics and alarms are not moto's at all (watch).
- SQS: sending and receiving compute no queue statistics; deleting and changing visibility do not walk the
  queue. FIFO queues: see aws_fifo.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from moto.kinesis import models as kinesis
from moto.sqs import models as sqs
from moto.sqs.exceptions import ReceiptHandleIsInvalid

from sluice.local import aws_account, aws_dynamodb, aws_fifo, aws_firehose, aws_policies
from sluice.local.aws_faults import AwsFaults
from sluice.local.aws_firehose import Firehoses
from sluice.local.aws_firehose_meter import DeliveryMeter
from sluice.local.aws_kinesis import ACCOUNT, DataPlane, route
from sluice.local.aws_log import SEQUENCE_BASE, RecordLog, SegmentStore
from sluice.local.watch import levels
from sluice.local.watch.store import MetricStore

RECEIVED_AT_ONCE = 64
"""How many visible messages one pass of ReceiveMessage looks at; it returns 10 at most."""


def apply(memory_bytes: int, metrics: MetricStore, *, limits: bool) -> tuple[DataPlane, Firehoses, AwsFaults]:
    """Patch moto in this process; streams keep `memory_bytes` of records in memory, the rest on disk."""

    def streams(region: str) -> dict[str, Any]:
        return kinesis.kinesis_backends[ACCOUNT][region].streams

    plane = DataPlane(streams, limits=limits, metrics=metrics)
    _patch_kinesis(SegmentStore(memory_bytes))
    faults = AwsFaults(metrics, plane.traffic)
    plane.age = partial(faults.age, "kinesis")
    _patch_sqs(metrics, partial(faults.age, "sqs"))
    aws_account.patch()
    aws_dynamodb.patch()
    aws_policies.patch()
    return plane, aws_firehose.patch(DeliveryMeter(metrics, faults)), faults


def _patch_kinesis(store: SegmentStore) -> None:
    class LogShard(kinesis.Shard):
        """A shard whose records lie in a log; moto's `records` stays empty, so resharding moves nothing."""

        def __init__(self, shard_id: int, *args: Any, **kwargs: Any) -> None:
            super().__init__(shard_id, *args, **kwargs)
            first = SEQUENCE_BASE + int(time.time() * 1000) * 10**38 + shard_id * 10**30
            self.log = RecordLog(store, first)

        def put_record(self, partition_key: str, data: str, explicit_hash_key: str) -> str:
            del explicit_hash_key
            sequence, now = self.log.sequence(self.log.stop), time.time()
            entry = {
                "SequenceNumber": str(sequence),
                "ApproximateArrivalTimestamp": round(now, 3),
                "Data": data,
                "PartitionKey": partition_key,
            }
            self.log.append(json.dumps(entry).encode(), now)
            return str(sequence)

        def get_min_sequence_number(self) -> int:
            return self.log.sequence(0)

        def get_max_sequence_number(self) -> int:
            return self.log.sequence(max(0, self.log.stop - 1))

    module: Any = kinesis
    module.Shard = LogShard
    module.Stream.get_shard_for_key = route


class _Messages:
    """moto's list of a queue's messages, found by receipt handle and removed without a walk."""

    def __init__(self) -> None:
        self._by_id: dict[str, Any] = {}
        self._by_handle: dict[str, Any] = {}

    def append(self, message: Any) -> None:
        message.sluice_messages = self
        self._by_id[message.id] = message

    def remove(self, message: Any) -> None:
        self._by_id.pop(message.id, None)
        for handle in message.all_receipt_handles:
            self._by_handle.pop(handle, None)

    def received(self, message: Any) -> None:
        self._by_handle[message.receipt_handle] = self._by_id[message.id]

    def find(self, handle: str) -> Any | None:
        return self._by_handle.get(handle)

    def visible(self) -> Iterator[Any]:
        now = time.time() * 1000
        return (message for message in self if message.visible_at < now and message.delayed_until <= now)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def __deepcopy__(self, _memo: Any) -> "_Messages":
        return self  # ReceiveMessage copies each message that it hands out


def _patch_sqs(metrics: MetricStore, age: Callable[[str], float]) -> None:
    message: Any = sqs.Message
    queue: Any = sqs.Queue
    backend: Any = sqs.SQSBackend
    mark_received = message.mark_received

    def set_messages(queue: Any, messages: list[Any]) -> None:
        queue.sluice_messages = _Messages()
        for message in messages:
            queue.sluice_messages.append(message)

    def received(message: Any, visibility_timeout: int | None = None) -> None:
        mark_received(message, visibility_timeout=visibility_timeout)
        message.sluice_messages.received(message)

    message.mark_received = received
    queue._messages = property(lambda queue: queue.sluice_messages, set_messages)  # noqa: SLF001 - moto's own field
    queue.messages = property(_messages)
    queue.add_message = levels.counting(metrics, aws_fifo.add_message, age)
    queue.approximate_number_of_messages = _statistic(
        lambda queue: sum(1 for _ in queue.sluice_messages.visible())
    )
    for name in ("approximate_number_of_messages_delayed", "approximate_number_of_messages_not_visible"):
        setattr(queue, name, _statistic(getattr(queue, name).fget))
    queue.delete_message = _delete_message
    backend.change_message_visibility = _change_visibility
    backend.receive_message = _without_statistics(backend.receive_message)
    backend.send_message = _without_statistics(backend.send_message)
    backend.send_message_batch = _without_statistics(backend.send_message_batch)


def _messages(queue: Any) -> list[Any]:
    found = aws_fifo.visible(queue) if queue.fifo_queue else queue.sluice_messages.visible()
    return list(islice(found, RECEIVED_AT_ONCE))


_busy = threading.local()


def _without_statistics(call: Callable[..., Any]) -> Callable[..., Any]:
    """Moto reads all of a queue's attributes, and so its statistics, several times per message."""

    def caller(*args: Any, **kwargs: Any) -> Any:
        _busy.now = True
        try:
            return call(*args, **kwargs)
        finally:
            _busy.now = False

    return caller


def _statistic(count: Callable[[Any], int]) -> property:
    return property(lambda queue: 0 if getattr(_busy, "now", False) else count(queue))


def _delete_message(queue: Any, receipt_handle: str) -> None:
    if receipt_handle in queue.deleted_messages:
        return
    message = _found(queue, receipt_handle)
    queue.pending_messages.discard(message)
    queue.deleted_messages.add(receipt_handle)
    queue.sluice_messages.remove(message)


def _change_visibility(backend: Any, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
    queue = backend.get_queue(queue_name)
    message = _found(queue, receipt_handle)
    message.change_visibility(visibility_timeout)
    if message.visible:
        queue.pending_messages.discard(message)


def _found(queue: Any, receipt_handle: str) -> Any:
    message = queue.sluice_messages.find(receipt_handle)
    if message is None:
        raise ReceiptHandleIsInvalid
    return message
