"""SELECT statements, set operations and WITH."""

# ruff: noqa: S608 - writing SQL is what this module does: names are quoted, values are bound as literals

import dataclasses
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Binder
from sluice.local.bigquery.sql.coercion import comparable, convert, supertype
from sluice.local.bigquery.sql.conditions import build_struct
from sluice.local.bigquery.sql.expr import Column, Cte, Expr, Relation, Scope
from sluice.local.bigquery.sql.grouping import bind_group
from sluice.local.bigquery.sql.names import output, star
from sluice.local.bigquery.sql.ordering import order_terms
from sluice.local.bigquery.sql.parse import only, refuse
from sluice.local.bigquery.sql.pruning import kept_partition, mark_filters
from sluice.local.bigquery.sql.sources import bind_from
from sluice.local.bigquery.types import BOOL, FLOAT64, INT64, NULL, NUMERIC

_SELECT: Final = (
    "expressions", "from_", "joins", "where", "group", "having", "qualify", "windows", "order", "limit",
    "offset", "distinct", "with_", "kind",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """A bound query; DuckDB names its columns c0, c1, ..."""

    sql: str
    columns: list[Column]


def bind_query(binder: Binder, node: exp.Expr, scope: Scope) -> Query:
    """Bind a query within the names of `scope`. Raises ApiError 400 or 404."""
    if isinstance(node, exp.Subquery):
        only(node, "this", "with_", "order", "limit", "offset")
        prefix, inner = _with(binder, node, scope)
        query = bind_query(binder, node.this, inner)
        return _finish(binder, node, query, prefix, inner)
    if isinstance(node, exp.SetOperation):
        return _set_operation(binder, node, scope)
    if isinstance(node, exp.Select):
        return _select(binder, node, scope)
    raise refuse(node)


def _with(binder: Binder, node: exp.Expr, scope: Scope) -> tuple[str, Scope]:
    clause = node.args.get("with_")
    inner = Scope(parent=scope)
    if clause is None:
        return "", inner
    only(clause, "expressions")
    ctes: dict[str, Cte] = {}
    written: list[str] = []
    for each in clause.expressions:
        only(each, "this", "alias")
        only(each.args["alias"], "this")
        if each.alias.lower() in ctes:
            raise invalid_query(f"Duplicate alias {each.alias} for WITH subquery")
        query = bind_query(binder, each.this, Scope(parent=scope, ctes=dict(ctes)))
        name = binder.fresh("w")
        written.append(f"{name} AS ({query.sql})")
        ctes[each.alias.lower()] = Cte(name, tuple(query.columns))
    inner.ctes = ctes
    return f"WITH {', '.join(written)} ", inner


def _set_operation(binder: Binder, node: exp.SetOperation, scope: Scope) -> Query:
    only(node, "this", "expression", "distinct", "with_", "order", "limit", "offset")
    prefix, inner = _with(binder, node, scope)
    left, right = bind_query(binder, node.this, inner), bind_query(binder, node.expression, inner)
    word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}.get(type(node))
    if word is None:
        raise refuse(node)
    if len(left.columns) != len(right.columns):
        raise invalid_query(
            f"Queries in {word} have mismatched column count; query 1 has {len(left.columns)} column(s), "
            f"query 2 has {len(right.columns)} column(s)"
        )
    distinct = bool(node.args.get("distinct"))
    if not distinct and word != "UNION":
        raise invalid_query(f"{word} must be followed by DISTINCT")
    columns: list[Column] = []
    for index, (one, two) in enumerate(zip(left.columns, right.columns, strict=True)):
        type_ = supertype([one.expr, two.expr], f"{word} column {index + 1}")
        if (
            type_ == FLOAT64
            and NUMERIC in {one.expr.type, two.expr.type}
            and (one.expr.written or two.expr.written)
        ):
            raise unsupported(f"{word} of a NUMERIC column and a FLOAT64 literal (write NUMERIC '...')")
        if type_.kind == "STRUCT" and one.expr.type != two.expr.type:
            raise unsupported(f"{word} of different STRUCT types")
        if distinct:
            comparable(Expr("", type_), word)
        columns.append(Column(one.name, Expr(output(index), type_, plain=True)))
    sides = [_converted(binder, query, columns) for query in (left, right)]
    body = f"({sides[0]}) {word}{'' if distinct else ' ALL'} ({sides[1]})"
    return _finish(binder, node, Query(body, columns), prefix, inner)


