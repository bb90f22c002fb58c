"""Values that stand in a line, counted: numbers, dates and times as integers in the same order."""

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any, TypeAlias

from sluice.contract.bounds import as_decimal, decimal_digits
from sluice.contract.columns import Column
from sluice.contract.kinds import INT64_MAX, INT64_MIN, Kind

Around: TypeAlias = Callable[[Any], tuple[int, int]]
"""The counts at or next to a value: those below and above it, twice the same if it is on the line."""

_EXACT = Context(prec=500)
_FLOAT_DIGITS = 15
"""Decimals of so many digits are told apart by FLOAT64s, whole numbers up to the next."""
_FLOAT_WHOLE = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """What a field can hold, from `low` to `high`, each value at its count."""

    low: int
    high: int
    value: Callable[[int], Any]
    """The value at a count."""
    around: Around
    takes: tuple[type, ...]
    """The types of the values that it can be compared with."""
    as_float: bool
    """Whether its values keep their order and their differences when they become FLOAT64s."""

    def counts(self, values: Iterable[Any]) -> list[int]:
        """Where the values lie, or the neighbours of those that lie between two counts; sorted."""
        pairs = [self.around(value) for value in values if type(value) in self.takes]
        return sorted({at for pair in pairs for at in pair if self.low <= at <= self.high})


def line_of(column: Column) -> Line | None:
    """The line of a column's values, or of a list's items; None if they stand in none, or are choices."""
    make = None if column.choices else _LINES.get(column.kind)
    return None if make is None else make(column)


def _integers(column: Column) -> Line:
    low, high = _bounds(column, lambda value: (math.floor(value), math.ceil(value)), INT64_MIN, INT64_MAX)
    exact = max(abs(low), abs(high)) <= _FLOAT_WHOLE
    return Line(low, high, int, lambda value: (math.floor(value), math.ceil(value)), _NUMBERS, exact)


def _decimals(column: Column) -> Line:
    digits, scale = decimal_digits(column.spec)

    def around(value: Any) -> tuple[int, int]:
        scaled = _EXACT.scaleb(Decimal(value), scale)
        return int(scaled.to_integral_value(ROUND_FLOOR)), int(scaled.to_integral_value(ROUND_CEILING))

    largest = 10 ** (digits + scale) - 1
    low, high = _bounds(column, around, -largest, largest)
    exact = max(abs(low), abs(high)) < 10**_FLOAT_DIGITS
    return Line(low, high, lambda count: _EXACT.scaleb(Decimal(count), -scale), around, _NUMBERS, exact)


def _floats(column: Column) -> Line:
    def around(value: Any) -> tuple[int, int]:
        return (_float_count(float(value)),) * 2

    largest = _float_count(math.nextafter(math.inf, 0))
    low, high = _bounds(column, around, -largest, largest)
    return Line(low, high, _float_at, around, _NUMBERS, as_float=True)


def _bounds(column: Column, around: Around, least: int, most: int) -> tuple[int, int]:
    """The first and the last count that the contract takes."""
    spec = column.spec
    ge, gt, le, lt = (
        as_decimal(bound) if column.kind is Kind.DECIMAL and bound is not None else bound
        for bound in (spec.ge, spec.gt, spec.le, spec.lt)
    )
    low = least if ge is None else around(ge)[1]
    high = most if le is None else around(le)[0]
    low = low if gt is None else around(gt)[0] + 1
    high = high if lt is None else around(lt)[1] - 1
    return max(low, least), min(high, most)


def _float_count(value: float) -> int:
    """Doubles in their order, one after the other, both zeros at 0."""
    bits: int = struct.unpack(">q", struct.pack(">d", value))[0]
    return bits if bits >= 0 else -(bits & INT64_MAX)


def _float_at(count: int) -> float:
    value: float = struct.unpack(">d", struct.pack(">q", abs(count)))[0]
    return value if count >= 0 else -value


def _moments(_: Column) -> Line:
    def count(moment: datetime) -> int:
        return (moment - _EPOCH) // _MICROSECOND

    return Line(
        count(datetime.min.replace(tzinfo=UTC)),
        count(datetime.max.replace(tzinfo=UTC)),
        lambda at: _EPOCH + at * _MICROSECOND,
        lambda moment: (count(moment),) * 2,
        (datetime,),
        as_float=False,
    )


def _days(_: Column) -> Line:
    return Line(
        date.min.toordinal(),
        date.max.toordinal(),
        date.fromordinal,
        lambda day: (day.toordinal(),) * 2,
        (date,),
        as_float=False,
    )


_NUMBERS = (int, float, Decimal)
_LINES: dict[Kind, Callable[[Column], Line]] = {
    Kind.INTEGER: _integers,
    Kind.DECIMAL: _decimals,
    Kind.FLOAT: _floats,
    Kind.TIMESTAMP: _moments,
    Kind.DATE: _days,
}
