"""Sets of values of one field, as far as a pattern can say them."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Unsayable(Exception):  # noqa: N818 - an answer: no pattern says this; never leaves this package
    """Why a pattern cannot say something; a sentence's second half for people."""


@dataclass(frozen=True, slots=True)
class Members:
    """Some of the values of a field that has few."""

    found: frozenset[Any]
    universe: frozenset[Any]

    @property
    def empty(self) -> bool:
        """Whether it holds nothing."""
        return not self.found

    @property
    def full(self) -> bool:
        """Whether it holds all that the field can hold."""
        return self.found == self.universe

    def union(self, other: "Members") -> "Members":
        """What is in one of them."""
        return Members(self.found | other.found, self.universe)

    def intersection(self, other: "Members") -> "Members":
        """What is in both."""
        return Members(self.found & other.found, self.universe)


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of a line, by their first and last counts, in order and apart from each other."""

    spans: tuple[tuple[int, int], ...]
    low: int
    high: int

    @property
    def empty(self) -> bool:
        """Whether it holds nothing."""
        return not self.spans

    @property
    def full(self) -> bool:
        """Whether it holds all that the field can hold."""
        return self.spans == ((self.low, self.high),)

    def union(self, other: "Spans") -> "Spans":
        """What is in one of them."""
        return spans([*self.spans, *other.spans], self.low, self.high)

    def intersection(self, other: "Spans") -> "Spans":
        """What is in both."""
        common = [(max(a, c), min(b, d)) for a, b in self.spans for c, d in other.spans]
        return spans([(first, last) for first, last in common if first <= last], self.low, self.high)

    @property
    def gaps(self) -> "Spans":
        """What it does not hold."""
        ends = [self.low - 1, *(end for span in self.spans for end in span), self.high + 1]
        pairs = [(last + 1, first - 1) for last, first in zip(ends[::2], ends[1::2], strict=True)]
        return spans([(first, last) for first, last in pairs if first <= last], self.low, self.high)

    @property
    def count(self) -> int:
        """How many values it holds."""
        return sum(last - first + 1 for first, last in self.spans)


def spans(found: list[tuple[int, int]], low: int, high: int) -> Spans:
    """Stretches in any order, put together where they touch."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return Spans(tuple(joined), low, high)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts: either those listed and those with one of the beginnings or ends, or all but those excluded."""

    listed: frozenset[str] = field(default=frozenset())
    prefixes: frozenset[str] = field(default=frozenset())
    suffixes: frozenset[str] = field(default=frozenset())
    excluded: frozenset[str] | None = None

    @property
    def empty(self) -> bool:
        """Whether it holds nothing."""
        return self == Texts()

    @property
    def full(self) -> bool:
        """Whether it holds every text."""
        return self.excluded is not None and not self.excluded

    def holds(self, text: str) -> bool:
        """Whether it holds a text."""
        if self.excluded is not None:
            return text not in self.excluded
        return (
            text in self.listed
            or text.startswith(tuple(self.prefixes))
            or text.endswith(tuple(self.suffixes))
        )

    def union(self, other: "Texts") -> "Texts":
        """What is in one of them."""
        if self.excluded is not None:
            return Texts(excluded=frozenset(text for text in self.excluded if not other.holds(text)))
        if other.excluded is not None:
            return other.union(self)
        return Texts(
            self.listed | other.listed, self.prefixes | other.prefixes, self.suffixes | other.suffixes
        )

    def intersection(self, other: "Texts") -> "Texts":
        """What is in both.

        Raises:
            Unsayable: it is neither a list nor an exclusion.
        """
        if self.excluded is not None and other.excluded is not None:
            return Texts(excluded=self.excluded | other.excluded)
        if self.excluded is not None:
            return other.without(self.excluded)
        if other.excluded is not None:
            return self.without(other.excluded)
        if (self.prefixes and other.suffixes) or (self.suffixes and other.prefixes):
            raise Unsayable("no pattern asks for the beginning and the end of one text")
        return Texts(
            frozenset(text for text in self.listed | other.listed if self.holds(text) and other.holds(text)),
            frozenset(
                max(a, b, key=len)
                for a in self.prefixes
                for b in other.prefixes
                if a.startswith(b) or b.startswith(a)
            ),
            frozenset(
                max(a, b, key=len)
                for a in self.suffixes
                for b in other.suffixes
                if a.endswith(b) or b.endswith(a)
            ),
        )

    def without(self, excluded: frozenset[str]) -> "Texts":
        """The same without some texts.

        Raises:
            Unsayable: they would have to be taken out of those with a beginning or an end.
        """
        around = Texts(prefixes=self.prefixes, suffixes=self.suffixes)
        if any(around.holds(text) for text in excluded):
            raise Unsayable("no pattern asks for the beginning or end of a text and excludes some of them")
        return Texts(self.listed - excluded, self.prefixes, self.suffixes)


@dataclass(frozen=True, slots=True)
class Items:
    """Lists that hold one of these."""

    found: frozenset[Any]

    @property
    def empty(self) -> bool:
        """Whether no list is among them."""
        return not self.found

    @property
    def full(self) -> bool:
        """Whether every list is among them: what a list holds, it never is."""
        return False

    def union(self, other: "Items") -> "Items":
        """Lists in one of them."""
        return Items(self.found | other.found)

    def intersection(self, other: "Items") -> "Items":
        """Lists in both.

        Raises:
            Unsayable: lists that hold two things at once.
        """
        if self == other or not (self.found and other.found):
            return Items(self.found & other.found)
        raise Unsayable("no pattern asks for two items of one list at once")


Values: TypeAlias = Members | Spans | Texts | Items
