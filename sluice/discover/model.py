"""A contract as it was inferred: what the module that is printed says, and what is to be said about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Base(StrEnum):
    """What a field holds; its text is the name to write in Python."""

    TEXT = "str"
    INTEGER = "int"
    FLOAT = "float"
    BOOLEAN = "bool"
    DECIMAL = "Decimal"
    TIMESTAMP = "datetime"
    DATE = "date"
    JSON = "Json"
    CHOICES = "Literal"
    NESTED = "Nested"


@dataclass(frozen=True, slots=True)
class Held:
    """What one value is, or each item of a list."""

    base: Base
    choices: tuple[str, ...] = ()
    fields: tuple["Field", ...] = ()
    """Of a Nested class."""
    rules: tuple[tuple[str, str], ...] = ()
    """Arguments of `field(...)`, as they are written."""
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a class."""

    name: str
    """As in JSON."""
    held: Held
    optional: bool
    seen: str = field(default="", compare=False)
    """What the values were, where the class does not say it."""
    unsure: tuple[str, ...] = field(default=(), compare=False)
    """What is a guess, a sentence each."""


@dataclass(frozen=True, slots=True)
class EventClass:
    """One event type."""

    tag: str
    """The value of `type`."""
    origin: str
    """What names the type in the records; empty where nothing does."""
    count: int
    fields: tuple[Field, ...]
    time: str
    """Names of fields are as in JSON, here too."""
    id: str | None = None
    cluster: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    """What producers have to change: until then their events are refused."""
    missing: tuple[tuple[str, str], ...] = ()
    """Fields that events lack and a contract needs, each with a value that would do, as JSON."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """A whole contract."""

    source: str
    records: int
    events: tuple[EventClass, ...]
    must: tuple[str, ...] = ()
    """What concerns all of the stream, here and in what is unsure."""
    unsure: tuple[str, ...] = ()


def walk(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield the fields, and those of the classes that they hold."""
    for each in fields:
        yield each
        yield from walk(each.held.fields)
