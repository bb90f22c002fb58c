"""Constants: from Python's values to DuckDB SQL, and string literals that become dates where need be."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from sluice.local.bigquery import values
from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql.expr import Expr
from sluice.local.bigquery.types import (
    BIGNUMERIC,
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    JSON,
    NULL,
    NUMERIC,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    array_of,
)


def text(value: str) -> str:
    """Write a DuckDB string literal."""
    if "\x00" in value:
        raise unsupported("A string literal with the character NUL")
    return "'" + value.replace("'", "''") + "'"


def constant(value: Any, type_: Type) -> Expr:
    """Return a literal of a type, from its Python value (None for NULL)."""
    if value is None:
        return Expr(f"CAST(NULL AS {type_.duck})", type_, value=None, plain=True)
    return Expr(_WRITERS[type_.kind](value), type_, value=value, plain=True)


def _float(value: float) -> str:
    return f"CAST('{value!r}' AS DOUBLE)"


def _moment(value: dt.datetime) -> str:
    return f"TIMESTAMP '{value.replace(tzinfo=None).isoformat(sep=' ')}'"


_WRITERS: Final[dict[str, Callable[[Any], str]]] = {
    "INT64": lambda value: f"CAST({value} AS BIGINT)",
    "FLOAT64": _float,
    "NUMERIC": lambda value: f"CAST('{values.numeric_text(value)}' AS DECIMAL(38,9))",
    "BIGNUMERIC": lambda value: text(values.numeric_text(value)),
    "BOOL": lambda value: "true" if value else "false",
    "STRING": text,
    "JSON": text,
    "BYTES": lambda value: f"unhex('{value.hex()}')",
    "DATE": lambda value: f"DATE '{value.isoformat()}'",
    "DATETIME": _moment,
    "TIMESTAMP": _moment,
    "TIME": lambda value: f"TIME '{value.isoformat()}'",
}
_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "INT64": values.parse_int64,
    "FLOAT64": values.parse_float64,
    "NUMERIC": lambda given: values.parse_numeric(given, "NUMERIC"),
    "BIGNUMERIC": lambda given: values.parse_numeric(given, "BIGNUMERIC"),
    "DATE": values.parse_date,
    "DATETIME": values.parse_datetime,
    "TIME": values.parse_time,
    "TIMESTAMP": values.parse_timestamp,
}
NULL_LITERAL: Final = Expr("CAST(NULL AS BIGINT)", NULL, value=None, plain=True)
BY_KIND: Final = {
    type_.kind: type_
    for type_ in (
        INT64,
        FLOAT64,
        NUMERIC,
        BIGNUMERIC,
        BOOL,
        STRING,
        BYTES,
        DATE,
        DATETIME,
        TIME,
        TIMESTAMP,
        JSON,
    )
}


def number(written: str) -> Expr:
    """Return an INT64 or FLOAT64 literal as it was written. Raises ApiError 400 when it does not fit."""
    if written.isdigit():
        value = int(written)
        if value > values.INT64_MAX:
            raise invalid_query(f"Invalid integer literal: {written}")
        return constant(value, INT64)
    try:
        return dataclasses.replace(constant(values.parse_float64(written), FLOAT64), written=written)
    except ValueError:
        raise invalid_query(f"Invalid floating point literal: {written}") from None


def negated(literal: Expr) -> Expr:
    """Return a FLOAT64 literal behind a minus sign."""
    return dataclasses.replace(constant(-float(literal.value), FLOAT64), written=f"-{literal.written}")


def numeric(written: str) -> Expr:
    """Return a FLOAT64 literal as NUMERIC, halves beyond its 9 decimals rounded away from zero."""
    with localcontext(prec=400):
        value = Decimal(written)
        if abs(value) <= values.NUMERIC_MAX:
            value = value.quantize(Decimal("1e-9"), ROUND_HALF_UP)
        if abs(value) > values.NUMERIC_MAX:
            raise unsupported(f"The FLOAT64 literal {written} beside a NUMERIC, which cannot hold it,")
    return constant(value, NUMERIC)


def parsed(written: str, type_: Type) -> Expr:
    """Return a literal of a type from its text. Raises ApiError 400 when it is no such value."""
    try:
        return constant(_PARSERS[type_.kind](written), type_)
    except values.UnknownZoneError:
        raise unsupported(f"A time zone by name in a TIMESTAMP literal ({written!r})") from None
    except ValueError:
        raise invalid_query(f'Could not cast literal "{written}" to type {type_}') from None


def string_value(expr: Expr, what: str) -> str:
    """Return the value of an argument that this server needs to know while binding."""
    if not expr.literal or not isinstance(expr.value, str):
        raise unsupported(f"{what} that is not a string literal")
    return expr.value


def int_value(expr: Expr, what: str) -> int:
    """Return the value of an integer argument that this server needs to know while binding."""
    if not expr.literal or not isinstance(expr.value, int) or isinstance(expr.value, bool):
        raise unsupported(f"{what} that is not an integer literal")
    return expr.value


def exact(value: float) -> Decimal | None:
    """Return a FLOAT64 literal as a NUMERIC value, None where it does not fit."""
    try:
        return values.parse_numeric(repr(value), "NUMERIC")
    except ValueError:
        return None


INT64_ARRAY: Final = array_of(INT64)
