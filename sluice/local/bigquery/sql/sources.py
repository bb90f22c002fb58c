"""The FROM clause: tables, views, subqueries, UNNEST, joins."""

# ruff: noqa: S608 - writing SQL is what this module does: names are quoted, values are bound as literals

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid, invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import MAX_VIEW_DEPTH, Binder, TableSource
from sluice.local.bigquery.sql.coercion import comparable, convert, unify
from sluice.local.bigquery.sql.expr import Column, Expr, PartitionUse, Relation, Scope, computed
from sluice.local.bigquery.sql.names import access, output
from sluice.local.bigquery.sql.parse import only, parse, place, refuse
from sluice.local.bigquery.types import BOOL, INT64, quoted

_TABLE_PARTS: Final = ("this", "db", "catalog", "alias")


def bind_from(binder: Binder, node: exp.Select, scope: Scope) -> str:
    """Bind FROM and its joins into the scope. Returns DuckDB's FROM clause, or nothing."""
    source = node.args.get("from_")
    if source is None:
        if node.args.get("joins"):
            raise invalid_query("Syntax error: a join without FROM")
        return ""
    only(source, "this")
    sql = _bind_item(binder, source.this, scope)
    for join in [*(source.this.args.get("joins") or []), *(node.args.get("joins") or [])]:
        sql = _bind_join(binder, sql, join, scope)
    return f" FROM {sql}"


def _bind_item(binder: Binder, node: exp.Expr, scope: Scope) -> str:
    sql, relation = _bind_source(binder, node, scope)
    if relation.alias is not None:
        taken = {each.alias.lower() for each in scope.relations if each.alias}
        if relation.alias.lower() in taken:
            raise invalid_query(f"Duplicate table alias {relation.alias} in the same FROM clause")
    scope.relations.append(relation)
    return sql


def _bind_source(binder: Binder, node: exp.Expr, scope: Scope) -> tuple[str, Relation]:
    if isinstance(node, exp.Table):
        return _table(binder, node, scope)
    if isinstance(node, exp.Unnest):
        return _unnest(binder, node, scope)
    if isinstance(node, exp.Subquery):
        only(node, "this", "alias", "joins")
        from sluice.local.bigquery.sql.queries import bind_query  # noqa: PLC0415 - as above

        query = bind_query(binder, node.this, Scope(parent=_outside(scope)))
        return _derived(binder, query.sql, query.columns, node.alias or None)
    raise refuse(node)


def _outside(scope: Scope) -> Scope:
    """Return what a subquery in FROM may see: the queries around, not its neighbours."""
    return Scope(parent=scope.parent, ctes=scope.ctes)


def _derived(binder: Binder, sql: str, columns: list[Column], alias: str | None) -> tuple[str, Relation]:
    name = binder.fresh("r")
    written, relation = _labelled(name, columns, alias)
    return f"({sql}) AS {written}", relation


def _labelled(name: str, columns: Sequence[Column], alias: str | None) -> tuple[str, Relation]:
    """Give the columns their own names, which DuckDB's messages repeat, where these tell them apart."""
    times = Counter(column.name.lower() for column in columns)
    labels = [
        quoted(column.name) if column.name and times[column.name.lower()] == 1 else quoted(f"#{index}")
        for index, column in enumerate(columns)
    ]
    visible = [
        Column(column.name, _moved(column.expr, f"{name}.{label}"))
        for column, label in zip(columns, labels, strict=True)
    ]
    return f"{name}({', '.join(labels)})", Relation(alias, visible)


def _moved(expr: Expr, sql: str) -> Expr:
    return Expr(sql, expr.type, plain=True, partition=expr.partition)


def _table(binder: Binder, node: exp.Table, scope: Scope) -> tuple[str, Relation]:
    only(node, *_TABLE_PARTS, "joins")
    if not isinstance(node.this, exp.Identifier):
        raise unsupported(f"A table function ({node.this.sql(dialect='bigquery')})")
    path = [part.name for part in node.parts]
    alias_node = node.args.get("alias")
    if alias_node is not None:
        only(alias_node, "this")
    alias = node.alias or path[-1]
    if len(path) == 1:
        cte = scope.cte(path[0])
        if cte is not None:
            written, relation = _labelled(binder.fresh("r"), cte.columns, alias)
            return f"{cte.name} AS {written}", relation
    else:
        correlated = _correlated(binder, node, path, scope)
        if correlated is not None:
            return correlated
    if path[-1].upper().startswith("INFORMATION_SCHEMA."):
        return _information_schema(binder, path, node.alias or path[-1].split(".")[-1])
    if any("*" in part for part in path):
        raise unsupported("A wildcard table")
    full = _full_path(binder, path, node)
    table = binder.table(full)
    binder.referenced[full] = table
    if table.view_query is not None:
        return _view(binder, table, alias)
    return _scan(binder, table, alias)


