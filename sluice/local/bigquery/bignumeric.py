"""BIGNUMERIC arithmetic, as functions that DuckDB calls: values are texts, each written in one way only.

Exact within 38 digits before and after the point; beyond the 38th decimal halves are rounded away from zero,
as in https://github.com/google/zetasql/blob/master/zetasql/public/numeric_value.cc (read in November 2026).
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final

from sluice.local.bigquery.native import Native
from sluice.local.bigquery.values import (
    BIGNUMERIC_MAX,
    BIGNUMERIC_MIN,
    INT64_MAX,
    INT64_MIN,
    NUMERIC_MAX,
    numeric_text,
)

# Products of two values have up to 154 digits, and those of a list of them are added one by one.
_EXACT: Final = Context(prec=400, rounding=ROUND_HALF_UP, traps=[Inexact, InvalidOperation, Overflow])
# A quotient is cut far behind its 38th decimal; one that ends in a half there is exact.
_CUT: Final = Context(prec=400, rounding=ROUND_HALF_UP, traps=[DivisionByZero, InvalidOperation, Overflow])
_LAST: Final = Decimal("1e-38")
_LAST_OF_NUMERIC: Final = Decimal("1e-9")
_KEY_DIGITS: Final = 78
_KEY_ZERO: Final = 10**77
_READ: Final = re.compile(r"[+-]?(\d{1,39}(\.\d{0,38})?|\.\d{1,38})", re.ASCII)
_BAD: Final = re.compile(r"|[A-Za-z_]\w*", re.ASCII)


def _text(value: Decimal, what: str) -> str:
    rounded = value.quantize(_LAST, context=_CUT)
    if not BIGNUMERIC_MIN <= rounded <= BIGNUMERIC_MAX:
        raise OverflowError(f"BIGNUMERIC overflow: {what}")
    return numeric_text(rounded)


def _add(left: str, right: str) -> str:
    return _text(_EXACT.add(Decimal(left), Decimal(right)), f"{left} + {right}")


def _subtract(left: str, right: str) -> str:
    return _text(_EXACT.subtract(Decimal(left), Decimal(right)), f"{left} - {right}")


def _multiply(left: str, right: str) -> str:
    return _text(_EXACT.multiply(Decimal(left), Decimal(right)), f"{left} * {right}")


def _divide(left: str, right: str) -> str:
    if right == "0":
        raise ZeroDivisionError(f"division by zero: {left} / {right}")
    return _text(_CUT.divide(Decimal(left), Decimal(right)), f"{left} / {right}")


def _negate(value: str) -> str:
    return _text(_EXACT.minus(Decimal(value)), f"-({value})")


def _total(values: Sequence[str]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, Decimal(value))
    return total


def _sum(values: Sequence[str]) -> str:
    return _text(_total(values), "SUM")


def _average(values: Sequence[str]) -> str:
    return _text(_CUT.divide(_total(values), Decimal(len(values))), "AVG")


def _least(values: Sequence[str]) -> str:
    return min(values, key=Decimal)


def _greatest(values: Sequence[str]) -> str:
    return max(values, key=Decimal)


def _key(value: str) -> str:
    """Write a value so that texts compare as the values do."""
    units = int(_EXACT.scaleb(Decimal(value), 38))
    return str(units + _KEY_ZERO).zfill(_KEY_DIGITS)


def _to_int(value: str) -> int:
    whole = int(Decimal(value).to_integral_value(ROUND_HALF_UP))
    if not INT64_MIN <= whole <= INT64_MAX:
        raise OverflowError(f"Bad int64 value: {value}")
    return whole


def _to_numeric(value: str) -> str:
    rounded = Decimal(value).quantize(_LAST_OF_NUMERIC, context=_CUT)
    if abs(rounded) > NUMERIC_MAX:
        raise OverflowError(f"NUMERIC overflow: {value}")
    return numeric_text(rounded)


def _read(written: str) -> str:
    if not _READ.fullmatch(written):
        if _BAD.fullmatch(written):
            raise ValueError(f"Bad BIGNUMERIC value: {written}")
        raise ValueError(
            f"A cast of the text '{written}' to BIGNUMERIC is not supported by the local BigQuery"
        )
    return _text(Decimal(written), written)


def _read_safely(written: str | None) -> str | None:
    if written is None or _BAD.fullmatch(written):
        return None
    try:
        return _read(written)
    except OverflowError:
        return None


FUNCTIONS: Final[tuple[Native, ...]] = (
    Native("bq_big_add", _add, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    Native("bq_big_subtract", _subtract, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    Native("bq_big_multiply", _multiply, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    Native("bq_big_divide", _divide, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    Native("bq_big_negate", _negate, ("VARCHAR",), "VARCHAR"),
    Native("bq_big_sum", _sum, ("VARCHAR[]",), "VARCHAR"),
    Native("bq_big_avg", _average, ("VARCHAR[]",), "VARCHAR"),
    Native("bq_big_min", _least, ("VARCHAR[]",), "VARCHAR"),
    Native("bq_big_max", _greatest, ("VARCHAR[]",), "VARCHAR"),
    Native("bq_big_key", _key, ("VARCHAR",), "VARCHAR"),
    Native("bq_big_float", float, ("VARCHAR",), "DOUBLE"),
    Native("bq_big_int", _to_int, ("VARCHAR",), "BIGINT"),
    Native("bq_big_numeric", _to_numeric, ("VARCHAR",), "VARCHAR"),
    Native("bq_big_read", _read, ("VARCHAR",), "VARCHAR"),
    Native("bq_big_try", _read_safely, ("VARCHAR",), "VARCHAR", null_too=True),
)
