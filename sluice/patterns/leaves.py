"""Fields of a condition, as they stand in JSON: what null and absence mean, and which values are taken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any, TypeAlias, get_args

import msgspec

from sluice.contract import EventType
from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode
from sluice.patterns.lines import Line, line_of
from sluice.predicate.tree import Field, Items, Node
from sluice.predicate.types import Type

Path: TypeAlias = tuple[str, ...]
"""Names as in JSON, from the event inwards."""

_NODES: tuple[type, ...] = (*get_args(Node), Items)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that holds no struct."""

    columns: tuple[Column, ...]
    """From the event inwards."""
    line: Line | None
    absent: tuple[Any, ...]
    """What it stands for when there is no such key, each value once, None for NULL; empty if required."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return tuple(column.name for column in self.columns)

    @property
    def name(self) -> str:
        """The same for people."""
        return ".".join(self.path)

    @property
    def column(self) -> Column:
        """Its own column."""
        return self.columns[-1]

    @property
    def listed(self) -> bool:
        """Whether it is a list."""
        return self.column.mode is Mode.REPEATED

    @property
    def nullable(self) -> bool:
        """Whether JSON may say null in its place."""
        return self.column.nullable

    @property
    def choices(self) -> tuple[Any, ...]:
        """All its values as Python has them, where they can be listed."""
        return (True, False) if self.column.kind is Kind.BOOLEAN else self.column.choices

    def event(self, value: Any) -> SimpleNamespace:
        """An event of which nothing but this field is known; a NULL lies as far outside as it can."""
        return event_of({tuple(column.attribute for column in self._cut(value)): value})

    def _cut(self, value: Any) -> tuple[Column, ...]:
        if value is not None:
            return self.columns
        depth = next((at for at, column in enumerate(self.columns) if column.nullable), len(self.columns) - 1)
        return self.columns[: depth + 1]


def leaf_of(event_type: EventType, columns: tuple[Column, ...]) -> Leaf:
    """The leaf at the end of the columns."""
    own = columns[-1]
    line = None if own.kind is Kind.STRING else line_of(own)
    return Leaf(columns, line, tuple(_distinct(_absences(event_type.cls, columns))))


def leaves(event_type: EventType, node: Any) -> list[Leaf]:
    """The leaves that a condition looks at, in the order met; of a struct the one that tells if it is there.

    Raises:
        LookupError: a struct has no field that tells whether it is there; the error carries its name.
    """
    found: dict[Path, Leaf] = {}
    for one in walk(node):
        if isinstance(one, Field | Items):
            columns = one.columns
            if isinstance(one, Field) and one.type is Type.STRUCT:
                columns = (*columns, *witness(columns))
            leaf = leaf_of(event_type, columns)
            found.setdefault(leaf.path, leaf)
    return list(found.values())


def witness(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """A field within a struct, required and no list: it has a value if, and only if, the struct is there."""
    for column in columns[-1].columns:
        if column.mode is Mode.REQUIRED and column.kind is not Kind.JSON:
            if column.kind is not Kind.STRUCT:
                return (column,)
            return (column, *witness((*columns, column)))
    raise LookupError(".".join(column.name for column in columns))


def walk(node: Any) -> Iterator[Any]:
    """A node and all within it."""
    yield node
    for field in fields(node):
        yield from _within(getattr(node, field.name))


def _within(value: Any) -> Iterator[Any]:
    if isinstance(value, _NODES):
        yield from walk(value)
    elif isinstance(value, tuple):
        for one in value:
            yield from _within(one)


def event_of(values: dict[tuple[str, ...], Any]) -> SimpleNamespace:
    """An event with values at paths of attributes."""
    event = SimpleNamespace()
    for path, value in values.items():
        place = event
        for attribute in path[:-1]:
            if not hasattr(place, attribute):
                setattr(place, attribute, SimpleNamespace())
            place = getattr(place, attribute)
        setattr(place, path[-1], value)
    return event


def _absences(cls: Any, columns: Sequence[Column]) -> Iterator[Any]:
    """What it can mean that nothing stands at the end of the columns."""
    for depth, column in enumerate(columns):
        last = depth == len(columns) - 1
        if column.optional:
            yield _inside(_default(cls, column.attribute), columns[depth + 1 :])
        if column.nullable and not last:
            yield _nothing(columns[-1])
        if last and column.mode is Mode.REPEATED and not column.spec.min_items:
            yield ()
        cls = column.struct


def _default(cls: Any, attribute: str) -> Any:
    found = next(one for one in msgspec.structs.fields(cls) if one.name == attribute)
    return found.default if found.default_factory is msgspec.NODEFAULT else found.default_factory()


def _inside(value: Any, columns: Sequence[Column]) -> Any:
    for column in columns:
        if value is None:
            return _nothing(columns[-1])
        value = getattr(value, column.attribute)
    return tuple(value) if isinstance(value, list) else value


def _nothing(column: Column) -> Any:
    """Of a NULL struct, a list has no items and anything else is NULL."""
    return () if column.mode is Mode.REPEATED else None


def _distinct(values: Iterator[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(type(one) is type(value) and one == value for one in found):
            found.append(value)
    return found
