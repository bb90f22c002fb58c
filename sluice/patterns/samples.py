"""Values of a field that stand for all it can hold, as far as some conditions tell them apart."""

import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sluice.contract.columns import Column
from sluice.contract.fields import Spec
from sluice.contract.kinds import Kind
from sluice.contract.strings import matching
from sluice.patterns.leaves import Leaf, walk
from sluice.patterns.lines import Line
from sluice.patterns.worked_out import constants, other_text, pieces
from sluice.predicate.like import parse_pattern
from sluice.predicate.tree import Call, Like

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """A value, and what else it stands for."""

    value: Any
    """As Python has it; None for NULL."""
    alone: bool = True
    """Whether it stands for itself only, not for a stretch of numbers or for all other texts."""
    real: bool = True
    """Whether the contract takes it."""


def samples(leaf: Leaf, atoms: Sequence[Any]) -> list[Sample]:
    """All that a field can hold, by samples; `atoms` are the conditions that look at it."""
    found = [Sample(None)] if leaf.nullable else []
    known = [value for atom in atoms for value in (*constants(atom), *_like(atom))]
    if leaf.listed:
        return [*found, *_lists(leaf, known)]
    if leaf.choices:
        return [*found, *map(Sample, leaf.choices)]
    if leaf.line is None:
        return [*found, *_texts(leaf.column.spec, known)]
    if any(isinstance(node, Call) for atom in atoms for node in walk(atom)):
        known += [leaf.line.value(leaf.line.low), leaf.line.value(leaf.line.high)]  # where sums overflow
    return [*found, *_stretches(leaf.column, leaf.line, known)]


def _like(atom: Any) -> Iterable[str]:
    """Texts that a LIKE takes."""
    for node in walk(atom):
        if isinstance(node, Like):
            parts = parse_pattern(node.pattern)
            yield "".join(letter or "x" for part in parts for letter in part)


def _texts(spec: Spec, known: Sequence[Any]) -> list[Sample]:
    named = sorted({text for text in known if isinstance(text, str) and _fits(spec, text)})
    rest = _other(spec, frozenset(named))
    unreal = other_text(frozenset(text for text in known if isinstance(text, str)))
    return [
        *map(Sample, named),
        Sample(unreal if rest is None else rest, alone=False, real=rest is not None),
    ]


def _fits(spec: Spec, text: str) -> bool:
    longest = math.inf if spec.max_length is None else spec.max_length
    return (spec.min_length or 0) <= len(text) <= longest and re.search(spec.pattern or "", text) is not None


def _other(spec: Spec, named: frozenset[str]) -> str | None:
    """A text that the contract takes, none of those."""
    rng = random.Random(1)  # noqa: S311 - an example, no secret
    drawn = (
        matching(spec.pattern or "[a-z]*", rng, least=spec.min_length or 0, most=spec.max_length)
        for _ in range(_TRIES)
    )
    for text in (other_text(named), *drawn):
        if text is not None and text not in named and _fits(spec, text):
            return text
    return None


def _stretches(column: Column, line: Line, known: Sequence[Any]) -> list[Sample]:
    found = []
    for first, last in pieces(line, line.counts(known)):
        at = min(max(0, first), last)
        step = column.spec.multiple_of
        if step is not None and column.kind is Kind.INTEGER:
            at = _multiple(at, first, last, int(step))
            if not first <= at <= last:
                continue
        value = line.value(at)
        real = step is None or math.fmod(value, step) == 0
        found.append(Sample(value, alone=first == last, real=real))
    return found


def _multiple(near: int, first: int, last: int, step: int) -> int:
    below = near // step * step
    return next((at for at in (below, below + step) if first <= at <= last), last + 1)


def _lists(leaf: Leaf, known: Sequence[Any]) -> list[Sample]:
    """Lists of what is asked for; any other list is told apart from them by nothing that is known."""
    items = _items(leaf, known)
    longest = math.inf if leaf.column.spec.max_items is None else leaf.column.spec.max_items
    candidates = [(), *((item,) for item in items), tuple(items)]
    fitting = [one for one in candidates if (leaf.column.spec.min_items or 0) <= len(one) <= longest]
    rest = fitting[0] if fitting else ()
    return [*map(Sample, dict.fromkeys(fitting)), Sample(rest, alone=False, real=bool(fitting))]


def _items(leaf: Leaf, known: Sequence[Any]) -> list[Any]:
    """Values that are asked for, as the list would hold them."""
    if leaf.line is not None:
        exact = [value for value in known if type(value) in leaf.line.takes and _on(leaf.line, value)]
        return [leaf.line.value(at) for at in leaf.line.counts(exact)]
    if leaf.choices:
        wire = leaf.column.wire_choices or leaf.choices
        return [choice for choice, value in zip(leaf.choices, wire, strict=True) if value in known]
    return sorted({value for value in known if isinstance(value, str) and _fits(leaf.column.spec, value)})


def _on(line: Line, value: Any) -> bool:
    below, above = line.around(value)
    return below == above
