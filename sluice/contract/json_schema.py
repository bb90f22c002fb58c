"""The contract as JSON Schema (draft 2020-12), for producers that are not written in Python."""

from decimal import Decimal
from typing import Any

from sluice.contract.bounds import decimal_digits
from sluice.contract.columns import Column
from sluice.contract.contract import Contract, EventType
from sluice.contract.kinds import INT64_MAX, INT64_MIN, Kind, Mode
from sluice.contract.names import TYPE_COLUMN

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PLAIN: dict[Kind, dict[str, Any]] = {
    Kind.STRING: {"type": "string"},
    Kind.INTEGER: {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX},
    Kind.FLOAT: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.TIMESTAMP: {"type": "string", "format": "date-time"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.JSON: {},
}
_KEYWORDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}


def json_schema(contract: Contract) -> dict[str, Any]:
    """One schema for the stream: an event is exactly one of the types."""
    return {
        "$schema": DIALECT,
        "oneOf": [{"$ref": f"#/$defs/{_pointer(name)}"} for name in contract.types],
        "$defs": {name: _event(kind) for name, kind in contract.types.items()},
    }


def type_schema(kind: EventType) -> dict[str, Any]:
    """The schema of one event type alone."""
    return {"$schema": DIALECT, **_event(kind)}


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _event(kind: EventType) -> dict[str, Any]:
    schema = _struct(kind.columns)
    schema["properties"] = {TYPE_COLUMN: {"const": kind.name}, **schema["properties"]}
    schema["required"] = [TYPE_COLUMN, *schema["required"]]
    return {"title": kind.name, "description": kind.description, **schema}


def _struct(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {column.name: _property(column) for column in columns},
        "required": [column.name for column in columns if not column.optional],
        "additionalProperties": False,
    }


def _property(column: Column) -> dict[str, Any]:
    schema = _value(column)
    if column.mode is Mode.REPEATED:
        schema = {"type": "array", "items": schema}
        if column.spec.min_items is not None:
            schema["minItems"] = column.spec.min_items
        if column.spec.max_items is not None:
            schema["maxItems"] = column.spec.max_items
    if column.nullable and column.kind is not Kind.JSON:
        schema = {"anyOf": [schema, {"type": "null"}]}
    if column.spec.description:
        schema["description"] = column.spec.description
    if column.spec.retired:
        schema["deprecated"] = True
    return schema


def _value(column: Column) -> dict[str, Any]:
    if column.columns:
        return _struct(column.columns)
    if column.choices:
        return {"enum": list(column.wire_choices)}
    if column.kind is Kind.DECIMAL:
        return _decimal(column)
    schema = dict(_PLAIN[column.kind])
    for name, value in column.spec.constraints().items():
        if name in _KEYWORDS:
            schema[_KEYWORDS[name]] = float(value) if isinstance(value, Decimal) else value
    return schema


def _decimal(column: Column) -> dict[str, Any]:
    """A string keeps every digit; a number is accepted, too, or alone. JSON Schema bounds no strings."""
    digits, scale = decimal_digits(column.spec)
    fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    number: dict[str, Any] = {"type": "number"}
    for name in ("ge", "gt", "le", "lt"):
        value = getattr(column.spec, name)
        if value is not None:
            number[_KEYWORDS[name]] = float(value) if isinstance(value, Decimal) else value
    if not column.spec.strings:
        return number
    return {"anyOf": [{"type": "string", "pattern": rf"^-?[0-9]{{1,{digits}}}{fraction}$"}, number]}
