"""Cells as rules of Lambda's filter patterns.

Only operators that Lambda documents for event-source mappings are written: null, equals, and, or, $or,
anything-but, numeric, exists, prefix and suffix ("Filter rule syntax" in the developer guide,
docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, read 2026-11). What they match exactly is
what AWS's own matcher does, event-ruler 1.7.3 (github.com/aws/event-ruler), which the tests ask.
"""

import enum
import re
from typing import Any, TypeAlias

from sluice.contract.bounds import decimal_digits
from sluice.contract.kinds import Kind
from sluice.patterns.conditions import Cell
from sluice.patterns.leaves import Leaf
from sluice.patterns.lines import Line
from sluice.patterns.values import Items, Members, Spans, Texts, Unsayable

Rule: TypeAlias = Any
"""An element of a list in a pattern."""

LARGEST_NUMBER = 5_000_000_000
MOST_DECIMALS = 5
"""The matcher adds 5e9 to a number, as a double, and keeps six decimals (ComparableNumber.java). So it sees
none beyond 5e9, and takes 3507215452.428451 and ...452 for one; with five decimals no two are one."""

NEAREST = 0.000002
"""Bounds of a range less far apart may be one number after that, and the matcher takes no empty range."""

MOST_DAYS = 31
"""Dates that are written out one by one."""

_ADDRESS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*")
"""Texts that the matcher compares as IP addresses (Constants.java): `a::b` would match `A::b`, too."""
ABSENT: Rule = {"exists": False}
"""Matches where there is no such key."""
_PRESENT: Rule = {"exists": True}
_ANY_TEXT: Rule = {"prefix": ""}


def rules(cell: Cell) -> list[Rule]:
    """The rules of which a field must match one.

    Raises:
        Unsayable: there are none that match exactly what the cell holds.
    """
    leaf = cell.leaf
    if cell.absent and len(cell.absent) < len(leaf.absent):
        raise Unsayable(_ambiguous(leaf))
    absent = [ABSENT] if cell.absent else []
    if cell.values.full and (cell.null or not leaf.nullable):
        return [_PRESENT, *absent]
    found = _values(cell)
    null = (
        [None] if cell.null and not any("anything-but" in rule for rule in found if _is_object(rule)) else []
    )
    return [*found, *null, *absent]


def text(value: str) -> str:
    """A text that is to match as it is.

    Raises:
        Unsayable: the matcher would take other texts for the same.
    """
    if _ADDRESS.fullmatch(value):
        raise Unsayable(
            f"{value!r} looks like an IP address, and such texts are not compared as they are written"
        )
    return value


def _values(cell: Cell) -> list[Rule]:
    match cell.values:
        case Members(found):
            return [_member(one) for one in cell.leaf.choices if one in found]
        case Spans():
            return [] if cell.values.empty else _spans(cell, cell.values)
        case Texts():
            return _texts(cell, cell.values)
        case Items(items):
            return [_item(cell.leaf, item) for item in sorted(items, key=str)]


def _member(value: Any) -> Rule:
    wire = value.value if isinstance(value, enum.Enum) else value
    if isinstance(wire, bool):
        return wire
    if isinstance(wire, str):
        return text(wire)
    if abs(wire) > LARGEST_NUMBER:
        raise Unsayable(f"it asks for {wire}, and Lambda compares numbers up to {LARGEST_NUMBER:,} only")
    return {"numeric": ["=", wire]}


def _texts(cell: Cell, texts: Texts) -> list[Rule]:
    if texts.full:
        return [_ANY_TEXT]
    if texts.excluded is not None:
        if cell.leaf.nullable and not cell.null:
            raise Unsayable(
                f"`anything-but` takes null for a text, and `{cell.leaf.name}` may be null; list the texts"
                " that are wanted, or give the field a default that is a text"
            )
        return [{"anything-but": sorted(texts.excluded)}]
    if any('"' in affix for affix in texts.prefixes | texts.suffixes):
        raise Unsayable("the matcher compares texts with the quotes around them, so it finds a quote in each")
    return [
        *(text(one) for one in sorted(texts.listed)),
        *({"prefix": one} for one in sorted(texts.prefixes)),
        *({"suffix": one} for one in sorted(texts.suffixes)),
    ]


