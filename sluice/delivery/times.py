"""How an invocation's time is shared out, so that Lambda never has to kill it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from sluice.deadline import Deadline, LambdaContext

FULL_RESERVES_FROM = 20.0
"""Seconds; an invocation with less time keeps reserves in proportion."""

BOOKS = 2.5
LETTERS = 4.0
SINK = 7.0
READING = 9.0
"""Seconds before the end by which each stage starts its last call. That call must still end in time: the
ledger's client waits 2 s at most, and the other stages stop waiting for their calls at their deadline."""


@dataclass(frozen=True, slots=True)
class Times:
    """When each stage of an invocation has to be over."""

    reading: Deadline
    sink: Deadline
    letters: Deadline
    books: Deadline

    @classmethod
    def of(
        cls,
        context: LambdaContext,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Share out what Lambda says is left."""
        left = context.get_remaining_time_in_millis() / 1000
        scale = min(1.0, left / FULL_RESERVES_FROM)
        end = Deadline.after(left, clock, sleep)
        return cls(*(end.earlier(scale * reserve) for reserve in (READING, SINK, LETTERS, BOOKS)))
