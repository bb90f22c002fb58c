"""One lane of a shard: batches in order, one invocation at a time, retried until they are done or given up.

A shard has as many lanes as its mapping's parallelization factor; a partition key always falls into the same
lane.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from sluice.local.mapping_event import AGE_EXCEEDED, RETRIES_EXHAUSTED, failure_message, lowest_failure
from sluice.local.mapping_types import (
    PAYLOAD_BYTES,
    Invocation,
    Invoke,
    MappingConfig,
    Report,
    StreamRecord,
    Verdict,
)

EVENT_FRAME_BYTES = 64


@dataclass(slots=True)
class Attempt:
    """Records that are invoked together; `retries` counts towards the limit, `invocations` does not."""

    records: tuple[StreamRecord, ...]
    retries: int = 0
    invocations: int = 0
    last: Invocation | None = None


class Lane:
    """Turns a sequence of records into invocations, and their results into retries, reports or progress."""

    def __init__(self, config: MappingConfig, shard: str, number: int) -> None:
        self._config = config
        self._shard = shard
        self._number = number
        self._queue: deque[StreamRecord] = deque()
        self._window_opened = 0.0
        self._todo: deque[Attempt] = deque()
        self._reports: deque[dict[str, Any]] = deque()
        self._not_before = 0.0
        self._failures = 0
        self.busy = False
        self.queued_bytes = 0
        self.given_up = 0
        self.settled = 0
        self.done: str | None = None
        self.error = ""

    @property
    def queued(self) -> int:
        """Records read but not yet in a batch."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """Records in batches that are not finished."""
        return sum(len(attempt.records) for attempt in self._todo)

    @property
    def idle(self) -> bool:
        """Nothing is left to do."""
        return not (self.busy or self._queue or self._todo or self._reports)

    def push(self, record: StreamRecord, now: float) -> None:
        """Take a record that was read."""
        if not self._queue:
            self._window_opened = now
        self._queue.append(record)
        self.queued_bytes += record.event_bytes

    def next_work(self, now: float, *, flush: bool) -> Invoke | Report | None:
        """What to do now, if anything; `flush` when the shard has ended, so that no window is waited for."""
        if self.busy or now < self._not_before:
            return None
        if not self._todo and not self._reports and self._due(now, flush=flush):
            self._todo.append(Attempt(self._take_batch(now)))
        self._give_up_aged(now)
        if self._reports:
            self.busy = True
            return Report(self._shard, self._number, self._reports[0])
        if not self._todo:
            return None
        self.busy = True
        attempt = self._todo[0]
        attempt.invocations += 1
        return Invoke(self._shard, self._number, attempt.records)

    def wake_at(self) -> float | None:
        """When `next_work` may have something without anything else happening (epoch seconds)."""
        if self.busy or self.idle:
            return None
        if self._todo or self._reports:
            return self._not_before
        return max(self._not_before, self._window_opened + self._config.window_seconds)

    def invoked(self, result: Invocation, now: float) -> None:
        """Take an invocation's result."""
        self.busy = False
        attempt = self._todo.popleft()
        attempt.last = result
        failed = self._first_failed(attempt, result)
        if failed is None:
            self._progress(attempt.records)
            return
        self.error = result.error or f"batch item failure at {attempt.records[failed].sequence}"
        if failed:
            self._progress(attempt.records[:failed])
        self._failures += 1
        pause = min(
            self._config.backoff_seconds * 2 ** (self._failures - 1), self._config.max_backoff_seconds
        )
        self._not_before = now + pause
        if result.verdict is Verdict.THROTTLED:
            self._todo.appendleft(attempt)
        else:
            self._retry(attempt, failed, now)

    def reported(self, now: float, *, sent: bool) -> None:
        """The on-failure destination took the message, or could not."""
        self.busy = False
        if sent:
            self._reports.popleft()
        else:
            self._not_before = now + self._config.backoff_seconds

    def _first_failed(self, attempt: Attempt, result: Invocation) -> int | None:
        if result.verdict is not Verdict.ANSWERED:
            return 0
        if not self._config.report_failures:
            return None
        return lowest_failure(result.payload, attempt.records)

    def _progress(self, records: tuple[StreamRecord, ...]) -> None:
        self._failures = 0
        self._not_before = 0.0
        self.done = records[-1].sequence
        self.settled += len(records)

    def _retry(self, attempt: Attempt, failed: int, now: float) -> None:
        bisect = self._config.bisect
        if failed and bisect:
            rest = [Attempt(attempt.records[failed:], attempt.retries, attempt.invocations, attempt.last)]
        elif bisect and len(attempt.records) > 1 and attempt.last and attempt.last.verdict is Verdict.FAILED:
            middle = (len(attempt.records) + 1) // 2
            halves = attempt.records[:middle], attempt.records[middle:]
            rest = [Attempt(half, attempt.retries, attempt.invocations, attempt.last) for half in halves]
        else:
            attempt.records = attempt.records[failed:]
            attempt.retries += 1
            if 0 <= self._config.retry_attempts < attempt.retries:
                self._give_up(attempt, attempt.records, RETRIES_EXHAUSTED, now)
                return
            rest = [attempt]
        self._todo.extendleft(reversed(rest))

    def _give_up_aged(self, now: float) -> None:
        oldest = now - self._config.oldest_seconds
        while self._todo and not self._reports:
            attempt = self._todo[0]
            old = sum(1 for record in attempt.records if record.arrived < oldest)
            if not old:
                return
            self._give_up(attempt, attempt.records[:old], AGE_EXCEEDED, now)
            attempt.records = attempt.records[old:]
            if not attempt.records:
                self._todo.popleft()

    def _give_up(
        self, attempt: Attempt, records: tuple[StreamRecord, ...], condition: str, now: float
    ) -> None:
        self.given_up += len(records)
        self._progress(records)
        if self._config.on_failure_arn:
            message = failure_message(
                self._config,
                self._shard,
                records,
                condition,
                last=attempt.last,
                invocations=attempt.invocations,
                now=now,
            )
            self._reports.append(message)

    def _due(self, now: float, *, flush: bool) -> bool:
        if not self._queue:
            return False
        full = len(self._queue) >= self._config.batch_size or self.queued_bytes >= PAYLOAD_BYTES
        return flush or full or now >= self._window_opened + self._config.window_seconds

    def _take_batch(self, now: float) -> tuple[StreamRecord, ...]:
        batch: list[StreamRecord] = []
        size = EVENT_FRAME_BYTES
        while self._queue and len(batch) < self._config.batch_size:
            size += self._queue[0].event_bytes
            if batch and size > PAYLOAD_BYTES:
                break
            record = self._queue.popleft()
            self.queued_bytes -= record.event_bytes
            batch.append(record)
        self._window_opened = now
        return tuple(batch)
