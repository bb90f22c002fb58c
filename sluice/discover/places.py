"""What has been seen, place by place: of each field, of the items of each list, of each object in another.

Memory does not grow with the number of records: a place keeps counts and extremes, few different values, and
a `Room` bounds how many places there are.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException
from typing import Any

from sluice.contract.bounds import BIGNUMERIC_SCALE
from sluice.contract.heads import MAX_NESTING
from sluice.contract.names import MAX_COLUMN_NAME
from sluice.discover.distinct import Choices
from sluice.discover.reading import Fraction
from sluice.discover.texts import Texts

MOST_PLACES = 5_000
"""Of one event type. BigQuery takes 10,000 columns; an object with so many keys has data for keys."""

INTEGER, FRACTION, TEXT = "an integer", "a number", "text"
NUMBERS = frozenset({INTEGER, FRACTION})

EXACT_IN_FLOAT = 2**53
_WIDE = Context(prec=400, traps=[])
"""Wider than any column: what does not fit is far too long, rounded or not."""


@dataclass(slots=True)
class Room:
    """How many more places an event type may have."""

    left: int = MOST_PLACES


class Numbers:
    """The numbers of one place."""

    __slots__ = ("choices", "fractions", "inexact", "integers", "least", "most", "padded", "scale")

    def __init__(self) -> None:
        self.integers = 0
        """How many were written without point and exponent."""
        self.fractions = 0
        """How many were written with either."""
        self.least: int | Decimal = 0
        self.most: int | Decimal = 0
        self.choices = Choices()
        """The different integers."""
        self.scale = 0
        """Most digits after the point that say something."""
        self.padded = 0
        """How many were written with a zero at the end that no float is printed with, such as 12.50."""
        self.inexact = False
        """Whether an integer is beyond what a 64-bit float holds exactly."""

    def see_integer(self, value: int) -> None:
        """Take in a number without point and exponent."""
        self._extend(value)
        self.integers += 1
        self.choices.see(value)
        if not -EXACT_IN_FLOAT <= value <= EXACT_IN_FLOAT:
            self.inexact = True

    def see_fraction(self, text: str) -> None:
        """Take in a number with either, as it was written."""
        try:
            value = Decimal(text)
        except DecimalException:
            self.scale = BIGNUMERIC_SCALE + 1  # an exponent beyond anything: zero, in a float
            value = Decimal(0)
        self._extend(value)
        self.fractions += 1
        if text[-1] == "0" and "e" not in text and "E" not in text and not text.endswith(".0"):
            self.padded += 1
        if value:
            self.scale = max(self.scale, -int(value.normalize(_WIDE).as_tuple().exponent))

    @property
    def digits(self) -> int:
        """Most digits before the point."""
        return max(len(str(abs(int(bound)))) for bound in (self.least, self.most))

    def _extend(self, value: int | Decimal) -> None:
        if not (self.integers or self.fractions):
            self.least = self.most = value
        elif value < self.least:
            self.least = value
        elif value > self.most:
            self.most = value


class Place:
    """What has been seen in one place."""

    __slots__ = ("booleans", "items", "lists", "nulls", "numbers", "present", "shape", "texts")

    def __init__(self) -> None:
        self.present = 0
        """How often there was something, null included."""
        self.nulls = 0
        self.booleans = 0
        self.numbers: Numbers | None = None
        self.texts: Texts | None = None
        self.shape: Shape | None = None
        """Of objects."""
        self.lists = 0
        self.items: Place | None = None

    def see(self, value: Any, room: Room, depth: int) -> None:  # noqa: C901 - one branch per JSON type, in the hottest loop
        """Take in a value that stands `depth` levels below the event."""
        self.present += 1
        kind = value.__class__
        if kind is str:
            if self.texts is None:
                self.texts = Texts()
            self.texts.see(value)
        elif kind is int:
            if self.numbers is None:
                self.numbers = Numbers()
            self.numbers.see_integer(value)
        elif kind is Fraction:
            if self.numbers is None:
                self.numbers = Numbers()
            self.numbers.see_fraction(value)
        elif value is None:
            self.nulls += 1
        elif kind is bool:
            self.booleans += 1
        elif kind is dict:
            if self.shape is None:
                self.shape = Shape(depth + 1)
            self.shape.see(value, room)
        else:
            self._see_list(value, room, depth)

    def _see_list(self, values: list[Any], room: Room, depth: int) -> None:
        self.lists += 1
        if self.items is None:
            self.items = Place()
        if depth <= MAX_NESTING:
            for value in values:
                self.items.see(value, room, depth + (value.__class__ is list))
        elif values:
            self.items.present += 1
            self.items.lists += 1  # deeper than any column: free JSON, whatever it holds

    def kinds(self) -> dict[str, int]:
        """How often each kind of value was seen, without null."""
        numbers = self.numbers
        found = {
            "true or false": self.booleans,
            INTEGER: numbers.integers if numbers else 0,
            FRACTION: numbers.fractions if numbers else 0,
            TEXT: self.texts.count if self.texts else 0,
            "an object": self.shape.count if self.shape else 0,
            "a list": self.lists,
        }
        return {kind: count for kind, count in found.items() if count}


class Shape:
    """The objects of one place: which fields they have."""

    __slots__ = ("count", "crowded", "depth", "fields", "unusable")

    def __init__(self, depth: int) -> None:
        self.count = 0
        self.depth = depth
        """Levels below the event, which is 0."""
        self.fields: dict[str, Place] = {}
        self.crowded = False
        """Whether fields were left out because there is no room for more."""
        self.unusable = 0
        """Keys longer than any column's name."""

    def see(self, document: dict[str, Any], room: Room) -> None:
        """Take in one object."""
        self.count += 1
        if self.depth > MAX_NESTING:
            return
        for name, value in document.items():
            place = self.fields.get(name)
            if place is None:
                place = self._place(name, room)
                if place is None:
                    continue
            place.see(value, room, self.depth)

    def _place(self, name: str, room: Room) -> Place | None:
        if len(name) > MAX_COLUMN_NAME:
            self.unusable += 1
            return None
        if room.left <= 0:
            self.crowded = True
            return None
        room.left -= 1
        place = self.fields[name] = Place()
        return place
