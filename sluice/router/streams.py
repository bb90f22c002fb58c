"""A route's events on a Kinesis stream of its own, or in a Firehose.

Guarantee: at least once. A record keeps its data and its partition key; where a batch is only partly taken,
records of one partition key may change places, and what Lambda hands over again is put again: readers know an
event by its id.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from sluice.deadline import Deadline
from sluice.delivery.outcomes import DELIVERED, Accepted, Outcome, Rejected, Retry
from sluice.producer import Failure, Why

_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
"""Where a service repeats what it was sent, such as a partition key."""

KeyedRecord = tuple[str, bytes, str | None]
"""Partition key, data, and the explicit hash key, which no record that Lambda hands over has."""

P = TypeVar("P")
Put = Callable[[Sequence[P], Deadline], Sequence[Failure | None]]
"""Puts records until the deadline, and answers for each why it was not taken, or None."""


class _Putting(Generic[P]):
    """Hands records over, and does not wait for an answer beyond the deadline."""

    def __init__(self, put: Put[P]) -> None:
        self._put = put
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="route")

    def deliver(self, prepared: Sequence[P], deadline: Deadline) -> Sequence[Outcome]:
        """Put all records, and those again that were not taken, until the deadline."""
        under_way = self._worker.submit(self._put, prepared, deadline)
        try:
            return [_outcome(failure) for failure in under_way.result(deadline.remaining())]
        except TimeoutError:
            return [Retry("there was no answer in time")] * len(prepared)


class StreamTarget(_Putting[KeyedRecord]):
    """Puts each record on a stream as it came."""

    def prepare(self, accepted: Accepted) -> KeyedRecord:
        """Keep data and partition key."""
        return accepted.record.partition_key, accepted.record.data, None


class FirehoseTarget(_Putting[bytes]):
    """Puts each record into a Firehose as one line of JSON."""

    def prepare(self, accepted: Accepted) -> bytes:
        """End the record with a line end, its only one: within JSON they stand between values alone."""
        data = accepted.record.data
        if b"\n" in data or b"\r" in data:
            data = data.replace(b"\n", b" ").replace(b"\r", b" ")
        return data + b"\n"


def _outcome(failure: Failure | None) -> Outcome:
    if failure is None:
        return DELIVERED
    reason = _QUOTED.sub("…", failure.reason)
    return Rejected(reason) if failure.why is Why.RECORD else Retry(reason)
