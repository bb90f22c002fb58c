"""What the functions of a filter compute, on values that are not NULL.

Where BigQuery would stop the query with an error, `Unanswerable` is raised: the event then does not match.
"""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from sluice.contract.kinds import INT64_MAX, INT64_MIN
from sluice.predicate.types import Type


class Unanswerable(Exception):  # noqa: N818 - carries an answer out of a filter, and never leaves this package
    """BigQuery would give no answer either: an overflow, a negative length, a division by zero."""


_EXACT = Context(prec=240, rounding=ROUND_HALF_UP, Emax=10_000, Emin=-10_000)
"""More digits than a product of two BIGNUMERICs has."""
_LIMITS = {
    Type.NUMERIC: (
        Decimal("1e-9"),
        Decimal(10**38 - 1).scaleb(-9, _EXACT),
        -Decimal(10**38 - 1).scaleb(-9, _EXACT),
    ),
    Type.BIGNUMERIC: (
        Decimal("1e-38"),
        Decimal(2**255 - 1).scaleb(-38, _EXACT),
        Decimal(-(2**255)).scaleb(-38, _EXACT),
    ),
}
"""The last digit, the largest and the smallest value."""
_QUOTIENT = Context(prec=240, rounding="ROUND_DOWN", Emax=10_000, Emin=-10_000)
WHITE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Unicode calls white space."""


def _whole(value: int) -> int:
    if INT64_MIN <= value <= INT64_MAX:
        return value
    raise Unanswerable


def _finite(value: float) -> float:
    if math.isfinite(value):
        return value
    raise Unanswerable


def _decimal(kind: Type) -> Callable[[Decimal], Decimal]:
    unit, largest, smallest = _LIMITS[kind]

    def fit(value: Decimal) -> Decimal:
        rounded = value.quantize(unit, context=_EXACT)
        if smallest <= rounded <= largest:
            return rounded
        raise Unanswerable

    return fit


_OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "ADD": (lambda a, b: a + b, _EXACT.add),
    "SUBTRACT": (lambda a, b: a - b, _EXACT.subtract),
    "MULTIPLY": (lambda a, b: a * b, _EXACT.multiply),
    "NEGATE": (lambda a: -a, _EXACT.minus),
    "ABS": (abs, _EXACT.abs),
}


def arithmetic(name: str, kind: Type) -> Callable[..., Any]:
    """An operation on numbers of one type, which raises Unanswerable beyond the type's range."""
    if name == "MOD":
        return _int_mod if kind is Type.INT64 else _decimal_mod
    if name == "SAFE_DIVIDE":
        return _float_divide if kind is Type.FLOAT64 else _decimal_divide(_decimal(kind))
    plain, exact = _OPERATIONS[name]
    if kind is Type.INT64:
        return lambda *values: _whole(plain(*values))
    if kind is Type.FLOAT64:
        return lambda *values: _finite(plain(*values))
    fit = _decimal(kind)
    return lambda *values: fit(exact(*values))


def _int_mod(value: int, divisor: int) -> int:
    if divisor == 0:
        raise Unanswerable
    rest = abs(value) % abs(divisor)
    return -rest if value < 0 else rest


def _decimal_mod(value: Decimal, divisor: Decimal) -> Decimal:
    if divisor == 0:
        raise Unanswerable
    return _EXACT.remainder(value, divisor)


def _float_divide(value: float, divisor: float) -> float | None:
    if divisor == 0:
        return None
    quotient = value / divisor
    return quotient if math.isfinite(quotient) else None


def _decimal_divide(fit: Callable[[Decimal], Decimal]) -> Callable[[Decimal, Decimal], Decimal | None]:
    def divide(value: Decimal, divisor: Decimal) -> Decimal | None:
        if divisor == 0:
            return None
        try:
            return fit(_QUOTIENT.divide(value, divisor))
        except Unanswerable:
            return None

    return divide


def substr(text: str, position: int, length: int | None = None) -> str:
    """SUBSTR: position 1 is the first, 0 too, -1 the last; one before the beginning is the first."""
    if position > 0:
        start = position - 1
    else:
        start = 0 if position == 0 or -position > len(text) else len(text) + position
    return text[start:] if length is None else text[start : start + _length(length)]


def left(text: str, length: int) -> str:
    """LEFT."""
    return text[: _length(length)]


def right(text: str, length: int) -> str:
    """RIGHT."""
    return text[max(0, len(text) - _length(length)) :]


def _length(length: int) -> int:
    if length < 0:
        raise Unanswerable
    return length


def concat(*texts: str) -> str:
    """CONCAT and ||."""
    return "".join(texts)


def function(name: str, kind: Type) -> Callable[..., Any]:
    """The function of that name whose result is of that type."""
    return _TEXTS.get(name) or arithmetic(name, kind)


_TEXTS: dict[str, Callable[..., str]] = {
    "SUBSTR": substr,
    "SUBSTRING": substr,
    "LEFT": left,
    "RIGHT": right,
    "CONCAT": concat,
    "TRIM": lambda text, letters=WHITE: text.strip(letters),
    "LTRIM": lambda text, letters=WHITE: text.lstrip(letters),
    "RTRIM": lambda text, letters=WHITE: text.rstrip(letters),
}


INLINE = {
    "LOWER": "{0}.lower()",
    "UPPER": "{0}.upper()",
    "LENGTH": "len({0})",
    "CHAR_LENGTH": "len({0})",
    "CHARACTER_LENGTH": "len({0})",
    "BYTE_LENGTH": "len({0}.encode())",
    "STARTS_WITH": "{0}.startswith({1})",
    "ENDS_WITH": "{0}.endswith({1})",
    "STRPOS": "({0}.find({1}) + 1)",
    "DATE": "{0}.date()",
    "EXTRACT_MICROSECOND": "{0}.microsecond",
    "EXTRACT_MILLISECOND": "({0}.microsecond // 1000)",
    "EXTRACT_SECOND": "{0}.second",
    "EXTRACT_MINUTE": "{0}.minute",
    "EXTRACT_HOUR": "{0}.hour",
    "EXTRACT_DAYOFWEEK": "({0}.isoweekday() % 7 + 1)",
    "EXTRACT_DAY": "{0}.day",
    "EXTRACT_DAYOFYEAR": "{0}.timetuple().tm_yday",
    "EXTRACT_ISOWEEK": "{0}.isocalendar().week",
    "EXTRACT_MONTH": "{0}.month",
    "EXTRACT_QUARTER": "(({0}.month + 2) // 3)",
    "EXTRACT_YEAR": "{0}.year",
    "EXTRACT_ISOYEAR": "{0}.isocalendar().year",
}
"""Functions that Python has too; the arguments are not NULL. Sunday is day 1 of the week."""
