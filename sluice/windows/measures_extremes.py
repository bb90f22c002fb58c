"""The smallest and the largest value."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sluice.contract.kinds import Kind
from sluice.windows.exact import plain, plain_text
from sluice.windows.measures_base import Accumulator


@dataclass(frozen=True, slots=True)
class Form:
    """How the values of a kind are written."""

    canonical: Callable[[Any], Any]
    """One of several that compare equal: 0.0 for -0.0, 1.5 for 1.50."""
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]
    text: Callable[[Any], str]


def same(value: Any) -> Any:
    """The value as it is."""
    return value


def moment_text(moment: datetime) -> str:
    """A moment of UTC in RFC 3339: `2015-05-17T10:00:00Z`."""
    return moment.isoformat().replace("+00:00", "Z")


FORMS: Mapping[Kind, Form] = {
    Kind.INTEGER: Form(canonical=same, pack=same, unpack=same, text=str),
    Kind.FLOAT: Form(
        canonical=lambda value: value + 0.0, pack=lambda value: value + 0.0, unpack=float, text=repr
    ),
    Kind.DECIMAL: Form(canonical=plain, pack=plain_text, unpack=Decimal, text=plain_text),
    Kind.TIMESTAMP: Form(canonical=same, pack=same, unpack=same, text=moment_text),
    Kind.DATE: Form(canonical=same, pack=date.isoformat, unpack=date.fromisoformat, text=date.isoformat),
}


class Extreme(Accumulator):
    """The value that comes before all others; None while there is none."""

    def __init__(self, kind: Kind) -> None:
        self.form = FORMS[kind]

    def new(self) -> None:
        """No value."""
        return

    @abstractmethod
    def add(self, partial: Any, value: Any) -> Any:
        """The one of the two that comes first."""

    def merge(self, one: Any, other: Any) -> Any:
        """The one of the two that comes first."""
        return one if other is None else self.add(one, other)

    def pack(self, partial: Any) -> Any:
        """The value as msgpack takes it; a moment as msgpack's timestamp."""
        return None if partial is None else self.form.pack(partial)

    def unpack(self, packed: Any) -> Any:
        """What `pack` was given."""
        return None if packed is None else self.form.unpack(packed)

    def value(self, partial: Any, options: Mapping[str, Any]) -> Any:  # noqa: ARG002 - takes none
        """The value, None without any."""
        return None if partial is None else self.form.canonical(partial)

    def columns(self, partial: Any) -> dict[str, Any]:
        """`value`, as text or null."""
        value = self.value(partial, {})
        return {"value": None if value is None else self.form.text(value)}


class Smallest(Extreme):
    """The smallest number, the earliest time."""

    def add(self, partial: Any, value: Any) -> Any:
        """The smaller of the two."""
        return value if partial is None or value < partial else partial


class Largest(Extreme):
    """The largest number, the latest time."""

    def add(self, partial: Any, value: Any) -> Any:
        """The larger of the two."""
        return value if partial is None or value > partial else partial
