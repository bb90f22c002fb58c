"""What a kind of alarm is: see infra/alarm_kinds.py, which lists them."""

from dataclasses import dataclass
from typing import Final, Literal

MINUTE: Final = 60
FIVE_MINUTES: Final = 300

Statistic = Literal["Average", "Maximum", "Minimum", "SampleCount", "Sum"]
Row = Literal["healthy", "late", "losing"]

IN_TROUBLE: Final = "sink-in-trouble"
OVERLOADED: Final = "stream-overloaded"
BAD_EVENTS: Final = "bad-events"

THREE_OF_FIVE: Final = "Three of five minutes: a burst that retries absorb passes."


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of alarm.

    `means` is a sentence of its description. `setting` is the key in the section `alarms` that moves its
    threshold; without one any occurrence rings. A metric breaches when its `statistic` over `period` seconds
    is `above` (else below) the threshold, and `datapoints` of the last `periods` must. `missing` is how
    missing data counts: as good, or as what there was before. `within` is the composite that rings in its
    place, and `row` that of the dashboard which asks the same.
    """

    name: str
    row: Row
    asks: str
    means: str
    why: str
    setting: str | None = None
    statistic: Statistic = "Sum"
    period: int = FIVE_MINUTES
    periods: int = 1
    datapoints: int = 1
    above: bool = True
    missing: Literal["ignore", "notBreaching"] = "notBreaching"
    within: str | None = None


@dataclass(frozen=True, kw_only=True)
class Composite:
    """A kind that rings once where any of its members would."""

    name: str
    asks: str
    means: str
    why: str