def _spans(cell: Cell, found: Spans) -> list[Rule]:
    leaf, line = cell.leaf, cell.leaf.line
    assert line is not None  # noqa: S101 - only lines have spans
    kind = leaf.column.kind
    if kind is Kind.DATE:
        return _days(cell, found, line)
    if kind is Kind.TIMESTAMP:
        if found.full:
            return [_ANY_TEXT]
        raise Unsayable(f"one moment in JSON has many spellings, so no pattern compares `{leaf.name}`")
    if not found.full:
        _check_numbers(leaf)
    ranges = [_range(leaf, line, first, last) for first, last in found.spans]
    as_text = found.full and kind is Kind.DECIMAL and leaf.column.spec.strings
    return [*ranges, *([_ANY_TEXT] if as_text else [])]


def _check_numbers(leaf: Leaf) -> None:
    """Refuse numbers that are not always JSON numbers, or not told apart."""
    spec, name = leaf.column.spec, leaf.name
    if leaf.column.kind is Kind.FLOAT:
        raise Unsayable(
            f"`{name}` is a float, of which Lambda compares six decimals; a Decimal with strings=False and"
            " scale= would do"
        )
    if leaf.column.kind is not Kind.DECIMAL:
        return
    if spec.strings:
        raise Unsayable(
            f"`{name}` may come as a text, which Lambda compares with no number; field(..., strings=False)"
            " would have it as a number only"
        )
    if decimal_digits(spec)[1] > MOST_DECIMALS:
        raise Unsayable(
            f"`{name}` may have more than {MOST_DECIMALS} decimals, which Lambda does not tell apart;"
            f" field(..., scale={MOST_DECIMALS}) or less would do"
        )


def _range(leaf: Leaf, line: Line, first: int, last: int) -> Rule:
    low, high = line.value(first), line.value(last)
    if low < -LARGEST_NUMBER or high > LARGEST_NUMBER:
        raise Unsayable(
            f"`{leaf.name}` may be beyond {LARGEST_NUMBER:,}, where Lambda compares no numbers;"
            " field(..., ge=, le=) within that would do"
        )
    if first == last:
        return {"numeric": ["=", _number(low)]}
    if high - low < NEAREST:
        raise Unsayable(f"`{leaf.name}` lies between {low} and {high}, too near for Lambda to tell apart")
    bounds = []
    if first > line.low or last == line.high:
        bounds += _shorter(">", low, line.value(first - 1) if first > line.low else low)
    if last < line.high or first == line.low:
        bounds += _shorter("<", high, line.value(last + 1) if last < line.high else high)
    return {"numeric": bounds}


def _shorter(sign: str, end: Any, beyond: Any) -> list[Any]:
    """The end of a range, or the next value outside of it, whichever reads better: < 0, not <= -0.01."""
    inclusive, exclusive = _number(end), _number(beyond)
    if len(repr(exclusive)) < len(repr(inclusive)) and abs(beyond) <= LARGEST_NUMBER:
        return [sign, exclusive]
    return [f"{sign}=", inclusive]


def _number(value: Any) -> int | float:
    """A number of at most 15 digits, as JSON has it."""
    return int(value) if value == int(value) else float(value)


def _days(cell: Cell, found: Spans, line: Line) -> list[Rule]:
    if found.full:
        return [_ANY_TEXT]
    if found.count <= MOST_DAYS:
        return _each_day(found, line)
    rest = found.gaps
    if rest.count <= MOST_DAYS and (cell.null or not cell.leaf.nullable):
        return [{"anything-but": _each_day(rest, line)}]
    raise Unsayable(
        f"no pattern knows the order of dates, and `{cell.leaf.name}` is asked for more than {MOST_DAYS}"
    )


def _each_day(found: Spans, line: Line) -> list[Rule]:
    return [line.value(at).isoformat() for first, last in found.spans for at in range(first, last + 1)]


def _item(leaf: Leaf, value: Any) -> Rule:
    if isinstance(value, str | bool) or leaf.line is None:
        return _member(value)
    if leaf.column.kind is Kind.DATE:
        return value.isoformat()
    _check_numbers(leaf)
    at, _ = leaf.line.around(value)
    return _range(leaf, leaf.line, at, at)


def _is_object(rule: Rule) -> bool:
    return isinstance(rule, dict)


def _ambiguous(leaf: Leaf) -> str:
    if leaf.listed:
        return (
            f"a list `{leaf.name}` that is missing looks like an empty one, and it has a default with items"
        )
    return f"`{leaf.name}` may be missing for several reasons, which give it different values"
