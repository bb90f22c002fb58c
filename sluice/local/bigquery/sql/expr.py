"""What the binder works with: bound expressions, and the names that are visible at a place of a query."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sluice.local.bigquery.types import Type

_NO_VALUE: Final = object()


@dataclass(frozen=True, slots=True)
class PartitionUse:
    """A reading of a table that requires a filter; `filtered` holds the numbers of those that have one."""

    number: int
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Expr:
    """A bound expression: DuckDB SQL and its BigQuery type.

    `literal` marks a constant whose `value` is known while binding (a string may then become a date, say).
    `written` is how a FLOAT64 literal was written: beside a NUMERIC it becomes one, digit by digit.
    `plain` says that evaluating it cannot fail. `partition` is set where it is a partition column, unchanged.
    """

    sql: str
    type: Type
    value: Any = _NO_VALUE
    plain: bool = False
    aggregate: bool = False
    window: bool = False
    partition: PartitionUse | None = None
    name: str | None = None
    written: str | None = None

    @property
    def literal(self) -> bool:
        """Whether the expression was written as a literal or a query parameter."""
        return self.value is not _NO_VALUE

    def as_type(self, sql: str, type_: Type) -> "Expr":
        """Return the same expression after a conversion."""
        return dataclasses.replace(self, sql=sql, type=type_, partition=None, value=_NO_VALUE, written=None)


def computed(sql: str, type_: Type, *parts: Expr, plain: bool = False) -> Expr:
    """Return an expression made of others; it aggregates or looks through windows if one of them does."""
    return Expr(
        sql,
        type_,
        plain=plain and all(part.plain for part in parts),
        aggregate=any(part.aggregate for part in parts),
        window=any(part.window for part in parts),
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation; `hidden` ones are found by name but left out of `*`."""

    name: str
    expr: Expr
    hidden: bool = False


@dataclass(slots=True)
class Relation:
    """Something in a FROM clause. `alias` is None without a name; `value` is what an UNNEST yields."""

    alias: str | None
    columns: list[Column]
    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class Cte:
    """A named subquery: how DuckDB knows it, and its columns by position."""

    name: str
    columns: tuple[Column, ...]


@dataclass(slots=True)
class Scope:
    """The names visible at a place: relations of this FROM clause, then those of the queries around it."""

    parent: "Scope | None" = None
    ctes: Mapping[str, Cte] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    aliases: dict[str, Expr] = field(default_factory=dict)
    ambiguous_aliases: set[str] = field(default_factory=set)
    prefer_aliases: bool = False
    use_aliases: bool = False
    windows: dict[str, Any] = field(default_factory=dict)
    clause: str = "the SELECT list"
    allow_aggregate: bool = False
    allow_window: bool = False
    merged: dict[str, Expr] = field(default_factory=dict)

    def at(
        self,
        clause: str,
        *,
        aggregate: bool = False,
        window: bool = False,
        aliases: bool = False,
        prefer: bool = False,
    ) -> "Scope":
        """Return the same names as they are visible in one clause."""
        return dataclasses.replace(
            self,
            clause=clause,
            allow_aggregate=aggregate,
            allow_window=window,
            use_aliases=aliases,
            prefer_aliases=prefer,
        )

    def cte(self, name: str) -> Cte | None:
        """Find a named subquery, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.ctes.get(name.lower())
            if found is not None:
                return found
            scope = scope.parent
        return None