def _converted(binder: Binder, query: Query, columns: list[Column]) -> str:
    name = binder.fresh("s")
    parts: list[str] = []
    for index, (given, wanted) in enumerate(zip(query.columns, columns, strict=True)):
        converted = convert(Expr(f"{name}.{output(index)}", given.expr.type), wanted.expr.type)
        parts.append(f"{converted.sql} AS {output(index)}")
    return f"SELECT {', '.join(parts)} FROM ({query.sql}) AS {name}"


def _finish(binder: Binder, node: exp.Expr, query: Query, prefix: str, scope: Scope) -> Query:
    """Order and cut the rows of a query by its own columns."""
    order, limited = node.args.get("order"), _limit(binder, node, scope)
    if order is None and not limited:
        return Query(prefix + query.sql, query.columns)
    name = binder.fresh("q")
    columns = [
        Column(column.name, Expr(f"{name}.{output(index)}", column.expr.type, plain=True))
        for index, column in enumerate(query.columns)
    ]
    visible = Scope(parent=scope, relations=[Relation(None, columns)])
    ordering = ""
    if order is not None:
        terms = order_terms(
            binder, order.expressions, visible.at("ORDER BY"), [column.expr for column in columns]
        )
        ordering = f" ORDER BY {terms}"
    return Query(
        f"{prefix}SELECT {name}.* FROM ({query.sql}) AS {name}{ordering}{limited}", _renamed(columns)
    )


def _renamed(columns: list[Column]) -> list[Column]:
    return [
        Column(
            column.name, Expr(output(index), column.expr.type, plain=True, partition=column.expr.partition)
        )
        for index, column in enumerate(columns)
    ]


def _limit(binder: Binder, node: exp.Expr, scope: Scope) -> str:
    sql = ""
    for key, word in (("limit", "LIMIT"), ("offset", "OFFSET")):
        clause = node.args.get(key)
        if clause is not None:
            only(clause, "expression")
            count = literals.int_value(binder.expr(clause.expression, scope), f"A {word}")
            if count < 0:
                raise invalid_query(f"{word} must not be negative: {count}")
            sql += f" {word} {count}"
    return sql


def _select(binder: Binder, node: exp.Select, scope: Scope) -> Query:
    only(node, *_SELECT)
    prefix, inner = _with(binder, node, scope)
    source = bind_from(binder, node, inner)
    where = _condition(binder, node, "where", inner.at("the WHERE clause"))
    if node.args.get("where"):
        mark_filters(binder, node.args["where"].this, inner)
    for window in node.args.get("windows") or []:
        inner.windows[window.this.name.lower()] = window
    items = _items(binder, node, inner)
    _publish(items, inner)
    exprs = [column.expr for column in items]
    group = bind_group(binder, node, inner, exprs)
    having = _condition(binder, node, "having", inner.at("the HAVING clause", aggregate=True, aliases=True))
    qualify = _condition(
        binder, node, "qualify", inner.at("the QUALIFY clause", aggregate=True, window=True, aliases=True)
    )
    columns = [
        Column(
            column.name,
            Expr(
                output(index),
                column.expr.type,
                plain=True,
                partition=kept_partition(binder, node, inner, column.expr),
                written=column.expr.written,
            ),
        )
        for index, column in enumerate(items)
    ]
    kind = str(node.args.get("kind") or "")
    listed = ", ".join(
        f"CAST({column.expr.sql} AS {column.expr.type.duck}) AS {output(index)}"
        for index, column in enumerate(items)
    )
    if kind == "STRUCT":
        struct = build_struct([column.name for column in items], exprs)
        listed, columns = (
            f"{struct.sql} AS {output(0)}",
            [Column("", Expr(output(0), struct.type, plain=True))],
        )
    elif kind not in {"", "VALUE"}:
        raise unsupported(f"SELECT AS {kind}")
    body = f"{listed}{source}{where}{group}{having}{qualify}"
    if node.args.get("distinct"):
        only(node.args["distinct"])
        for column in items:
            comparable(column.expr, "SELECT DISTINCT")
        return _finish(binder, node, Query(f"SELECT DISTINCT {body}", columns), prefix, inner)
    order = node.args.get("order")
    ordering = ""
    if order is not None:
        names = inner.at("ORDER BY", aggregate=True, window=True, aliases=True, prefer=True)
        ordering = f" ORDER BY {order_terms(binder, order.expressions, names, exprs)}"
    return Query(f"{prefix}SELECT {body}{ordering}{_limit(binder, node, inner)}", columns)


