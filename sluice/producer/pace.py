"""How fast a producer sends."""


class Pace:
    """Holds a flow at `rate` events a second; without a rate nothing waits.

    Time that a slow stream took is not caught up later by a burst: the schedule starts again from now.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.rate = rate
        self.due = 0.0
        """When more may go, in seconds of the caller's clock."""

    @property
    def at_once(self) -> int | None:
        """The most events worth sending at once: a quarter second's, so that a slow rate stays even."""
        return None if self.rate is None else max(1, int(self.rate / 4))

    def sent(self, events: int, now: float) -> None:
        """Note that events went out."""
        if self.rate is not None:
            self.due = max(now, self.due) + events / self.rate
