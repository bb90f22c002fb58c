"""BigQuery's implicit conversions: which types meet in which, and the DuckDB SQL that converts.

https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules (read in November 2026).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sluice.local.bigquery.errors import ApiError, invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.types import BIGNUMERIC, FLOAT64, INT64, NULL, NUMERIC, STRING, Type

# Each type, and those that a value of it becomes without a cast, best first.
_IMPLICIT: Final = {
    "INT64": ("NUMERIC", "BIGNUMERIC", "FLOAT64"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT64"),
    "BIGNUMERIC": ("FLOAT64",),
    "DATE": ("DATETIME",),
}
_FROM_STRING_LITERAL: Final = frozenset({"DATE", "DATETIME", "TIME", "TIMESTAMP"})
NUMBERS: Final = frozenset({"INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64"})


def convert(expr: Expr, target: Type) -> Expr:
    """Convert implicitly, or raise ApiError 400."""
    found = try_convert(expr, target)
    if found is None:
        raise invalid_query(f"Cannot coerce expression of type {expr.type} to type {target}")
    return found


def try_convert(expr: Expr, target: Type) -> Expr | None:
    """Convert implicitly; None where BigQuery does not."""
    if expr.type == target:
        return expr
    if expr.type == NULL or (expr.literal and expr.value is None):
        return literals.constant(None, target)
    constant = _convert_literal(expr, target) if expr.literal else None
    if constant is not None:
        return constant
    if target.kind in _IMPLICIT.get(expr.type.kind, ()):
        return computed(_converted(expr, target), target, expr, plain=True)
    if expr.type.item == NULL and target.item is not None:
        return computed(f"CAST({expr.sql} AS {target.duck})", target, expr, plain=True)
    return None


def _convert_literal(expr: Expr, target: Type) -> Expr | None:
    if expr.type == STRING and target.kind in _FROM_STRING_LITERAL:
        return literals.parsed(str(expr.value), target)
    if expr.type == INT64 and target in (NUMERIC, BIGNUMERIC):
        return literals.constant(Decimal(expr.value), target)
    if expr.type == INT64 and target == FLOAT64:
        return literals.constant(float(expr.value), FLOAT64)
    if expr.type == FLOAT64 and target == NUMERIC and expr.written is not None:
        return literals.numeric(expr.written)
    return None


def _converted(expr: Expr, target: Type) -> str:
    if expr.type == BIGNUMERIC:
        return f"bq_big_float({expr.sql})"
    if expr.type == NUMERIC and target != NUMERIC:
        return f"{'bq_numeric_float' if target == FLOAT64 else 'bq_numeric_text'}({expr.sql})"
    return f"CAST({expr.sql} AS {target.duck})"


def supertype(exprs: Sequence[Expr], what: str) -> Type:
    """Return the type in which all of them meet, or raise ApiError 400. All NULL: INT64."""
    typed = [expr for expr in exprs if expr.type != NULL]
    if not typed:
        return INT64
    firm = [expr for expr in typed if not expr.literal] or typed
    candidates = {expr.type for expr in firm} | {expr.type for expr in typed}
    for candidate in sorted(candidates, key=_rank):
        if candidate == FLOAT64 and BIGNUMERIC in candidates and any(expr.written for expr in typed):
            raise unsupported("A FLOAT64 literal beside a BIGNUMERIC (write BIGNUMERIC '...')")
        if all(_meets(expr, candidate) for expr in typed):
            return candidate
    if all("STRUCT" in str(expr.type) for expr in typed):
        raise unsupported(f"A mix of STRUCT types in {what}")
    kinds = ", ".join(dict.fromkeys(str(expr.type) for expr in typed))
    raise invalid_query(f"No matching signature for {what} for argument types: {kinds}")


def _rank(type_: Type) -> int:
    order = ("INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64", "DATE", "DATETIME", "TIMESTAMP")
    return order.index(type_.kind) if type_.kind in order else -1


def _meets(expr: Expr, target: Type) -> bool:
    if expr.type == target or target.kind in _IMPLICIT.get(expr.type.kind, ()):
        return True
    if expr.literal and expr.type == STRING:
        return target.kind in _FROM_STRING_LITERAL
    if expr.literal and expr.written is not None and target == NUMERIC:
        return True
    return expr.type.item == NULL and target.item is not None


def unify(exprs: Sequence[Expr], what: str) -> list[Expr]:
    """Convert all of them to the type in which they meet."""
    target = supertype(exprs, what)
    return [convert(expr, target) for expr in exprs]


def mismatch(what: str, *exprs: Expr) -> ApiError:
    """Say, as BigQuery does, that an operator or function has no such signature."""
    kinds = ", ".join(str(expr.type) if expr.type != NULL else "NULL" for expr in exprs)
    return invalid_query(f"No matching signature for {what} for argument types: {kinds}")


def comparable(expr: Expr, what: str) -> None:
    """Refuse types that this server cannot compare, group or order as BigQuery does."""
    kind = expr.type.kind
    if kind == "JSON" or expr.type.item is not None or kind == "STRUCT":
        raise invalid_query(f"{what} is not defined for arguments of type {expr.type}")
