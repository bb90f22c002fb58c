"""A filter pattern, compiled: the operators of the Lambda developer guide and nothing else.

The guide's table: null, empty, equals, equals (ignore case), and, or, or over several fields (`$or`), not
("anything-but"), numeric, exists, begins with, ends with; a pattern has 4,096 characters at most.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluice.errors import SettingsError
from sluice.local.filters_fields import NOWHERE, Fields, Node, Number, Place, joined, parse
from sluice.local.filters_tests import address, address_test, ignoring_case, numeric_test

MOST_CHARACTERS = 4096
"""Of a pattern (Lambda API reference, Filter, read 2026-11)."""

OR = "$or"
LEAST_ALTERNATIVES = 2
RESERVED = frozenset(
    {
        *(
            "exactly",
            "equals-ignore-case",
            "prefix",
            "suffix",
            "anything-but",
            "exists",
            "wildcard",
            "numeric",
        ),
        *("cidr", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
"""Names that the matcher refuses as fields within `$or`."""

KNOWN = (
    'strings, null, true, false, {"prefix": "..."}, {"suffix": "..."}, {"equals-ignore-case": "..."}, '
    '{"anything-but": ["..."]}, {"numeric": [">=", 0, "<", 10]} and {"exists": true}'
)

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Values:
    """What a field may be: any of the tests, or absent."""

    tests: tuple[Test, ...]
    absent: bool = False

    def places(self, found: Sequence[tuple[str, Place]]) -> list[Place]:
        """Where a value passes; one that lies in no list makes all others needless."""
        passing = [place for text, place in found if any(test(text) for test in self.tests)]
        return [NOWHERE] if NOWHERE in passing else passing


class Rule:
    """Fields that must all match, in one and the same element where they lie in a list."""

    def __init__(self, fields: Mapping[str, Values]) -> None:
        self._fields = sorted(fields.items())
        self.names = tuple(fields)

    def matches(self, fields: Fields) -> bool:
        """Whether a record's fields fit."""
        steps: list[tuple[list[Place], Sequence[tuple[str, Place]], bool]] = []
        for name, values in self._fields:
            found = fields.get(name, ())
            places = values.places(found)
            if not places and not values.absent:
                return False
            steps.append((places, found, values.absent))
        return _together(steps, NOWHERE)


def _together(steps: Sequence[tuple[list[Place], Sequence[tuple[str, Place]], bool]], so_far: Place) -> bool:
    if not steps:
        return True
    places, found, absent = steps[0]
    if absent and all(joined(so_far, place) is None for _, place in found) and _together(steps[1:], so_far):
        return True
    both = (joined(so_far, place) for place in places)
    return any(place is not None and _together(steps[1:], place) for place in both)


def rules(text: str) -> list[Rule]:
    """The alternatives of a pattern.

    Raises:
        SettingsError: it is no pattern, or asks for what the guide does not list.
    """
    if len(text) > MOST_CHARACTERS:
        raise SettingsError(f"filter pattern of {len(text)} characters: Lambda takes {MOST_CHARACTERS}")
    try:
        pattern = parse(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"filter pattern {text!r} is no JSON: {error}") from None
    if not isinstance(pattern, tuple) or not pattern:
        raise SettingsError(f"filter pattern {text!r}: it must be an object with at least one field")
    found: list[dict[str, Values]] = []
    _object(found, "", pattern, in_or=False)
    return [Rule(fields) for fields in found]


def _object(found: list[dict[str, Values]], path: str, pairs: Node, *, in_or: bool) -> None:
    """Add an object's fields to every alternative so far, or multiply the alternatives."""
    if not pairs:
        raise SettingsError(f"filter pattern: {path or 'an alternative'} must have at least one field")
    if len({key for key, _ in pairs}) < len(pairs):
        raise SettingsError(f"filter pattern: {path or 'it'} names a field twice; name each once")
    for key, inner in pairs:
        name = f"{path}.{key}" if path else key
        if key == OR:
            found[:] = _either(found, path, inner)
        elif in_or and key in RESERVED:
            raise SettingsError(f"filter pattern: {name} is a reserved word, and no field's name within $or")
        elif isinstance(inner, tuple):
            _object(found, name, inner, in_or=in_or)
        elif isinstance(inner, list) and inner:
            values = _values(inner, name)
            found[:] = found or [{}]
            for fields in found:
                fields[name] = values
        else:
            raise SettingsError(
                f"filter pattern: {name} must be an object or a list of values, not {shown(inner)}"
            )


