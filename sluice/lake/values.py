"""Athena's answers as Python values: it sends every value as text, and its column's type beside it.

docs.aws.amazon.com/athena/latest/APIReference/API_ColumnInfo.html and API_Datum.html (read 2026-11).
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MICROSECONDS: Final = 6
"""Digits of a second that Python keeps; Athena has up to nine, the lake's columns six."""


def value_of(kind: str, text: str | None) -> Any:
    """Return the value that Athena wrote as `text` in a column of this type.

    Numbers come back exact (`decimal` as Decimal), moments with their zone, JSON decoded. Arrays, rows and
    maps stay as Athena's text: it puts no quotes around strings, so nothing can be read out of it safely.
    """
    if text is None:
        return None
    read = _READ.get(kind)
    return text if read is None else read(text)


def _moment(text: str) -> datetime:
    """Read `2026-11-20 08:00:00.123456 UTC`, the zone being optional."""
    words = text.split(" ")
    moment = datetime.fromisoformat(f"{words[0]} {_seconds(words[1])}")
    if len(words) < 3:  # noqa: PLR2004 - day, time, zone
        return moment
    return moment.replace(tzinfo=_zone(words[2])).astimezone(UTC)


def _seconds(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{whole}{point}{fraction[:MICROSECONDS]:0<6}" if point else whole


def _zone(name: str) -> Any:
    if name in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "float": float,
    "double": float,
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
    "date": date.fromisoformat,
    "timestamp": _moment,
    "timestamp with time zone": _moment,
    "json": lambda text: json.loads(text, parse_float=Decimal),
}
