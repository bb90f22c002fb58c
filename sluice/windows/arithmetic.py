"""Exact arithmetic on the three kinds of numbers, behind one face."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sluice.contract.kinds import Kind
from sluice.windows.exact import (
    EXACT,
    ZERO,
    Ratio,
    as_float,
    dyadic_add,
    dyadic_square,
    dyadic_subtract,
    pack_dyadic,
    pack_int,
    plain,
    plain_text,
    unpack_dyadic,
    unpack_int,
)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Exact arithmetic on the numbers of one kind."""

    zero: Any
    lift: Callable[[Any], Any]
    """An event's value as such a number."""
    take: Callable[[list[Any], Any], list[Any]]
    """Adds an event's value to a sum's partial, in place: what happens most often, so written out."""
    add: Callable[[Any, Any], Any]
    subtract: Callable[[Any, Any], Any]
    square: Callable[[Any], Any]
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]
    figure: Callable[[Any], Any]
    """As answered: an int, a Decimal or a float."""
    ratio: Callable[[Any], Ratio]
    """Numerator and denominator."""


def _take_integer(partial: list[Any], value: int) -> list[Any]:
    partial[0] += 1
    partial[1] += value
    return partial


def _take_decimal(partial: list[Any], value: Decimal) -> list[Any]:
    partial[0] += 1
    partial[1] = _add_decimals(partial[1], value)
    return partial


def _take_float(partial: list[Any], value: float) -> list[Any]:
    partial[0] += 1
    numerator, denominator = value.as_integer_ratio()
    total, unit = partial[1]
    if denominator == unit:
        partial[1] = (total + numerator, unit)
    elif denominator < unit:
        partial[1] = (total + numerator * (unit // denominator), unit)
    else:
        partial[1] = (total * (denominator // unit) + numerator, denominator)
    return partial


_add_decimals = EXACT.add

ARITHMETIC: Mapping[Kind, Arithmetic] = {
    Kind.INTEGER: Arithmetic(
        zero=0,
        lift=int,
        take=_take_integer,
        add=int.__add__,
        subtract=int.__sub__,
        square=lambda number: number * number,
        pack=pack_int,
        unpack=unpack_int,
        figure=int,
        ratio=int.as_integer_ratio,
    ),
    Kind.DECIMAL: Arithmetic(
        zero=Decimal(0),
        lift=Decimal,
        take=_take_decimal,
        add=_add_decimals,
        subtract=EXACT.subtract,
        square=lambda number: EXACT.multiply(number, number),
        pack=plain_text,
        unpack=Decimal,
        figure=plain,
        ratio=Decimal.as_integer_ratio,
    ),
    Kind.FLOAT: Arithmetic(
        zero=ZERO,
        lift=lambda value: value.as_integer_ratio(),
        take=_take_float,
        add=dyadic_add,
        subtract=dyadic_subtract,
        square=dyadic_square,
        pack=pack_dyadic,
        unpack=unpack_dyadic,
        figure=as_float,
        ratio=lambda number: number,
    ),
}
