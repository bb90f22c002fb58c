"""Partition filters: which readings of a table are filtered on its partition column.

A table may require such a filter (`require_partition_filter`). A filter outside
a subquery or view counts where it can be pushed down: past a GROUP BY or a window only when these divide
the rows by the partition column too.
"""

from typing import Any

from sqlglot import exp

from sluice.local.bigquery.errors import ApiError
from sluice.local.bigquery.sql.binder import Binder
from sluice.local.bigquery.sql.expr import Expr, PartitionUse, Scope
from sluice.local.bigquery.sql.names import resolve, steps

_COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)


def mark_filters(binder: Binder, condition: exp.Expr, scope: Scope) -> None:
    """Note the readings that a WHERE clause filters."""
    if not binder.partition_uses:
        return
    binder.filtered |= _filtered(condition, scope)


def _filtered(condition: exp.Expr, scope: Scope) -> set[int]:
    if isinstance(condition, exp.Paren):
        return _filtered(condition.this, scope)
    if isinstance(condition, exp.And):
        return _filtered(condition.this, scope) | _filtered(condition.expression, scope)
    if isinstance(condition, exp.Or):
        return _filtered(condition.this, scope) & _filtered(condition.expression, scope)
    if not isinstance(condition, _COMPARISONS) or condition.find(exp.Select):
        return set()
    return {use.number for node in condition.find_all(exp.Column) if (use := _use(node, scope)) is not None}


def _use(node: Any, scope: Scope) -> PartitionUse | None:
    parts = steps(node)
    if parts is None:
        return None
    try:
        return resolve(parts, scope).partition
    except ApiError:
        return None


def kept_partition(binder: Binder, node: exp.Select, scope: Scope, column: Expr) -> PartitionUse | None:
    """Return the partition column that a subquery's column still is, where a filter can be pushed down."""
    if column.partition is None or node.args.get("limit") or node.args.get("offset"):
        return None
    group = node.args.get("group")
    if group is not None and column.sql not in _bound(binder, group.expressions, scope):
        return None
    for window in node.find_all(exp.Window):
        if window.find_ancestor(exp.Select) is not node:
            continue
        if column.sql not in _bound(binder, window.args.get("partition_by") or [], scope):
            return None
    return column.partition


def _bound(binder: Binder, nodes: list[exp.Expr], scope: Scope) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, exp.Column):
            found.add(binder.expr(node, scope).sql)
    return found
