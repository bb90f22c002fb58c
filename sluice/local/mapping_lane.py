"""One lane of a shard: batches in order, one invocation at a time, retried until they are done or given up.

A shard has as many lanes as its mapping's parallelization factor; a partition key always falls into the same
lane. With a tumbling window there is one lane: no batch spans two windows, and between the last batch of one
and the first of the next stands the final call.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sluice.local.mapping_event import AGE_EXCEEDED, RETRIES_EXHAUSTED, failure_message, lowest_failure
from sluice.local.mapping_queue import BatchQueue
from sluice.local.mapping_types import (
    Invocation,
    Invoke,
    MappingConfig,
    Report,
    StreamRecord,
    Verdict,
    WindowCall,
)
from sluice.local.mapping_window import OpenWindow, read_answer, window_call


@dataclass(slots=True)
class Attempt:
    """Records that are invoked together; `retries` counts towards the limit, `invocations` does not.

    `start` is that of their tumbling window (epoch seconds); a `final` one ends it, `early` before its time.
    """

    records: tuple[StreamRecord, ...]
    start: int = 0
    final: bool = False
    early: bool = False
    retries: int = 0
    invocations: int = 0
    last: Invocation | None = None


class Lane:
    """Turns a sequence of records into invocations, and their results into retries, reports or progress."""

    def __init__(
        self, config: MappingConfig, shard: str, number: int, window: OpenWindow | None = None
    ) -> None:
        self._config = config
        self._shard = shard
        self._number = number
        self._queue = BatchQueue(config, window.start if window else 0)
        self.window = window
        self._todo: deque[Attempt] = deque()
        self._reports: deque[dict[str, Any]] = deque()
        self._not_before = 0.0
        self._failures = 0
        self.busy = False
        self.given_up = 0
        self.settled = 0
        self.done: str | None = None
        self.error = ""

    @property
    def queued(self) -> int:
        """Records read but not yet in a batch."""
        return len(self._queue)

    @property
    def queued_bytes(self) -> int:
        """Bytes that they take in events."""
        return self._queue.size

    @property
    def in_flight(self) -> int:
        """Records in batches that are not finished."""
        return sum(len(attempt.records) for attempt in self._todo)

    @property
    def idle(self) -> bool:
        """Nothing is left to do."""
        return not (self.busy or self._queue or self._todo or self._reports or self.window)

    @property
    def oldest(self) -> str | None:
        """Sequence number of the first record that is queued or in flight."""
        attempt = next((one for one in self._todo if one.records), None)
        return attempt.records[0].sequence if attempt else self._queue.oldest

    def push(self, record: StreamRecord, now: float) -> None:
        """Take a record that was read."""
        self._queue.push(record, now)

    @property
    def pending(self) -> list[StreamRecord]:
        """The records that are not settled, in order; only while the lane is not busy."""
        at_work = [record for attempt in self._todo for record in attempt.records]
        return [*at_work, *self._queue.records]

    def take_over(self, before: Sequence["Lane"]) -> None:
        """Go on counting where the lanes of other settings stopped, and report what they had to give up."""
        self.settled = sum(lane.settled for lane in before)
        self.given_up = sum(lane.given_up for lane in before)
        self.done = max((lane.done for lane in before if lane.done), default=None, key=int)
        self.error = next((lane.error for lane in before if lane.error), "")
        self._reports.extend(message for lane in before for message in lane._reports)  # noqa: SLF001 - its own kind

    def last_work(self, now: float) -> Invoke | Report | None:
        """What is to be done before a tumbling window of another length: the open one ends early."""
        if self.busy or self.window is None or now < self._not_before:
            return None
        if not (self._todo and self._todo[0].final):
            self._todo.appendleft(Attempt((), self.window.start, final=True, early=True))
        return self._piece()

    def next_work(self, now: float, *, ended: bool, read_until: float) -> Invoke | Report | None:
        """What to do now, if anything.

        Args:
            now: Epoch seconds.
            ended: The shard has ended, so that nothing further is waited for.
            read_until: Every record that arrived before this moment (epoch seconds) has been pushed.
        """
        if self.busy or now < self._not_before:
            return None
        if not self._reports and (not self._todo or self._overgrown(self._todo[0])):
            self._begin(now, ended=ended, read_until=read_until)
        self._give_up_aged(now)
        return self._piece()

    def _piece(self) -> Invoke | Report | None:
        if self._reports:
            self.busy = True
            return Report(self._shard, self._number, self._reports[0])
        if not self._todo:
            return None
        self.busy = True
        attempt = self._todo[0]
        attempt.invocations += 1
        return Invoke(self._shard, self._number, attempt.records, self._window_call(attempt))

    def wake_at(self) -> float | None:
        """When `next_work` may have something without anything else happening (epoch seconds)."""
        if self.busy or self.idle:
            return None
        if self._todo or self._reports or (self.window and (self.window.too_large or self._window_over())):
            return self._not_before
        if not self._queue:  # the window's end shows when the shard is read
            return None
        return max(self._not_before, self._queue.due_at)

    def invoked(self, result: Invocation, now: float) -> None:
        """Take an invocation's result."""
        self.busy = False
        attempt = self._todo.popleft()
        attempt.last = result
        failed = self._outcome(attempt, result)
        if failed is None:
            self._progress(attempt.records)
            return
        self.error = result.error or self.error
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

    def _outcome(self, attempt: Attempt, result: Invocation) -> int | None:
        """Index of the first record to retry, None when there is none; an answer's state is taken over."""
        if self._config.tumbling_seconds:
            return self._window_outcome(attempt, result)
        if result.verdict is not Verdict.ANSWERED:
            return 0
        if not self._config.report_failures:
            return None
        failed = lowest_failure(result.payload, attempt.records)
        if failed is not None:
            self.error = f"batch item failure at {attempt.records[failed].sequence}"
        return failed

    def _window_outcome(self, attempt: Attempt, result: Invocation) -> int | None:
        report = self._config.report_failures
        state, failed, wrong = read_answer(result, attempt.records, report_failures=report)
        self.error = wrong or self.error
        if failed is None and attempt.final:
            self.window = None
        elif failed != 0:
            done = attempt.records[:failed]
            self.window = OpenWindow.after(self.window, attempt.start, done, state)
        return failed

    def _window_call(self, attempt: Attempt) -> WindowCall | None:
        if not self._config.tumbling_seconds:
            return None
        return window_call(self._config, attempt.start, self.window, final=attempt.final, early=attempt.early)

    def _progress(self, records: tuple[StreamRecord, ...]) -> None:
        self._failures = 0
        self._not_before = 0.0
        if records:
            self.done = records[-1].sequence
            self.settled += sum(not record.part for record in records)

    def _retry(self, attempt: Attempt, failed: int, now: float) -> None:
        bisect, middle = self._config.bisect, _middle(attempt.records)
        if failed and bisect:
            rest = [replace(attempt, records=attempt.records[failed:])]
        elif bisect and middle and attempt.last and attempt.last.verdict is Verdict.FAILED:
            rest = [
                replace(attempt, records=attempt.records[:middle], final=False, early=False),
                replace(attempt, records=attempt.records[middle:]),
            ]
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
        count = len(records)
        if attempt.final and condition == RETRIES_EXHAUSTED and self.window:  # its state is lost with it
            count += self.window.count
            records = (self.window.first, *(records or (self.window.last,)))
            self.given_up += self.window.count
            self.window = None
        if self._config.on_failure_arn:
            message = failure_message(
                self._config,
                self._shard,
                records,
                condition,
                last=attempt.last,
                invocations=attempt.invocations,
                now=now,
                count=count,
            )
            self._reports.append(message)

    def _begin(self, now: float, *, ended: bool, read_until: float) -> None:
        """Put a batch or a final call into work when one is due."""
        window = self.window
        if window and (
            window.too_large or self._window_over() or self._window_seen(ended=ended, read_until=read_until)
        ):
            early = window.too_large or (ended and now < window.start + self._config.tumbling_seconds)
            self._todo.appendleft(Attempt((), window.start, final=True, early=early))
        elif self._queue.due(now, ended=ended, read_until=read_until):
            start = self._queue.start or 0
            batch = self._queue.take(now)
            over = ended if self._queue.start is None else self._queue.start > start
            final = over and self._config.final_carries_records
            early = final and ended and now < start + self._config.tumbling_seconds
            self._todo.append(Attempt(batch, start, final=final, early=early))

    def _overgrown(self, following: Attempt) -> bool:
        """Whether the window must end early before what follows is tried again."""
        return self.window is not None and self.window.too_large and not following.final

    def _window_over(self) -> bool:
        """Whether a record of a later window waits, so that the open one gets no more."""
        waiting = self._queue.start
        return self.window is not None and waiting is not None and waiting > self.window.start

    def _window_seen(self, *, ended: bool, read_until: float) -> bool:
        """Whether the open window, with nothing waiting, will get no more: its end passed, or the shard's."""
        if self._queue or not self.window:
            return False
        end = self.window.start + self._config.tumbling_seconds
        return ended or read_until >= end + self._config.window_wait_seconds


def _middle(records: Sequence[StreamRecord]) -> int:
    """Where to halve a batch without cutting a record; 0 when it is one, or the entries of one."""
    half = (len(records) + 1) // 2
    places = (place for place in range(1, len(records)) if not records[place - 1].part)
    return min(places, key=lambda place: abs(place - half), default=0)
