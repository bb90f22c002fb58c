"""Every case that some conditions tell apart: fields with their samples, structs that are there or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sluice.contract import EventType
from sluice.contract.columns import Column
from sluice.contract.kinds import Mode
from sluice.patterns.leaves import Leaf, Path, leaf_of, walk
from sluice.patterns.samples import Sample, samples
from sluice.predicate.tree import Field, Items

_NULL = Sample(None)
_THERE = Sample(SimpleNamespace())
Columns = tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A sample for each field and each struct that may be NULL, by where they are."""

    samples: Mapping[Path, Sample]
    columns: Mapping[Path, Columns]

    @property
    def real(self) -> bool:
        """Whether the contract takes such an event."""
        return all(sample.real for sample in self.samples.values())

    def event(self) -> SimpleNamespace:
        """An event of which these fields are known."""
        event = SimpleNamespace()
        for path, sample in self.samples.items():
            place: Any = event
            *around, own = self.columns[path]
            for column in around:
                if not hasattr(place, column.attribute):
                    setattr(place, column.attribute, SimpleNamespace())
                place = getattr(place, column.attribute)
                if place is None:
                    break
            if place is not None:
                value = SimpleNamespace() if sample is _THERE else sample.value
                setattr(place, own.attribute, value)
        return event

    def fragment(self) -> dict[str, Any]:
        """The same as people read it: JSON of the fields that matter."""
        document: dict[str, Any] = {}
        for path, sample in self.samples.items():
            place: Any = document
            for step in path[:-1]:
                place = place.setdefault(step, {})
                if place is None:
                    break
            if place is not None:
                place[path[-1]] = {} if sample is _THERE else _shown(sample.value)
        return document


def _shown(value: Any) -> Any:
    """A Decimal without zeros that mean nothing."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == int(value) else value.normalize()


def cases(event_type: EventType, conditions: Sequence[Any], atoms: Sequence[Any]) -> Iterator[Case]:
    """Each combination of samples that an event can have."""
    looked_at = _looked_at(conditions)
    structs = sorted(
        {
            tuple(column.name for column in columns[: depth + 1]): columns[: depth + 1]
            for columns in looked_at
            for depth, column in enumerate(columns)
            if column.columns and column.nullable and column.mode is not Mode.REPEATED
        }.items(),
        key=lambda item: len(item[0]),
    )
    leaves = [leaf_of(event_type, columns) for columns in looked_at if not columns[-1].columns]
    options = [(leaf, samples(leaf, [atom for atom in atoms if looks_at(atom, leaf)])) for leaf in leaves]
    where = dict(structs) | {leaf.path: leaf.columns for leaf in leaves}
    for found in _combined({}, [path for path, _ in structs], options):
        yield Case(found, where)


def looks_at(atom: Any, leaf: Leaf) -> bool:
    """Whether a condition looks at a field."""
    return any(isinstance(node, Field | Items) and node.columns == leaf.columns for node in walk(atom))


def _looked_at(conditions: Sequence[Any]) -> list[Columns]:
    found: dict[Path, Columns] = {}
    for condition in conditions:
        for node in walk(condition):
            if isinstance(node, Field | Items):
                found.setdefault(tuple(column.name for column in node.columns), node.columns)
    return list(found.values())


def _combined(
    given: dict[Path, Sample], structs: Sequence[Path], options: Sequence[tuple[Leaf, list[Sample]]]
) -> Iterator[dict[Path, Sample]]:
    if structs:
        path, *rest = structs
        for sample in (_NULL,) if _within_null(path, given) else (_NULL, _THERE):
            yield from _combined(given | {path: sample}, rest, options)
    elif options:
        (leaf, found), *others = options
        if _within_null(leaf.path, given):
            found = [Sample(()) if leaf.listed else _NULL]
        for sample in found:
            yield from _combined(given | {leaf.path: sample}, structs, others)
    else:
        yield given


def _within_null(path: Path, given: Mapping[Path, Sample]) -> bool:
    return any(given.get(path[:depth]) is _NULL for depth in range(1, len(path)))
