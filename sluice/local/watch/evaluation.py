"""From data points to an alarm's state: M of N, and what is missing.

By CloudWatch's guide ("Configuring how CloudWatch alarms treat missing data", "Avoiding premature transitions
to alarm state", read 2026-11), whose two tables are tests here. Its examples retrieve two points more than
evaluation periods: so does this, whatever the period. Where the guide is silent the state stays as it was:
fewer breaching points than it takes, none that is fine, and the oldest not yet old enough.
"""

import operator
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

SPARE_POINTS: Final = 2
"""How many more points are retrieved than evaluation periods."""

ENOUGH_SAMPLES: Final = 10


class State(StrEnum):
    """An alarm's state."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What a point that is missing counts for."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
"""All but those of anomaly detection."""


def evaluate(breaches: Sequence[bool | None], periods: int, enough: int, missing: Missing) -> State | None:
    """The state that an alarm goes to; None when it stays in the one that it has.

    Args:
        breaches: The points of the evaluation range, the newest last; None where one is missing.
        periods: How many points decide (N).
        enough: How many of them must breach (M).
        missing: What counts for those that are missing.
    """
    real = [each for each in breaches if each is not None]
    if len(real) >= periods:
        return _by_count(sum(real[-periods:]), enough)
    filled, breaching = periods - len(real), sum(real)
    match missing:
        case Missing.BREACHING:
            return _by_count(breaching + filled, enough)
        case Missing.NOT_BREACHING:
            return _by_count(breaching, enough)
    if not real:
        return State.INSUFFICIENT_DATA if missing is Missing.MISSING else None
    if breaching >= enough or not all(real):
        return _by_count(breaching, enough)
    oldest = len(breaches) - next(place for place, each in enumerate(breaches) if each)
    return State.ALARM if missing is Missing.MISSING and oldest >= enough else None


def enough_samples(percentile: float, samples: float) -> bool:
    """Whether so many samples say anything about a percentile.

    CloudWatch wants 10/(1-p) of them from the median up and 10/p below (user guide, "Percentile-based alarms
    and low data samples").
    """
    share = percentile / 100
    rarer = 1 - share if share >= 0.5 else share  # noqa: PLR2004 - the median
    return rarer <= 0 or samples >= ENOUGH_SAMPLES / rarer


def _by_count(breaching: int, enough: int) -> State:
    return State.ALARM if breaching >= enough else State.OK
