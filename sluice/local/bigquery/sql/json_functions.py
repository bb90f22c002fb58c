"""JSON functions over JSON values and JSON text."""

from typing import Final

from sluice.local.bigquery.coerce import normal_json
from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Call, function
from sluice.local.bigquery.sql.coercion import mismatch
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.sql.json_paths import duck_path
from sluice.local.bigquery.types import BOOL, FLOAT64, INT64, JSON, STRING, Type, array_of

_SCALARS: Final = "('VARCHAR', 'BIGINT', 'UBIGINT', 'DOUBLE', 'BOOLEAN')"


def _document(call: Call) -> tuple[Expr, str, str]:
    """Return the document, the DuckDB SQL to read it (NULL where it is no JSON), and the path."""
    call.count(1, 2)
    value = call.arg(0)
    if value.type not in (JSON, STRING):
        raise mismatch(f"function {call.name}", value)
    path = "$"
    if len(call.nodes) > 1:
        given = literals.string_value(call.arg(1), f"A JSONPath of {call.name}")
        path = duck_path(given, bracket_names="EXTRACT" in call.name)
    sql = value.sql
    if value.type == STRING:
        sql = f"CASE WHEN json_valid({sql}) THEN {sql} END"
    return value, sql, literals.text(path)


@function("JSON_VALUE", "JSON_EXTRACT_SCALAR")
def _value(call: Call) -> Expr:
    value, sql, path = _document(call)
    kind = f"json_type({sql}, {path})"
    text = f"json_extract_string({sql}, {path})"
    return computed(f"CASE WHEN {kind} IN {_SCALARS} THEN {text} END", STRING, value, plain=True)


@function("JSON_QUERY", "JSON_EXTRACT")
def _query(call: Call) -> Expr:
    value, sql, path = _document(call)
    found = f"CAST(json_extract({sql}, {path}) AS VARCHAR)"
    if value.type == STRING:
        # Over text, a JSON null is found as NULL.
        found = f"CASE WHEN json_type({sql}, {path}) <> 'NULL' THEN {found} END"
    return computed(found, value.type, value, plain=True)


@function("JSON_QUERY_ARRAY", "JSON_EXTRACT_ARRAY", "JSON_VALUE_ARRAY", "JSON_EXTRACT_STRING_ARRAY")
def _array(call: Call) -> Expr:
    value, sql, path = _document(call)
    listed = f"json_type({sql}, {path}) = 'ARRAY'"
    items = f"json_extract({sql}, {path[:-1]}[*]')"
    if call.name in {"JSON_QUERY_ARRAY", "JSON_EXTRACT_ARRAY"}:
        body = f"list_transform({items}, lambda v: CAST(v AS VARCHAR))"
        return computed(f"CASE WHEN {listed} THEN {body} END", array_of(value.type), value, plain=True)
    scalar = f"list_bool_and(list_transform({items}, lambda v: json_type(v) IN {_SCALARS}))"
    body = f"list_transform({items}, lambda v: json_extract_string(v, '$'))"
    whole = f"len({items}) = 0 OR coalesce({scalar}, true)"
    return computed(f"CASE WHEN {listed} AND ({whole}) THEN {body} END", array_of(STRING), value, plain=True)


@function("JSON_TYPE")
def _type(call: Call) -> Expr:
    call.count(1)
    value = call.arg(0)
    if value.type != JSON:
        raise mismatch("function JSON_TYPE", value)
    names = (
        "WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'OBJECT' THEN 'object' "
        "WHEN 'ARRAY' THEN 'array' WHEN 'NULL' THEN 'null'"
    )
    named = f"CASE json_type({value.sql}) {names} ELSE 'number' END"
    body = f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {named} END"
    return computed(body, STRING, value, plain=True)


@function("PARSE_JSON")
def _parse(call: Call) -> Expr:
    call.count(1)
    value = call.arg(0)
    if not value.literal:
        raise unsupported("PARSE_JSON of anything but a literal")
    try:
        return literals.constant(normal_json(str(value.value)), JSON)
    except ValueError as error:
        raise invalid_query(f"Invalid input to PARSE_JSON: {error}") from None


@function("INT64", "FLOAT64", "BOOL")
def _convert(call: Call) -> Expr:
    call.count(1)
    return from_json(call, call.arg(0), {"INT64": INT64, "FLOAT64": FLOAT64, "BOOL": BOOL}[call.name])


def from_json(call: Call, value: Expr, target: Type) -> Expr:
    """Read a JSON scalar as a SQL value: it fails for a scalar of another kind."""
    if value.type != JSON:
        raise mismatch(f"function {call.name}", value)
    kinds = {
        "INT64": "('BIGINT', 'UBIGINT')",
        "FLOAT64": "('BIGINT', 'UBIGINT', 'DOUBLE')",
        "BOOL": "('BOOLEAN')",
        "STRING": "('VARCHAR')",
    }
    text = f"json_extract_string({value.sql}, '$')"
    read = text if target == STRING else f"CAST({text} AS {target.duck})"
    # A whole number written as 10.0 is an INT64 too.
    whole = ""
    if target == INT64:
        number = f"CAST({text} AS DOUBLE)"
        is_whole = f"json_type({value.sql}) = 'DOUBLE' AND {number} = trunc({number})"
        whole = f"WHEN {is_whole} THEN CAST({number} AS BIGINT) "
    failure = "NULL" if call.safe else f"error('The provided JSON input is not a {target}')"
    body = (
        f"CASE WHEN {value.sql} IS NULL THEN NULL "
        f"WHEN json_type({value.sql}) IN {kinds[target.kind]} THEN {read} {whole}ELSE {failure} END"
    )
    return computed(body, target, value)
