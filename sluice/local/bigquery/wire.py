"""Values as BigQuery's REST interface sends them: everything a string, rows as `{"f": [{"v": ...}]}`."""

import base64
import datetime as dt
import math
from collections.abc import Callable
from typing import Any, Final

from sluice.local.bigquery.errors import invalid_query
from sluice.local.bigquery.types import Type
from sluice.local.bigquery.values import micros, numeric_text

Encode = Callable[[Any], Any]


def row_encoder(types: list[Type], *, int64_timestamps: bool) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    """Return what turns a DuckDB row into a row of an answer."""
    encoders = [_encoder(type_, int64_timestamps=int64_timestamps) for type_ in types]

    def encode(row: tuple[Any, ...]) -> dict[str, Any]:
        return {"f": [{"v": each(value)} for each, value in zip(encoders, row, strict=True)]}

    return encode


def _encoder(type_: Type, *, int64_timestamps: bool) -> Encode:
    if type_.item is not None:
        return _array(_encoder(type_.item, int64_timestamps=int64_timestamps))
    if type_.kind == "STRUCT":
        return _struct(
            [(name, _encoder(inner, int64_timestamps=int64_timestamps)) for name, inner in type_.fields]
        )
    if type_.kind == "TIMESTAMP":
        return _optional(_timestamp if int64_timestamps else _float_timestamp)
    return _optional(_SCALARS[type_.kind])


def _optional(encode: Encode) -> Encode:
    return lambda value: None if value is None else encode(value)


def _array(encode: Encode) -> Encode:
    def encode_all(value: Any) -> Any:
        # A NULL array comes out empty; a NULL within an array is an error.
        if value is None:
            return []
        if None in value:
            raise invalid_query("Array cannot have a null element; error in writing field")
        return [{"v": encode(item)} for item in value]

    return encode_all


def _struct(fields: list[tuple[str, Encode]]) -> Encode:
    def encode(value: Any) -> Any:
        return None if value is None else {"f": [{"v": each(value[name])} for name, each in fields]}

    return encode


def _timestamp(value: dt.datetime) -> str:
    return str(micros(value))


def _float_timestamp(value: dt.datetime) -> str:
    return repr(micros(value) / 1_000_000)


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


_SCALARS: Final[dict[str, Encode]] = {
    "INT64": str,
    "FLOAT64": _float,
    "NUMERIC": numeric_text,
    "BIGNUMERIC": str,
    "BOOL": lambda value: "true" if value else "false",
    "STRING": str,
    "JSON": str,
    "BYTES": lambda value: base64.b64encode(value).decode(),
    "DATE": lambda value: value.isoformat(),
    "DATETIME": lambda value: value.isoformat(),
    "TIME": lambda value: value.isoformat(),
}
