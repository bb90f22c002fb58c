"""Time as the local cloud sees it, so that an hour's outage can pass in a second of testing."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set, `seconds` at most; whether it was set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set, `seconds` at most; whether it was set."""
        return event.wait(max(0.0, seconds))


class FakeClock:
    """A clock that stands still until somebody waits or moves it."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self._now = now

    def now(self) -> float:
        """Epoch seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += max(0.0, seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Return at once, with `seconds` gone unless the event was set already."""
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()
