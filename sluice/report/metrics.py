"""The metrics that a page offers: those computed now, and those that only their windows remember."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sluice.errors import UsageError
from sluice.metrics import Definition
from sluice.report.figures import Figure, figures, number, text
from sluice.report.ranges import floor
from sluice.report.sources import Sources, Windows
from sluice.windows.rows import WindowRow

State = Literal["current", "removed", "earlier"]
"""Computed now; no longer in the pipeline; computed now, but by another definition than these windows."""

SPARK_STEPS = 40
"""Windows that the small chart beside a metric's name shows."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A metric that can be chosen, by `id`."""

    id: str
    state: State
    definition: Definition

    @property
    def figures(self) -> list[Figure]:
        """What it can show."""
        return figures(self.definition)

    def figure(self, name: str | None) -> Figure:
        """Return the figure of that name, the first one without a name."""
        found = self.figures
        for figure in found:
            if name in {None, "", figure.name}:
                return figure
        raise UsageError(f"{self.definition.name} has no measure {name}: it has {_names(found)}")

    def document(self) -> dict[str, Any]:
        """Return what the page needs to know of it."""
        definition = self.definition
        return {
            "id": self.id,
            "name": definition.name,
            "state": self.state,
            "description": definition.description,
            "window": definition.window,
            "lateness": definition.lateness,
            "types": list(definition.types),
            "where": definition.where,
            "dedupe": definition.dedupe,
            "by": [field.name for field in definition.by],
            "figures": [figure.document() for figure in self.figures],
        }


def offered(sources: Sources) -> list[Offered]:
    """Return the current metrics in the pipeline's order, then what else has windows."""
    stored = list(sources.windows.definitions())
    current = sources.current()
    if current is None:
        newest: dict[str, Definition] = {}
        for definition in stored:
            newest.setdefault(definition.name, definition)
        current = list(newest.values())
    now = {definition.name: definition for definition in current}
    found = [Offered(definition.name, "current", definition) for definition in now.values()]
    for definition in stored:
        mine = now.get(definition.name)
        if mine is None or mine.version != definition.version:
            state: State = "removed" if mine is None else "earlier"
            found.append(Offered(f"{definition.name}@{definition.version}", state, definition))
    return found


def choose(choices: Sequence[Offered], wanted: str | None) -> Offered:
    """Return the metric of this id; a name alone finds what was removed under it, too."""
    for choice in choices:
        if wanted in {choice.id, choice.definition.name}:
            return choice
    names = ", ".join(choice.id for choice in choices if choice.state == "current")
    raise UsageError(f"there is no metric {wanted}: there are {names or 'none yet'}")


def card(windows: Windows, choice: Offered, now: datetime) -> dict[str, Any]:
    """Return the newest windows of a metric's first figure, all groups together."""
    definition = choice.definition
    figure = next((each for each in choice.figures if each.style in {"bars", "line"}), choice.figures[0])
    end = floor(now, definition.window) + definition.window
    begin = end - SPARK_STEPS * definition.window
    rows = windows.read(
        definition.name,
        version=definition.version,
        since=datetime.fromtimestamp(begin, UTC),
        until=now + timedelta(seconds=definition.window),
        by=(),
    )
    spark: list[float | int | None] = [0 if figure.additive else None] * SPARK_STEPS
    for row in rows:
        place = (int(row.window_start.timestamp()) - begin) // definition.window
        if 0 <= place < SPARK_STEPS:
            spark[place] = number(figure.of(row.values))
    return {
        **choice.document(),
        "figure": figure.name,
        "spark": spark,
        "newest": newest(figure, [row for row in rows if not row.provisional]),
        "open": newest(figure, [row for row in rows if row.provisional]),
    }


def newest(figure: Figure, rows: Sequence[WindowRow]) -> dict[str, Any] | None:
    """Return the figure of the newest row, and when its window is."""
    if not rows:
        return None
    row = max(rows, key=lambda each: each.window_start)
    return {
        "start": int(row.window_start.timestamp()),
        "end": int(row.window_end.timestamp()),
        "value": text(figure.of(row.values)),
    }


def _names(found: Sequence[Figure]) -> str:
    return ", ".join(figure.name for figure in found)
