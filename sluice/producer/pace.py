"""How fast a producer sends."""

import time
from collections.abc import Callable


class Pace:
    """Holds a flow at `rate` records a second; without a rate it never waits.

    Time that a slow stream took is not caught up later by a burst: the schedule starts again from now.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate = rate
        self._now = now
        self._sleep = sleep
        self._due = now()

    @property
    def batch_records(self) -> int | None:
        """The most records worth sending at once: a quarter second's, so that a slow rate stays even."""
        return None if self.rate is None else max(1, int(self.rate / 4))

    def wait_for(self, records: int) -> None:
        """Wait until `records` more may go out. The first ones go at once."""
        if self.rate is None:
            return
        now = self._now()
        if self._due > now:
            self._sleep(self._due - now)
        else:
            self._due = now
        self._due += records / self.rate
