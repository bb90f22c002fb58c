"""Names in expressions: columns, table aliases, the fields behind a dot, and what `*` stands for."""

from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import ApiError, invalid_query, unsupported
from sluice.local.bigquery.sql.binder import FUNCTIONS, Binder, Call, binds, unrecognized
from sluice.local.bigquery.sql.expr import Column, Expr, Relation, Scope, computed
from sluice.local.bigquery.sql.json_paths import member
from sluice.local.bigquery.sql.parse import only, place, refuse
from sluice.local.bigquery.types import quoted

_NO_PARENTHESES: Final = frozenset({"CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMESTAMP"})


def steps(node: exp.Expr) -> list[exp.Identifier] | None:
    """Return the identifiers of a dotted name, None where it is no such name."""
    if isinstance(node, exp.Column):
        only(node, "this", "table", "db", "catalog")
        parts = node.parts
        return [part for part in parts if isinstance(part, exp.Identifier)] if len(parts) else None
    if isinstance(node, exp.Identifier):
        return [node]
    if isinstance(node, exp.Dot):
        left = steps(node.this)
        right = node.expression
        if left is not None and isinstance(right, exp.Identifier):
            return [*left, right]
    return None


@binds(exp.Column, exp.Dot, exp.Identifier)
def _name(binder: Binder, node: Any, scope: Scope) -> Expr:
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        raise unsupported("A * within an expression")
    parts = steps(node)
    if parts is not None:
        return _without_parentheses(binder, parts, scope) or resolve(parts, scope)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return access(binder.expr(node.this, scope), node.expression)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous):
        return _elsewhere(binder, node.this, node.expression, scope)
    raise refuse(node)


def _elsewhere(binder: Binder, path: exp.Expr, call: exp.Anonymous, scope: Scope) -> Expr:
    from sluice.local.bigquery.sql.routines import routine  # noqa: PLC0415 - its aggregates need this module

    parts = steps(path)
    if parts is None:
        raise unsupported(f"Function {path.sql(dialect='bigquery')}.{call.name}")
    return routine(binder, ".".join(part.name for part in parts), call, scope)


def _without_parentheses(binder: Binder, parts: list[exp.Identifier], scope: Scope) -> Expr | None:
    """Bind CURRENT_DATE and its like, which need no parentheses."""
    name = parts[0].name.upper()
    if len(parts) > 1 or parts[0].args.get("quoted") or name not in _NO_PARENTHESES:
        return None
    try:
        resolve(parts, scope)
    except ApiError:
        return FUNCTIONS[name](Call(binder, name, [], scope))
    raise unsupported(f"A column named {name} without backticks")


def resolve(parts: list[exp.Identifier], scope: Scope) -> Expr:
    """Find what a dotted name means: the innermost query that knows its first step decides."""
    first = parts[0]
    level: Scope | None = scope
    while level is not None:
        found = _at(parts, level)
        if found is not None:
            return found
        level = level.parent
    raise unrecognized(first.name, first)


def _at(parts: list[exp.Identifier], scope: Scope) -> Expr | None:
    first = parts[0].name.lower()
    alias = scope.aliases.get(first) if scope.use_aliases else None
    if alias is not None and scope.prefer_aliases:
        return _alias(parts, first, alias, scope)
    relation = next((each for each in scope.relations if each.alias and each.alias.lower() == first), None)
    if relation is not None:
        if alias is not None and relation.value is not None and alias.sql != relation.value.sql:
            raise _twofold(parts[0], scope)
        return _through(relation, parts)
    if first in scope.merged:
        return _follow(scope.merged[first], parts[1:])
    found = _columns(scope, first)
    if len(found) > 1:
        raise invalid_query(f"Column name {parts[0].name} is ambiguous{place(parts[0])}")
    if found and alias is not None and alias.sql != found[0].sql:
        raise _twofold(parts[0], scope)
    if found:
        return _follow(found[0], parts[1:])
    return _alias(parts, first, alias, scope) if alias is not None else None


