"""IF, CASE, IN, subqueries as values, arrays and structs, and their parts."""

from typing import Any

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import json_paths
from sluice.local.bigquery.sql.binder import FUNCTIONS, Binder, Call, binds
from sluice.local.bigquery.sql.casts import cast, parse_type
from sluice.local.bigquery.sql.coercion import comparable, convert, unify
from sluice.local.bigquery.sql.expr import Expr, Scope, computed
from sluice.local.bigquery.sql.operators import compare
from sluice.local.bigquery.sql.parse import only
from sluice.local.bigquery.types import BOOL, INT64, JSON, NULL, Type, array_of, quoted, struct_of


@binds(exp.Anonymous)
def _call(binder: Binder, node: exp.Anonymous, scope: Scope) -> Expr:
    only(node, "this", "expressions")
    if isinstance(node.this, exp.Identifier) and "." in node.name:
        from sluice.local.bigquery.sql.routines import routine  # noqa: PLC0415 - its aggregates need this module

        return routine(binder, node.name.rpartition(".")[0], node, scope)
    return _function(Call(binder, str(node.this).upper(), node.expressions, scope))


@binds(exp.SafeFunc)
def _safe_call(binder: Binder, node: exp.SafeFunc, scope: Scope) -> Expr:
    inner = node.this
    if not isinstance(inner, exp.Anonymous):
        raise unsupported("SAFE. before anything but a function's name")
    return _function(Call(binder, str(inner.this).upper(), inner.expressions, scope, safe=True))


def _function(call: Call) -> Expr:
    bind = FUNCTIONS.get(call.name)
    if bind is None:
        raise unsupported(f"Function {call.name}")
    return bind(call)


@binds(exp.If)
def _if(binder: Binder, node: exp.If, scope: Scope) -> Expr:
    only(node, "this", "true", "false")
    condition = convert(binder.expr(node.this, scope), BOOL)
    if node.args.get("false") is None:
        raise invalid_query("No matching signature for function IF for 2 arguments")
    yes, no = unify(
        [binder.expr(node.args["true"], scope), binder.expr(node.args["false"], scope)], "function IF"
    )
    return computed(
        f"CASE WHEN {condition.sql} THEN {yes.sql} ELSE {no.sql} END",
        yes.type,
        condition,
        yes,
        no,
        plain=True,
    )


@binds(exp.Case)
def _case(binder: Binder, node: exp.Case, scope: Scope) -> Expr:
    only(node, "this", "ifs", "default")
    tests = [binder.expr(branch.this, scope) for branch in node.args["ifs"]]
    results = [binder.expr(branch.args["true"], scope) for branch in node.args["ifs"]]
    if node.this:
        subject, *tests = unify([binder.expr(node.this, scope), *tests], "operator CASE")
        tests = [compare("=", subject, test) for test in tests]
    tests = [convert(test, BOOL) for test in tests]
    default = node.args.get("default")
    if default is not None:
        results.append(binder.expr(default, scope))
    unified = unify(results, "operator CASE")
    arms = " ".join(
        f"WHEN {test.sql} THEN {result.sql}" for test, result in zip(tests, unified, strict=False)
    )
    tail = f" ELSE {unified[-1].sql}" if default is not None else ""
    return computed(f"CASE {arms}{tail} END", unified[0].type, *tests, *unified, plain=True)


