"""Comparing a metric's windows with what BigQuery makes of the same events.

Exact, although both sides go on: the windows are read together with the marks that they belong to, and
BigQuery is asked for the records up to those marks, once its sink has passed them. What SQL cannot add up
exactly, FLOATs and squares, is added up here from the values, in the windows that differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from sluice.audit.recount import Counted, Place, Recount, Summed
from sluice.contract.kinds import Kind
from sluice.errors import UsageError
from sluice.metrics import Definition, MeasureDefinition, Metric
from sluice.windows.correction import Correction
from sluice.windows.measures import accumulator
from sluice.windows.merged import LACKING, Merged
from sluice.windows.rows import order

IDEMPOTENT = frozenset({"min", "max", "distinct"})
"""Measures that an event counted twice does not change; what they miss can be merged in."""

NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT})

Partials = dict[str, Any]
"""Partial aggregates by signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One group of one window that BigQuery sees otherwise.

    `windows` and `bigquery` are the figures that were compared, by name. `change` is what merged with the
    window makes it right, by signature. `events` are counted too many in the windows, if that is known.
    """

    window_start: datetime
    group: Mapping[str, Any]
    windows: Mapping[str, Any]
    bigquery: Mapping[str, Any]
    events: int
    place: Place
    change: Partials

    def partial(self, signature: str) -> Any:
        """Return what is merged with the partial aggregate of this signature."""
        return self.change[signature] if signature in self.change else accumulator(signature).new()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and what differs, by window and group."""

    windows: int
    groups: int
    differences: tuple[Difference, ...]

    @property
    def twice(self) -> int:
        """Events that the windows count too often."""
        return sum(max(each.events, 0) for each in self.differences)

    @property
    def missing(self) -> int:
        """Events that the windows do not count."""
        return sum(max(-each.events, 0) for each in self.differences)


def comparable(definition: Definition) -> list[MeasureDefinition]:
    """Return the measures that can be compared, and mended by a difference.

    Raises:
        UsageError: there are none.
    """
    found = [each for each in definition.measures if accumulator(each.signature).subtractable]
    if not found:
        raise UsageError(
            f"{definition.name} has only figures that cannot be compared one by one "
            f"({', '.join(each.name for each in definition.measures)}): give it a Count(), then reconcile"
        )
    return found


def beyond_mending(definition: Definition) -> list[str]:
    """Return the names of figures that keep what duplicates did to them."""
    return [
        each.name
        for each in definition.measures
        if each.measure not in IDEMPOTENT and not accumulator(each.signature).subtractable
    ]


def compare(metric: Metric, windows: Mapping[int, Merged], recount: Recount, since: datetime) -> Comparison:
    """Compare every group of every window that starts at `since` or later."""
    definition = metric.definition
    measures = comparable(definition)
    numbers = {each.path: each.kind for each in measures if each.path is not None and each.kind in NUMBERS}
    counted = {
        place: found for place, found in recount.sums(numbers, since).items() if place[0] >= since.timestamp()
    }
    held = {
        (start, group): dict(zip(merged.signatures, row, strict=True))
        for start, merged in windows.items()
        for group, row in merged.rows.items()
    }
    suspects = [
        place
        for place in {**held, **counted}
        if not _agree(measures, held.get(place, {}), counted.get(place, Counted(0, {})))
    ]
    exact = _exact(definition, recount, suspects)
    found = (_difference(definition, place, held.get(place, {}), exact[place]) for place in suspects)
    differences = sorted(
        (each for each in found if each is not None), key=lambda each: (each.place[0], order(each.place[1]))
    )
    return Comparison(
        len({place[0] for place in {**held, **counted}}), len({**held, **counted}), tuple(differences)
    )


def _agree(measures: Iterable[MeasureDefinition], partials: Partials, counted: Counted) -> bool:
    """Whether a group is beyond doubt the same on both sides."""
    for each in measures:
        partial = partials.get(each.signature, accumulator(each.signature).new())
        if partial is LACKING:
            continue
        if each.path is None:
            if partial != counted.events:
                return False
            continue
        summed = counted.fields.get(each.path, Summed(0, 0))
        if summed.total is None or partial[0] != summed.count:
            return False
        total = Fraction(*_ratio(partial[1]))
        if abs(total - Fraction(summed.total)) > Fraction(summed.tolerance):
            return False
    return True


def _ratio(total: Any) -> tuple[int, int]:
    """Return a partial sum as numerator and denominator; that of FLOATs already is."""
    return total if isinstance(total, tuple) else total.as_integer_ratio()


def _exact(definition: Definition, recount: Recount, places: Sequence[Place]) -> dict[Place, Partials]:
    """Return what the events that BigQuery has add up to in these groups, exactly."""
    wanted = {
        each.signature: each.path
        for each in definition.measures
        if each.measure in IDEMPOTENT or accumulator(each.signature).subtractable
    }
    found = {place: {signature: accumulator(signature).new() for signature in wanted} for place in places}
    if not places:
        return found
    paths = sorted({path for path in wanted.values() if path is not None})
    adds = [
        (signature, accumulator(signature).add, None if path is None else paths.index(path))
        for signature, path in wanted.items()
    ]
    for place, values, like_it in recount.values(paths, sorted({start for start, _ in places})):
        partials = found.get(place)
        if partials is None:
            continue
        for signature, add, at in adds:
            value = None if at is None else values[at]
            if at is None or value is not None:
                for _ in range(like_it):
                    partials[signature] = add(partials[signature], value)
    return found


def _difference(definition: Definition, place: Place, held: Partials, exact: Partials) -> Difference | None:
    """Return how a group differs after all, or None."""
    change: Partials = {}
    events: list[int] = []
    shown: list[tuple[str, Any, Any]] = []
    differs = False
    for each in definition.measures:
        measure = accumulator(each.signature)
        before = held.get(each.signature, measure.new())
        if before is LACKING or each.signature not in exact:
            continue
        after = exact[each.signature]
        if not measure.subtractable:
            change[each.signature] = after
            continue
        change[each.signature] = measure.subtract(after, before)
        differs = differs or measure.pack(change[each.signature]) != measure.pack(measure.new())
        events.append(_events(before) - _events(after))
        shown.append((each.name, measure.value(before, each.options), measure.value(after, each.options)))
    if not differs:
        return None
    names = [group.name for group in definition.by]
    return Difference(
        window_start=datetime.fromtimestamp(place[0], UTC),
        group=dict(zip(names, place[1], strict=True)),
        windows={name: before for name, before, _ in shown},
        bigquery={name: after for name, _, after in shown},
        events=max(events, key=abs),
        place=place,
        change=change,
    )


def _events(partial: Any) -> int:
    """Return how many events, or values, a partial aggregate is of."""
    return int(partial if isinstance(partial, int) else partial[0])


def corrections(
    definition: Definition, windows: Mapping[int, Merged], differences: Iterable[Difference]
) -> list[Correction]:
    """Return what mends each window, a row of partial aggregates for each group that differs.

    What a difference does not touch is neutral in it, measures of earlier definitions included: a window
    whose parts do not all have a measure would have no figure for it.
    """
    by_window: dict[int, list[Difference]] = {}
    for each in differences:
        by_window.setdefault(each.place[0], []).append(each)
    found = []
    for start, differing in sorted(by_window.items()):
        held = windows.get(start, Merged()).signatures
        signatures = tuple(dict.fromkeys([*held, *(each.signature for each in definition.measures)]))
        rows = [(each.place[1], [each.partial(one) for one in signatures]) for each in differing]
        found.append(Correction(start, signatures, rows))
    return found
