"""The binder: it knows what a query may name, and hands each node of a syntax tree to its binding."""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query
from sluice.local.bigquery.sql.expr import Expr, PartitionUse, Scope
from sluice.local.bigquery.sql.parse import place, refuse
from sluice.local.bigquery.types import Field, Type

# Views within views; BigQuery's own limit is 16 levels.
MAX_VIEW_DEPTH: Final = 16

Bind = Callable[["Binder", Any, Scope], Expr]


class TableSource(Protocol):
    """What the binder wants to know of a table."""

    path: tuple[str, str, str]
    store_name: str
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        """The table as messages name it."""

    @property
    def view_query(self) -> str | None:
        """The SQL of a view."""

    @property
    def partition_column(self) -> str | None:
        """The partition column."""

    @property
    def requires_filter(self) -> bool:
        """Whether a filter on the partition column is required."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter, by name or by position."""

    name: str | None
    expr: Expr


@dataclass(slots=True)
class Binder:
    """One statement's binding. `table` finds a table or raises ApiError 404."""

    table: Callable[[tuple[str, str, str]], TableSource]
    metadata: Callable[[tuple[str, str, str]], tuple[list[tuple[str, Type]], list[list[Any]]]]
    project: str
    dataset: tuple[str, str] | None
    now: dt.datetime
    parameters: list[Parameter] = field(default_factory=list)
    referenced: dict[tuple[str, str, str], TableSource] = field(default_factory=dict)
    partition_uses: list[PartitionUse] = field(default_factory=list)
    filtered: set[int] = field(default_factory=set)
    view_depth: int = 0
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    positions: "itertools.count[int]" = field(default_factory=itertools.count)

    def fresh(self, prefix: str) -> str:
        """Return a name that nothing else in the DuckDB SQL has."""
        return f"{prefix}{next(self.numbers)}"

    def expr(self, node: exp.Expr, scope: Scope) -> Expr:
        """Bind an expression, or raise ApiError 400."""
        bind = NODES.get(type(node))
        if bind is None:
            raise refuse(node)
        return bind(self, node, scope)

    def check_partition_filters(self) -> None:
        """Refuse a query that reads a table without the filter which that table requires."""
        for use in self.partition_uses:
            if use.number not in self.filtered:
                raise invalid_query(
                    f"Cannot query over table '{use.table}' without a filter over column(s) '{use.column}' "
                    "that can be used for partition elimination"
                )


NODES: Final[dict[type[exp.Expr], Bind]] = {}


def binds(*types: type[exp.Expr]) -> Callable[[Bind], Bind]:
    """Register what binds these nodes."""

    def register(bind: Bind) -> Bind:
        for type_ in types:
            NODES[type_] = bind
        return bind

    return register


@dataclass(frozen=True, slots=True)
class Call:
    """A function call being bound."""

    binder: Binder
    name: str
    nodes: list[exp.Expr]
    scope: Scope
    safe: bool = False
    over: str | None = None

    def arg(self, index: int) -> Expr:
        """Bind one argument."""
        return self.binder.expr(self.nodes[index], self.scope)

    def args(self) -> list[Expr]:
        """Bind all arguments."""
        return [self.binder.expr(node, self.scope) for node in self.nodes]

    def count(self, low: int, high: int | None = None) -> None:
        """Refuse a wrong number of arguments."""
        if not low <= len(self.nodes) <= (low if high is None else high):
            raise invalid_query(
                f"No matching signature for function {self.name} for {len(self.nodes)} arguments"
            )


FUNCTIONS: Final[dict[str, Callable[[Call], Expr]]] = {}


def function(*names: str) -> Callable[[Callable[[Call], Expr]], Callable[[Call], Expr]]:
    """Register a function under its names."""

    def register(bind: Callable[[Call], Expr]) -> Callable[[Call], Expr]:
        for name in names:
            FUNCTIONS[name] = bind
        return bind

    return register


def unrecognized(name: str, node: exp.Expr) -> Exception:
    """Say, as BigQuery does, that a name means nothing here."""
    return invalid_query(f"Unrecognized name: {name}{place(node)}")
