"""What msgspec does not check while it decodes: Decimals, and the range and zone of timestamps.

A check returns the value to keep: a timestamp in UTC, a Decimal without a positive exponent.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal, DecimalException, InvalidOperation
from typing import Any, TypeAlias

from msgspec.structs import force_setattr

from sluice.contract.bounds import as_decimal, decimal_digits
from sluice.contract.columns import Column
from sluice.contract.fields import Spec
from sluice.contract.kinds import Kind, Mode
from sluice.contract.violations import ContractViolation

Check: TypeAlias = Callable[[Any, str], Any]
"""Takes a value and its path, returns the value to keep, or raises a ContractViolation."""

_EXACT = Context(prec=200)
_ONE = Decimal(1)
_ZERO = Decimal(0)


def struct_check(columns: tuple[Column, ...]) -> Check | None:
    """One check for all fields of a struct that need one; None if none does."""
    checks: list[tuple[str, str, Check]] = []
    for column in columns:
        check = _scalar_check(column)
        if check is not None:
            if column.mode is Mode.REPEATED:
                check = _each(check, column.container)
            checks.append((column.attribute, column.name, check))
    if not checks:
        return None

    def run(struct: Any, path: str) -> Any:
        for attribute, name, check in checks:
            value = getattr(struct, attribute)
            if value is not None:
                kept = check(value, f"{path}.{name}" if path else name)
                if kept is not value:
                    force_setattr(struct, attribute, kept)
        return struct

    return run


def _scalar_check(column: Column) -> Check | None:
    if column.kind is Kind.DECIMAL:
        return _decimal_check(column.spec)
    if column.kind is Kind.TIMESTAMP:
        return _utc
    if column.kind is Kind.STRUCT:
        return struct_check(column.columns)
    return None


def _each(check: Check, container: Any) -> Check:
    def run(items: Any, path: str) -> Any:
        kept = [check(item, f"{path}[{index}]") for index, item in enumerate(items)]
        return kept if container is list else tuple(kept)

    return run


def _utc(value: datetime, path: str) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ContractViolation(f"`{path}` lies outside the years 1 to 9999 in UTC", path) from None


def _decimal_check(spec: Spec) -> Check:
    """Checks a Decimal quickly where nothing is near a limit, and thoroughly everywhere else."""
    digits, scale = decimal_digits(spec)
    thorough = _thorough(spec)
    limit = _ONE.scaleb(digits - 1)
    low, high = spec.gt if spec.ge is None else spec.ge, spec.lt if spec.le is None else spec.le
    above = -limit if low is None else max(-limit, as_decimal(low))
    below = limit if high is None else min(limit, as_decimal(high))
    usual = _ONE.scaleb(-min(scale, 2))

    def run(value: Decimal, path: str) -> Decimal:
        try:
            if above < value < below and value.same_quantum(usual) and value:
                return value
        except InvalidOperation:
            pass  # NaN cannot be compared
        kept: Decimal = thorough(value, path)
        return kept

    return run


def _thorough(spec: Spec) -> Check:
    digits, scale = decimal_digits(spec)
    kind = "BIGNUMERIC" if spec.bignumeric else "NUMERIC"
    bounds = [
        (getattr(spec, name), as_decimal(getattr(spec, name)), compare, words)
        for name, compare, words in (
            ("ge", Decimal.__ge__, "at least"),
            ("gt", Decimal.__gt__, "greater than"),
            ("le", Decimal.__le__, "at most"),
            ("lt", Decimal.__lt__, "less than"),
        )
        if getattr(spec, name) is not None
    ]

    def run(value: Decimal, path: str) -> Decimal:
        if not value.is_finite():
            raise ContractViolation(f"`{path}` must be a finite number, not NaN or Infinity", path)
        if not value:
            value = _ZERO  # without sign and exponent
        elif value.adjusted() >= digits:
            raise ContractViolation(
                f"`{path}` has more than the {digits} digits before the point that {kind} holds", path
            )
        exponent = value.as_tuple().exponent
        if exponent.__class__ is int and not -scale <= exponent <= 0:
            value = _plain(value, scale, path)
        for bound, limit, holds, words in bounds:
            if not holds(value, limit):
                raise ContractViolation(f"`{path}` must be {words} {bound}", path)
        return value

    return run


def _plain(value: Decimal, scale: int, path: str) -> Decimal:
    """The same number without an exponent above zero and without zeros beyond the scale."""
    try:
        plain = value.quantize(_ONE.scaleb(-scale) if value.as_tuple().exponent < 0 else _ONE, context=_EXACT)  # type: ignore[operator] # finite
    except DecimalException:
        plain = None
    if plain is None or plain != value:
        raise ContractViolation(f"`{path}` has more than {scale} digits after the point", path)
    return plain
