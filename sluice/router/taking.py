"""A route's events in the hands of a function that the user wrote.

Guarantee: at least once. What has to come again may have been taken before, so a function that must not do a
thing twice remembers `event_id`.
"""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from sluice.deadline import Deadline
from sluice.delivery.outcomes import DELIVERED, Accepted, Outcome, Rejected, Retry
from sluice.errors import DeliveryError, told

Take = Callable[[Sequence[Accepted]], Sequence[Outcome] | None]
"""The user's function: takes events in the stream's order; None says that it took them all."""

ABOUT_THE_EVENT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)
"""Errors of code that meets an event it was not written for; those of the world outside are OSErrors."""


class Taking:
    """Calls `take` with all events of a batch; with one at a time when an event is too much for its code."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def prepare(self, accepted: Accepted) -> Accepted:
        """Take the event as it is."""
        return accepted

    def deliver(self, prepared: Sequence[Accepted], deadline: Deadline) -> Sequence[Outcome]:
        """Return what `take` answers.

        An error of its code, such as a KeyError, must not hold up the shard: each event is tried alone, and
        the one that raises it again becomes a dead letter. After any other error all events come again.

        Raises:
            DeliveryError: `take` answered something that is no outcome for each event.
        """
        try:
            return self._taken(prepared)
        except ABOUT_THE_EVENT as error:
            if isinstance(error, OSError):
                raise
            if len(prepared) == 1:
                return [_rejected(error)]
        return self._singly(prepared, deadline)

    def _singly(self, prepared: Sequence[Accepted], deadline: Deadline) -> list[Outcome]:
        """Take one event after another, until one has to come again: what follows it comes with it."""
        outcomes: list[Outcome] = []
        for event in prepared:
            if not deadline.remaining():
                break
            outcomes.append(self._alone(event))
            if isinstance(outcomes[-1], Retry):
                break
        later = Retry("there was no time left for it, or an earlier event has to come again first")
        return outcomes + [later] * (len(prepared) - len(outcomes))

    def _alone(self, event: Accepted) -> Outcome:
        try:
            (outcome,) = self._taken([event])
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - what a user's code raises may be anything
            if isinstance(error, ABOUT_THE_EVENT) and not isinstance(error, OSError):
                return _rejected(error)
            return Retry(f"the function's code failed with {told(error)}")
        return outcome

    def _taken(self, events: Sequence[Accepted]) -> Sequence[Outcome]:
        answer = self._take(events)
        if answer is None:
            return [DELIVERED] * len(events)
        if not isinstance(answer, list | tuple) or len(answer) != len(events):
            shown = f"{len(answer)} outcomes" if isinstance(answer, list | tuple) else type(answer).__name__
            raise DeliveryError(
                f"take answered {shown} for {len(events)} events: return None, or a list with DELIVERED,"
                " SKIPPED, Rejected(...) or Retry(...) for each event"
            )
        for outcome in answer:
            if not isinstance(outcome, get_args(Outcome)):
                raise DeliveryError(
                    f"take answered {type(outcome).__name__} for an event: accepted are DELIVERED, SKIPPED,"
                    " Rejected(...) and Retry(...)"
                )
        return answer


def _rejected(error: Exception) -> Rejected:
    """Name the error and its place; its text may quote the event."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return Rejected(f"the function's code failed over this event with {type(error).__name__}{place}")
