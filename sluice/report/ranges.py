"""The time that a page looks at, and the steps that a chart of it has."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sluice.errors import UsageError

PRESETS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
"""What the page offers, beside `all` and two moments of one's own."""

MOST_STEPS = 240
"""Bars of a chart: more of them no screen shows apart."""

STEPS = (
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1_200,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    86_400,
)
"""Seconds. Windows divide an hour, so some of these are multiples of any of them."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `since` (None: from the beginning) up to `until`, not included (None: open)."""

    since: datetime | None
    until: datetime | None

    @classmethod
    def parse(cls, name: str | None, since: str | None, until: str | None, now: datetime) -> "Range":
        """Read what the page asks for: a preset, `all`, or two moments; without anything, the last hour.

        Raises:
            UsageError: it is none of these.
        """
        if since or until:
            begin, end = _moment(since), _moment(until)
            if begin is not None and end is not None and begin >= end:
                raise UsageError("the time range ends before it begins: choose a later end")
            return cls(begin, end)
        if name == "all":
            return cls(None, None)
        span = PRESETS.get(name or "1h")
        if span is None:
            raise UsageError(f"range {name}: give one of {', '.join(PRESETS)}, or all")
        return cls(now - span, None)


def step_of(window: int, seconds: float) -> int:
    """Return the shortest step for which a chart of `seconds` has not too many bars, in seconds.

    It is a multiple of the window, or the window itself.
    """
    fitting = (step for step in (window, *STEPS) if step % window == 0 and step >= seconds / MOST_STEPS)
    return next(fitting, -(-int(seconds / MOST_STEPS) // 86_400) * 86_400)


def floor(moment: datetime, step: int) -> int:
    """Return the start of the step that a moment lies in, in epoch seconds."""
    return int(moment.timestamp()) // step * step


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text}: give a moment like 2026-11-20T08:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