def _condition(binder: Binder, node: exp.Select, key: str, scope: Scope) -> str:
    clause = node.args.get(key)
    if clause is None:
        return ""
    only(clause, "this")
    condition = binder.expr(clause.this, scope)
    if condition.type not in (BOOL, NULL):
        raise invalid_query(f"{key.upper()} clause should return type BOOL, but returns {condition.type}")
    return f" {key.upper()} {convert(condition, BOOL).sql}"


def _items(binder: Binder, node: exp.Select, scope: Scope) -> list[Column]:
    if not node.expressions:
        raise invalid_query("Syntax error: SELECT list must not be empty")
    items: list[Column] = []
    anonymous = 0
    names = scope.at("the SELECT list", aggregate=True, window=True)
    for item in node.expressions:
        if isinstance(item, exp.Star):
            items += _starred(binder, item, None, names)
            continue
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            items += _starred(binder, item.this, _prefix(item), names)
            continue
        if isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
            raise unsupported("A * behind a longer path")
        alias = item.alias if isinstance(item, exp.Alias) else ""
        expr = binder.expr(item.this if isinstance(item, exp.Alias) else item, names)
        if expr.type.item is not None and expr.type.item == NULL:
            expr = convert(expr, literals.INT64_ARRAY)
        name = alias or _inferred(item, expr)
        if not name:
            name = f"f{anonymous}_"
            anonymous += 1
        items.append(Column(name, convert(expr, INT64) if expr.type == NULL else expr))
    return items


def _prefix(item: exp.Column) -> list[exp.Identifier]:
    return [part for key in ("catalog", "db", "table") if (part := item.args.get(key)) is not None]


def _inferred(item: exp.Expr, expr: Expr) -> str:
    while isinstance(item, exp.Paren):
        return ""
    if isinstance(item, exp.Column):
        return item.name
    return expr.name or "" if isinstance(item, exp.Dot) else ""


def _starred(
    binder: Binder, node: exp.Star, prefix: list[exp.Identifier] | None, scope: Scope
) -> list[Column]:
    only(node, "except_", "replace")
    columns = star(scope, prefix)
    dropped = {each.name.lower() for each in node.args.get("except_") or []}
    known = {column.name.lower() for column in columns}
    replaced: dict[str, Expr] = {}
    for each in node.args.get("replace") or []:
        replaced[each.alias.lower()] = binder.expr(each.this, scope)
    for name in (*dropped, *replaced):
        if name not in known:
            raise invalid_query(f"Column {name} in SELECT * EXCEPT or REPLACE list does not exist")
    return [
        Column(column.name, replaced.get(column.name.lower(), column.expr))
        for column in columns
        if column.name.lower() not in dropped
    ]


def _publish(items: list[Column], scope: Scope) -> None:
    """Let later clauses see the SELECT list's names."""
    for column in items:
        name = column.name.lower()
        known = scope.aliases.get(name)
        if known is not None and known.sql != column.expr.sql:
            scope.ambiguous_aliases.add(name)
        # A literal behind its alias is a FLOAT64 column like any other.
        scope.aliases[name] = dataclasses.replace(column.expr, written=None)
