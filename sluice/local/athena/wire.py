"""Values as Athena's API sends them: all of them text, in Trino's way of writing."""

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

LEAST_PLAIN: Final = 1e-3
MOST_PLAIN: Final = 1e7


def text_of(value: Any) -> str | None:
    """Return what Athena sends of a value; None is its null."""
    return None if value is None else _text(value)


def _text(value: Any) -> str:  # noqa: C901, PLR0911 - a line per type
    match value:
        case None:
            return "null"
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()
        case bytes():
            return value.hex(" ")
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case dict():
            return "{" + ", ".join(f"{name}={_text(inner)}" for name, inner in value.items()) + "}"
        case _:
            return str(value)


def _float(value: float) -> str:
    if math.isfinite(value):
        return _finite(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _finite(value: float) -> str:
    """Write a double as Java does: from ten million on, and below a thousandth, with its exponent."""
    if value == 0 or LEAST_PLAIN <= abs(value) < MOST_PLAIN:
        return repr(value)
    digits, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{digits}{'' if '.' in digits else '.0'}E{int(exponent)}"


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat(" ", "microseconds")
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'microseconds')} UTC"


def json_of(value: Any) -> str | None:
    """Return what `CAST(value AS JSON)` gives: rows as objects, numbers exact, moments as text."""
    return None if value is None else _json(value)


def _json(value: Any) -> str:  # noqa: PLR0911 - a line per type
    match value:
        case None:
            return "null"
        case bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float() if math.isfinite(value):
            return _finite(value)
        case Decimal():
            return f"{value:f}"
        case list():
            return f"[{','.join(map(_json, value))}]"
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{_json(inner)}" for name, inner in value.items()) + "}"
        case _:
            return json.dumps(_text(value), ensure_ascii=False)
