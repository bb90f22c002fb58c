"""`WindowRow`: what a reader of windows is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """One group of one window, or of several windows put together; times are in UTC, ends are exclusive.

    `group` and `values` are in the order of the metric's definition. A row is `provisional` until all that
    arrived before the end of its window, and the metric's lateness beyond, has been counted; `late` counts
    the events that arrived after the window's end.
    """

    metric: str
    version: str
    window_start: datetime
    window_end: datetime
    group: Mapping[str, Any]
    values: Mapping[str, Any]
    provisional: bool
    late: int = 0

    def document(self) -> dict[str, Any]:
        """Return the row as one object: what `sluice windows --json` prints."""
        return {
            "window_start": self.window_start,
            "group": dict(self.group),
            **self.values,
            "provisional": self.provisional,
        }


def order(group: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    """Return what groups are sorted by: null comes first, as in BigQuery."""
    return tuple((value is not None, value if value is not None else 0) for value in group)
