"""What metric math computes with: numbers, time series, lists of series, and the functions over them.

By CloudWatch's guide ("Using math expressions with CloudWatch metrics"), the table of its functions.
Not documented, and chosen: what cannot be computed (a division by zero) is missing; FILL fills a metric too
that never had a value.
"""

import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

Series = tuple[float | None, ...]
"""A value per period, the newest last; None where it is missing."""

Value = float | str | Series | list[Series]
"""A string is a word for a function, such as FILL's REPEAT."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What an expression is computed of: series of one length by their id, and their period in seconds."""

    known: Mapping[str, Series]
    length: int
    period: int

    def named(self, name: str) -> Series:
        """A series by its id."""
        if name not in self.known:
            raise TypeError(f"{name} is none of its ids")
        return self.known[name]

    def series(self, value: Value) -> Series:
        """A value as one series; a number is the same at all times."""
        if isinstance(value, list | str):
            raise TypeError(f"{value if isinstance(value, str) else 'several series'} instead of one series")
        return value if isinstance(value, tuple) else (value,) * self.length

    def several(self, value: Value) -> list[Series]:
        """A value as a list of series."""
        return value if isinstance(value, list) else [self.series(value)]


Computation = Callable[[Argument], Value]


def _power(base: float, exponent: float) -> float:
    return float(base**exponent)


COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": _power,
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
    **COMPARISONS,
}


def combined(sign: str, left: Computation, right: Computation) -> Computation:
    """Two values under an operator, period by period; a list is combined member by member."""
    work = _OPERATORS[sign]

    def compute(argument: Argument) -> Value:
        one, other = left(argument), right(argument)
        if isinstance(one, float) and isinstance(other, float):
            return _tried(work, one, other) or 0.0
        if isinstance(one, list) or isinstance(other, list):
            ones, others = argument.several(one), argument.several(other)
            length = max(len(ones), len(others))
            if {len(ones), len(others)} - {1, length}:
                raise TypeError("lists of series that are not equally long")
            pairs = zip(ones * (length // len(ones)), others * (length // len(others)), strict=True)
            return [_paired(work, first, second) for first, second in pairs]
        return _paired(work, argument.series(one), argument.series(other))

    return compute


def lifted(work: Callable[[float], float], inner: Computation) -> Computation:
    """A function of one number, over all of a value."""

    def compute(argument: Argument) -> Value:
        return _each(work, inner(argument))

    return compute


def _each(work: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, float):
        return work(value)
    if isinstance(value, list):
        return [_mapped(work, each) for each in value]
    if isinstance(value, str):
        raise TypeError(f"{value} where there must be a number or a series")
    return _mapped(work, value)


def _mapped(work: Callable[[float], float], series: Series) -> Series:
    return tuple(None if each is None else _tried(work, each) for each in series)


def _paired(work: Callable[[float, float], float], left: Series, right: Series) -> Series:
    return tuple(
        None if one is None or other is None else _tried(work, one, other)
        for one, other in zip(left, right, strict=True)
    )


def _tried(work: Callable[..., float], *values: float) -> float | None:
    try:
        found = float(work(*values))
    except (ArithmeticError, ValueError, TypeError):
        return None
    return found if math.isfinite(found) else None


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, and what it makes of them."""

    takes: tuple[int, ...]
    computed: Callable[[Argument, list[Value]], Value]


def _single(work: Callable[[float], float]) -> Function:
    return Function((1,), lambda _, values: _each(work, values[0]))


def _summary(work: Callable[[Sequence[float]], float]) -> Function:
    """Of one series a number, of several a series over what each period has."""

    def compute(_: Argument, values: list[Value]) -> Value:
        value = values[0]
        if isinstance(value, float | str):
            raise TypeError("a summary of what is no series")
        if isinstance(value, list):
            return tuple(_over(work, column) for column in zip(*value, strict=True))
        return _over(work, value) or 0.0

    return Function((1,), compute)


def _over(work: Callable[[Sequence[float]], float], found: Sequence[float | None]) -> float | None:
    there = [each for each in found if each is not None]
    return float(work(there)) if there else None


def _fill(argument: Argument, values: list[Value]) -> Value:
    if isinstance(values[0], list):
        return [_filled(argument, each, values[1]) for each in values[0]]
    return _filled(argument, argument.series(values[0]), values[1])


def _filled(argument: Argument, series: Series, how: Value) -> Series:
    if how == "REPEAT":
        return tuple(accumulate(series, lambda before, each: before if each is None else each))
    if how == "LINEAR":
        return _joined(series)
    filler = argument.series(how)
    return tuple(other if each is None else each for each, other in zip(series, filler, strict=True))


def _joined(series: Series) -> Series:
    """Straight lines between what is there."""
    found = list(series)
    places = [place for place, each in enumerate(series) if each is not None]
    for first, last in pairwise(places):
        low, high = series[first] or 0.0, series[last] or 0.0
        for place in range(first + 1, last):
            found[place] = low + (high - low) * (place - first) / (last - first)
    return tuple(found)


def _if(argument: Argument, values: list[Value]) -> Value:
    condition = argument.series(values[0])
    yes = argument.series(values[1])
    no = argument.series(values[2]) if len(values) > 2 else (None,) * argument.length  # noqa: PLR2004 - the else
    return tuple(
        None if holds is None else (one if holds else other)
        for holds, one, other in zip(condition, yes, no, strict=True)
    )


def _diff(argument: Argument, values: list[Value], over: float = 1.0) -> Value:
    series = argument.series(values[0])
    steps = tuple(
        None if one is None or other is None else (other - one) / over for one, other in pairwise(series)
    )
    return (None, *steps)


def _metrics(argument: Argument, values: list[Value]) -> Value:
    if not values:
        return list(argument.known.values())
    return [series for name, series in argument.known.items() if str(values[0]) in name]


def _running(argument: Argument, values: list[Value]) -> Value:
    total, found = 0.0, list[float | None]()
    for each in argument.series(values[0]):
        total += each or 0.0
        found.append(total)
    return tuple(found)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "ABS": _single(abs),
    "AVG": _summary(statistics.fmean),
    "CEIL": _single(math.ceil),
    "DIFF": Function((1,), _diff),
    "FILL": Function((2,), _fill),
    "FLOOR": _single(math.floor),
    "IF": Function((2, 3), _if),
    "LOG": _single(math.log),
    "LOG10": _single(math.log10),
    "MAX": _summary(max),
    "METRICS": Function((0, 1), _metrics),
    "METRIC_COUNT": Function((1,), lambda argument, values: float(len(argument.several(values[0])))),
    "MIN": _summary(min),
    "PERIOD": Function((1,), lambda argument, _: float(argument.period)),
    "RATE": Function((1,), lambda argument, values: _diff(argument, values, float(argument.period))),
    "RUNNING_SUM": Function((1,), _running),
    "STDDEV": _summary(statistics.pstdev),
    "SUM": _summary(math.fsum),
    "TIME_SERIES": Function((1,), lambda argument, values: argument.series(values[0])),
}
