"""GROUP BY: keys by name and by position, ALL, ROLLUP, CUBE and GROUPING SETS."""

from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql.binder import FUNCTIONS, Binder, Call
from sluice.local.bigquery.sql.coercion import comparable
from sluice.local.bigquery.sql.expr import Expr, Scope
from sluice.local.bigquery.sql.ordering import ordinal
from sluice.local.bigquery.sql.parse import only
from sluice.local.bigquery.types import INT64

_SETS: Final = {exp.Rollup: "ROLLUP", exp.Cube: "CUBE", exp.GroupingSets: "GROUPING SETS"}


def bind_group(binder: Binder, node: exp.Select, scope: Scope, exprs: list[Expr]) -> str:
    """Return DuckDB's GROUP BY clause, or nothing; `exprs` is the SELECT list."""
    clause = node.args.get("group")
    if clause is None:
        return ""
    only(clause, "expressions", "all")
    if clause.args.get("all"):
        return _all(node, scope, exprs)
    names = scope.at("the GROUP BY clause", aliases=True, prefer=True)
    terms = [_term(binder, each, names, exprs) for each in clause.expressions]
    if len(terms) > 1 and any(type(each) in _SETS for each in clause.expressions):
        raise unsupported("ROLLUP, CUBE or GROUPING SETS beside other terms of GROUP BY")
    return f" GROUP BY {', '.join(terms)}"


def _all(node: exp.Select, scope: Scope, exprs: list[Expr]) -> str:
    """Group by what the SELECT list says of this FROM clause outside aggregates and windows."""
    if node.args.get("from_") is None:
        raise invalid_query("Query without FROM clause cannot have a GROUP BY clause")
    known = [column.expr.sql for relation in scope.relations for column in relation.columns]
    known += [relation.value.sql for relation in scope.relations if relation.value is not None]
    keys: list[str] = []
    for expr in exprs:
        if not expr.aggregate and not expr.window and any(name in expr.sql for name in known):
            comparable(expr, "GROUP BY")
            keys.append(expr.sql)
    return f" GROUP BY {', '.join(keys) or '()'}"


def _term(binder: Binder, node: Any, scope: Scope, exprs: list[Expr]) -> str:
    word = _SETS.get(type(node))
    if word is not None:
        only(node, "expressions")
        inside = [_element(binder, each, scope, exprs, nested=word) for each in node.expressions]
        return f"{word} ({', '.join(inside)})"
    return _key(binder, node, scope, exprs)


def _element(binder: Binder, node: Any, scope: Scope, exprs: list[Expr], *, nested: str) -> str:
    if isinstance(node, exp.Tuple):
        return f"({', '.join(_key(binder, each, scope, exprs) for each in node.expressions)})"
    if isinstance(node, exp.GroupingSets) or (type(node) in _SETS and nested != "GROUPING SETS"):
        raise unsupported(f"{_SETS[type(node)]} within {nested}")
    return _term(binder, node, scope, exprs)


def _key(binder: Binder, node: Any, scope: Scope, exprs: list[Expr]) -> str:
    if isinstance(node, exp.Literal) and not node.is_string:
        key = ordinal(node, exprs, "GROUP BY")
    else:
        key = binder.expr(node, scope)
    if key.aggregate:
        raise invalid_query("Aggregate function not allowed in the GROUP BY clause")
    comparable(key, "GROUP BY")
    return key.sql


def _grouping(call: Call) -> Expr:
    call.count(1)
    if not call.scope.allow_aggregate:
        raise invalid_query(f"Aggregate function GROUPING not allowed in {call.scope.clause}")
    if call.safe or not isinstance(call.nodes[0], exp.Column):
        raise unsupported("GROUPING of anything but a column")
    value = call.binder.expr(call.nodes[0], call.scope.at("an argument of GROUPING"))
    return Expr(f"grouping({value.sql})", INT64, aggregate=True)


FUNCTIONS["GROUPING"] = _grouping
