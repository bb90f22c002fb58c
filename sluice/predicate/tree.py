"""A filter as a tree whose types are known: what SQL was checked to, and what is compiled from it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from sluice.contract.columns import Column
from sluice.predicate.types import Type

Value: TypeAlias = str | int | float | Decimal | bool | datetime | date | None
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands in the SQL."""

    type: Type
    value: Value
    text: str
    """As it was written: a FLOAT64 turns into a NUMERIC digit by digit."""
    bare: bool = True
    """Whether it adapts to what it meets: `1.5` does, `NUMERIC '1.5'` does not."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the event that has one value."""

    type: Type
    columns: tuple[Column, ...]
    """From the event inwards."""

    @property
    def name(self) -> str:
        """As in JSON."""
        return ".".join(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Tag:
    """The event's type, which a filter knows as the field `type`."""

    value: str
    type: Type = Type.STRING

    @property
    def name(self) -> str:
        """As in JSON."""
        return "type"


@dataclass(frozen=True, slots=True)
class Items:
    """A field that is a list."""

    element: Type
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """As in JSON."""
        return ".".join(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Convert:
    """A number as one of another type; only as a FLOAT64 it may be rounded."""

    term: "Node"
    type: Type


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an arithmetic operator, NULL when an argument is NULL."""

    name: str
    """As in SQL, in capitals; operators are ADD, SUBTRACT, MULTIPLY and NEGATE; EXTRACT_HOUR and so on."""
    type: Type
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Coalesce:
    """The first of the terms that is not NULL."""

    type: Type
    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition is TRUE; the others are not looked at."""

    type: Type
    branches: tuple[tuple["Node", "Node"], ...]
    default: "Node"


@dataclass(frozen=True, slots=True)
class Length:
    """ARRAY_LENGTH."""

    items: Items
    type: Type = Type.INT64


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one type."""

    operator: Operator
    left: "Node"
    right: "Node"
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class In:
    """Whether a value is one of some that stand in the SQL; a NULL among them makes FALSE a NULL."""

    value: "Node"
    options: tuple[Constant, ...]
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Member:
    """Whether a value is in a list of the event; of numbers, both are of the type `compared`."""

    value: "Node"
    items: Items
    compared: Type
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Like:
    """Whether a STRING matches a pattern of `%`, `_` and backslash escapes."""

    value: "Node"
    pattern: str
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether there is no value; never NULL itself."""

    term: "Node"
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Is:
    """IS TRUE or IS FALSE; never NULL itself."""

    term: "Node"
    value: bool
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Not:
    """NOT, which leaves NULL as it is."""

    term: "Node"
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class And:
    """AND of two terms or more."""

    terms: tuple["Node", ...]
    type: Type = Type.BOOL


@dataclass(frozen=True, slots=True)
class Or:
    """OR of two terms or more."""

    terms: tuple["Node", ...]
    type: Type = Type.BOOL


Logic: TypeAlias = Compare | In | Member | Like | IsNull | Is | Not | And | Or
Node: TypeAlias = Constant | Field | Tag | Convert | Call | Coalesce | Case | Length | Logic
