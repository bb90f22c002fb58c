"""Time that runs out, and attempts that fit into it: everything that waits in a Lambda waits here."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

T = TypeVar("T")


class LambdaContext(Protocol):
    """What Sluice needs of the context that Lambda hands to a handler."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda kills the invocation."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock, in seconds, that work must not pass."""

    ends_at: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def after(
        cls,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> "Deadline":
        """Return the deadline that lies `seconds` ahead."""
        return cls(clock() + seconds, clock, sleep)

    def remaining(self) -> float:
        """Return the seconds left; never below 0."""
        return max(0.0, self.ends_at - self.clock())

    def earlier(self, seconds: float) -> "Deadline":
        """Return a deadline that keeps `seconds` of this one in reserve."""
        return Deadline(self.ends_at - seconds, self.clock, self.sleep)


def results_in_time(
    workers: ThreadPoolExecutor, calls: Iterable[Callable[[], T]], deadline: Deadline
) -> list[T]:
    """Run the calls on the workers, and return what those came to that ended by the deadline, in any order.

    The workers take them in order; one that hangs is left behind, and what has not begun by then never does.
    How long to wait is asked before the first begins.
    """
    left = deadline.remaining()
    under_way = [workers.submit(call) for call in calls]
    done, late = wait(under_way, timeout=left)
    for each in late:
        each.cancel()
    return [each.result() for each in done]


class Again(Exception):  # noqa: N818 - says what to do, and is caught by `attempts`
    """This attempt failed in passing; `after` is the least pause that the other side asks for, in seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


def attempts(deadline: Deadline, *, first_pause: float = 0.2, longest_pause: float = 5.0) -> Retrying:
    """Return tenacity's attempts, to loop over (each is a context manager) or to call a function with.

    An attempt that raises Again is followed by another, after a pause that doubles each time up to
    `longest_pause` seconds, with jitter so that functions do not knock together. When the deadline leaves no
    room for the pause, the last Again is raised.
    """
    backoff = wait_random_exponential(multiplier=first_pause, max=longest_pause)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), error.after if isinstance(error, Again) else 0.0)

    return Retrying(
        retry=retry_if_exception_type(Again),
        wait=pause,
        stop=lambda state: state.upcoming_sleep >= deadline.remaining(),
        sleep=deadline.sleep,
        reraise=True,
    )
