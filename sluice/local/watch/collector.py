"""Gathers what a process of the local cloud measures, and sends it to the local CloudWatch now and then."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import urllib3

from sluice.local.watch.points import Dimensions, Points, dimensions_of

PATH: Final = "/_sluice/metrics"
"""Of the local AWS: a POST with a list of `Points` keeps them."""

LONGEST_SECONDS: Final = 1.0
"""How long a point may wait."""

_Sum = tuple[str, str, Dimensions, str, int]


def pause_of(minute_seconds: float) -> float:
    """How often points are sent, in seconds: many times within an alarm's minute."""
    return min(LONGEST_SECONDS, minute_seconds / 10)


class Collector:
    """Adds values up by metric and minute until they are sent. Safe for several threads."""

    def __init__(self, aws_url: str, minute_seconds: float = 60.0) -> None:
        self._url = aws_url + PATH
        self._minute_seconds = minute_seconds
        self._sums: dict[_Sum, dict[float, float]] = {}
        self._lock = threading.Lock()
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(5), retries=False)
        self._stopped = threading.Event()

    def start(self) -> None:
        """Send from now on, from a thread of its own."""
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Send what is there, and nothing more."""
        self._stopped.set()
        self.send()

    def add(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        *,
        unit: str = "Count",
        count: float = 1,
    ) -> None:
        """Take a value of this moment."""
        key = (namespace, name, dimensions_of(dict(dimensions)), unit, self._minute(time.time()))
        with self._lock:
            values = self._sums.setdefault(key, {})
            values[value] = values.get(value, 0.0) + count

    def take(self, points: Iterable[Points]) -> None:
        """Take points as a function's log has them."""
        with self._lock:
            for one in points:
                key = (one.namespace, one.name, one.dimensions, one.unit, self._minute(one.timestamp))
                values = self._sums.setdefault(key, {})
                for value, count in zip(one.values, one.counts, strict=True):
                    values[value] = values.get(value, 0.0) + count

    def send(self) -> None:
        """Send what has been gathered; it waits on where the local CloudWatch does not answer."""
        with self._lock:
            sums, self._sums = self._sums, {}
        if not sums:
            return
        points = [
            Points(
                namespace,
                name,
                dimensions,
                unit,
                minute * self._minute_seconds,
                [*values],
                [*values.values()],
            )
            for (namespace, name, dimensions, unit, minute), values in sums.items()
        ]
        try:
            self._pool.request("POST", self._url, body=msgspec.json.encode(points))
        except urllib3.exceptions.HTTPError:  # it has ended, and everything with it, or is busy
            self.take(points)

    def _minute(self, timestamp: float) -> int:
        return int(timestamp // self._minute_seconds)

    def _run(self) -> None:
        while not self._stopped.wait(pause_of(self._minute_seconds)):
            self.send()
