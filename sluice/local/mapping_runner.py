"""Drives a mapping in real time: one thread decides, a pool of threads reads, invokes and reports."""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from sluice.local.clock import Clock
from sluice.local.mapping import Mapping
from sluice.local.mapping_event import event
from sluice.local.mapping_types import (
    Invocation,
    Invoke,
    ListShards,
    MappingConfig,
    Open,
    Page,
    Read,
    Report,
    SourceError,
    Verdict,
    Work,
)
from sluice.local.source import Source
from sluice.local.watch.meters import MappingMeter, Meter, Unmeasured

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 60.0
THREADS = 64
ANSWER_SECONDS = 5.0
"""How long a mapping may take to come to the end of a decision."""

T = TypeVar("T")


class Invoker(Protocol):
    """Invokes functions."""

    def invoke(self, function: str, payload: bytes) -> Invocation:
        """Invoke a function and wait for its result; does not raise."""
        ...


class Destination(Protocol):
    """Takes what a mapping gave up."""

    def send(self, arn: str, message: dict[str, Any]) -> None:
        """Send a message; raises when it was not taken."""
        ...


class MappingRunner:
    """Runs one mapping until it is stopped."""

    def __init__(
        self,
        mapping: Mapping,
        source: Source,
        invoker: Invoker,
        destination: Destination,
        clock: Clock,
        *,
        meter: Meter | None = None,
    ) -> None:
        self.mapping = mapping
        self._measured = meter or Unmeasured()
        self._meter = MappingMeter(self._measured, mapping.config)
        self._filtered = 0
        self.changed_at = clock.now()
        self._declared = mapping.config
        self._source = source
        self._invoker = invoker
        self._destination = destination
        self._clock = clock
        self._answers: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="mapping")
        self._thread = threading.Thread(
            target=self._run, name=f"mapping-{mapping.config.function}", daemon=True
        )

    def start(self) -> None:
        """Begin reading."""
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more; what is under way is left to its end, and waited for."""
        self._answers.put(None)
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def inspect(self) -> dict[str, Any]:
        """The mapping's status, taken between two of its decisions."""
        found = self.between(self._status)
        return found or {"mapping": self.mapping.config.uuid, "error": "the mapping does not answer"}

    def between(self, call: Callable[[], T]) -> T | None:
        """Call something between two of the mapping's decisions; None when the mapping does not answer."""
        box: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._answers.put(lambda: box.put(call()))
        try:
            return box.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            return None

    def enable(self, *, enabled: bool) -> None:
        """Pause the mapping, or let it go on where it was."""
        self.changed_at = self._clock.now()
        self.between(lambda: self.mapping.enable(enabled=enabled))

    def declare(self, config: MappingConfig) -> None:
        """Take what was declared anew; as with Pulumi, a pause stays unless `enabled` itself was changed."""
        before, self._declared = self._declared, config
        if replace(config, enabled=before.enabled) != before:
            self.changed_at = self._clock.now()
            self._meter = MappingMeter(self._measured, config)
            self.between(lambda: self.mapping.change(config))
        if config.enabled != before.enabled:
            self.enable(enabled=config.enabled)

    def _status(self) -> dict[str, Any]:
        config, tally = self.mapping.config, self.mapping.tally
        return {
            "mapping": config.uuid,
            "function": config.function,
            "source": config.source_arn,
            "state": self.mapping.state,
            "filters": list(config.filters),
            "filtered": tally.filtered,
            "aggregates": tally.aggregates,
            "unpacked": tally.unpacked,
            "caught_up_at": self.mapping.caught_up_at,
            "settled": self.mapping.settled,
            "shards": self.mapping.status(),
        }

    def _run(self) -> None:
        while True:
            for work in self.mapping.next_work(self._clock.now()):
                self._pool.submit(self._do, work)
            wake = self.mapping.wake_at()
            pause = LONGEST_WAIT_SECONDS if wake is None else max(0.0, wake - self._clock.now())
            try:
                answer = self._answers.get(timeout=min(pause, LONGEST_WAIT_SECONDS))
            except queue.Empty:
                continue
            if answer is None:
                return
            answer()

    def _do(self, work: Work) -> None:
        try:
            answer = self._answer(work)
        except Exception as error:  # a thread's error must reach the mapping, or it would wait for ever
            logger.exception("mapping work failed")
            answer = self._failed(work, f"{type(error).__name__}: {error}")
        self._answers.put(answer)

    def _answer(self, work: Work) -> Callable[[], None]:
        mapping, now = self.mapping, self._clock.now
        match work:
            case Invoke():
                self._meter.sent(work, now())
                result = self._invoker.invoke(mapping.config.invoked, event(mapping.config, work))
                self._meter.invoked(work, result)
                return lambda: mapping.invoked(work, result, now())
            case Report(message=message):
                self._destination.send(mapping.config.on_failure_arn or "", message)
                self._meter.reported(work, sent=True)
                return lambda: mapping.reported(work, now(), sent=True)
            case ListShards():
                shards = _tried(self._source.shards)
                return lambda: mapping.listed(shards, now())
            case Open(shard=shard, start=start):
                cursor = _tried(lambda: self._source.open(shard, start))
                return lambda: mapping.opened(work, cursor, now())
            case Read(shard=shard, cursor=cursor, limit=limit):
                page = _tried(lambda: self._source.read(shard, cursor, limit))
                return lambda: self._read(work, page)

    def _read(self, work: Read, page: Page | SourceError) -> None:
        self.mapping.read(work, page, self._clock.now())
        if isinstance(page, Page) and self.mapping.config.counts_events:
            filtered = self.mapping.tally.filtered
            self._meter.polled(len(page.records), filtered - self._filtered)
            self._filtered = filtered

    def _failed(self, work: Work, reason: str) -> Callable[[], None]:
        mapping, now = self.mapping, self._clock.now
        match work:
            case Invoke():
                result = Invocation(Verdict.FAILED, error=reason)
                return lambda: mapping.invoked(work, result, now())
            case Report():
                self._meter.reported(work, sent=False)
                return lambda: mapping.reported(work, now(), sent=False)
            case ListShards():
                return lambda: mapping.listed(SourceError(reason), now())
            case Open():
                return lambda: mapping.opened(work, SourceError(reason), now())
            case Read():
                return lambda: mapping.read(work, SourceError(reason), now())


def _tried(call: Callable[[], T]) -> T | SourceError:
    try:
        return call()
    except SourceError as error:
        return error
