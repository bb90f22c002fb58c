"""From a checked condition to alternatives, each of which says for some fields what they may hold.

SQL's logic has three values; what makes a condition TRUE and what makes it FALSE are worked out side by side,
so NOT needs no complement, and NULL is what is in neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sluice.contract import EventType
from sluice.patterns.leaves import Leaf, Path, leaves
from sluice.patterns.outcomes import Outcome, judged
from sluice.patterns.values import Unsayable, Values
from sluice.patterns.worked_out import Holds, values_where
from sluice.predicate.tree import And, Is, Node, Not, Or

MOST_TERMS = 64
"""Alternatives, far above what fits into five patterns of 4,096 characters."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a field may hold."""

    leaf: Leaf
    values: Values
    null: bool
    """Whether it may be null."""
    absent: frozenset[int]
    """Which meanings of its absence are included, by their place in `leaf.absent`."""

    @property
    def empty(self) -> bool:
        """Whether nothing would do."""
        return self.values.empty and not self.null and not self.absent

    @property
    def full(self) -> bool:
        """Whether anything would do."""
        every = len(self.absent) == len(self.leaf.absent)
        return self.values.full and every and (self.null or not self.leaf.nullable)

    def union(self, other: "Cell") -> "Cell":
        """What is in one of them."""
        values: Any = self.values.union(other.values)  # type: ignore[arg-type] # one leaf has one kind of values
        return Cell(self.leaf, values, self.null or other.null, self.absent | other.absent)

    def intersection(self, other: "Cell") -> "Cell":
        """What is in both."""
        values: Any = self.values.intersection(other.values)  # type: ignore[arg-type] # same
        return Cell(self.leaf, values, self.null and other.null, self.absent & other.absent)


Term: TypeAlias = dict[Path, Cell]
"""Fields that must all hold what their cells say; an empty one holds for every event."""


def alternatives(event_type: EventType, node: Node) -> list[Term]:
    """The terms of which one must hold for the condition to be TRUE; none if it never is.

    Raises:
        Unsayable: a part of it is nothing that a pattern could say.
    """
    return _Alternatives(event_type).of(node, Outcome.TRUE)


class _Alternatives:
    def __init__(self, event_type: EventType) -> None:
        self._event_type = event_type

    def of(self, node: Node, wanted: Outcome) -> list[Term]:
        """The terms for an outcome that is TRUE or FALSE."""
        match node:
            case Not(term):
                return self.of(term, _opposite(wanted))
            case And(terms) | Or(terms):
                found = [self.of(term, wanted) for term in terms]
                return _all(found) if isinstance(node, And) is (wanted is Outcome.TRUE) else _any(found)
            case Is(term, value) if wanted is Outcome.TRUE:
                return self.of(term, Outcome.TRUE if value else Outcome.FALSE)
        return self._atom(node, wanted)

    def _atom(self, node: Node, wanted: Outcome) -> list[Term]:
        try:
            looked_at = leaves(self._event_type, node)
        except LookupError as struct:
            raise Unsayable(
                f"no field within `{struct}` must be there, so no key tells whether it is"
            ) from None
        tell = judged(node)

        def holds(event: Any) -> bool:
            outcome = tell(event)
            if outcome is Outcome.ERROR:
                raise Unsayable("BigQuery would stop with an error for some values")
            return outcome is wanted

        if not looked_at:
            return [{}] if holds(None) else []
        if len(looked_at) > 1:
            names = " and ".join(f"`{leaf.name}`" for leaf in looked_at)
            raise Unsayable(f"it brings {names} together, and a pattern looks at one field at a time")
        cell = _cell(looked_at[0], node, wanted, holds)
        return [] if cell.empty else [{} if cell.full else {cell.leaf.path: cell}]


def _cell(leaf: Leaf, node: Node, wanted: Outcome, holds: Holds) -> Cell:
    absent = (at for at, value in enumerate(leaf.absent) if holds(leaf.event(value)))
    return Cell(
        leaf,
        values_where(leaf, node, holds, negated=wanted is Outcome.FALSE),
        leaf.nullable and holds(leaf.event(None)),
        frozenset(absent),
    )


def _opposite(wanted: Outcome) -> Outcome:
    return Outcome.FALSE if wanted is Outcome.TRUE else Outcome.TRUE


def _any(found: Sequence[list[Term]]) -> list[Term]:
    return _merged([term for terms in found for term in terms])


def _all(found: Sequence[list[Term]]) -> list[Term]:
    product: list[Term] = [{}]
    for terms in found:
        both = (_both(one, other) for one in product for other in terms)
        product = _merged([term for term in both if term is not None])
    return product


def _both(one: Term, other: Term) -> Term | None:
    """What satisfies two terms; None if nothing does."""
    joined = one | other
    for path in one.keys() & other.keys():
        joined[path] = one[path].intersection(other[path])
    return None if any(cell.empty for cell in joined.values()) else joined


def _merged(terms: list[Term]) -> list[Term]:
    """The same alternatives, fewer where two of them differ in one field only."""
    kept: list[Term] = []
    for term in terms:
        new: Term | None = term
        while new is not None:
            added, new = new, None
            for at, old in enumerate(kept):
                new = _united(old, added)
                if new is not None:
                    del kept[at]
                    break
        kept.append(added)
        if len(kept) > MOST_TERMS:
            raise Unsayable(f"it has more than {MOST_TERMS} alternatives")
    return kept


def _united(one: Term, other: Term) -> Term | None:
    """One term for two, if they differ in one field at most or one of them says less."""
    if one.keys() <= other.keys() and all(other[path] == cell for path, cell in one.items()):
        return one
    if other.keys() <= one.keys() and all(one[path] == cell for path, cell in other.items()):
        return other
    different = [path for path in one if path not in other or one[path] != other[path]]
    if one.keys() != other.keys() or len(different) != 1:
        return None
    cell = one[different[0]].union(other[different[0]])
    rest = {path: kept for path, kept in one.items() if path != different[0]}
    return rest if cell.full else rest | {different[0]: cell}