def _correlated(
    binder: Binder, node: exp.Table, path: list[str], scope: Scope
) -> tuple[str, Relation] | None:
    """Read `alias.array` as UNNEST of it, where the first step is a name of this FROM clause."""
    if not any(each.alias and each.alias.lower() == path[0].lower() for each in scope.relations):
        return None
    array = binder.expr(exp.Dot.build([exp.to_identifier(part) for part in path]), scope)
    return _unnested(binder, array, node.alias or path[-1], None)


def _full_path(binder: Binder, path: list[str], node: exp.Expr) -> tuple[str, str, str]:
    if len(path) == 3:  # noqa: PLR2004 - project, dataset, table
        return path[0], path[1], path[2]
    if len(path) == 2:  # noqa: PLR2004 - dataset, table
        return binder.project, path[0], path[1]
    if len(path) == 1:
        if binder.dataset is None:
            raise invalid(f'Table "{path[0]}" must be qualified with a dataset (e.g. dataset.table).')
        return binder.dataset[0], binder.dataset[1], path[0]
    raise invalid_query(f"Invalid table path {'.'.join(path)}{place(node)}")


def _scan(binder: Binder, table: TableSource, alias: str) -> tuple[str, Relation]:
    name = binder.fresh("r")
    use: PartitionUse | None = None
    if table.requires_filter and table.partition_column:
        project, dataset, identifier = table.path
        use = PartitionUse(next(binder.numbers), f"{project}.{dataset}.{identifier}", table.partition_column)
        binder.partition_uses.append(use)
    columns = [
        Column(
            field.name,
            Expr(
                f"{name}.{quoted(field.name)}",
                field.type,
                plain=True,
                partition=use if use and field.name == table.partition_column else None,
            ),
        )
        for field in table.fields
    ]
    return f"{table.store_name} AS {name}", Relation(alias, columns)


def _view(binder: Binder, table: TableSource, alias: str) -> tuple[str, Relation]:
    from sluice.local.bigquery.sql.queries import bind_query  # noqa: PLC0415 - as above

    if binder.view_depth >= MAX_VIEW_DEPTH:
        raise invalid_query(f"Too many nested views; the maximum is {MAX_VIEW_DEPTH} ({table.name})")
    outer = binder.project, binder.dataset, binder.parameters
    binder.project, binder.dataset, binder.parameters = table.path[0], None, []
    binder.view_depth += 1
    try:
        query = bind_query(binder, parse(table.view_query or ""), Scope())
    finally:
        binder.project, binder.dataset, binder.parameters = outer
        binder.view_depth -= 1
    return _derived(binder, query.sql, query.columns, alias)


def _information_schema(binder: Binder, path: list[str], alias: str) -> tuple[str, Relation]:
    view = path[-1].split(".", 1)[1].upper()
    dataset = path[-2] if len(path) > 1 else None
    if dataset is None:
        raise unsupported("INFORMATION_SCHEMA without a dataset")
    columns, rows = binder.metadata((path[0] if len(path) > 2 else binder.project, dataset, view))  # noqa: PLR2004
    name = binder.fresh("r")
    listed = [
        "("
        + ", ".join(
            literals.constant(value, type_).sql for value, (_, type_) in zip(row, columns, strict=True)
        )
        + ")"
        for row in rows
    ]
    # One row of NULLs, filtered away again, gives an empty answer its types.
    empty = "(" + ", ".join(literals.constant(None, type_).sql for _, type_ in columns) + ", false)"
    values = ", ".join([empty, *(f"{row[:-1]}, true)" for row in listed)])
    names = ", ".join([*(output(index) for index in range(len(columns))), "present"])
    visible = [
        Column(column, Expr(f"{name}.{output(index)}", type_, plain=True))
        for index, (column, type_) in enumerate(columns)
    ]
    return f"(SELECT * FROM (VALUES {values}) AS v({names}) WHERE present) AS {name}", Relation(
        alias, visible
    )


