"""The parts of conditions that are no AND, OR and NOT, and what each can come to in a case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sluice.patterns.cases import Case
from sluice.patterns.leaves import Leaf, Path, walk
from sluice.patterns.outcomes import Judged, Outcome, judged
from sluice.predicate.tree import (
    And,
    Call,
    Coalesce,
    Compare,
    Convert,
    Field,
    In,
    Is,
    IsNull,
    Items,
    Length,
    Like,
    Member,
    Node,
    Not,
    Or,
)
from sluice.predicate.tree import Case as Choice
from sluice.predicate.types import Type

_NEVER_FAIL = frozenset({
    "LOWER", "UPPER", "LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "BYTE_LENGTH", "STARTS_WITH", "ENDS_WITH",
    "STRPOS", "TRIM", "LTRIM", "RTRIM", "CONCAT", "DATE", "SAFE_DIVIDE",
})  # fmt: skip
"""Functions for which BigQuery has an answer whatever they are given; EXTRACT has one, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """A part of a condition, and what tells its outcome for an event."""

    node: Any
    judged: Judged
    paths: frozenset[Path]
    """The fields and structs that it looks at."""
    steps: bool
    """Whether it only compares one field with constants: all that a sample stands for comes to the same."""
    outcomes: tuple[Outcome, ...]
    """What it can come to where none of its fields is NULL and nothing more is known."""
    strict: bool
    """Whether it is NULL if one of its fields is."""

    def possible(self, case: Case, event: Any) -> tuple[Outcome, ...]:
        """What it can come to in a case, of which the event is one."""
        met = [case.samples[path] for path in self.paths]
        if self.steps or all(sample.alone for sample in met):
            return (self.judged(event),)
        if self.strict and any(sample.value is None for sample in met):
            return (Outcome.NULL,)
        return self.outcomes


def atom(node: Any, leaves: Sequence[Leaf]) -> Atom:
    """A part of a condition; `leaves` are the fields that it looks at, structs aside."""
    inner = list(walk(node))
    calls = {one.name for one in inner if isinstance(one, Call)}
    lenient = any(isinstance(one, Coalesce | Choice | IsNull | Is | And | Or) for one in inner)
    unknown = (
        lenient
        or "SAFE_DIVIDE" in calls
        or any(isinstance(one, In) and any(option.value is None for option in one.options) for one in inner)
    )
    can_fail = any(name not in _NEVER_FAIL and not name.startswith("EXTRACT_") for name in calls)
    outcomes = [Outcome.TRUE, Outcome.FALSE, *([Outcome.NULL] if unknown else [])]
    outcomes += [Outcome.ERROR] if can_fail else []
    return Atom(node, judged(node), _paths(node), _steps(node, leaves), tuple(outcomes), strict=not lenient)


def parts(node: Any) -> list[Any]:
    """The parts of a condition that are no AND, OR, NOT or IS."""
    match node:
        case And(terms) | Or(terms):
            return [part for term in terms for part in parts(term)]
        case Not(term) | Is(term, _):
            return parts(term)
    return [node]


def plain(node: Any) -> Any:
    """The same condition with fewer kinds of comparison: a < b and b > a are one part, and a >= b its NOT."""
    match node:
        case And(terms) | Or(terms):
            return replace(node, terms=tuple(plain(term) for term in terms))
        case Not(term) | Is(term, _):
            return replace(node, term=plain(term))
        case Compare("=" | "!=", left, right):
            equal = _equal(left, right)
            return equal if node.operator == "=" else Not(equal)
        case Compare(operator, left, right):
            less = Compare("<", left, right) if operator in ("<", ">=") else Compare("<", right, left)
            return less if operator in ("<", ">") else Not(less)
    return node


def _equal(left: Node, right: Node) -> Compare:
    left, right = sorted((left, right), key=repr)
    return Compare("=", left, right)


def _paths(node: Any) -> frozenset[Path]:
    """What has a sample: fields, and structs that may be NULL."""
    found = (one.columns for one in walk(node) if isinstance(one, Field | Items))
    return frozenset(
        tuple(column.name for column in columns)
        for columns in found
        if columns[-1].nullable or not columns[-1].columns
    )


def _steps(node: Any, leaves: Sequence[Leaf]) -> bool:
    """Whether a sample of each field that a part looks at speaks for all that it stands for."""
    if not leaves or (isinstance(node, IsNull) and isinstance(node.term, Field)):
        return True
    leaf = leaves[0]
    if len(leaves) > 1 or leaf.listed or leaf.choices:
        return len(leaves) == 1 and not leaf.listed
    inner = list(walk(node))
    if any(isinstance(one, Call | Length | Like | Member) for one in inner):
        return False
    if leaf.line is None:
        return all(one.operator == "=" for one in inner if isinstance(one, Compare) and _of_texts(one))
    rounded = any(isinstance(one, Convert) and one.type is Type.FLOAT64 for one in inner)
    return leaf.line.as_float or not rounded


def _of_texts(node: Compare) -> bool:
    return node.left.type is Type.STRING
