"""Types: Iceberg's in Trino's words, and DuckDB's in the words of Athena's answers."""

import re
from typing import Any, Final

from sluice.local.athena.refusals import unsupported

_SIMPLE: Final = {
    "boolean": "boolean",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double",
    "date": "date",
    "string": "varchar",
    "binary": "varbinary",
    "timestamp": "timestamp(6)",
    "timestamptz": "timestamp(6) with time zone",
}
_ANSWERED: Final = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "DATE": "date",
    "VARCHAR": "varchar",
    "BLOB": "varbinary",
    "JSON": "json",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    '"NULL"': "unknown",
}


def trino_type(iceberg: Any) -> str:
    """Return the Trino type of a pyiceberg type."""
    text = str(iceberg)
    if text in _SIMPLE:
        return _SIMPLE[text]
    if text.startswith("decimal("):
        return text
    if hasattr(iceberg, "element_type"):
        return f"array({trino_type(iceberg.element_type)})"
    if hasattr(iceberg, "fields"):
        fields = ", ".join(f'"{field.name}" {trino_type(field.field_type)}' for field in iceberg.fields)
        return f"row({fields})"
    raise unsupported(f"a column of Iceberg's type {text}")


def answered_type(duckdb: str) -> str:
    """Return the type that Athena tells of a column of an answer."""
    if duckdb.endswith("]"):
        return "array"
    word = re.split(r"\(", duckdb, maxsplit=1)[0]
    if word in {"DECIMAL", "STRUCT"}:
        return "decimal" if word == "DECIMAL" else "row"
    found = _ANSWERED.get(duckdb)
    if found is None:
        raise unsupported(f"a column of type {duckdb.lower()} in the answer")
    return found
