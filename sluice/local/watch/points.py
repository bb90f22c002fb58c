"""What metrics are made of: points as they are sent, and the statistics of those that fell into a minute.

Statistics as CloudWatch names them (user guide, "CloudWatch statistics definitions"). How the service finds a
percentile is not documented: here it is the smallest value that is at least as large as that share of them.
"""

import re
from bisect import bisect_left
from itertools import accumulate
from typing import Final

import msgspec

MOST_VALUES: Final = 256
"""Different values that a metric's minute keeps apart; beyond that they are told apart by three digits."""

STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, by name."""


class Points(msgspec.Struct, frozen=True):
    """Values of one metric at one time (epoch seconds), each as often as `counts` says."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str
    timestamp: float
    values: list[float]
    counts: list[float]


def dimensions_of(pairs: dict[str, str]) -> Dimensions:
    """Dimensions in the order that makes equal ones equal."""
    return tuple(sorted(pairs.items()))


def percentile_of(statistic: str) -> float | None:
    """The share in per cent that a statistic such as `p99.9` asks for; None when it is no percentile."""
    found = _PERCENTILE.fullmatch(statistic)
    return float(found[1]) if found else None


def is_known(statistic: str) -> bool:
    """Whether `Cell.statistic` can answer for it."""
    return statistic in STATISTICS or percentile_of(statistic) is not None


class Cell:
    """What became known of one metric within some time; values apart as long as percentiles may be asked."""

    __slots__ = ("count", "high", "low", "total", "unit", "values")

    def __init__(self) -> None:
        self.count = self.total = 0.0
        self.low, self.high = float("inf"), float("-inf")
        self.unit = "None"
        self.values: dict[float, float] | None = {}

    def add(self, value: float, count: float = 1) -> None:
        """Take a value that came `count` times."""
        self.count += count
        self.total += value * count
        self.low, self.high = min(self.low, value), max(self.high, value)
        self._keep(value, count)

    def _keep(self, value: float, count: float) -> None:
        """Keep a value apart, for percentiles."""
        values = self.values
        if values is None:
            return
        if value not in values and len(values) >= MOST_VALUES:
            value = float(f"{value:.3g}")
        values[value] = values.get(value, 0.0) + count

    def add_summary(self, count: float, total: float, low: float, high: float) -> None:
        """Take statistics of values that nobody sent one by one: no percentile is known of them."""
        if low == high:
            self.add(low, count)
            return
        self.count += count
        self.total += total
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.values = None

    def merge(self, other: "Cell") -> None:
        """Take what another one holds."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        if other.values is None:
            self.values = None
        else:
            for value, count in other.values.items():
                self._keep(value, count)
        self.unit = other.unit

    def forget_values(self) -> None:
        """Keep the sums alone."""
        self.values = None

    def statistic(self, name: str) -> float | None:
        """A statistic; None when it cannot be known."""
        match name:
            case "SampleCount":
                return self.count
            case "Sum":
                return self.total
            case "Average":
                return self.total / self.count if self.count else None
            case "Minimum":
                return self.low
            case "Maximum":
                return self.high
            case _:
                return self._percentile(percentile_of(name))

    def _percentile(self, share: float | None) -> float | None:
        if share is None or not self.values:
            return None
        found = sorted(self.values)
        up_to = list(accumulate(self.values[value] for value in found))
        return found[min(bisect_left(up_to, up_to[-1] * share / 100), len(found) - 1)]
