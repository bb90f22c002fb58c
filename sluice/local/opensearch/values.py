"""Values as an index holds them, by the type of their field: from documents, and from queries.

Words of refusals and what is coerced are those of OpenSearch 2.19, as a test compares them with a node.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from sluice.local.opensearch.errors import Refused, unsupported

TYPES: Final = frozenset({"text", "keyword", "long", "double", "date", "boolean"})
LEAST_INT, MOST_INT = -(2**31), 2**31 - 1
LEAST_LONG, MOST_LONG = -(2**63), 2**63 - 1
MOST_TOKEN: Final = 255
_WORD: Final = re.compile(
    r"\w+(?:(?:(?<=[^\W\d_])[:.\xb7'\u2019\u2024](?=[^\W\d_])|(?<=\d)[.,;'\u2019\u2024](?=\d))\w+)*",
)
"""Unicode's word boundaries (UAX #29) as far as scripts with spaces need them."""

_WITHOUT_SPACES: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f]"
)
_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?"
    r"(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?"
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""What both Java and Python read as a number, and alike."""

_JAVAS_NUMBER: Final = re.compile(r"[+-]?(?:0[xX].*|.*\d\.?(?:[eE][+-]?\d+)?[dDfF])")
"""What `Double.parseDouble` may read as well: hexadecimal digits, a type behind the number."""

_LONGS_DIGITS: Final = 19

_DAY_LONG: Final = 86_400_000
"""In milliseconds; also how far a month or a year reaches as an upper bound (JavaDateMathParser)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND, _FRACTION, _ZONE = range(8)


def tokens(text: str) -> Iterator[str]:
    """The standard analyzer's terms: words in lower case."""
    if _WITHOUT_SPACES.search(text):
        raise unsupported("words of scripts without spaces")
    for found in _WORD.finditer(text):
        word = found[0].lower()
        if word.strip("_"):
            yield from (word[at : at + MOST_TOKEN] for at in range(0, len(word), MOST_TOKEN))


def indexed(kind: str, value: Any, form: str | None = None) -> Any:
    """A document's value as a field of this type holds it; None when it holds none.

    Raises:
        Refused: the type does not take it; `error` has OpenSearch's cause.
    """
    if isinstance(value, dict):
        raise _cause("illegal_state_exception", "Can't get text on a START_OBJECT")
    match kind:
        case "text" | "keyword":
            return _text(value)
        case "long":
            return _long(value)
        case "double":
            return _double(value)
        case "boolean":
            return _boolean(value)
        case _:
            return moment(value, form)[0]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def _long(value: Any) -> int | None:
    if isinstance(value, bool):
        raise _cause("json_parse_exception", f"Current token (VALUE_{str(value).upper()}) not numeric")
    if value == "":
        return None
    number = math.trunc(value) if isinstance(value, int | float) else _whole(str(value))
    if not LEAST_LONG <= number <= MOST_LONG:
        raise _cause("input_coercion_exception", f"Numeric value ({value}) out of range of long")
    return number


def _whole(text: str) -> int:
    """Read a text as `Long.parseLong` or `BigDecimal` do."""
    if not text.isascii():
        raise unsupported(f"the number {text}: Java reads digits of all scripts")
    if not _NUMBER.fullmatch(text):
        raise _cause("illegal_argument_exception", f'For input string: "{text}"')
    number = Decimal(text)
    if number.adjusted() >= _LONGS_DIGITS or not LEAST_LONG <= int(number) <= MOST_LONG:
        raise _cause("illegal_argument_exception", f"Value [{text}] is out of range for a long")
    return int(number)


def _double(value: Any) -> float | None:
    if isinstance(value, bool):
        raise _cause("json_parse_exception", f"Current token (VALUE_{str(value).upper()}) not numeric")
    if value == "":
        return None
    try:
        number = float(value) if isinstance(value, int | float) else _fraction(str(value))
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        name = "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
        raise _cause("illegal_argument_exception", f"[double] supports only finite values, but got [{name}]")
    return number


def _fraction(text: str) -> float:
    """Read a text as `Double.parseDouble` does, which passes over blanks around it."""
    bare = text.strip("".join(map(chr, range(33))))
    if _NUMBER.fullmatch(bare) or bare.lstrip("+-") in ("NaN", "Infinity"):
        return float(bare)
    if _JAVAS_NUMBER.fullmatch(bare):
        raise unsupported(f"the number {text}: only Java reads it as one")
    raise _cause("number_format_exception", f'For input string: "{text}"')


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if value in ("true", "false", ""):
        return bool(value == "true")
    if isinstance(value, str):
        raise _cause(
            "illegal_argument_exception",
            f"Failed to parse value [{value}] as only [true] or [false] are allowed.",
        )
    raise _cause("json_parse_exception", "Current token not of boolean type")


def moment(value: Any, form: str | None = None) -> tuple[int, int]:
    """The first and the last millisecond that a date means: `2026-11-21` is a day long.

    Raises:
        Refused: it is none.
    """
    text = _text(value)
    if form is None and isinstance(value, int | float) and not isinstance(value, bool):
        number = math.floor(value)
        return number, number
    found = _DATE.fullmatch(text)
    if found is not None and form is not None and (found[_DAY + 1] is None or "T" in text):
        found = None  # strict_date: a whole day and nothing else
    if found is None:
        if form is None and re.fullmatch(r"-?\d+", text):
            return int(text), int(text)
        format_name = form or "strict_date_optional_time||epoch_millis"
        raise _cause(
            "illegal_argument_exception", f"failed to parse date field [{text}] with format [{format_name}]"
        )
    try:
        return _span(found.groups())
    except ValueError:
        raise unsupported(f"the date {text}: OpenSearch carries its parts over") from None


def _span(parts: tuple[str | None, ...]) -> tuple[int, int]:
    year = int(parts[_YEAR] or 1)
    month, day = int(parts[_MONTH] or 1), int(parts[_DAY] or 1)
    hour, minute, second = (int(parts[at] or 0) for at in (_HOUR, _MINUTE, _SECOND))
    begin = datetime(year, month, day, hour, minute, second, tzinfo=_zone(parts[_ZONE]))
    first = (begin - _EPOCH) // timedelta(milliseconds=1)
    fraction = parts[_FRACTION]
    if fraction:
        milliseconds = int(fraction.ljust(3, "0")[:3])
        return first + milliseconds, first + milliseconds
    spans = [(_SECOND, 1000), (_MINUTE, 60_000), (_HOUR, 3_600_000), (_DAY, _DAY_LONG)]
    length = next((span for at, span in spans if parts[at]), _DAY_LONG)
    return first, first + length - 1


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    digits = str(text).replace(":", "").ljust(5, "0")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-offset if digits[0] == "-" else offset)


def _cause(kind: str, reason: str) -> Refused:
    return Refused(400, kind, reason)
