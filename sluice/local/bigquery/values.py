"""The textual forms of values that BigQuery takes, read strictly into Python's.

Used where a row needs the slow path, and for query parameters. Each reader raises ValueError for all else.
Forms: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types (read in November 2026).
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Final

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
# Digits before and after the point. BIGNUMERIC holds a little more than 76 digits: the bound is on the value.
NUMERIC_MAX: Final = Decimal("9" * 29 + "." + "9" * 9)
BIGNUMERIC_MAX: Final = Decimal(
    "578960446186580977117854925043439539266.34992332820282019728792003956564819967"
)
BIGNUMERIC_MIN: Final = Decimal(
    "-578960446186580977117854925043439539266.34992332820282019728792003956564819968"
)
_SCALE: Final = {"NUMERIC": 9, "BIGNUMERIC": 38}

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?", re.ASCII)
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})(?:[ Tt](?P<time>\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{1,6})?))?(?P<zone>.*)",
    re.ASCII | re.DOTALL,
)
_OFFSET = re.compile(r" ?(?:UTC)?([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII)


class UnknownZoneError(ValueError):
    """A time zone by name, which streaming inserts refuse."""


def parse_int64(text: str) -> int:
    """Read an INT64."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    value = int(text) if len(text) < 30 else INT64_MAX + 1  # noqa: PLR2004 - no need to read a longer one
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError(text)
    return value


def parse_float64(text: str) -> float:
    """Read a FLOAT64: a decimal or NaN, Infinity, +inf, -inf in any case."""
    if text.lstrip("+-").lower() in {"nan", "inf", "infinity"} and len(text) - len(text.lstrip("+-")) <= 1:
        return float(text)
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def parse_numeric(text: str, kind: str) -> Decimal:
    """Read a NUMERIC or BIGNUMERIC; more digits than fit are refused, not rounded."""
    if not _DECIMAL.fullmatch(text) or len(text) > 2000:  # noqa: PLR2004 - far beyond any value that fits
        raise ValueError(text)
    value = Decimal(text)
    low, high = (-NUMERIC_MAX, NUMERIC_MAX) if kind == "NUMERIC" else (BIGNUMERIC_MIN, BIGNUMERIC_MAX)
    if not low <= value <= high:
        raise ValueError(text)
    exponent = value.normalize().as_tuple().exponent if len(value.as_tuple().digits) <= 28 else None  # noqa: PLR2004
    if exponent is None:
        exponent = _last_digit(value)
    if not isinstance(exponent, int) or -exponent > _SCALE[kind]:
        raise ValueError(text)
    return value


def _last_digit(value: Decimal) -> int:
    """Return the exponent of the last digit that is not zero; `normalize` would round at 28 digits."""
    _, digits, exponent = value.as_tuple()
    place = int(exponent)
    for digit in reversed(digits):
        if digit:
            break
        place += 1
    return place


def numeric_text(value: Decimal) -> str:
    """Write a decimal as BigQuery does: no exponent, no trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def parse_date(text: str) -> dt.date:
    """Read a DATE, `YYYY-[M]M-[D]D`."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return dt.date(int(match[1]), int(match[2]), int(match[3]))


def parse_time(text: str) -> dt.time:
    """Read a TIME, `[H]H:[M]M:[S]S[.DDDDDD]`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return dt.time(int(match[1]), int(match[2]), int(match[3]), int((match[4] or "").ljust(6, "0")))


def parse_datetime(text: str) -> dt.datetime:
    """Read a DATETIME: a date, and a time after `T` or a space; no zone."""
    match = _MOMENT.fullmatch(text)
    if match is None or match["zone"]:
        raise ValueError(text)
    return dt.datetime.combine(parse_date(match["date"]), parse_time(match["time"] or "0:0:0"))


def parse_timestamp(text: str) -> dt.datetime:
    """Read a TIMESTAMP into UTC: as a DATETIME, with `Z`, `UTC` or an offset, or none of them for UTC."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    zone = match["zone"]
    local = dt.datetime.combine(parse_date(match["date"]), parse_time(match["time"] or "0:0:0"), dt.UTC)
    if zone.strip() in {"", "Z", "z", "UTC"}:
        return local
    offset = _OFFSET.fullmatch(zone)
    if offset is None:
        if zone.startswith(" ") and zone[1:2].isalpha():
            raise UnknownZoneError(zone.strip())
        raise ValueError(text)
    shift = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    if shift > dt.timedelta(hours=14):
        raise ValueError(text)
    try:
        return local - shift if offset[1] == "+" else local + shift
    except OverflowError:
        raise ValueError(text) from None


def from_epoch(seconds: float | Decimal) -> dt.datetime:
    """Read a TIMESTAMP given as seconds since 1970. Raises ValueError outside years 1 to 9999."""
    try:
        micros = round(Decimal(seconds) * 1_000_000)
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
    except (OverflowError, ArithmeticError):
        raise ValueError(str(seconds)) from None


def micros(moment: dt.datetime) -> int:
    """Return microseconds since 1970 of a UTC moment, naive or not."""
    delta = moment.replace(tzinfo=None) - dt.datetime(1970, 1, 1)  # noqa: DTZ001 - both sides are naive UTC
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
