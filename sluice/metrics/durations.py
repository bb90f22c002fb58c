"""How long a window lasts and how long it stays open, written as `10s`, `15m` or `1h`."""

import re

from sluice.errors import ContractError

HOUR = 3_600
MAX_WINDOW = 900
"""Seconds: the longest tumbling window of a Lambda event-source mapping.

docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html (as of 2025).
"""
MAX_LATENESS = 24 * HOUR
WINDOWS = tuple(seconds for seconds in range(1, MAX_WINDOW + 1) if HOUR % seconds == 0)
"""Windows that start at the same moments in every hour."""

_UNITS = {"s": 1, "m": 60, "h": HOUR}
_DURATION = re.compile(r"([0-9]{1,9})([smh])\Z")


def window_seconds(given: object, where: str) -> int:
    """The length of a window in seconds."""
    seconds = _seconds(given, f"{where}: window", "10s, 1m or 15m")
    if not 1 <= seconds <= MAX_WINDOW:
        raise ContractError(
            f"{where}: window={given!r} is outside the 1s to {in_words(MAX_WINDOW)} that Lambda's tumbling"
            " windows allow; figures of longer spans are made of several windows"
        )
    if seconds not in WINDOWS:
        below = max(one for one in WINDOWS if one < seconds)
        above = min(one for one in WINDOWS if one > seconds)
        raise ContractError(
            f"{where}: window={given!r} does not divide an hour, so its windows would start elsewhere in"
            f" every hour; the nearest that do are {in_words(below)} and {in_words(above)}"
        )
    return seconds


def lateness_seconds(given: object, where: str) -> int:
    """How many seconds after its end a window still counts as provisional."""
    seconds = _seconds(given, f"{where}: lateness", "0s, 30s or 10m")
    if seconds > MAX_LATENESS:
        raise ContractError(f"{where}: lateness={given!r} is more than 24h; late events count in any case")
    return seconds


def in_words(seconds: int) -> str:
    """Seconds as they are written in `pipeline.py`: 900 is `15m`, 90 is `90s`."""
    unit = next(unit for unit in ("h", "m", "s") if seconds % _UNITS[unit] == 0 and (seconds or unit == "s"))
    return f"{seconds // _UNITS[unit]}{unit}"


def _seconds(given: object, where: str, examples: str) -> int:
    found = _DURATION.match(given) if isinstance(given, str) else None
    if found is None:
        raise ContractError(
            f"{where}={given!r} is no length of time; write a number and s, m or h: {examples}"
        )
    return int(found[1]) * _UNITS[found[2]]
