"""How an event becomes a row: JSON columns travel as text, everything else as the event's own JSON."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode

Rewrite: TypeAlias = Callable[[Any], Any]
"""Takes a struct, returns it with each free JSON value as its text."""

_encode = msgspec.json.Encoder().encode


def json_to_text(columns: tuple[Column, ...]) -> Rewrite | None:
    """What makes a row of a struct with these columns; None when its JSON already is the row."""
    rewrites: list[tuple[str, Rewrite]] = []
    for column in columns:
        rewrite = _text if column.kind is Kind.JSON else json_to_text(column.columns)
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


def _unless_null(rewrite: Rewrite) -> Rewrite:
    return lambda value: None if value is None else rewrite(value)


def _each(rewrite: Rewrite) -> Rewrite:
    return lambda items: [rewrite(item) for item in items]
