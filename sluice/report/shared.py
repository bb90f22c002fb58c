"""One reading for all who ask: fifty open tabs cost what one does, a failure keeps what was read before."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

MOST_KEYS = 128
"""Different questions that are remembered; the one that was not asked for longest goes first."""

AT_ONCE = 4
"""Questions that are worked on at the same time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read last, when, and why nothing newer could be."""

    value: Any
    read_at: datetime | None
    problem: str | None = None


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    reading: Reading | None = None
    due: float = 0.0
    state: Any = None


class Shared:
    """Answers to questions, each worked out once at a time and not again before it is due."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock, self._now = clock, now
        self._slots: OrderedDict[Any, _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._working = threading.BoundedSemaphore(AT_ONCE)

    def get(
        self,
        key: Any,
        work: Callable[[], Any],
        *,
        seconds: float,
        state: Callable[[], Any] | None = None,
    ) -> Reading:
        """Return the answer to `key`, at most `seconds` old; who asks meanwhile waits for the same one.

        While `state`, which is cheap to find, stays the same, so does the answer: nothing is worked out then.
        When AWS refuses, the reading before is returned with the problem; a first one is without a value.
        """
        slot = self._slot(key)
        with slot.lock:
            if slot.reading is None or self._clock() >= slot.due:
                with self._working:
                    slot.reading = self._read(slot, work, state)
                slot.due = self._clock() + seconds
            return slot.reading

    def __len__(self) -> int:
        return len(self._slots)

    def _slot(self, key: Any) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > MOST_KEYS:
                self._slots.popitem(last=False)
            return slot

    def _read(self, slot: _Slot, work: Callable[[], Any], state: Callable[[], Any] | None) -> Reading:
        before = slot.reading
        try:
            found = state() if state else object()
            if before is not None and before.value is not None and found == slot.state:
                return Reading(before.value, self._now())
            value = work()
            slot.state = found
            return Reading(value, self._now())
        except (ClientError, BotoCoreError) as error:
            problem = problem_of(error)
        if before is None:
            return Reading(None, None, problem)
        return Reading(before.value, before.read_at, problem)


THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "Throttling",
        "LimitExceededException",
        "RequestThrottled",
    }
)
REFUSED = frozenset(
    {"AccessDeniedException", "AccessDenied", "ExpiredTokenException", "UnrecognizedClientException"}
)


def problem_of(error: ClientError | BotoCoreError) -> str:
    """Say in a sentence for a reader of the page why AWS gave no answer; no names of resources in it."""
    if not isinstance(error, ClientError):
        return "AWS cannot be reached from here; trying again"
    code = str(error.response.get("Error", {}).get("Code", "an error"))
    if code in THROTTLED:
        return "AWS is limiting how fast this page may read; trying again"
    if code in REFUSED:
        return f"AWS refuses to let this page read ({code}): sign in again, or ask for the right to read"
    if code == "ResourceNotFoundException":
        return "a table or stream is not there (any more): deploy the pipeline, or start `sluice local` again"
    return f"AWS answered with {code}; trying again"
