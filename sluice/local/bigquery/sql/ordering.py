"""ORDER BY as BigQuery sorts: NULLs first ascending and last descending, NaN below every number."""

from typing import Any

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query
from sluice.local.bigquery.sql.binder import Binder
from sluice.local.bigquery.sql.coercion import comparable
from sluice.local.bigquery.sql.expr import Expr, Scope
from sluice.local.bigquery.sql.parse import only


def order_terms(binder: Binder, nodes: list[Any], scope: Scope, ordinals: list[Expr] | None = None) -> str:
    """Return the terms of an ORDER BY; a bare number names one of the `ordinals`, the SELECT list."""
    terms: list[str] = []
    for node in nodes:
        only(node, "this", "desc", "nulls_first")
        target = node.this
        if ordinals is not None and isinstance(target, exp.Literal) and not target.is_string:
            expr = ordinal(target, ordinals, "ORDER BY")
        else:
            expr = binder.expr(target, scope)
        terms += _terms(
            expr, descending=bool(node.args.get("desc")), nulls_first=bool(node.args.get("nulls_first"))
        )
    return ", ".join(terms)


def ordinal(node: exp.Literal, columns: list[Expr], clause: str) -> Expr:
    """Return the column that a bare number names."""
    position = int(node.this) if node.this.isdigit() else 0
    if not 1 <= position <= len(columns):
        raise invalid_query(f"{clause} is out of SELECT column number range: {node.this}")
    return columns[position - 1]


def _terms(expr: Expr, *, descending: bool, nulls_first: bool) -> list[str]:
    comparable(expr, "ORDER BY")
    direction = "DESC" if descending else "ASC"
    nulls = "FIRST" if nulls_first else "LAST"
    value = f"bq_big_key({expr.sql})" if expr.type.kind == "BIGNUMERIC" else expr.sql
    plain = f"{value} {direction} NULLS {nulls}"
    if expr.type.kind != "FLOAT64":
        return [plain]
    return [f"NOT isnan({expr.sql}) {direction} NULLS {nulls}", plain]
