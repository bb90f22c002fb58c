"""What a trial finds out about an assumption."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["agrees", "differs", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was seen of one assumption, by its id in `assumptions`."""

    assumption: str
    verdict: Verdict
    saw: str


def agrees_if(holds: object, assumption: str, saw: str) -> Finding:
    """Judge by what was seen."""
    return Finding(assumption=assumption, verdict="agrees" if holds else "differs", saw=saw)


def unclear(assumption: str, saw: str) -> Finding:
    """Say why it could not be told."""
    return Finding(assumption=assumption, verdict="unclear", saw=saw)
