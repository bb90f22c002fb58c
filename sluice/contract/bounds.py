"""Whether the constraints of a field fit its type and each other."""

import math
import re
from decimal import Decimal

from sluice.contract.fields import NUMERIC, TEXT, Number, Spec
from sluice.contract.kinds import INT64_MAX, INT64_MIN, Kind
from sluice.errors import ContractError

NUMERIC_DIGITS, NUMERIC_SCALE = 29, 9
BIGNUMERIC_DIGITS, BIGNUMERIC_SCALE = 38, 38
"""Digits before and after the point: NUMERIC holds 38, 9 of them after it; BIGNUMERIC 76, and a 77th in part.

Source: cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types (as of 2025).
"""

_ALLOWED = {
    Kind.STRING: {*TEXT},
    Kind.INTEGER: {*NUMERIC},
    Kind.FLOAT: {*NUMERIC},
    Kind.DECIMAL: {"ge", "gt", "le", "lt", "scale", "bignumeric", "strings"},
}


def decimal_digits(spec: Spec) -> tuple[int, int]:
    """How many digits a Decimal may have before and after its point."""
    digits, most = (
        (BIGNUMERIC_DIGITS, BIGNUMERIC_SCALE) if spec.bignumeric else (NUMERIC_DIGITS, NUMERIC_SCALE)
    )
    return digits, most if spec.scale is None else spec.scale


def as_decimal(number: Number) -> Decimal:
    """A bound as a Decimal: 0.1 is taken as it is written, not as the float that is near it."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def check_spec(spec: Spec, kind: Kind, *, listed: bool, chosen: bool, where: str) -> None:
    """Raise a ContractError if a constraint does not suit the kind, or if no value could satisfy them all."""
    allowed = set() if chosen else set(_ALLOWED.get(kind, ()))
    if listed:
        allowed |= {"min_items", "max_items"}
    for name in spec.constraints():
        if name not in allowed:
            kinds = ", ".join(str(other) for other, names in _ALLOWED.items() if name in names) or "lists"
            raise ContractError(
                f"{where}: {name}= is for {kinds}, and this field is {kind}{' of choices' * chosen}"
            )
    if not isinstance(spec.strings, bool):
        raise ContractError(f"{where}: strings={spec.strings!r} must be True or False")
    _check_counts(spec, where)
    if kind in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL) and not chosen:
        _check_range(spec, kind, where)
    if spec.pattern is not None:
        try:
            re.compile(spec.pattern)
        except re.error as error:
            raise ContractError(
                f"{where}: pattern={spec.pattern!r} is no regular expression: {error}"
            ) from None


def _check_counts(spec: Spec, where: str) -> None:
    for low, high in (("min_length", "max_length"), ("min_items", "max_items")):
        least, most = getattr(spec, low), getattr(spec, high)
        for name, value in ((low, least), (high, most)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
                raise ContractError(f"{where}: {name}={value!r} must be a count, 0 or more")
        if least is not None and most is not None and least > most:
            raise ContractError(f"{where}: {low}={least} is greater than {high}={most}; no value fits")
    most_scale = BIGNUMERIC_SCALE if spec.bignumeric else NUMERIC_SCALE
    if spec.scale is not None and not (isinstance(spec.scale, int) and 0 <= spec.scale <= most_scale):
        hint = "" if spec.bignumeric else f", or 0 to {BIGNUMERIC_SCALE} with bignumeric=True"
        raise ContractError(f"{where}: scale={spec.scale!r} must be 0 to {most_scale}{hint}")


def _check_bound(name: str, value: Number | None, kind: Kind, where: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
        raise ContractError(f"{where}: {name}={value!r} must be a finite number")
    if kind is Kind.INTEGER and (not isinstance(value, int) or not INT64_MIN <= value <= INT64_MAX):
        raise ContractError(
            f"{where}: {name}={value!r} must be an integer of at most 64 bits, as the field is"
        )


def _check_range(spec: Spec, kind: Kind, where: str) -> None:
    for name in NUMERIC:
        _check_bound(name, getattr(spec, name), kind, where)
    if spec.multiple_of is not None and spec.multiple_of <= 0:
        raise ContractError(f"{where}: multiple_of={spec.multiple_of} must be greater than 0")
    for one, other in (("ge", "gt"), ("le", "lt")):
        if getattr(spec, one) is not None and getattr(spec, other) is not None:
            raise ContractError(f"{where}: give {one}= or {other}=, not both")
    low = spec.ge if spec.ge is not None else spec.gt
    high = spec.le if spec.le is not None else spec.lt
    if low is None or high is None:
        return
    strict = spec.gt is not None or spec.lt is not None
    empty = low > high or (strict and low >= high)
    if kind is Kind.INTEGER:
        empty = low + (spec.gt is not None) > high - (spec.lt is not None)
    if empty:
        raise ContractError(f"{where}: nothing lies between {low} and {high}; no value fits")
