"""Signals on their way to CloudWatch: a line of embedded metric format in the function's log."""

import threading
from collections import Counter
from collections.abc import Mapping

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from sluice.signals import BY_NAME, ENVIRONMENT, NAMESPACE, SINK


class Figures:
    """Says the signals of one sink, or of a function that is none.

    The provider is its own: powertools' `Metrics` shares dimensions with those that a user's function writes.
    """

    def __init__(self, sink: str, environment: str) -> None:
        self._provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="")
        self._provider.set_default_dimensions(**{ENVIRONMENT: environment, SINK: sink})

    def say(self, figures: Mapping[str, float], **beside: str) -> None:
        """Write one line; of trouble only what there is any of.

        `beside` stands in the line and is no dimension: what leads from a figure to the invocation.
        """
        said = {name: value for name, value in figures.items() if value or BY_NAME[name].always}
        if not said:
            return
        for name, value in said.items():
            self._provider.add_metric(name, BY_NAME[name].unit, value)
        for name, text in beside.items():
            self._provider.add_metadata(name, text)
        self._provider.flush_metrics()


class Tally:
    """Counts what happens in several threads between two lines of figures."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, **counts: int) -> None:
        """Add to signals, by name."""
        with self._lock:
            self._counts.update(counts)

    def take(self) -> Mapping[str, int]:
        """Return what was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts
