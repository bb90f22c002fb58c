"""Conversions: only from and to what both databases write, read and round alike."""

import re
from typing import Final

from sqlglot import exp

from sluice.local.athena.refusals import unsupported
from sluice.local.athena.typed import DECIMALS, DOUBLES, INTEGERS, MOMENTS, NUMBERS, TEXTS, Type, kind, said

MILLISECONDS: Final = 3
"""Digits of a second that a TIMESTAMP keeps whose precision is not named."""

MICROSECONDS: Final = 6
"""Digits of a second that DuckDB keeps; Trino keeps as many as are written, up to 12."""

_INTEGER: Final = r"[+-]?[0-9]+"
_NUMBER: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""What Trino reads as numbers; DuckDB rounds 1.5 to an integer and takes 1_000."""

_DOUBLE: Final = rf"{_NUMBER}|NaN|[+-]?Infinity"
_BOOLEAN: Final = r"(?i)t|true|1|f|false|0"
_DAY: Final = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
"""DuckDB takes slashes, too, and leaves off what comes after the day."""


def cast(node: exp.Cast) -> exp.Expr:  # noqa: C901, PLR0911 - a line for each pair of types
    """Convert: only from and to what both write and round alike."""
    given, to = kind(node.this), node.to.this
    if to is Type.FLOAT:
        raise unsupported(f"`{said(node)}`", "the lake has no REAL: write DOUBLE")
    if to in DECIMALS and not node.to.expressions:
        _name_digits(node)
    if isinstance(node.this, exp.Literal) and (node.this.is_string or to in MOMENTS):
        return _literal(node)
    if to in INTEGERS and given in DOUBLES:
        return _with(node, exp.Round(this=node.this.copy()))
    if given in TEXTS and to in NUMBERS:
        return _read(node, _INTEGER if to in INTEGERS else _NUMBER if to in DECIMALS else _DOUBLE)
    if given in TEXTS and to is Type.BOOLEAN:
        return _read(node, _BOOLEAN)
    if to in NUMBERS and given in {*NUMBERS, Type.BOOLEAN}:
        return node
    if to is Type.BOOLEAN and given in {*NUMBERS, Type.BOOLEAN}:
        return node
    plain = not node.to.expressions
    if to in TEXTS and plain and given in {*INTEGERS, *DECIMALS, *TEXTS, Type.BOOLEAN, Type.DATE}:
        return node
    if to is Type.DATE and given in TEXTS:
        return as_day(node)
    if to is Type.DATE and given in MOMENTS:
        return node
    if to in {Type.TIMESTAMP, Type.TIMESTAMPTZ} and given in MOMENTS and node.to.sql().endswith("(6)"):
        return exp.Cast(
            this=node.this.copy(),
            to=exp.DataType.build("timestamp" if to is Type.TIMESTAMP else "timestamptz"),
        )
    raise unsupported(
        f"`{said(node)}`",
        "JSON only around a whole column of the answer; moments become TIMESTAMP(6), doubles no text",
    )


def _name_digits(node: exp.Cast) -> None:
    """A bare DECIMAL has no fraction; sqlglot reads DECIMAL '2.50', which keeps its own, as a cast to it."""
    literal = isinstance(node.this, exp.Literal) and node.this.is_string
    if literal and not node.this.name.isdecimal():
        raise unsupported(f"`{said(node)}`", "name the digits: CAST('2.50' AS DECIMAL(3, 2))")
    node.to.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(n)) for n in (38, 0)])


def as_day(node: exp.Cast) -> exp.Expr:
    """Read a date out of a text: only a date."""
    return _read(node, _DAY)


def _literal(node: exp.Cast) -> exp.Expr:
    """A text literal with its type: its digits say how precise it is."""
    to, text = node.to.this, node.this.name
    if to is Type.DATE:
        # DATE '...' is a constant for the planner as well
        return node if re.fullmatch(_DAY, text) and not isinstance(node, exp.TryCast) else as_day(node)
    if to in MOMENTS and not isinstance(node, exp.TryCast):
        digits = re.match(r"[0-9]*", text.partition(".")[2])
        fraction = len(digits.group()) if digits else 0
        if fraction <= (MICROSECONDS if node.to.expressions else MILLISECONDS):
            return exp.Cast(this=node.this.copy(), to=exp.DataType(this=to))
        raise unsupported(
            f"`{said(node)}`",
            "it rounds to milliseconds; write TIMESTAMP '...' for up to six digits of a second",
        )
    if to in NUMBERS:
        return _read(node, _INTEGER if to in INTEGERS else _NUMBER if to in DECIMALS else _DOUBLE)
    if to is Type.BOOLEAN:
        return _read(node, _BOOLEAN)
    if to in TEXTS and not node.to.expressions:
        return node
    raise unsupported(f"`{said(node)}`")


def _with(node: exp.Cast, value: exp.Expr) -> exp.Expr:
    """The same cast of another value: TRY_CAST stays one."""
    return type(node)(this=value, to=node.to.copy())


def _read(node: exp.Cast, pattern: str) -> exp.Expr:
    """A value out of a text: NULL (TRY_CAST) or an error where Trino reads none."""
    text = node.this
    fits = exp.Anonymous(this="regexp_full_match", expressions=[text.copy(), exp.Literal.string(pattern)])
    wrong: exp.Expr = exp.Null()
    if not isinstance(node, exp.TryCast):
        words = exp.Literal.string(f"Cannot cast to {node.to.sql('athena').lower()}: ")
        wrong = exp.Anonymous(this="error", expressions=[exp.DPipe(this=words, expression=text.copy())])
    case = exp.Case().when(exp.Is(this=text.copy(), expression=exp.Null()), exp.Null())
    put = case.when(fits, _with(node, text.copy())).else_(wrong)
    put.type = node.to
    return put
