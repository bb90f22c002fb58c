"""From a statement in BigQuery's SQL to what this server does for it."""

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported

# Registering what each module binds:
from sluice.local.bigquery.sql import (
    aggregates,
    arrays,
    conditions,
    conversions,
    format_text,
    json_functions,
    json_text,
    mathematics,
    names,
    operators,
    routines,
    strings,
    temporal,
    top_values,
    windows,
)
from sluice.local.bigquery.sql.binder import Binder
from sluice.local.bigquery.sql.expr import Scope
from sluice.local.bigquery.sql.parse import only, parse
from sluice.local.bigquery.sql.queries import bind_query
from sluice.local.bigquery.types import Type

REGISTERED: Final = (
    aggregates, arrays, conditions, conversions, format_text, json_functions, json_text, mathematics, names,
    operators, routines, strings, temporal, top_values, windows,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Selection:
    """A query: DuckDB SQL whose columns are c0, c1, ..., and their BigQuery names and types."""

    sql: str
    columns: list[tuple[str, Type]]


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW."""

    path: list[str]
    query: str
    replace: bool


@dataclass(frozen=True, slots=True)
class AddColumns:
    """ALTER TABLE ... ADD COLUMN."""

    path: list[str]
    columns: list[tuple[str, Type, bool]]


Statement = Selection | CreateView | AddColumns


def translate(binder: Binder, sql: str) -> Statement:
    """Translate one statement. Raises ApiError 400 or 404."""
    node = parse(sql)
    try:
        if isinstance(node, exp.Query):
            return _selection(binder, node)
        if isinstance(node, exp.Create) and str(node.args.get("kind")).upper() == "VIEW":
            return _create_view(node, sql)
        if isinstance(node, exp.Alter):
            return _alter(node)
    except RecursionError:
        raise invalid_query("The query is nested too deeply.") from None
    raise unsupported(f"The statement {sql.split(maxsplit=1)[0].upper().rstrip(';')}")


def _selection(binder: Binder, node: exp.Expr) -> Selection:
    query = bind_query(binder, node, Scope())
    binder.check_partition_filters()
    seen: set[str] = set()
    for column in query.columns:
        if column.name.lower() in seen:
            raise invalid_query(
                f"Duplicate column names in the result are not supported. Found duplicate(s): {column.name}"
            )
        seen.add(column.name.lower())
    columns = [(column.name or f"f{index}_", column.expr.type) for index, column in enumerate(query.columns)]
    return Selection(query.sql, columns)


def _create_view(node: exp.Create, sql: str) -> CreateView:
    only(node, "this", "kind", "replace", "expression")
    if not isinstance(node.this, exp.Table):
        raise unsupported("CREATE VIEW with a column list")
    body = node.expression
    start = sql.upper().find(" AS ")
    if body is None or start < 0:
        raise unsupported("This form of CREATE VIEW")
    return CreateView(
        [part.name for part in node.this.parts],
        sql[start + 4 :].strip().rstrip(";"),
        bool(node.args.get("replace")),
    )


def _alter(node: exp.Alter) -> AddColumns:
    from sluice.local.bigquery.sql.casts import parse_type  # noqa: PLC0415 - used here alone

    only(node, "this", "kind", "actions")
    columns: list[tuple[str, Type, bool]] = []
    for action in node.args["actions"]:
        if not isinstance(action, exp.ColumnDef):
            raise unsupported(f"ALTER TABLE with {type(action).__name__}")
        only(action, "this", "kind", "exists")
        columns.append((action.name, parse_type(action.args["kind"]), bool(action.args.get("exists"))))
    return AddColumns([part.name for part in node.this.parts], columns)