@binds(exp.In)
def _in(binder: Binder, node: exp.In, scope: Scope) -> Expr:
    only(node, "this", "expressions", "query", "unnest", "negate")
    value = binder.expr(node.this, scope)
    comparable(value, "Operator IN")
    if node.args.get("negate"):
        inner = node.copy()
        inner.set("negate", None)
        found = _in(binder, inner, scope)
        return computed(f"(NOT {found.sql})", BOOL, found)
    if node.args.get("unnest"):
        array = binder.expr(node.args["unnest"].expressions[0], scope)
        if array.type.item is None:
            raise invalid_query(f"Operator IN UNNEST needs an ARRAY, not {array.type}")
        return _among(value, f"(SELECT unnest({array.sql}))", array.type.item, array)
    if node.args.get("query"):
        sql, type_ = _single(binder, node.args["query"], scope)
        return _among(value, f"({sql})", type_)
    items = [binder.expr(item, scope) for item in node.expressions]
    unified = unify([value, *items], "operator IN")
    if unified[0].type.kind == "FLOAT64":
        tests = [compare("=", unified[0], item).sql for item in unified[1:]]
        return computed(f"({' OR '.join(tests)})", BOOL, *unified)
    listed = ", ".join(item.sql for item in unified[1:])
    return computed(f"({unified[0].sql} IN ({listed}))", BOOL, *unified, plain=True)


def _among(value: Expr, rows: str, type_: Type, *parts: Expr) -> Expr:
    if type_.kind == "FLOAT64" or value.type.kind == "FLOAT64":
        raise unsupported("IN over FLOAT64 values of a subquery or array")
    converted = convert(value, type_)
    return computed(f"({converted.sql} IN {rows})", BOOL, converted, *parts)


def _single(binder: Binder, node: exp.Expr, scope: Scope) -> tuple[str, Type]:
    from sluice.local.bigquery.sql.queries import bind_query  # noqa: PLC0415 - as above

    inner = node.this if isinstance(node, exp.Subquery) else node
    query = bind_query(binder, inner, Scope(parent=scope))
    if len(query.columns) != 1:
        raise invalid_query("Scalar subquery cannot have more than one column unless using SELECT AS STRUCT")
    return query.sql, query.columns[0].expr.type


@binds(exp.Subquery)
def _scalar_subquery(binder: Binder, node: exp.Subquery, scope: Scope) -> Expr:
    only(node, "this")
    sql, type_ = _single(binder, node, scope)
    return Expr(f"({sql})", type_)


@binds(exp.Exists)
def _exists(binder: Binder, node: exp.Exists, scope: Scope) -> Expr:
    from sluice.local.bigquery.sql.queries import bind_query  # noqa: PLC0415 - as above

    query = bind_query(binder, node.this, Scope(parent=scope))
    return Expr(f"EXISTS ({query.sql})", BOOL)


def array_subquery(call: Call) -> Expr:
    """Bind `ARRAY(SELECT ...)`."""
    call.count(1)
    sql, type_ = _single(call.binder, call.nodes[0], call.scope)
    return Expr(f"ARRAY({sql})", array_of(type_))


FUNCTIONS["ARRAY"] = array_subquery


@binds(exp.Array)
def _array(binder: Binder, node: exp.Array, scope: Scope) -> Expr:
    items = [binder.expr(item, scope) for item in node.expressions]
    if not items:
        return Expr("CAST([] AS BIGINT[])", array_of(NULL), plain=True)
    unified = unify(items, "array construction")
    if unified[0].type.item is not None:
        raise invalid_query(
            "Cannot construct array with element type ARRAY because nested arrays are not supported"
        )
    listed = ", ".join(item.sql for item in unified)
    return computed(f"[{listed}]", array_of(unified[0].type), *unified, plain=True)


@binds(exp.Bracket)
def _bracket(binder: Binder, node: exp.Bracket, scope: Scope) -> Expr:
    only(node, "this", "expressions", "offset", "safe")
    value = binder.expr(node.this, scope)
    index = binder.expr(node.expressions[0], scope)
    if value.type == JSON:
        if node.args.get("offset") is not None:
            raise invalid_query("OFFSET and ORDINAL are not defined for JSON")
        if index.literal and isinstance(index.value, str):
            return json_paths.member(value, index.value)
        if index.literal and isinstance(index.value, int):
            return json_paths.element(value, index.value)
        raise unsupported("A JSON subscript that is not a literal")
    if value.type.item is None:
        raise invalid_query(f"Element access using [] is not supported on values of type {value.type}")
    position = convert(index, INT64)
    offset = f"({position.sql} - 1)" if node.args.get("offset") == 1 else position.sql
    safe = bool(node.args.get("safe"))
    macro = "bq_safe_at" if safe else "bq_at"
    return computed(f"{macro}({value.sql}, {offset})", value.type.item, value, position, plain=safe)


