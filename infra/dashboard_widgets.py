"""Widgets of a dashboard, and how they lie on the page (CloudWatch API, dashboard body structure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pulumi

from infra.alarm import Metric
from infra.alarm_kind import FIVE_MINUTES

WIDTH: Final = 24
"""Columns of a page."""

_CHART_WIDTH: Final = 8
_CHART_HEIGHT: Final = 6


@dataclass(frozen=True, kw_only=True)
class Widget:
    """One widget, before it has a place; measured in cells of the page's grid."""

    kind: Literal["alarm", "metric", "text"]
    width: int
    height: int
    properties: dict[str, Any]


@dataclass
class Chart:
    """Metrics over time under a question; lines are thresholds."""

    title: str
    metrics: list[list[Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    stacked: bool = False
    period: int = FIVE_MINUTES

    def add(self, metric: Metric, statistic: str, *, label: str, period: int | None = None) -> None:
        """Show one metric."""
        shown: dict[str, Any] = {"stat": statistic, "label": label}
        self.metrics.append([*named(metric), shown | ({"period": period} if period else {})])

    def hide(self, key: str, metric: Metric, statistic: str) -> None:
        """Add a metric that expressions use, by its id."""
        self.metrics.append([*named(metric), {"id": key, "stat": statistic, "visible": False}])

    def compute(self, expression: str, *, label: str, key: str, visible: bool = True) -> None:
        """Show an expression over what is there by id, or add it for others that use it."""
        hidden = {} if visible else {"visible": False}
        self.metrics.append([{"expression": expression, "label": label, "id": key, **hidden}])

    def line(self, value: float, label: str) -> None:
        """Draw a threshold."""
        self.lines.append({"value": value, "label": label})

    def widget(self, *, wide: bool = False, view: str = "timeSeries") -> Widget:
        """Return it as a widget."""
        annotations = {"annotations": {"horizontal": self.lines}} if self.lines else {}
        return Widget(
            kind="metric",
            width=WIDTH if wide else _CHART_WIDTH,
            height=_CHART_HEIGHT,
            properties={
                "title": self.title,
                "view": view,
                "stacked": self.stacked,
                "period": self.period,
                "metrics": self.metrics,
                **annotations,
            },
        )


def text(markdown: str, *, height: int = 1) -> Widget:
    """Write across the page."""
    return Widget(kind="text", width=WIDTH, height=height, properties={"markdown": markdown})


def named(metric: Metric) -> list[pulumi.Input[str]]:
    """Spell a metric as dashboards do: namespace, name, then each dimension's name and value."""
    return [metric.namespace, metric.name, *(part for pair in metric.dimensions.items() for part in pair)]


def laid_out(rows: Iterable[Sequence[Widget]], *, region: str) -> list[dict[str, Any]]:
    """Give every widget its place: from left to right, and below where it no longer fits."""
    placed: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        left = height = 0
        for widget in row:
            if left + widget.width > WIDTH:
                top, left, height = top + height, 0, 0
            properties = widget.properties | ({"region": region} if widget.kind == "metric" else {})
            placed.append(
                {
                    "type": widget.kind,
                    "x": left,
                    "y": top,
                    "width": widget.width,
                    "height": widget.height,
                    "properties": properties,
                }
            )
            left, height = left + widget.width, max(height, widget.height)
        top += height
    return placed
