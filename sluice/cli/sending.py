"""Putting a flow of records through a producer, and ending well when it is stopped half-way."""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from sluice.cli.output import count, plural
from sluice.errors import EnvironmentProblem, Undelivered, Unsendable

if TYPE_CHECKING:
    from sluice.cli.flow import Outgoing
    from sluice.producer import Producer, Report

PATIENCE = 10.0
"""Seconds that a stopped command still tries to have confirmed what it has put."""

RATE_SECONDS = 3.0
"""A live rate is taken over so many seconds."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a flow.

    `refused` counts the records that no stream takes, `why` says what the first of them was. `problem` says
    why records were given up, if some were.
    """

    report: "Report"
    refused: int = 0
    why: str = ""
    stopped: bool = False
    problem: str | None = None


class Stop:
    """Ctrl-C as a wish: the record in hand is put whole. The second one ends at once."""

    def __init__(self) -> None:
        self.wanted = False
        self._reading = False

    def until(self, records: "Iterable[Outgoing | None]") -> "Iterator[Outgoing]":
        """Yield the records until stopped, which also ends the wait for the next one of a slow pipe."""
        iterator = iter(records)
        try:
            while not self.wanted:
                self._reading = True
                record = next(iterator, _END)
                self._reading = False
                if isinstance(record, str):
                    return
                if record is not None:
                    yield record
        except KeyboardInterrupt:
            if not self._reading:
                raise
            self.wanted = True
        finally:
            self._reading = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take Ctrl-C while this lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._asked)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        if self.wanted or self._reading:
            raise KeyboardInterrupt
        self.wanted = True


_END = ""


def send(producer: "Producer", records: "Iterable[Outgoing | None]") -> Sent:
    """Put all of `records`, close the producer, and return what became of them.

    After Ctrl-C, what was put is still tried for PATIENCE seconds.

    Raises:
        EnvironmentProblem: the stream takes nothing at all.
    """
    stop = Stop()
    refused, why = 0, ""
    with stop.watching():
        try:
            for key, data in stop.until(records):
                try:
                    producer.put_record(data, key)
                except Unsendable as error:
                    refused += 1
                    why = why or str(error)
        except EnvironmentProblem as problem:
            _closed(producer, 0.0)
            accepted = producer.report.accepted
            before = f"; {plural(accepted, 'record')} had been accepted before" if accepted else ""
            raise EnvironmentProblem(f"{problem}{before}") from problem
        except BaseException:
            producer.give_up("the command ended")
            _closed(producer, 0.0)
            raise
        undelivered = _closed(producer, PATIENCE if stop.wanted else None)
    return Sent(producer.report, refused, why, stop.wanted, undelivered)


def _closed(producer: "Producer", timeout: float | None) -> str | None:
    try:
        producer.close(timeout)
    except Undelivered as error:
        failure = error.receipts[0].failure
        return str(failure.reason if failure else "unknown")
    return None


class LiveFigures:
    """The line that a producing command shows while it goes on."""

    def __init__(self, total: int | None, now: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._now = now
        self._seen: deque[tuple[float, int]] = deque([(now(), 0)])

    def note(self, report: "Report") -> str:
        """Return how far it is, how fast, and what had to be sent again."""
        now = self._now()
        self._seen.append((now, report.accepted))
        while len(self._seen) > 2 and now - self._seen[1][0] > RATE_SECONDS:  # noqa: PLR2004 - the oldest and one to keep
            self._seen.popleft()
        since, before = self._seen[0]
        parts = [count(report.accepted) + (f" of {count(self._total)}" if self._total else "")]
        if now > since:
            parts.append(f"{(report.accepted - before) / (now - since):,.0f}/s")
        if report.throttled:
            parts.append(f"{count(report.throttled)} throttled")
        if report.retried:
            parts.append(f"{count(report.retried)} retried")
        if report.failed:
            parts.append(f"{plural(report.failed, 'request')} failed")
        return " · ".join(parts)
