"""Tests of single values that need more than a comparison of texts: numbers, addresses, case.

As event-ruler 1.7.3 does them (ComparableNumber, CIDR, EqualsIgnoreCaseParser): numbers between -5e9 and 5e9
to about six decimals, in the arithmetic of doubles; a string that is an IP address stands for its spellings.
"""

import ipaddress
import operator
import re
from collections.abc import Callable
from typing import Final

from sluice.errors import SettingsError
from sluice.local.filters_fields import Node, Number

FARTHEST = 5e9
"""Numbers beyond it are no numbers to a pattern."""

MILLION = 1e6
Test = Callable[[str], bool]

_BOUNDS: Final = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_LOWER, _UPPER = (">", ">="), ("<", "<=")
_V4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_V4_LENGTH = 15


def comparable(text: str) -> int | None:
    """What stands for a number in comparisons; None for any other value, and for a number too far out."""
    if text[0] not in "-0123456789":
        return None
    value = float(text)
    return int(MILLION * (FARTHEST + value)) if -FARTHEST <= value <= FARTHEST else None


def numeric_test(terms: list[Node], path: str) -> Test:
    """A test for `["=", 5]`, `[">", 0]` or `[">", 0, "<=", 5]`.

    Raises:
        SettingsError: the terms are something else.
    """
    signs, numbers = terms[::2], terms[1::2]
    allowed = [(sign,) for sign in _BOUNDS] + [(low, high) for low in _LOWER for high in _UPPER]
    if (
        tuple(signs) not in allowed
        or len(numbers) != len(signs)
        or not all(isinstance(n, Number) for n in numbers)
    ):
        raise SettingsError(
            f"filter pattern: numeric at {path} takes an operator and a number, or a lower and an upper "
            'bound: ["=", 5], [">", 0], [">=", 0, "<", 10]'
        )
    bounds = [_bound(number, path) for number in numbers]
    lowest = bounds[0] if signs[0] in _LOWER else comparable(str(-FARTHEST))
    highest = bounds[-1] if signs[-1] in _UPPER else comparable(str(FARTHEST))
    if signs != ["="] and (lowest or 0) >= (highest or 0):
        raise SettingsError(f"filter pattern: numeric at {path}: the lower bound is not below the upper one")
    checks = [(_BOUNDS[sign], bound) for sign, bound in zip(signs, bounds, strict=True)]

    def test(text: str) -> bool:
        value = comparable(text)
        return value is not None and all(check(value, bound) for check, bound in checks)

    return test


def _bound(number: Number, path: str) -> int:
    found = comparable(number)
    if found is None:
        raise SettingsError(
            f"filter pattern: numeric at {path} compares with {number}: Lambda takes -5e9 to 5e9"
        )
    return found


def address(text: str) -> bytes | None:
    """The address that a string spells, 4 or 16 bytes; None when it spells none."""
    if _V4.fullmatch(text):
        parts = [int(part) for part in text.split(".")] if len(text) <= _V4_LENGTH else [256]
        return bytes(parts) if max(parts) < 256 else None  # noqa: PLR2004 - a byte
    if not _V6.fullmatch(text):
        return None
    try:
        found = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return found.ipv4_mapped.packed if found.ipv4_mapped else found.packed


def address_test(wanted: bytes) -> Test:
    """A test for values that spell an address."""
    return lambda text: text[0] == '"' and address(text[1:-1]) == wanted


def ignoring_case(text: str) -> str:
    """A regular expression for every spelling, character by character upper or lower."""
    return "".join(f"(?:{re.escape(sign.lower())}|{re.escape(sign.upper())})" for sign in text)
