"""Whether conditions make a partition: of every event that the contract takes, exactly one is TRUE.

Fields are split where the conditions tell their values apart, and every combination of the pieces is tried.
What a part of a condition comes to that computes something, or compares two fields, is not known for a whole
piece: there, every outcome is tried. If all combinations are right, so is every event. A wrong one is shown
as an event, if the conditions themselves say so of it; else nothing is proven either way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import msgspec

from sluice.contract import EventType
from sluice.contract.columns import Column
from sluice.patterns.atoms import Atom, atom, parts, plain
from sluice.patterns.cases import cases
from sluice.patterns.leaves import leaf_of, walk
from sluice.patterns.outcomes import Outcome
from sluice.predicate.compiled import compiled
from sluice.predicate.tree import And, Field, Is, Items, Node, Not, Or

MOST_CASES = 20_000
"""Combinations that are tried, which takes about a second."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An event that none of the conditions takes, or several."""

    fragment: str
    """The fields that matter, as JSON."""
    taken_by: tuple[int, ...]
    """Which conditions take it, by their places."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why nothing is proven."""

    why: str


def partition(event_type: EventType, conditions: Sequence[Node]) -> Counterexample | Unproven | None:
    """What is wrong with the conditions of a type; None if they provably make a partition."""
    trees = [plain(condition) for condition in conditions]
    nodes: list[Any] = []
    for part in (part for tree in trees for part in parts(tree)):
        nodes += [] if part in nodes else [part]
    atoms = [atom(part, [leaf_of(event_type, columns) for columns in _leaves(part)]) for part in nodes]
    evaluated = [_Tree(tree, {id(part): nodes.index(part) for part in parts(tree)}) for tree in trees]
    tests: list[Any] = [compiled(condition) for condition in conditions]
    unproven, tried = None, 0
    for case in cases(event_type, trees, nodes):
        event = case.event()
        possible = [one.possible(case, event) for one in atoms]
        tried += math.prod(map(len, possible))
        if tried > MOST_CASES:
            return Unproven(f"there are more than {MOST_CASES:,} cases to look at")
        if all(sum(tree.true(found) for tree in evaluated) == 1 for found in product(*possible)):
            continue
        taken_by = tuple(at for at, test in enumerate(tests) if test(event))
        if case.real and len(taken_by) != 1:
            return Counterexample(_encode(case.fragment()).decode(), taken_by)
        unproven = unproven or _undecided(atoms, possible)
    return unproven


def _leaves(part: Any) -> list[tuple[Column, ...]]:
    found = [one.columns for one in walk(part) if isinstance(one, Field | Items)]
    return [one for at, one in enumerate(found) if not one[-1].columns and one not in found[:at]]


@dataclass(frozen=True, slots=True)
class _Tree:
    """A condition, and at which place the outcome of each of its parts is."""

    node: Any
    places: dict[int, int]

    def true(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether it is TRUE; with a part that has no answer it is not, however it is meant."""
        if any(outcomes[at] is Outcome.ERROR for at in self.places.values()):
            return False
        return self._of(self.node, outcomes) is Outcome.TRUE

    def _of(self, node: Any, outcomes: Sequence[Outcome]) -> Outcome:
        match node:
            case And(terms):
                return _least([self._of(term, outcomes) for term in terms])
            case Or(terms):
                return _not(_least([_not(self._of(term, outcomes)) for term in terms]))
            case Not(term):
                return _not(self._of(term, outcomes))
            case Is(term, value):
                wanted = Outcome.TRUE if value else Outcome.FALSE
                return Outcome.TRUE if self._of(term, outcomes) is wanted else Outcome.FALSE
        return outcomes[self.places[id(node)]]


def _least(found: Sequence[Outcome]) -> Outcome:
    return next((one for one in (Outcome.FALSE, Outcome.NULL) if one in found), Outcome.TRUE)


def _not(outcome: Outcome) -> Outcome:
    return {Outcome.TRUE: Outcome.FALSE, Outcome.FALSE: Outcome.TRUE}.get(outcome, outcome)


def _undecided(atoms: Sequence[Atom], possible: Sequence[Sequence[Outcome]]) -> Unproven:
    """What it depends on."""
    for one, outcomes in zip(atoms, possible, strict=True):
        if len(outcomes) > 1:
            found = [".".join(column.name for column in columns) for columns in _leaves(one.node)]
            names = " and ".join(f"`{name}`" for name in found)
            return Unproven(f"it depends on what is asked of {names} beyond comparing it with constants")
    return Unproven("no text was found that a field takes beside those that the conditions name")