def _unnest(binder: Binder, node: exp.Unnest, scope: Scope) -> tuple[str, Relation]:
    only(node, "expressions", "alias", "offset", "explode_array")
    if len(node.expressions) != 1:
        raise unsupported("UNNEST of several arrays")
    array = binder.expr(node.expressions[0], scope.at("UNNEST"))
    alias_node = node.args.get("alias")
    alias = None
    if alias_node is not None:
        names = [each.name for each in alias_node.args.get("columns") or []]
        alias = names[0] if names else alias_node.name
    offset = node.args.get("offset")
    return _unnested(
        binder,
        array,
        alias,
        offset.name if isinstance(offset, exp.Identifier) else ("offset" if offset else None),
    )


def _unnested(binder: Binder, array: Expr, alias: str | None, offset: str | None) -> tuple[str, Relation]:
    element = array.type.item
    if element is None:
        raise invalid_query(
            f"Values referenced in UNNEST must be arrays. UNNEST contains expression of type {array.type}"
        )
    name = binder.fresh("r")
    sql = (
        f"(SELECT unnest(u.a) AS v, generate_subscripts(u.a, 1) - 1 AS o FROM (SELECT {array.sql} AS a) AS u)"
        f" AS {name}"
    )
    value = Expr(f"{name}.v", element if element.kind != "NULL" else INT64, plain=True)
    if value.type.kind == "STRUCT":
        columns = [Column(field, access(value, exp.to_identifier(field))) for field, _ in value.type.fields]
    else:
        columns = [Column(alias or "", value)]
    if offset is not None:
        columns.append(Column(offset, Expr(f"{name}.o", INT64, plain=True)))
    return f"LATERAL {sql}", Relation(alias, columns, value)


def _bind_join(binder: Binder, left: str, join: exp.Join, scope: Scope) -> str:
    only(join, "this", "side", "kind", "on", "using")
    side, kind = str(join.args.get("side") or "").upper(), str(join.args.get("kind") or "").upper()
    if kind not in {"", "CROSS", "INNER", "OUTER"}:
        raise unsupported(f"{kind} JOIN")
    before = list(scope.relations)
    if isinstance(join.this, exp.Unnest) and side in {"RIGHT", "FULL"}:
        raise unsupported(f"{side} JOIN with UNNEST")
    right = _bind_item(binder, join.this, scope)
    for nested in join.this.args.get("joins") or []:
        raise unsupported(f"A join within a join ({nested.sql(dialect='bigquery')})")
    on, using = join.args.get("on"), join.args.get("using")
    if on is None and not using:
        if side:
            if isinstance(join.this, exp.Unnest) and side == "LEFT":
                return f"{left} LEFT JOIN {right} ON true"
            raise invalid_query(f"{side} JOIN must have an immediately following ON or USING clause")
        return f"{left} CROSS JOIN {right}"
    word = f"{side} JOIN" if side else "JOIN"
    if on is None:
        condition = _using(scope, before, using or [], side)
    else:
        condition = convert(binder.expr(on, scope.at("the JOIN ON clause")), BOOL).sql
    return f"{left} {word} {right} ON {condition}"


def _using(scope: Scope, before: list[Relation], names: list[Any], side: str) -> str:
    tests: list[str] = []
    for node in names:
        name = node.name
        first, second = _side(scope, before, name), _side(scope, scope.relations[-1:], name)
        left, right = unify([first, second], "operator =")
        comparable(left, "USING")
        tests.append(f"{left.sql} = {right.sql}")
        merged = {
            "RIGHT": right,
            "FULL": computed(f"coalesce({left.sql}, {right.sql})", left.type, left, right),
        }.get(side, left)
        scope.merged[name.lower()] = Expr(
            merged.sql, merged.type, plain=True, partition=merged.partition, name=name
        )
    return " AND ".join(tests)


def _side(scope: Scope, relations: list[Relation], name: str) -> Expr:
    if name.lower() in scope.merged and relations is not scope.relations[-1:] and len(relations) > 1:
        return scope.merged[name.lower()]
    found = [
        column.expr
        for relation in relations
        for column in relation.columns
        if column.name.lower() == name.lower()
    ]
    if len(found) != 1:
        problem = "not found" if not found else "ambiguous"
        raise invalid_query(f"Column {name} in USING clause {problem} on one side of the join")
    return found[0]
