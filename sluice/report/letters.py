"""The newest dead letters: the queue is looked into only when it has changed, and keeps all of them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sluice.deadletters.listing import document
from sluice.deadletters.reading import Letter, hold

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

SHOWN = 50
"""Letters that the page lists, the newest first."""

READ = 500
"""Letters that are looked at: SQS knows no order, so the newest are found by reading."""

HOLD_SECONDS = 15
"""How long letters stay out of others' sight if this process dies while it reads."""

COLUMNS = ("id", "sink", "kind", "type", "field", "reason", "shard", "failed_at", "arrived_at", "count")
"""What the page may show of a letter; no payload, and not where one lies."""

_WAITING: "QueueAttributeNameType" = "ApproximateNumberOfMessages"
_HELD: "QueueAttributeNameType" = "ApproximateNumberOfMessagesNotVisible"


@dataclass(slots=True, kw_only=True)
class QueuedLetters:
    """The dead letters in one queue; `functions` names the sink of each function.

    Needs `sqs:GetQueueAttributes`, `sqs:ReceiveMessage` and `sqs:ChangeMessageVisibility`.
    """

    sqs: "SQSClient"
    queue_url: str
    functions: Mapping[str, str]
    patience_seconds: int = 1
    _seen: int | None = field(default=None, init=False)
    _found: list[Letter] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def answer(self) -> dict[str, Any]:
        """Return the newest letters; who holds some just now, as a redrive does, is left alone."""
        with self._lock:
            waiting, held = self._sizes()
            if waiting != self._seen and not held:
                self._found = self._look() if waiting else []
                self._seen = waiting
            newest = sorted(
                (document(letter, self.functions) for letter in self._found), key=_failed, reverse=True
            )
            return {
                "waiting": waiting + held,
                "read": len(newest),
                "letters": [{name: each.get(name) for name in COLUMNS} for each in newest[:SHOWN]],
            }

    def _sizes(self) -> tuple[int, int]:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=[_WAITING, _HELD])
        return int(answer["Attributes"][_WAITING]), int(answer["Attributes"][_HELD])

    def _look(self) -> list[Letter]:
        with hold(
            self.sqs,
            self.queue_url,
            at_most=READ,
            payloads=False,
            hold_seconds=HOLD_SECONDS,
            wait_seconds=self.patience_seconds,
        ) as holding:
            return [each.letter for each in holding.letters]


def _failed(letter: Mapping[str, Any]) -> str:
    return str(letter.get("failed_at") or "")
