"""What can be done with the partial aggregates of one signature."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar


class Accumulator(ABC):
    """Partials of one signature."""

    subtractable: ClassVar[bool] = False
    """Whether what was counted twice can be taken out again."""

    @abstractmethod
    def new(self) -> Any:
        """What stands for no events at all; merging it changes nothing."""

    @abstractmethod
    def add(self, partial: Any, value: Any) -> Any:
        """Take one value in, which is not None."""

    @property
    def adder(self) -> Callable[[Any, Any], Any]:
        """`add`, without the way through this object where that is faster."""
        return self.add

    @abstractmethod
    def merge(self, one: Any, other: Any) -> Any:
        """What adding the values of both would have given."""

    def subtract(self, one: Any, other: Any) -> Any:  # noqa: ARG002 - for those that can
        """What merged with `other` gives `one`; only where `subtractable`."""
        raise TypeError(f"{type(self).__name__} partials cannot be subtracted")

    @abstractmethod
    def pack(self, partial: Any) -> Any:
        """Plain values for msgpack."""

    @abstractmethod
    def unpack(self, packed: Any) -> Any:
        """What `pack` was given."""

    @abstractmethod
    def value(self, partial: Any, options: Mapping[str, Any]) -> Any:
        """The figure, None where there is none; `options` are those of the measure's definition."""

    @abstractmethod
    def columns(self, partial: Any) -> dict[str, Any]:
        """The partial as JSON that the views in BigQuery merge."""

    def from_columns(self, columns: Mapping[str, Any]) -> Any:
        """The partial that `columns` describes; only where `subtractable`."""
        raise TypeError(f"{type(self).__name__} partials cannot be read from {dict(columns)!r}")


class Counts(Accumulator):
    """How many events: an int, below zero in a correction."""

    subtractable = True

    def new(self) -> int:
        """None so far."""
        return 0

    def add(self, partial: int, value: object) -> int:  # noqa: ARG002 - counts events, whatever they hold
        """Count one more."""
        return partial + 1

    def merge(self, one: int, other: int) -> int:
        """Both together."""
        return one + other

    def subtract(self, one: int, other: int) -> int:
        """Take the others out."""
        return one - other

    def pack(self, partial: int) -> int:
        """As it is."""
        return partial

    def unpack(self, packed: int) -> int:
        """As it is."""
        return packed

    def value(self, partial: int, options: Mapping[str, Any]) -> int:  # noqa: ARG002 - takes none
        """How many."""
        return partial

    def columns(self, partial: int) -> dict[str, Any]:
        """`n`."""
        return {"n": partial}

    def from_columns(self, columns: Mapping[str, Any]) -> int:
        """Read `n`."""
        return int(columns["n"])