def _twofold(name: exp.Identifier, scope: Scope) -> ApiError:
    return unsupported(f"A name that is both a column and an alias in {scope.clause} ({name.name})")


def _alias(parts: list[exp.Identifier], first: str, alias: Expr, scope: Scope) -> Expr:
    if first in scope.ambiguous_aliases:
        raise invalid_query(f"Column name {parts[0].name} is ambiguous{place(parts[0])}")
    if alias.window and not scope.allow_window:
        raise invalid_query(f"Analytic function not allowed in {scope.clause}{place(parts[0])}")
    if alias.aggregate and not scope.allow_aggregate:
        raise invalid_query(f"Aggregate function not allowed in {scope.clause}{place(parts[0])}")
    return _follow(alias, parts[1:])


def _columns(scope: Scope, name: str) -> list[Expr]:
    return [
        column.expr
        for relation in scope.relations
        for column in relation.columns
        if column.name.lower() == name
    ]


def _through(relation: Relation, parts: list[exp.Identifier]) -> Expr:
    if relation.value is not None:
        return _follow(relation.value, parts[1:])
    if len(parts) == 1:
        raise unsupported(f"A table as a value (give {parts[0].name} another alias if a column is meant)")
    wanted = parts[1].name.lower()
    found = [column.expr for column in relation.columns if column.name.lower() == wanted]
    if not found:
        raise invalid_query(f"Name {parts[1].name} not found inside {parts[0].name}{place(parts[1])}")
    if len(found) > 1:
        raise invalid_query(f"Column name {parts[1].name} is ambiguous{place(parts[1])}")
    return _follow(found[0], parts[2:])


def _follow(expr: Expr, parts: list[exp.Identifier]) -> Expr:
    for part in parts:
        expr = access(expr, part)
    return expr


def access(expr: Expr, field: exp.Identifier) -> Expr:
    """Return a field of a STRUCT, or a member of a JSON object."""
    name = field.name
    if expr.type.kind == "JSON":
        return member(expr, name)
    if expr.type.kind != "STRUCT":
        raise invalid_query(f"Cannot access field {name} on a value with type {expr.type}{place(field)}")
    for spelled, type_ in expr.type.fields:
        if spelled.lower() == name.lower():
            found = computed(
                f"struct_extract({expr.sql}, '{spelled.replace(chr(39), chr(39) * 2)}')",
                type_,
                expr,
                plain=True,
            )
            return Expr(
                found.sql,
                type_,
                plain=found.plain,
                aggregate=found.aggregate,
                window=found.window,
                name=spelled,
            )
    raise invalid_query(f"Field name {name} does not exist in {expr.type}{place(field)}")


def star(scope: Scope, prefix: list[exp.Identifier] | None) -> list[Column]:
    """Expand `*` or `name.*`, without EXCEPT and REPLACE."""
    if prefix is None:
        if not scope.relations:
            raise invalid_query("SELECT * must have a FROM clause")
        return _all(scope)
    first = prefix[0].name.lower()
    for relation in scope.relations:
        if relation.alias and relation.alias.lower() == first and len(prefix) == 1 and relation.value is None:
            return [column for column in relation.columns if not column.hidden]
    value = resolve(prefix, scope)
    if value.type.kind != "STRUCT":
        raise invalid_query(f"Dot-star is not supported for type {value.type}{place(prefix[0])}")
    return [Column(name, access(value, exp.to_identifier(name))) for name, _ in value.type.fields]


def _all(scope: Scope) -> list[Column]:
    columns: list[Column] = [Column(expr.name or name, expr) for name, expr in scope.merged.items()]
    for relation in scope.relations:
        columns += [
            column
            for column in relation.columns
            if not column.hidden and column.name.lower() not in scope.merged
        ]
    return columns


def output(position: int) -> str:
    """Return the DuckDB name of a column of a subquery, by position."""
    return quoted(f"c{position}")
