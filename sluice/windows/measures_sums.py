"""Sums, means and variances, exact until they are rounded at the end."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sluice.contract.kinds import Kind
from sluice.windows.arithmetic import ARITHMETIC
from sluice.windows.exact import EXACT, Ratio, as_float, plain_text, scaled_text
from sluice.windows.measures_base import Accumulator

DECIMALS = 38
"""Digits after the point of BIGNUMERIC.

cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types (as of 2025)
"""
BEYOND = 10**36
"""Sums from here on are published as floats: BIGNUMERIC holds up to 5.7e38, and many are to add up."""
FLOAT_UNIT = 60
"""Sums of floats are published times 2**60: then 38 decimals hold each double of 2**-46 and more exactly."""


class Sums(Accumulator):
    """The sum of a number: `[n, total]`, of values that are not null."""

    subtractable = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.exact = ARITHMETIC[kind]
        self._add = self.exact.add

    def new(self) -> list[Any]:
        """No values."""
        return [0, self.exact.zero]

    def add(self, partial: list[Any], value: Any) -> list[Any]:
        """Add one value, in place."""
        return self.exact.take(partial, value)

    @property
    def adder(self) -> Callable[[Any, Any], Any]:
        """What adds numbers of this kind."""
        return self.exact.take

    def merge(self, one: list[Any], other: list[Any]) -> list[Any]:
        """Both sums."""
        return [one[0] + other[0], self._add(one[1], other[1])]

    def subtract(self, one: list[Any], other: list[Any]) -> list[Any]:
        """The difference."""
        return [one[0] - other[0], self.exact.subtract(one[1], other[1])]

    def pack(self, partial: list[Any]) -> list[Any]:
        """The same in plain values."""
        return [partial[0], self.exact.pack(partial[1])]

    def unpack(self, packed: list[Any]) -> list[Any]:
        """What `pack` was given."""
        return [packed[0], self.exact.unpack(packed[1])]

    def value(self, partial: list[Any], options: Mapping[str, Any]) -> Any:  # noqa: ARG002 - takes none
        """An int, a Decimal or a float; a sum beyond the largest float is an infinity."""
        return self.exact.figure(partial[1]) if partial[0] else None

    def columns(self, partial: list[Any]) -> dict[str, Any]:
        """`n` and `sum`, text in digits (of a FLOAT times 2**60); where BIGNUMERIC cannot hold it `float`."""
        text = self._text(partial[1])
        if text is None:
            return {"n": partial[0], "float": repr(as_float(self.exact.ratio(partial[1])))}
        return {"n": partial[0], "sum": text}

    def from_columns(self, columns: Mapping[str, Any]) -> list[Any]:
        """Read what `columns` wrote, as exactly as it did."""
        count = int(columns["n"])
        if "float" in columns:
            return [count, self._number(float(columns["float"]).as_integer_ratio())]
        numerator, denominator = Decimal(columns["sum"]).as_integer_ratio()
        return [
            count,
            self._number((numerator, denominator << FLOAT_UNIT * (self.kind is Kind.FLOAT))),
        ]

    def _number(self, ratio: Ratio) -> Any:
        """A ratio as a number of this kind; of a FLOAT the nearest that floats can add up to."""
        numerator, denominator = ratio
        if self.kind is Kind.FLOAT:
            return round_dyadic(numerator, denominator)
        if self.kind is Kind.DECIMAL:
            return EXACT.divide(Decimal(numerator), Decimal(denominator))
        return numerator // denominator

    def _text(self, number: Any) -> str | None:
        """Digits for BIGNUMERIC, None where it has not enough of them."""
        numerator, denominator = self.exact.ratio(number)
        if self.kind is Kind.FLOAT:
            numerator <<= FLOAT_UNIT
        if abs(numerator) >= BEYOND * denominator:
            return None
        return (
            plain_text(number)
            if self.kind is Kind.DECIMAL
            else scaled_text((numerator, denominator), DECIMALS)
        )


class Means(Sums):
    """The mean of a number, from the same partial as its sum."""

    def value(self, partial: list[Any], options: Mapping[str, Any]) -> float | None:  # noqa: ARG002 - takes none
        """The sum, rounded to a float, divided by the count."""
        return as_float(self.exact.ratio(partial[1])) / partial[0] if partial[0] else None


class Moments(Accumulator):
    """The sample variance of a number: `[n, total, total of squares]`."""

    subtractable = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.exact = ARITHMETIC[kind]
        self._sums = Sums(kind)

    def new(self) -> list[Any]:
        """No values."""
        return [0, self.exact.zero, self.exact.zero]

    def add(self, partial: list[Any], value: Any) -> list[Any]:
        """Add one value, in place."""
        number = self.exact.lift(value)
        partial[0] += 1
        partial[1] = self.exact.add(partial[1], number)
        partial[2] = self.exact.add(partial[2], self.exact.square(number))
        return partial

    def merge(self, one: list[Any], other: list[Any]) -> list[Any]:
        """Both sums."""
        return [one[0] + other[0], self.exact.add(one[1], other[1]), self.exact.add(one[2], other[2])]

    def subtract(self, one: list[Any], other: list[Any]) -> list[Any]:
        """The difference."""
        exact = self.exact
        return [one[0] - other[0], exact.subtract(one[1], other[1]), exact.subtract(one[2], other[2])]

    def pack(self, partial: list[Any]) -> list[Any]:
        """The same in plain values."""
        return [partial[0], self.exact.pack(partial[1]), self.exact.pack(partial[2])]

    def unpack(self, packed: list[Any]) -> list[Any]:
        """What `pack` was given."""
        return [packed[0], self.exact.unpack(packed[1]), self.exact.unpack(packed[2])]

    def value(self, partial: list[Any], options: Mapping[str, Any]) -> float | None:  # noqa: ARG002 - takes none
        """`float(n * squares - total**2) / float(n * (n - 1))`; None below two values, as in BigQuery."""
        count = partial[0]
        if count < 2:  # noqa: PLR2004 - one value does not vary
            return None
        return as_float(self._spread(partial)) / float(count * (count - 1))

    def columns(self, partial: list[Any]) -> dict[str, Any]:
        """`n`, the exact `sum` and `squares` where BIGNUMERIC can hold them, `mean` and `m2` as floats.

        `m2` is the sum of squared deviations from the mean.
        """
        count = partial[0]
        found: dict[str, Any] = {"n": count}
        if self.kind is not Kind.FLOAT:
            texts = [self._digits(number) for number in partial[1:]]
            if None not in texts:
                found["sum"], found["squares"] = texts
        if count > 0:
            numerator, denominator = self.exact.ratio(partial[1])
            found["mean"] = repr(as_float((numerator, denominator * count)))
            numerator, denominator = self._spread(partial)
            found["m2"] = repr(as_float((numerator, denominator * count)))
        return found

    def from_columns(self, columns: Mapping[str, Any]) -> list[Any]:
        """Read the exact sums.

        Raises:
            ValueError: there are none, for they are beyond BIGNUMERIC, or of floats.
        """
        if "squares" not in columns:
            raise ValueError(f"no exact squares in {dict(columns)!r}")
        total = self._sums.from_columns({"n": columns["n"], "sum": columns["sum"]})
        return [*total, self._sums.from_columns({"n": 0, "sum": columns["squares"]})[1]]

    def _spread(self, partial: list[Any]) -> Ratio:
        """`n * squares - total**2`, never negative for values that were there."""
        count, total, squares = partial
        total_numerator, total_denominator = self.exact.ratio(total)
        squares_numerator, squares_denominator = self.exact.ratio(squares)
        denominator = math.lcm(total_denominator**2, squares_denominator)
        numerator = count * squares_numerator * (denominator // squares_denominator)
        numerator -= total_numerator**2 * (denominator // total_denominator**2)
        return numerator, denominator

    def _digits(self, number: Any) -> str | None:
        """Digits for BIGNUMERIC, None where it has not enough of them."""
        numerator, denominator = self.exact.ratio(number)
        if abs(numerator) >= BEYOND * denominator or 10**DECIMALS % denominator:
            return None
        return scaled_text((numerator, denominator), DECIMALS)


def round_dyadic(numerator: int, denominator: int) -> Ratio:
    """The multiple of 2**-1074, the smallest float, that is nearest to a ratio, half to even."""
    unit = 1 << 1074
    scaled, rest = divmod(numerator * unit, denominator)
    scaled += 2 * rest > denominator or (2 * rest == denominator and scaled % 2)
    return scaled, unit
