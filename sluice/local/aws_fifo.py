"""FIFO queues as SQS has them, on moto's.

Documented (SQS developer guide, "FIFO queue delivery logic" and "Using the message deduplication ID", read
2026-11): while messages of a group are in flight no more of that group are handed out, other groups are; a
deduplication id is taken once in five minutes, also after its message was deleted, per queue or per group.
moto looks at the first messages only, whatever their groups, and remembers ids as long as their messages lie
in the queue.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

DEDUPLICATION_SECONDS = 300


def visible(queue: Any) -> Iterator[Any]:
    """The messages that a receiver may get now, in order."""
    busy = set()
    for message in list(queue.pending_messages):
        if message.visible:  # whoever received it let its time pass
            queue.pending_messages.discard(message)
        else:
            busy.add(message.group_id)
    return (message for message in queue.sluice_messages.visible() if message.group_id not in busy)


def add_message(queue: Any, message: Any) -> None:
    """Take a message, unless its deduplication id was taken a short while ago."""
    if queue.fifo_queue and message.deduplication_id and _taken(queue, message):
        return
    with queue._messages_lock:  # noqa: SLF001 - moto's own field
        queue.sluice_messages.append(message)
        queue._messages_lock.notify_all()  # noqa: SLF001 - moto's own field


def _taken(queue: Any, message: Any) -> bool:
    seen: OrderedDict[tuple[str | None, str], float] = queue.__dict__.setdefault("sluice_seen", OrderedDict())
    now = time.monotonic()
    while seen and next(iter(seen.values())) < now - DEDUPLICATION_SECONDS:
        seen.popitem(last=False)
    per_group = queue.attributes.get("DeduplicationScope") == "messageGroup"
    key = (message.group_id if per_group else None, message.deduplication_id)
    if key in seen:
        return True
    seen[key] = now
    return False
