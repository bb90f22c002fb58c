"""TO_JSON_STRING: values, structs and arrays of them as JSON text."""

import json
from typing import Final

from sluice.local.bigquery.errors import unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Binder, Call, function
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.types import INT64, JSON, NULL, STRING, TIMESTAMP, Type

_SIMPLE: Final = {
    "JSON": "ELSE {0}",
    "BOOL": "ELSE CAST(to_json({0}) AS VARCHAR)",
    "STRING": "ELSE CAST(to_json({0}) AS VARCHAR)",
    "DATE": "ELSE '\"' || CAST({0} AS VARCHAR) || '\"'",
}


@function("TO_JSON_STRING")
def _to_json_string(call: Call) -> Expr:
    call.count(1)
    value = call.arg(0)
    if value.type == JSON:
        return computed(value.sql, STRING, value, plain=True)
    return computed(_written(call.binder, value.sql, value.type), STRING, value)


def _written(binder: Binder, sql: str, type_: Type) -> str:
    if type_ == NULL:
        return "'null'"
    return f"CASE WHEN {sql} IS NULL THEN 'null' {_value(binder, sql, type_)} END"


def _value(binder: Binder, sql: str, type_: Type) -> str:
    if type_.kind in _SIMPLE:
        return _SIMPLE[type_.kind].format(sql)
    if type_ == INT64:
        # Whole numbers beyond 2^53 are written as strings.
        large = f"abs(CAST({sql} AS HUGEINT)) > 9007199254740992"
        return f"WHEN {large} THEN '\"' || {sql} || '\"' ELSE CAST({sql} AS VARCHAR)"
    if type_ == TIMESTAMP:
        fraction = f"bq_fraction(microsecond({sql}))"
        refusal = (
            "error('TO_JSON_STRING of this fraction of a second is not supported by the local BigQuery')"
        )
        moment = f"strftime({sql}, '%Y-%m-%dT%H:%M:%S')"
        return f"WHEN suffix({fraction}, '0') THEN {refusal} ELSE '\"' || {moment} || {fraction} || 'Z\"'"
    if type_.item is not None:
        item = binder.fresh("j")
        items = f"list_transform({sql}, lambda {item}: {_written(binder, item, type_.item)})"
        return f"ELSE '[' || array_to_string({items}, ',') || ']'"
    if type_.kind == "STRUCT":
        return _struct(binder, sql, type_)
    raise unsupported(f"TO_JSON_STRING of {type_}")


def _struct(binder: Binder, sql: str, type_: Type) -> str:
    if any(name.startswith("_field_") for name, _ in type_.fields):
        raise unsupported("TO_JSON_STRING of a STRUCT with fields that have no name")
    fields = [
        literals.text(f"{json.dumps(name, ensure_ascii=False)}:")
        + " || "
        + _written(binder, f"struct_extract({sql}, {literals.text(name)})", inner)
        for name, inner in type_.fields
    ]
    joined = " || ',' || ".join(fields)
    return f"ELSE '{{' || {joined} || '}}'"
