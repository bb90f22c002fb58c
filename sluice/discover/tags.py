"""Which field tells event types apart."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sluice.contract.names import TYPE_COLUMN
from sluice.discover.reading import shown

CANDIDATES = (
    "event_type",
    "eventType",
    "event",
    "event_name",
    "eventName",
    "record_type",
    "recordType",
    "message_type",
    "messageType",
    "_type",
    "__typename",
    "kind",
    "name",
    "action",
)
"""Fields that name a kind of event in other systems, the surest first."""

MOST_TYPES = 50
"""Event types of one stream that are told apart; a field with more values says something else."""

NEARLY_ALL = 0.9
LONGEST_TYPE = 128


@dataclass(frozen=True, slots=True)
class Tag:
    """The field that tells event types apart; without one, all records are taken for one type."""

    field: str | None
    reason: str = ""
    """For a person, where the field is not the one that a contract wants."""

    @property
    def is_contracts(self) -> bool:
        """Whether it is the field that a contract reads itself."""
        return self.field == TYPE_COLUMN

    def of(self, document: dict[str, Any]) -> str | None:
        """Return the record's type; None when it names none."""
        if self.field is None:
            return ""
        value = document.get(self.field)
        return value if value.__class__ is str else None


def find_tag(sample: Sequence[dict[str, Any]]) -> Tag:
    """Choose the tag by the first records."""
    if _share(sample, TYPE_COLUMN) * 2 >= 1:
        return Tag(TYPE_COLUMN)
    for name in CANDIDATES:
        if _share(sample, name) >= NEARLY_ALL and _repeats(sample, name):
            return Tag(
                name,
                f"no `{TYPE_COLUMN}` tells event types apart; {shown(name)} seems to, and was taken for it",
            )
    return Tag(
        None, f"no `{TYPE_COLUMN}` tells event types apart, nor another field: all were taken for one type"
    )


def _share(sample: Sequence[dict[str, Any]], name: str) -> float:
    """The part of the records in which the field could be the name of a type."""
    held = sum(
        value.__class__ is str and 0 < len(value) <= LONGEST_TYPE
        for value in (document.get(name) for document in sample)
    )
    return held / len(sample) if sample else 0.0


def _repeats(sample: Sequence[dict[str, Any]], name: str) -> bool:
    """Whether the values are as few as event types are."""
    values = Counter(document.get(name) for document in sample if document.get(name).__class__ is str)
    return len(values) <= MOST_TYPES and (len(values) == 1 or 3 * len(values) <= len(sample))
