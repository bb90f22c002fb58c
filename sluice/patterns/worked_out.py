"""Which values of a field give a condition that looks at no other field the wanted outcome.

Conditions are tried, not interpreted: between two constants that a number is compared with, one number
answers for all, and one text for all texts that it is not compared with.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from sluice.contract.kinds import Kind
from sluice.patterns.leaves import Leaf, walk
from sluice.patterns.lines import Line
from sluice.patterns.values import Items, Members, Spans, Texts, Unsayable, Values, spans
from sluice.predicate.like import parse_pattern
from sluice.predicate.tree import (
    Call,
    Compare,
    Constant,
    Convert,
    Field,
    Length,
    Like,
    Member,
    Node,
)
from sluice.predicate.types import Type

Holds: TypeAlias = Callable[[Any], bool]
"""Takes an event of which the field is known."""


def values_where(leaf: Leaf, node: Node, holds: Holds, *, negated: bool) -> Values:
    """The values of a field for which a condition over it alone holds; with `negated`, for which it is FALSE.

    Raises:
        Unsayable: it computes something, or asks what no pattern can.
    """
    if leaf.listed:
        return _lists(leaf, node, negated=negated)
    if leaf.choices:
        universe = frozenset(leaf.choices)
        return Members(frozenset(one for one in universe if holds(leaf.event(one))), universe)
    if leaf.line is None:
        return _texts(leaf, node, holds, negated=negated)
    _refuse_computed(leaf, node)
    for one in walk(node):
        if isinstance(one, Convert) and one.type is Type.FLOAT64 and not leaf.line.as_float:
            raise Unsayable(f"`{leaf.name}` becomes a FLOAT64 when it is compared, which may round it")
    return stretches(leaf, leaf.line, node, holds)


def stretches(leaf: Leaf, line: Line, node: Node, holds: Holds) -> Spans:
    """The stretches of a line in which a condition holds that compares with constants."""
    found = [
        (first, last)
        for first, last in pieces(line, line.counts(constants(node)))
        if holds(leaf.event(line.value(first)))
    ]
    return spans(found, line.low, line.high)


def pieces(line: Line, marks: list[int]) -> list[tuple[int, int]]:
    """A line cut at some counts: each of them, and each stretch between two of them."""
    cut: list[tuple[int, int]] = []
    start = line.low
    for mark in marks:
        if start < mark:
            cut.append((start, mark - 1))
        cut.append((mark, mark))
        start = mark + 1
    if start <= line.high:
        cut.append((start, line.high))
    return cut


def constants(node: Node) -> list[Any]:
    """The values that stand in a condition."""
    return [one.value for one in walk(node) if isinstance(one, Constant) and one.value is not None]


def other_text(known: frozenset[str]) -> str:
    """A text that is none of those."""
    text = "x"
    while text in known:
        text += "x"
    return text


def _texts(leaf: Leaf, node: Node, holds: Holds, *, negated: bool) -> Texts:
    asked = _affix(node)
    if asked is not None:
        if not negated:
            return asked
        if asked.full or asked.listed:
            return Texts() if asked.full else Texts(excluded=asked.listed)
        raise Unsayable(f"no pattern excludes texts by their beginning or end, as asked of `{leaf.name}`")
    _refuse_computed(leaf, node)
    for one in walk(node):
        if isinstance(one, Compare) and one.operator not in ("=", "!=") and one.left.type is Type.STRING:
            raise Unsayable(f"no pattern knows the order of texts, as asked of `{leaf.name}`")
        if isinstance(one, Like):
            raise Unsayable(f"the LIKE of `{leaf.name}` is more than a beginning or an end")
    known = frozenset(value for value in constants(node) if isinstance(value, str))
    taken = frozenset(text for text in known if holds(leaf.event(text)))
    if holds(leaf.event(other_text(known))):
        return Texts(excluded=known - taken)
    return Texts(listed=taken)


def _affix(node: Node) -> Texts | None:
    """What LIKE, STARTS_WITH or ENDS_WITH ask of a field itself, if no more than a beginning or an end."""
    match node:
        case Like(Field(), pattern):
            parts = [None if None in part else "".join(map(str, part)) for part in parse_pattern(pattern)]
            match parts:
                case [str(whole)]:
                    return Texts(listed=frozenset({whole}))
                case [str(start), ""]:
                    return _starting(start)
                case ["", str(end)]:
                    return Texts(suffixes=frozenset({end}))
        case Call("STARTS_WITH", _, (Field(), Constant(_, str(start)))):
            return _starting(start)
        case Call("ENDS_WITH", _, (Field(), Constant(_, str(end)))):
            return Texts(suffixes=frozenset({end})) if end else _starting(end)
    return None


def _starting(start: str) -> Texts:
    return Texts(prefixes=frozenset({start})) if start else Texts(excluded=frozenset())


def _lists(leaf: Leaf, node: Node, *, negated: bool) -> Items:
    match node:
        case Member(Constant(_, value), _) if value is not None:
            if negated:
                raise Unsayable(f"no pattern asks for a list `{leaf.name}` without a value")
            if leaf.column.kind is Kind.FLOAT or leaf.column.kind is Kind.TIMESTAMP:
                raise Unsayable(f"one {leaf.column.kind} in JSON has many spellings, as in `{leaf.name}`")
            never = leaf.line is not None and len(set(leaf.line.around(value))) > 1
            return Items(frozenset() if never else frozenset({value}))
    raise Unsayable(f"of the list `{leaf.name}` a pattern can only ask whether it holds a value")


def _refuse_computed(leaf: Leaf, node: Node) -> None:
    for one in walk(node):
        if isinstance(one, Call | Length):
            name = one.name if isinstance(one, Call) else "ARRAY_LENGTH"
            raise Unsayable(
                f"it computes something of `{leaf.name}` ({name}), and a pattern computes nothing"
            )
