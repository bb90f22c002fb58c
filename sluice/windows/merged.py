"""Merging parts of a window, and windows of a metric, into figures by group."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sluice.metrics import Definition
from sluice.windows.measures import LATE, accumulator

Group = tuple[Any, ...]
"""The values that a group's events share, in the definition's order."""

LACKING: Final[Any] = object()
"""Stands for a partial aggregate that one of the merged parts does not have: it is not known."""


class Merged:
    """Partial aggregates by group, merged from whatever was added so far, in any order.

    A measure that was added to a metric while a window was open is in some of its parts only: its figure
    would be too small, so it is none at all (LACKING) for the groups of those parts.
    """

    __slots__ = ("rows", "signatures")

    def __init__(self) -> None:
        self.signatures: tuple[str, ...] = ()
        self.rows: dict[Group, Sequence[Any]] = {}

    def add(self, signatures: Sequence[str], rows: Iterable[tuple[Group, Sequence[Any]]]) -> None:
        """Take in rows of partial aggregates, in the order of `signatures`; changes none of them."""
        if not self.rows:
            self.signatures = tuple(signatures)
        signatures = tuple(signatures)
        aligned = None if signatures == self.signatures else self._align(signatures)
        merges = [accumulator(signature).merge for signature in self.signatures]
        held = self.rows
        for group, row in rows:
            new = row if aligned is None else [LACKING if at is None else row[at] for at in aligned]
            old = held.get(group)
            if old is not None:
                new = [
                    LACKING if one is LACKING or other is LACKING else merge(one, other)
                    for merge, one, other in zip(merges, old, new, strict=True)
                ]
            held[group] = new

    def _align(self, signatures: tuple[str, ...]) -> list[int | None]:
        """Make room for signatures that are new here; return where in a new row each of them all stands."""
        fresh = tuple(signature for signature in signatures if signature not in self.signatures)
        if fresh:
            lacking = [LACKING] * len(fresh)
            self.rows = {group: [*row, *lacking] for group, row in self.rows.items()}
            self.signatures += fresh
        return [signatures.index(one) if one in signatures else None for one in self.signatures]


def figures(
    definition: Definition, signatures: Sequence[str]
) -> Callable[[Sequence[Any]], tuple[dict[str, Any], int]]:
    """Return what makes a row's values by measure's name, and its number of late events, of its partials."""
    places = {signature: at for at, signature in enumerate(signatures)}
    late = places.get(LATE)
    wanted = [
        (measure.name, places.get(measure.signature), accumulator(measure.signature).value, measure.options)
        for measure in definition.measures
    ]

    def values(row: Sequence[Any]) -> tuple[dict[str, Any], int]:
        found = {
            name: None if at is None or row[at] is LACKING else value(row[at], options)
            for name, at, value, options in wanted
        }
        return found, 0 if late is None or row[late] is LACKING else int(row[late])

    return values
