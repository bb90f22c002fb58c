"""How a field of an event is read as the value that a metric groups by or measures."""

from collections.abc import Callable, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, TypeAlias

from sluice.contract import EventType
from sluice.contract.columns import Column
from sluice.contract.kinds import Kind
from sluice.windows.sketches import shortened

Reader: TypeAlias = Callable[[Any], Any]
"""Takes an event, returns the value; None where it, or a struct around it, is null."""

MAX_GROUP_TEXT = 1_000
"""Bytes of a group's text; longer ones are shortened, so that no group is too large for an item.

In SQL: `IF(BYTE_LENGTH(x) > 1000, CONCAT(SUBSTR(x, 1, IF(BYTE_LENGTH(x) = CHAR_LENGTH(x), 981, 245)), '…',
SUBSTR(TO_HEX(SHA256(x)), 1, 16)), x)`.
"""
_UTF8 = 4
"""Bytes of a character at most."""


def reader(path: Sequence[str], event_type: EventType, *, grouping: bool) -> Reader | None:
    """What reads the field at `path`; None where the event's own attribute is the value.

    An Enum is read as its value; a text that is grouped by, and may be long, is shortened.
    """
    leaf = _leaf(path, event_type)
    convert: Reader | None = None
    if leaf.choices and isinstance(leaf.choices[0], Enum):
        convert = _enum_value
    elif grouping and leaf.kind is Kind.STRING and not leaf.choices and _may_be_long(leaf):
        convert = _group_text
    if len(path) == 1 and convert is None:
        return None
    return _through([attrgetter(name) for name in path] + ([convert] if convert else []))


def _leaf(path: Sequence[str], event_type: EventType) -> Column:
    columns, found = event_type.columns, None
    for name in path:
        found = next(column for column in columns if column.attribute == name)
        columns = found.columns
    if found is None:
        raise ValueError("a field's path names at least one attribute")
    return found


def _may_be_long(column: Column) -> bool:
    longest = column.spec.max_length
    return longest is None or longest * _UTF8 > MAX_GROUP_TEXT


def _through(steps: Sequence[Reader]) -> Reader:
    """One step after the other, until there is nothing more to read."""

    def read(value: Any) -> Any:
        for step in steps:
            value = step(value)
            if value is None:
                return None
        return value

    return read


def _enum_value(member: Enum) -> Any:
    return member.value


def _group_text(text: str) -> str:
    return shortened(text, MAX_GROUP_TEXT)
