"""Query parameters, from the REST form to bound constants."""

import base64
import binascii
from typing import Any

from sluice.local.bigquery.errors import ApiError, invalid, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Parameter
from sluice.local.bigquery.sql.conditions import build_struct
from sluice.local.bigquery.sql.expr import Expr
from sluice.local.bigquery.types import SCALARS, Type, array_of, struct_of


def read_parameters(resources: list[dict[str, Any]]) -> list[Parameter]:
    """Read the parameters of a query. Raises ApiError 400."""
    return [_parameter(resource) for resource in resources]


def _parameter(resource: dict[str, Any]) -> Parameter:
    type_ = _type(resource.get("parameterType") or {})
    value = resource.get("parameterValue") or {}
    return Parameter(resource.get("name") or None, _value(type_, value))


def _type(resource: dict[str, Any]) -> Type:
    kind = str(resource.get("type", "")).upper()
    if kind == "ARRAY":
        return array_of(_type(resource.get("arrayType") or {}))
    if kind == "STRUCT":
        fields = resource.get("structTypes") or []
        return struct_of(*((str(field.get("name")), _type(field.get("type") or {})) for field in fields))
    kind = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(kind, kind)
    if kind not in SCALARS:
        raise unsupported(f"A query parameter of type {kind or '<none>'}")
    return SCALARS[kind]


def _value(type_: Type, resource: dict[str, Any]) -> Expr:
    if type_.item is not None:
        items = [_value(type_.item, each) for each in resource.get("arrayValues") or []]
        return Expr(f"CAST([{', '.join(item.sql for item in items)}] AS {type_.duck})", type_, plain=True)
    if type_.kind == "STRUCT":
        given = resource.get("structValues") or {}
        return build_struct(
            [name for name, _ in type_.fields],
            [_value(inner, given.get(name) or {}) for name, inner in type_.fields],
        )
    written = resource.get("value")
    return literals.constant(None, type_) if written is None else _scalar(type_, str(written))


def _scalar(type_: Type, written: str) -> Expr:
    try:
        if type_.kind in {"STRING", "JSON"}:
            return literals.constant(written, type_)
        if type_.kind == "BOOL":
            if written.lower() not in {"true", "false"}:
                raise ValueError(written)  # noqa: TRY301 - the handler words all refusals alike
            return literals.constant(written.lower() == "true", type_)
        if type_.kind == "BYTES":
            return literals.constant(base64.b64decode(written, validate=True), type_)
        return literals.parsed(written, type_)
    except (ValueError, binascii.Error):
        raise invalid(f"Invalid value for parameter of type {type_}: {written}") from None
    except ApiError:
        raise invalid(f"Invalid value for parameter of type {type_}: {written}") from None
