"""What a metric's page can show: each measure as one figure or several, and values as JSON and as text."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sluice.contract.kinds import Kind
from sluice.metrics import Definition, MeasureDefinition

Style = Literal["bars", "line", "list", "text"]
"""How a figure is drawn: summed up in stacked bars, as lines, as a list of values, or only in words."""

ADDITIVE = frozenset({"count", "sum"})
Written = Literal["integer", "decimal", "float", "moment", "text"]
_KINDS: dict[Kind | None, Written] = {
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "decimal",
    Kind.TIMESTAMP: "moment",
    Kind.DATE: "text",
}

WHOLE = 2**53
"""From here on JavaScript's numbers leave out integers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of each window and group: a measure, or one of its quantiles."""

    name: str
    label: str
    measure: MeasureDefinition
    style: Style
    fraction: int | None = None
    """Which of the measure's fractions."""

    @property
    def additive(self) -> bool:
        """Whether groups add up to the whole."""
        return self.style == "bars"

    def of(self, values: Mapping[str, Any]) -> Any:
        """Return the figure among a row's values."""
        value = values.get(self.measure.name)
        if self.fraction is None or value is None:
            return value
        return list(value.values())[self.fraction] if isinstance(value, dict) else value[self.fraction]

    @property
    def kind(self) -> Written:
        """What its values are, which decides how they are written."""
        if self.measure.measure in {"count", "distinct", "topk"}:
            return "integer"
        if self.measure.measure in {"mean", "variance", "quantiles"}:
            return "float"
        return _KINDS.get(self.measure.kind, "float")

    def document(self) -> dict[str, Any]:
        """Return what the page needs to know of it."""
        return {
            "name": self.name,
            "label": self.label,
            "style": self.style,
            "word": self.measure.measure,
            "kind": self.kind,
            "error": self.measure.error,
        }


def figures(definition: Definition) -> list[Figure]:
    """Return all figures of a metric, in the order in which it declares its measures."""
    return [figure for measure in definition.measures for figure in _figures(measure)]


def _figures(measure: MeasureDefinition) -> list[Figure]:
    match measure.measure:
        case "quantiles":
            fractions = measure.options.get("fractions", [])
            return [
                Figure(
                    name=f"{measure.name}.{percent(fraction)}",
                    label=f"{measure.name} {percent(fraction)}",
                    measure=measure,
                    style="line",
                    fraction=place,
                )
                for place, fraction in enumerate(fractions)
            ]
        case "topk":
            style: Style = "list"
        case "min" | "max" if measure.kind in {Kind.TIMESTAMP, Kind.DATE}:
            style = "text"
        case _:
            style = "bars" if measure.measure in ADDITIVE else "line"
    return [Figure(name=measure.name, label=measure.name, measure=measure, style=style)]


def percent(fraction: float) -> str:
    """Return `p95` for 0.95, `p99.9` for 0.999."""
    return f"p{Decimal(str(fraction)) * 100:f}".rstrip("0").rstrip(".") if fraction else "p0"


def number(value: Any) -> float | int | None:
    """Return a value as a chart draws it; None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if isinstance(value, int) and abs(value) < WHOLE:
        return value
    try:
        drawn = float(value)
    except OverflowError:
        return None
    return drawn if math.isfinite(drawn) else None


def text(value: Any) -> str | None:  # noqa: PLR0911 - one line per type
    """Return a value exactly, as a table shows it; None for a null."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case _:
            return str(value)
