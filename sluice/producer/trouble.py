"""What a log says while a destination takes nothing: records are retried in silence otherwise."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sluice.producer.failures import Failure

PATIENCE: Final = 5.0
"""Seconds without a single record taken until that is worth a line."""
AGAIN: Final = 30.0
"""Seconds until the next one."""

_LOG = logging.getLogger("sluice.producer")


@dataclass(slots=True)
class Trouble:
    """Watches the answers of one destination; `note` is called by one thread at a time."""

    name: str
    since: float | None = None
    said: float | None = None

    def note(self, answers: Iterable[object], now: float) -> None:
        """Take in the answers to a request, at a moment of a clock that only goes on, in seconds."""
        failure = None
        for answer in answers:
            if not isinstance(answer, Failure):
                if self.said is not None:
                    _LOG.warning("%s takes records again", self.name)
                self.since = self.said = None
                return
            failure = answer
        if failure is None:
            return
        if self.since is None:
            self.since = now
        quiet_since = self.since + PATIENCE - AGAIN if self.said is None else self.said
        if now - quiet_since >= AGAIN:
            self.said = now
            _LOG.warning(
                "%s has taken nothing for %.0f s: %s; records are kept and tried again",
                self.name,
                now - self.since,
                failure.reason,
            )
