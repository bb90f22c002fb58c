"""How an event is written: in a row JSON columns travel as text, and some Decimals are sent as numbers."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode

Rewrite: TypeAlias = Callable[[Any], Any]
"""Takes a struct, returns it with some of its values replaced."""

_encode = msgspec.json.Encoder().encode


def json_to_text(columns: tuple[Column, ...]) -> Rewrite | None:
    """What makes a row of a struct with these columns; None when its JSON already is the row."""
    return _rewrite(columns, lambda column: _text if column.kind is Kind.JSON else None)


def decimals_to_numbers(columns: tuple[Column, ...]) -> Rewrite | None:
    """What has Decimals written as numbers where they are no strings in JSON; None where there are none."""
    return _rewrite(
        columns, lambda column: _number if column.kind is Kind.DECIMAL and not column.spec.strings else None
    )


def decimals_to_digits(columns: tuple[Column, ...]) -> Rewrite | None:
    """What has Decimals written digit by digit, in a string: 0.0000001, never 1E-7."""
    return _rewrite(columns, lambda column: _digits if column.kind is Kind.DECIMAL else None)


def _rewrite(columns: tuple[Column, ...], choose: Callable[[Column], Rewrite | None]) -> Rewrite | None:
    rewrites: list[tuple[str, Rewrite]] = []
    for column in columns:
        rewrite = choose(column) or _rewrite(column.columns, choose)
        if rewrite is not None:
            if column.mode is Mode.REPEATED:
                rewrite = _each(rewrite)
            elif column.mode is Mode.NULLABLE:
                rewrite = _unless_null(rewrite)
            rewrites.append((column.attribute, rewrite))
    if not rewrites:
        return None

    def run(struct: Any) -> Any:
        return replace(struct, **{name: rewrite(getattr(struct, name)) for name, rewrite in rewrites})

    return run


def _text(value: Any) -> str:
    return _encode(value).decode()


def _digits(value: Decimal) -> str:
    return f"{value:f}"


def _number(value: Any) -> Any:
    """Digit by digit; whatever else stands in the field, as it is."""
    return msgspec.Raw(str(value).encode()) if isinstance(value, Decimal) else value


def _unless_null(rewrite: Rewrite) -> Rewrite:
    return lambda value: None if value is None else rewrite(value)


def _each(rewrite: Rewrite) -> Rewrite:
    return lambda items: [rewrite(item) for item in items]
