"""A dead letter in a listing: what, why and where, and never what it contains."""

from collections.abc import Mapping
from typing import Any

from sluice.deadletters.letter import BatchPointer, DeadLetter
from sluice.deadletters.reading import Letter, Unreadable

UNKNOWN = "neither Sluice nor Lambda wrote this message"


def document(letter: Letter, functions: Mapping[str, str]) -> dict[str, Any]:
    """Return one letter's entry of `dlq list --json`; `functions` names the sink of each function."""
    match letter:
        case DeadLetter():
            return letter.summary() | {"count": 1}
        case BatchPointer():
            return {
                "id": letter.id,
                "sink": functions.get(letter.function),
                "kind": "batch",
                "reason": batch_reason(letter),
                "stream": letter.stream,
                "shard": letter.shard,
                "first_sequence": letter.first,
                "last_sequence": letter.last,
                "arrived_at": letter.arrived_at.isoformat(),
                "failed_at": letter.failed_at.isoformat(),
                "count": letter.count,
            }
        case Unreadable():
            return {"id": letter.id, "sink": None, "kind": "unknown", "reason": UNKNOWN, "count": 1}


def batch_reason(letter: BatchPointer) -> str:
    """Return why Lambda gave up on a batch."""
    condition = letter.condition or "no reason given"
    return f"Lambda gave up on {letter.count} records after {letter.attempts} attempts ({condition})"


def sink_of(letter: Letter, functions: Mapping[str, str]) -> str | None:
    """Return the sink that refused the letter's record."""
    if isinstance(letter, BatchPointer):
        return functions.get(letter.function)
    return letter.sink if isinstance(letter, DeadLetter) else None