def _either(found: list[dict[str, Values]], path: str, inner: Node) -> list[dict[str, Values]]:
    if not isinstance(inner, list) or len(inner) < LEAST_ALTERNATIVES:
        raise SettingsError(
            f"filter pattern: $or of {path or 'the pattern'} must be a list of at least two objects"
        )
    multiplied: list[dict[str, Values]] = []
    for alternative in inner:
        if not isinstance(alternative, tuple):
            raise SettingsError(f"filter pattern: $or takes objects, not {shown(alternative)}")
        branch = [dict(fields) for fields in found] or [{}]
        _object(branch, path, alternative, in_or=True)
        multiplied += branch
    return multiplied


def _values(inner: list[Node], path: str) -> Values:
    present, absent = (("exists", True),), (("exists", False),)
    if present in inner and absent in inner:
        raise SettingsError(
            f"filter pattern: {path} is to be there or not, which the matcher gets wrong beside other "
            "fields; leave it out"
        )
    tests = [_test(one, path) for one in inner if one != absent]
    return Values(tuple(tests), absent in inner)


def _test(wanted: Node, path: str) -> Test:
    match wanted:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[wanted].__eq__
        case Number():
            raise SettingsError(
                f"filter pattern: {path} is compared with the number {wanted}, of which Lambda's guide"
                f' compares the text and its matcher the value; write {{"numeric": ["=", {wanted}]}}'
            )
        case str():
            return _equal(wanted)
        case ((str() as operator, value),):
            test = _operator(operator, value, path)
            if test is not None:
                return test
    raise SettingsError(
        f"filter pattern: {shown(wanted)} at {path} is not in Lambda's guide; it knows {KNOWN}, in lists"
    )


def _operator(operator: str, value: Node, path: str) -> Test | None:
    text = value if isinstance(value, str) and not isinstance(value, Number) else None
    found: Test | None = None
    match operator:
        case "prefix" if text is not None:
            begin = f'"{text}'
            found = lambda value: value.startswith(begin)  # noqa: E731 - a case of several
        case "suffix" if text is not None:
            end = f'{text}"'
            found = lambda value: value.endswith(end)  # noqa: E731 - a case of several
        case "equals-ignore-case" if text is not None:
            found = _ignoring_case(text, path)
        case "exists" if value is True:
            found = lambda _: True  # noqa: E731 - a case of several
        case "anything-but":
            found = _anything_but(value, path)
        case "numeric" if isinstance(value, list):
            found = numeric_test(value, path)
    return found


def _equal(wanted: str) -> Test:
    found = address(wanted)
    return f'"{wanted}"'.__eq__ if found is None else address_test(found)


def _ignoring_case(text: str, path: str) -> Test:
    if any(sign > "\uffff" for sign in text):
        raise SettingsError(
            f"filter pattern: {path} ignores the case of {text!r}, and the matcher compares characters "
            "beyond U+FFFF wrongly; write the spellings as a list"
        )
    spelling = re.compile(ignoring_case(f'"{text}"'))
    return lambda value: spelling.fullmatch(value) is not None


def _anything_but(value: Node, path: str) -> Test | None:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) for one in values):
        return None
    if any(isinstance(one, Number) for one in values):
        raise SettingsError(
            f'filter pattern: {path} is "anything-but" a number, of which Lambda\'s guide compares the text '
            'and its matcher the value; write {"numeric": ["<", n]}, {"numeric": [">", n]}'
        )
    refused = frozenset(f'"{one}"' for one in values)
    return lambda value: value not in refused


def shown(node: Node) -> str:
    """A part of a pattern as it was written."""
    return json.dumps(_plain(node), ensure_ascii=False)


def _plain(node: Node) -> Any:
    if isinstance(node, tuple):
        return {key: _plain(inner) for key, inner in node}
    if isinstance(node, list):
        return [_plain(inner) for inner in node]
    return float(node) if isinstance(node, Number) else node
