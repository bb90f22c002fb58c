"""The slow path of a row: BigQuery's coercions, value by value, and its wording where a value is refused.

Wordings were seen in the wild (for example googleapis/nodejs-bigquery#45, #859, #1221,
google-cloud-python#9602, google-cloud-dotnet#8206).
Where it is not known whether BigQuery takes a form, it is refused.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from sluice.local.bigquery import values
from sluice.local.bigquery.types import Field

# BigQuery refuses JSON values nested deeper than this (JSON type, limits; read in November 2026).
JSON_DEPTH: Final = 500


class RowError(Exception):
    """Why BigQuery refuses a row, and the path of the field."""

    def __init__(self, location: str, message: str) -> None:
        super().__init__(message)
        self.location = location
        self.message = message
        self.reason = "invalid"


def coerce_row(fields: tuple[Field, ...], row: Any, *, ignore_unknown: bool) -> dict[str, Any]:
    """Return the row in the form that is loaded, every column present. Raises RowError."""
    if not isinstance(row, dict):
        raise RowError("", "Row is not a JSON object.")
    return _record(fields, row, "", ignore_unknown=ignore_unknown)


def _record(
    fields: tuple[Field, ...], row: dict[str, Any], path: str, *, ignore_unknown: bool
) -> dict[str, Any]:
    by_name = {field.name.lower(): field for field in fields}
    given: dict[str, Any] = {}
    for name, value in row.items():
        field = by_name.get(name.lower())
        if field is not None:
            given[field.name] = value
        elif not ignore_unknown:
            raise RowError(path + name, f"no such field: {path}{name}.")
    missing = [field for field in fields if field.mode == "REQUIRED" and given.get(field.name) is None]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        names = ", ".join(f"Msg_0_CLOUD_QUERY_TABLE.{path}{field.name}" for field in missing)
        raise RowError(path + missing[0].name, f"Missing required field{plural}: {names}.")
    return {
        field.name: _column(field, given, path + field.name, ignore_unknown=ignore_unknown)
        for field in fields
    }


def _column(field: Field, given: dict[str, Any], path: str, *, ignore_unknown: bool) -> Any:
    value = given.get(field.name)
    if field.mode == "REPEATED":
        if field.name not in given:
            return []
        if value is None:
            raise RowError(path, f"Field value of {path} cannot be empty.")
        if not isinstance(value, list):
            raise RowError(path, f"Repeated field must be given as a JSON array. Field: {path}.")
        if any(item is None for item in value):
            raise RowError(path, f"Field value of {path} cannot be empty.")
        return [_value(field, item, path, ignore_unknown=ignore_unknown) for item in value]
    if value is None:
        return None
    if isinstance(value, list):
        raise RowError(path, f"Array specified for non-repeated field: {path}.")
    return _value(field, value, path, ignore_unknown=ignore_unknown)


def _value(field: Field, value: Any, path: str, *, ignore_unknown: bool) -> Any:
    if field.kind == "STRUCT":
        if not isinstance(value, dict):
            raise RowError(path, f"This field: {path} is not a record value.")
        return _record(field.fields, value, path + ".", ignore_unknown=ignore_unknown)
    if isinstance(value, dict):
        raise RowError(path, f"This field: {path} is not a record.")
    if isinstance(value, list):
        raise RowError(path, f"Array specified for non-repeated field: {path}.")
    result = _CONVERTERS[field.kind](value, path)
    if field.max_length is not None:
        _check_length(field, result, path)
    return result


def _check_length(field: Field, value: Any, path: str) -> None:
    length = len(base64.b64decode(value)) if field.kind == "BYTES" else len(value)
    limit = field.max_length
    if limit is not None and length > limit:
        raise RowError(
            path,
            f"Field {path}: {field.kind}({limit}) has maximum length {limit} "
            f"but got a value with length {length}",
        )


def _unsupported(value: Any, target: str, path: str) -> RowError:
    source = {bool: "bool", int: "int64", float: "double", Decimal: "double"}.get(type(value), "string")
    return RowError(path, f"Conversion from {source} to {target} is unsupported.")


def _string(value: Any, path: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _unsupported(value, "string", path)


def _int64(value: Any, path: str) -> int:
    if isinstance(value, bool):
        raise _unsupported(value, "int64", path)
    try:
        if isinstance(value, Decimal):
            if value != value.to_integral_value():
                raise ValueError(value)  # noqa: TRY301 - the handler words both refusals alike
            return values.parse_int64(str(int(value)))
        return values.parse_int64(value if isinstance(value, str) else str(value))
    except (ValueError, ArithmeticError):
        raise RowError(path, f"Cannot convert value to integer (bad value): {value}") from None


def _float64(value: Any, path: str) -> Any:
    if isinstance(value, bool):
        raise _unsupported(value, "double", path)
    try:
        number = values.parse_float64(value if isinstance(value, str) else str(value))
    except ValueError:
        raise RowError(path, f"Cannot convert value to floating point (bad value): {value}") from None
    # DuckDB reads the specials from text.
    return number if number - number == 0 else str(number)


def _bool(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if isinstance(value, str):
        raise RowError(path, f"Cannot convert value to boolean (bad value): {value}")
    raise _unsupported(value, "bool", path)


def _decimal(kind: str) -> Callable[[Any, str], str]:
    def convert(value: Any, path: str) -> str:
        if isinstance(value, bool):
            raise _unsupported(value, kind.lower(), path)
        try:
            return values.numeric_text(values.parse_numeric(str(value), kind))
        except ValueError:
            raise RowError(path, f"Invalid {kind} value: {value} Field: {path}; Value: {value}") from None

    return convert


def _bytes(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _unsupported(value, "bytes", path)
    try:
        return base64.b64encode(
            base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
        ).decode()
    except (binascii.Error, ValueError):
        raise RowError(
            path, f"Could not decode base64 string to bytes. Field: {path}; Value: {value}"
        ) from None


def _timestamp(value: Any, path: str) -> str:
    if isinstance(value, bool):
        raise _unsupported(value, "timestamp", path)
    if isinstance(value, int | float | Decimal):
        try:
            moment = values.from_epoch(value)
        except ValueError:
            raise RowError(path, f"Timestamp field value is out of range: {value}") from None
    else:
        try:
            moment = values.parse_timestamp(value)
        except values.UnknownZoneError as error:
            raise RowError(path, f"Unrecognized timezone: {error}") from None
        except ValueError:
            wanted = "YYYY-MM-DD HH:MM[:SS[.SSSSSS]] or YYYY/MM/DD HH:MM[:SS[.SSSSSS]]"
            raise RowError(
                path, f"Could not parse '{value}' as a timestamp. Required format is {wanted}"
            ) from None
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _civil(name: str, parse: Callable[[str], dt.date | dt.time]) -> Callable[[Any, str], str]:
    def convert(value: Any, path: str) -> str:
        try:
            if not isinstance(value, str):
                raise ValueError(value)  # noqa: TRY004, TRY301 - the handler words both refusals alike
            return parse(value).isoformat()
        except ValueError:
            raise RowError(path, f"Invalid {name}: '{value}' Field: {path}; Value: {value}") from None

    return convert


def normal_json(text: str) -> str:
    """Return JSON text in its compact form. Raises ValueError for text that BigQuery's JSON type refuses."""
    # Text that nests deeper has at least an opening and a closing bracket per level.
    if len(text) > 2 * JSON_DEPTH and text.count("[") + text.count("{") > JSON_DEPTH:
        _check_depth(text)
    try:
        return msgspec.json.encode(msgspec.json.decode(text)).decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _check_depth(text: str) -> None:
    depth = 0
    inside = escaped = False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > JSON_DEPTH:
                raise ValueError("Nesting exceeds maximum depth of 500")
        elif character in "]}":
            depth -= 1


def _json(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _unsupported(value, "json", path)
    try:
        return normal_json(value)
    except ValueError as error:
        raise RowError(path, f"Invalid JSON value: {error} Field: {path}") from None


_CONVERTERS: Final[dict[str, Callable[[Any, str], Any]]] = {
    "STRING": _string,
    "INT64": _int64,
    "FLOAT64": _float64,
    "BOOL": _bool,
    "NUMERIC": _decimal("NUMERIC"),
    "BIGNUMERIC": _decimal("BIGNUMERIC"),
    "BYTES": _bytes,
    "TIMESTAMP": _timestamp,
    "DATE": _civil("date", values.parse_date),
    "DATETIME": _civil("datetime string", values.parse_datetime),
    "TIME": _civil("time string", values.parse_time),
    "JSON": _json,
}
