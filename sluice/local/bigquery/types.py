"""BigQuery's types: how a table's schema names them, and what DuckDB stores for each."""

from dataclasses import dataclass
from typing import Any, Final

from sluice.local.bigquery.errors import invalid, unsupported_request


@dataclass(frozen=True, slots=True)
class Type:
    """A BigQuery type. `fields` is set for STRUCT, `item` for ARRAY; kind NULL is an untyped NULL literal."""

    kind: str
    fields: "tuple[tuple[str, Type], ...]" = ()
    item: "Type | None" = None

    def __str__(self) -> str:
        """Return the type as BigQuery spells it in messages, e.g. `ARRAY<STRUCT<a INT64>>`."""
        if self.item is not None:
            return f"ARRAY<{self.item}>"
        if self.kind == "STRUCT":
            return f"STRUCT<{', '.join(f'{name} {type_}' for name, type_ in self.fields)}>"
        return self.kind

    @property
    def duck(self) -> str:
        """The DuckDB type that holds it. TIMESTAMP is kept as naive UTC; BIGNUMERIC and JSON as text."""
        if self.item is not None:
            return f"{self.item.duck}[]"
        if self.kind == "STRUCT":
            return f"STRUCT({', '.join(f'{quoted(name)} {type_.duck}' for name, type_ in self.fields)})"
        return _DUCK[self.kind]


INT64: Final = Type("INT64")
FLOAT64: Final = Type("FLOAT64")
NUMERIC: Final = Type("NUMERIC")
BIGNUMERIC: Final = Type("BIGNUMERIC")
BOOL: Final = Type("BOOL")
STRING: Final = Type("STRING")
BYTES: Final = Type("BYTES")
DATE: Final = Type("DATE")
DATETIME: Final = Type("DATETIME")
TIME: Final = Type("TIME")
TIMESTAMP: Final = Type("TIMESTAMP")
JSON: Final = Type("JSON")
NULL: Final = Type("NULL")

_DUCK: Final = {
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "BIGNUMERIC": "VARCHAR",
    "BOOL": "BOOLEAN",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP",
    "JSON": "VARCHAR",
    "NULL": "BIGINT",
}
SCALARS: Final = {name: Type(name) for name in _DUCK if name != "NULL"}
_ALIASES: Final = {
    "INTEGER": "INT64", "INT": "INT64", "SMALLINT": "INT64", "BIGINT": "INT64", "TINYINT": "INT64",
    "BYTEINT": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC", "RECORD": "STRUCT",
}  # fmt: skip
# The REST interface keeps the names of legacy SQL in the schemas that it answers with.
_REST: Final = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
    "NULL": "INTEGER",
}
_MODES: Final = frozenset({"NULLABLE", "REQUIRED", "REPEATED"})
_UNSUPPORTED_KEYS: Final = ("defaultValueExpression", "collation", "precision", "scale", "rangeElementType")


def array_of(item: Type) -> Type:
    """Return the type of an array of `item`."""
    return Type("ARRAY", item=item)


def struct_of(*fields: tuple[str, Type]) -> Type:
    """Return the type of a struct with these fields."""
    return Type("STRUCT", fields=fields)


def quoted(name: str) -> str:
    """Quote an identifier for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table, or a field of a RECORD column.

    `max_length` is in characters (STRING) or bytes (BYTES).
    """

    name: str
    kind: str
    mode: str = "NULLABLE"
    fields: "tuple[Field, ...]" = ()
    max_length: int | None = None

    @property
    def element(self) -> Type:
        """The type of one value, the repetition left aside."""
        if self.kind == "STRUCT":
            return struct_of(*((field.name, field.type) for field in self.fields))
        return SCALARS[self.kind]

    @property
    def type(self) -> Type:
        """The type of the column."""
        return array_of(self.element) if self.mode == "REPEATED" else self.element


def parse_fields(resources: list[dict[str, Any]], path: str = "") -> tuple[Field, ...]:
    """Read a REST schema. Raises ApiError 400 for what BigQuery, or this server, cannot have in a table."""
    fields = tuple(_parse_field(resource, path) for resource in resources)
    seen: set[str] = set()
    for field in fields:
        if field.name.lower() in seen:
            raise invalid(f"Duplicate field name: {path}{field.name}")
        seen.add(field.name.lower())
    return fields


def _parse_field(resource: dict[str, Any], path: str) -> Field:
    name = resource.get("name") or ""
    if not name or len(name) > 300:  # noqa: PLR2004 - BigQuery's limit of a column name
        raise invalid(f'Invalid field name "{path}{name}". Fields must have 1 to 300 characters.')
    spelled = str(resource.get("type", "")).upper()
    kind = _ALIASES.get(spelled, spelled)
    mode = str(resource.get("mode") or "NULLABLE").upper()
    if mode not in _MODES:
        raise invalid(f"Invalid mode {mode} of field {path}{name}")
    if kind != "STRUCT" and kind not in SCALARS:
        if kind in {"GEOGRAPHY", "RANGE", "INTERVAL"}:
            raise unsupported_request(f"A column of type {kind} ({path}{name})")
        raise invalid(
            f"Invalid value for type: {spelled or '<empty>'} is not a valid value (field {path}{name})"
        )
    for key in _UNSUPPORTED_KEYS:
        if resource.get(key):
            raise unsupported_request(f"The property {key} of column {path}{name}")
    fields = resource.get("fields") or []
    if kind == "STRUCT" and not fields:
        raise invalid(f"Field {path}{name} is type RECORD but has no schema")
    length = resource.get("maxLength")
    return Field(
        name,
        kind,
        mode,
        parse_fields(fields, f"{path}{name}.") if kind == "STRUCT" else (),
        int(length) if length else None,
    )


def rest_schema(columns: "list[tuple[str, Type]]") -> dict[str, Any]:
    """Write the columns of a query's result as a REST schema."""
    return {"fields": [_rest_field(name, type_) for name, type_ in columns]}


def _rest_field(name: str, type_: Type) -> dict[str, Any]:
    element = type_.item or type_
    resource: dict[str, Any] = {
        "name": name,
        "type": _REST.get(element.kind, element.kind),
        "mode": "REPEATED" if type_.item else "NULLABLE",
    }
    if element.kind == "STRUCT":
        resource["fields"] = [_rest_field(field, inner) for field, inner in element.fields]
    return resource


def normal_schema(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Spell the types and modes of a schema as BigQuery's REST interface answers them."""
    out = []
    for resource in resources:
        spelled = str(resource.get("type", "")).upper()
        kind = _ALIASES.get(spelled, spelled)
        normal = {
            **resource,
            "type": _REST.get(kind, kind),
            "mode": str(resource.get("mode") or "NULLABLE").upper(),
        }
        if resource.get("fields"):
            normal["fields"] = normal_schema(resource["fields"])
        out.append(normal)
    return out