def _struct(call: Call) -> Expr:
    names: list[str] = []
    parts: list[Expr] = []
    for index, node in enumerate(call.nodes):
        alias = node.alias if isinstance(node, exp.Alias) else None
        part = call.binder.expr(node.this if isinstance(node, exp.Alias) else node, call.scope)
        inferred = alias or (node.name if isinstance(node, exp.Column) else part.name)
        names.append(inferred or f"_field_{index + 1}")
        parts.append(convert(part, INT64) if part.type == NULL else part)
    return build_struct(names, parts)


def build_struct(names: list[str], parts: list[Expr]) -> Expr:
    """Return a STRUCT of named parts."""
    if not parts:
        raise unsupported("A STRUCT without fields")
    if len({name.lower() for name in names}) < len(names):
        raise unsupported("A STRUCT with two fields of one name")
    packed = ", ".join(f"{quoted(name)} := {part.sql}" for name, part in zip(names, parts, strict=True))
    fields = tuple((name, part.type) for name, part in zip(names, parts, strict=True))
    return computed(f"struct_pack({packed})", struct_of(*fields), *parts, plain=True)


FUNCTIONS["STRUCT"] = _struct


@binds(exp.Tuple)
def _tuple(binder: Binder, node: exp.Tuple, scope: Scope) -> Expr:
    return _struct(Call(binder, "STRUCT", node.expressions, scope))


@binds(exp.Cast, exp.TryCast)
def _cast(binder: Binder, node: Any, scope: Scope) -> Expr:
    if node.args.get("format"):
        raise unsupported("CAST with FORMAT")
    target = parse_type(node.args["to"])
    safe = isinstance(node, exp.TryCast)
    inner = node.this
    # Only a constructor, not a CAST, has these: ARRAY<INT64>[1], STRUCT<a INT64>(1).
    if isinstance(inner, exp.Struct) or (
        isinstance(inner, exp.Array) and "value_constructor" not in inner.args
    ):
        return _constructed(binder, inner, target, scope)
    return cast(binder.expr(inner, scope), target, safe=safe)


def _constructed(binder: Binder, node: exp.Expr, target: Type, scope: Scope) -> Expr:
    """Bind a value of a type that was written before it, or around it."""
    if isinstance(node, exp.Array):
        if target.item is None:
            raise invalid_query(f"Array constructor does not match {target}")
        item_type = target.item
        items = [_constructed(binder, item, item_type, scope) for item in node.expressions]
        listed = ", ".join(item.sql for item in items)
        return computed(f"CAST([{listed}] AS {target.duck})", target, *items, plain=True)
    if not isinstance(node, exp.Struct | exp.Tuple):
        return convert(binder.expr(node, scope), target)
    if target.kind != "STRUCT" or len(target.fields) != len(node.expressions):
        raise invalid_query(f"Struct constructor does not match {target}")
    parts = [
        _constructed(binder, item, type_, scope)
        for item, (_, type_) in zip(node.expressions, target.fields, strict=True)
    ]
    return build_struct([name for name, _ in target.fields], parts)


@binds(exp.ParseJSON)
def _json_literal(binder: Binder, node: exp.ParseJSON, scope: Scope) -> Expr:
    return (
        cast(binder.expr(node.this, scope), JSON, safe=False)
        if node.args.get("is_literal")
        else _refuse_json()
    )


def _refuse_json() -> Expr:
    raise unsupported("Function PARSE_JSON")
