"""The types of expressions, as far as a rewriting asks for them."""

from collections.abc import Iterable
from typing import Any, Final

from sqlglot import exp

from sluice.local.athena.refusals import unsupported

Type = exp.DataType.Type

INTEGERS: Final = exp.DataType.INTEGER_TYPES
DOUBLES: Final = exp.DataType.FLOAT_TYPES
TEXTS: Final = exp.DataType.TEXT_TYPES
MOMENTS: Final = {Type.TIMESTAMP, Type.TIMESTAMPTZ, Type.TIMESTAMPNTZ, Type.DATETIME, Type.DATE}
DECIMALS: Final = {Type.DECIMAL, Type.BIGDECIMAL}
NUMBERS: Final = {*INTEGERS, *DOUBLES, *DECIMALS}
NESTED: Final = exp.DataType.NESTED_TYPES

_APART: Final = (NUMBERS, TEXTS, MOMENTS, {Type.BOOLEAN}, {Type.INTERVAL}, NESTED)
"""Kinds of values of which Trino takes none for another; DuckDB guesses."""


def kind(node: exp.Expr | None) -> Any:
    """Return the node's DataType.Type."""
    return Type.UNKNOWN if node is None or node.type is None else node.type.this


def said(node: exp.Expr) -> str:
    """Return the user's SQL, cut to fit a line."""
    try:
        text = node.sql("athena")
    except ValueError:  # sqlglot reads more of JSON's paths than it can write
        text = type(node).__name__.lower()
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a line


def alike(node: exp.Expr, parts: Iterable[exp.Expr]) -> None:
    """Refuse values of different kinds side by side, as Athena does."""
    kinds = {kind(part) for part in parts}
    if sum(bool(kinds & group) for group in _APART) > 1:
        raise unsupported(
            f"bringing values of different types together in `{said(node)}`",
            "write TIMESTAMP '...' or DATE '...' before a moment, and CAST what is of another type",
        )
