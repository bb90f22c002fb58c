"""Names resolved: views put in, every column with its table and its type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import OptimizeError, ParseError, SchemaError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from sluice.local.athena.kinds import trino_type
from sluice.local.athena.refusals import QueryRefused, syntax, unsupported

DIALECT: Final = "athena"
DEEPEST: Final = 20
"""Views within views."""

CATALOG: Final = "awsdatacatalog"


class Catalog(Protocol):
    """Where tables and views are: sluice.local.lake.catalog.LakeCatalog."""

    def load(self, database: str, table: str) -> Any:
        """Return a pyiceberg table at its newest snapshot; raises for one that is not there."""

    def view_sql(self, database: str, name: str) -> str | None:
        """Return the query of a view; None for what is none."""


@dataclass(slots=True)
class Resolved:
    """A query whose tables are `tables`, by the one name under which each stands in it."""

    query: exp.Query
    tables: Mapping[str, Any] = field(default_factory=dict)


def parse(sql: str) -> exp.Query:
    """Return the one query that the text holds."""
    try:
        found = [each for each in sqlglot.parse(sql, read=DIALECT) if each is not None]
    except (ParseError, TokenError) as error:
        raise syntax(_first_line(error)) from None
    except Exception as error:  # noqa: BLE001 - sqlglot's parser stumbles over wild text in other ways, too
        raise syntax(f"this cannot be read: {_first_line(error)}") from None
    if len(found) != 1:
        raise syntax("give exactly one query")
    (query,) = found
    if not isinstance(query, exp.Query):
        raise unsupported("any statement but a query", "begin with SELECT or WITH")
    if any(join.args.get("method") for join in query.find_all(exp.Join)):
        raise unsupported("a NATURAL or ASOF JOIN", "write JOIN ... ON")
    return query


def resolve(sql: str, catalog: Catalog, database: str) -> Resolved:
    """Put views in, load the tables, and give every column its table and type.

    Raises:
        QueryRefused: a name that is not there, or not clear.
    """
    tables: dict[tuple[str, str], Any] = {}
    query = _expanded(parse(sql), catalog, database, tables, DEEPEST)
    names = {key: f"lake_{place}" for place, key in enumerate(tables)}
    schema: dict[str, object] = {
        names[key]: {each.name: trino_type(each.field_type) for each in table.schema().fields}
        for key, table in tables.items()
    }
    for node in _base_tables(query):
        key = (node.db.lower(), node.name.lower())
        if not node.alias:
            node.set("alias", exp.TableAlias(this=node.this.copy()))
        node.set("this", exp.to_identifier(names[key]))
        for part in ("db", "catalog"):
            node.set(part, None)
    _name_columns(query)
    _name_order(query)
    try:
        # a name of the answer means nothing in its WHERE, GROUP BY or HAVING, nor beside it
        qualified = qualify(
            query, dialect=DIALECT, schema=schema, quote_identifiers=False, expand_alias_refs=False
        )
        typed = annotate_types(qualified, schema=schema, expression_metadata=_METADATA, dialect=DIALECT)
    except (OptimizeError, SchemaError) as error:
        raise QueryRefused(f"COLUMN_NOT_FOUND: {_first_line(error)}") from None
    except (AssertionError, KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise unsupported(
            f"a query of this form ({type(error).__name__} while its names were looked up)"
        ) from None
    if not isinstance(typed, exp.Query):
        raise unsupported("this statement")
    return Resolved(typed, {names[key]: table for key, table in tables.items()})


def _number(annotator: Any, node: exp.Literal) -> exp.Literal:
    """Type a literal: with a point and no exponent it is a DECIMAL (trino.io, "Data types").

    sqlglot takes it for a DOUBLE, which divides in another way.
    """
    if node.is_string or node.is_int or "e" in node.name.lower():
        typed: exp.Literal = _SQLGLOT[exp.Literal]["annotator"](annotator, node)
        return typed
    annotator._set_type(node, exp.DataType.Type.DECIMAL)  # noqa: SLF001 - annotators are given nothing else
    return node


_SQLGLOT: Final[Mapping[Any, Any]] = Dialect.get_or_raise(DIALECT).EXPRESSION_METADATA
_METADATA: Final[dict[Any, Any]] = {**_SQLGLOT, exp.Literal: {"annotator": _number}}


def _name_columns(query: exp.Query) -> None:
    """Name the columns of the answer that have no name as Athena does."""
    for place, column in enumerate(query.selects):
        if not isinstance(column, exp.Alias | exp.Column | exp.Dot | exp.Star):
            name = exp.to_identifier(column.alias or f"_col{place}", quoted=True)
            column.replace(exp.Alias(this=column.unalias().copy(), alias=name))


def _name_order(query: exp.Query) -> None:
    """Put the answer's columns into the expressions of ORDER BY: there a name means them before a table's."""
    for select in query.find_all(exp.Select):
        order = select.args.get("order")
        if order is None:
            continue
        named = {each.alias.lower(): each.this for each in select.selects if isinstance(each, exp.Alias)}
        for ordered in order.expressions:
            for column in list(ordered.find_all(exp.Column)):
                inner = named.get(column.name.lower())
                if inner is not None and column.parent is not ordered and not column.table:
                    column.replace(exp.Paren(this=inner.copy()))


def _expanded(
    query: exp.Query, catalog: Catalog, database: str, tables: dict[tuple[str, str], Any], deepest: int
) -> exp.Query:
    """Put the query of each view where its name stands, and load what is a table."""
    if not deepest:
        raise QueryRefused("INVALID_VIEW: a view stands for itself, or views are nested too deep")
    for node in _base_tables(query):
        if any(node.args.get(each) for each in ("sample", "pivots", "version", "when", "changes")):
            raise unsupported(f"`{node.sql(DIALECT)}`", "read the table as it is")
        if node.catalog and node.catalog.lower() != CATALOG:
            raise QueryRefused(f"CATALOG_NOT_FOUND: Catalog '{node.catalog}' does not exist")
        where, name = (node.db or database).lower(), node.name.lower()
        if (where, name) in tables:
            node.set("db", exp.to_identifier(where, quoted=True))
            continue
        text = catalog.view_sql(where, name)
        if text is None:
            tables[where, name] = _loaded(catalog, where, name)
            node.set("db", exp.to_identifier(where, quoted=True))
            continue
        inner = _expanded(parse(text), catalog, where, tables, deepest - 1)
        alias = exp.TableAlias(
            this=exp.to_identifier(node.alias or node.name, quoted=True), columns=_columns(node)
        )
        put = exp.Subquery(this=inner, alias=alias, joins=node.args.get("joins"))
        node.replace(put)
    return query


def _columns(node: exp.Table) -> list[exp.Expr]:
    alias = node.args.get("alias")
    return list(alias.columns) if isinstance(alias, exp.TableAlias) else []


def _loaded(catalog: Catalog, database: str, table: str) -> Any:
    from pyiceberg.exceptions import NoSuchTableError  # noqa: PLC0415 - takes a second to import

    try:
        return catalog.load(database, table)
    except NoSuchTableError:
        raise QueryRefused(f"TABLE_NOT_FOUND: Table '{CATALOG}.{database}.{table}' does not exist") from None


def _base_tables(query: exp.Query) -> list[exp.Table]:
    """Return the tables that are no names of the query's own WITH."""
    return [node for node in query.find_all(exp.Table) if not _of_with(node) and node.name]


def _of_with(node: exp.Table) -> bool:
    """Whether a name is one of a WITH around it: of those before the one that it stands in."""
    if node.db or node.catalog:
        return False
    at: exp.Expr | None = node
    within: exp.Expr | None = None
    while at is not None:
        found = at.args.get("with_")
        for cte in found.expressions if found is not None else ():
            if cte is within:
                break
            if cte.alias.lower() == node.name.lower():
                return True
        within = at if isinstance(at, exp.CTE) else within
        at = at.parent
    return False


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n", maxsplit=1)[0].split())
