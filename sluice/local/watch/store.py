"""Metrics by the minute, as long as CloudWatch keeps minutes; a minute may be made shorter than it is.

Chosen bounds: 10,000 metrics; values are kept apart, for percentiles, for the newest three hours of minutes.
"""

import math
import threading
from collections.abc import Iterable, Iterator
from typing import Final

from sluice.local.watch.points import Cell, Dimensions, Points

MOST_SERIES: Final = 10_000
MOST_MINUTES: Final = 15 * 24 * 60
"""CloudWatch keeps one-minute points for 15 days (user guide, "Metrics retention")."""

APART_MINUTES: Final = 180
_ROUNDING: Final = 1e-6

Key = tuple[str, str, Dimensions]
"""Namespace, name and dimensions of a metric."""


class MetricStore:
    """All metrics. Safe for several threads.

    Points are kept in cells of `minute_seconds`: what alarms take for a minute.
    """

    def __init__(self, minute_seconds: float = 60.0) -> None:
        self.minute_seconds = minute_seconds
        self._series: dict[Key, dict[int, Cell]] = {}
        self._lock = threading.Lock()

    def minute(self, timestamp: float) -> int:
        """The number of the cell that a moment (epoch seconds) falls into."""
        return int(timestamp // self.minute_seconds)

    def take(self, points: Iterable[Points]) -> None:
        """Keep what was sent."""
        with self._lock:
            for one in points:
                cell = self._cell((one.namespace, one.name, one.dimensions), one.timestamp, one.unit)
                if cell is not None:
                    for value, count in zip(one.values, one.counts, strict=True):
                        cell.add(value, count)

    def add(self, key: Key, value: float, timestamp: float, *, unit: str = "Count", count: float = 1) -> None:
        """Keep one value."""
        with self._lock:
            cell = self._cell(key, timestamp, unit)
            if cell is not None:
                cell.add(value, count)

    def add_summary(
        self, key: Key, timestamp: float, unit: str, *, count: float, total: float, low: float, high: float
    ) -> None:
        """Keep statistics of values that were not sent one by one."""
        with self._lock:
            cell = self._cell(key, timestamp, unit)
            if cell is not None:
                cell.add_summary(count, total, low, high)

    def known(self, key: Key) -> bool:
        """Whether a metric has ever had a value."""
        return key in self._series

    def span(self, key: Key, first: int, last: int, unit: str | None = None) -> Cell | None:
        """What is known of the minutes from `first` up to, not including, `last`; None for nothing."""
        with self._lock:
            minutes = self._series.get(key)
            if minutes is None:
                return None
            numbers = range(first, last) if last - first <= len(minutes) else sorted(minutes)
            cells = [
                minutes[number]
                for number in numbers
                if first <= number < last and number in minutes and unit in (None, minutes[number].unit)
            ]
            if not cells:
                return None
            found = Cell()
            for cell in cells:
                found.merge(cell)
            return found

    def between(self, key: Key, start: float, end: float, unit: str | None = None) -> Cell | None:
        """What is known of [start, end) in epoch seconds, by the starts of its minutes; None for nothing."""
        first, last = (math.ceil(moment / self.minute_seconds - _ROUNDING) for moment in (start, end))
        return self.span(key, first, last, unit)

    def newest(self, key: Key) -> float | None:
        """The start of the newest minute of a metric, in epoch seconds."""
        with self._lock:
            minutes = self._series.get(key)
            return max(minutes) * self.minute_seconds if minutes else None

    def metrics(self) -> Iterator[Key]:
        """All metrics."""
        with self._lock:
            return iter(list(self._series))

    def _cell(self, key: Key, timestamp: float, unit: str) -> Cell | None:
        minutes = self._series.get(key)
        if minutes is None:
            if len(self._series) >= MOST_SERIES:
                return None
            minutes = self._series[key] = {}
        number = self.minute(timestamp)
        cell = minutes.get(number)
        if cell is None:
            cell = minutes[number] = Cell()
            old = minutes.get(number - APART_MINUTES)
            if old is not None:
                old.forget_values()
            while len(minutes) > MOST_MINUTES:
                del minutes[min(minutes)]
        cell.unit = unit
        return cell
