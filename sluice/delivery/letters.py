"""Sending the dead letters of a batch, and taking back what could not be sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery.verdicts import Verdicts
from sluice.errors import told
from sluice.observing.tracing import subsegment


class Letterbox(Protocol):
    """Takes dead letters: see `sluice.deadletters.DeadLetterQueue`."""

    def send(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:
        """Send all, and return the ids of those that are not known to be safe, each with the reason."""


def send_letters(
    verdicts: Verdicts,
    below: int,
    letterbox: Letterbox,
    *,
    sink: str,
    failed_at: datetime,
    deadline: Deadline,
) -> list[DeadLetter]:
    """Send the dead letters of the batch's records below an index, and return those that are safe.

    Refusals whose letter is not known to be safe become retries in `verdicts`.
    """
    letters = [
        DeadLetter.of(
            record,
            sink=sink,
            kind=refused.kind,
            reason=refused.reason,
            field=refused.field,
            type=refused.type,
            failed_at=failed_at,
        )
        for record, refused in verdicts.refused(below)
    ]
    if not letters:
        return []
    with subsegment("dead letters", letters=len(letters)):
        failed = answered(letterbox.send, letters, deadline)
    verdicts.take_back(letters, failed)
    return [letter for letter in letters if letter.id not in failed]


def answered(
    send: Callable[[Sequence[DeadLetter], Deadline], Mapping[str, str]],
    letters: Sequence[DeadLetter],
    deadline: Deadline,
) -> Mapping[str, str]:
    """Return which letters failed and why; all of them, when the call itself does."""
    try:
        return send(letters, deadline)
    except Exception as error:  # noqa: BLE001 - whatever broke, the letters count as not sent
        return dict.fromkeys((letter.id for letter in letters), told(error))
