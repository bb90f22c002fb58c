"""What the provider makes of a BigQuery table whose schema changed: nothing, a dropped column, another table.

As resourceBigQueryTableSchemaIsChangeable of the provider decides (resource_bigquery_table.go), which was
tried with the pinned version: a removed column of the first level is dropped in place unless another is added
at once; a nested removal, a new REQUIRED column, another type or mode replace the table.
"""

import json
from typing import Any, Final, NamedTuple

_SAME_TYPES: Final = ({"INTEGER", "INT64"}, {"FLOAT", "FLOAT64"}, {"BOOLEAN", "BOOL"}, {"RECORD", "STRUCT"})


class SchemaChange(NamedTuple):
    """Columns by dotted name, and why the table would be replaced; empty where it would not."""

    dropped: tuple[str, ...]
    replaced_because: str


def schema_change(before: Any, after: Any) -> SchemaChange:
    """Compare the schemas of a table, as JSON texts or lists of columns."""
    old, new = _columns(before), _columns(after)
    dropped = tuple(name for name in old if name not in new)
    added = [name for name in new if name not in old]
    why = _why(old, new, "")
    if not why and dropped and added:
        why = f"{dropped[0]} goes while {added[0]} is added"
    return SchemaChange(dropped, why)


def _why(old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]], path: str) -> str:
    for name, column in new.items():
        if name not in old and column.get("mode") == "REQUIRED":
            return f"{path}{name} is new and REQUIRED"
    for name, column in old.items():
        if name not in new:
            if path:
                return f"{path}{name}, which is nested, goes"
            continue
        if why := _column(column, new[name], f"{path}{name}"):
            return why
    return ""


def _column(old: dict[str, Any], new: dict[str, Any], path: str) -> str:
    was, now = str(old.get("type", "")).upper(), str(new.get("type", "")).upper()
    if was != now and not any({was, now} <= same for same in _SAME_TYPES):
        return f"{path} turns from {was} into {now}"
    mode, other = _mode(old), _mode(new)
    if mode != other and (mode, other) != ("REQUIRED", "NULLABLE"):
        return f"{path} turns from {mode} into {other}"
    return _why(_columns(old.get("fields")), _columns(new.get("fields")), f"{path}.")


def _mode(column: dict[str, Any]) -> str:
    return str(column.get("mode") or "NULLABLE").upper()


def _columns(schema: Any) -> dict[str, dict[str, Any]]:
    """Return columns by name; names differ by case for the provider as they do here."""
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError:
            return {}
    if not isinstance(schema, list):
        return {}
    return {str(each.get("name")): each for each in schema if isinstance(each, dict)}
