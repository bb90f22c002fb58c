"""How many bytes BigQuery says that rows have: by type, whatever it takes to keep them.

Sizes by type: BigQuery's documentation, "Estimate and control costs", data size calculation. A NULL has none.
"""

from typing import Final

from sluice.local.bigquery.types import Type, quoted

_FIXED: Final = {
    "BIGNUMERIC": 32,
    "BOOL": 1,
    "DATE": 8,
    "DATETIME": 8,
    "FLOAT64": 8,
    "INT64": 8,
    "NUMERIC": 16,
    "TIME": 8,
    "TIMESTAMP": 8,
}
_LENGTH_BYTES: Final = 2
"""In front of each STRING and each BYTES."""


def bytes_sql(columns: list[tuple[str, Type]], table: str) -> str:
    """Write DuckDB's SQL for the size of a table's rows in bytes."""
    sizes = " + ".join(_size(type_, quoted(name)) for name, type_ in columns) or "0"
    return f"SELECT CAST(coalesce(sum({sizes}), 0) AS BIGINT) FROM {table}"  # noqa: S608 - names are quoted


def _size(type_: Type, value: str, depth: int = 0) -> str:
    """Write an expression for the size of one value; `depth` tells nested lambdas' names apart."""
    if type_.item is not None:
        each = f"each_{depth}"
        sizes = f"list_transform({value}, lambda {each}: {_size(type_.item, each, depth + 1)})"
        return f"coalesce(list_sum({sizes}), 0)"
    if type_.kind == "STRUCT":
        inside = [_size(inner, f"({value}).{quoted(name)}", depth) for name, inner in type_.fields]
        return f"({' + '.join(inside)})" if inside else "0"
    if type_.kind in _FIXED:
        size = str(_FIXED[type_.kind])
    elif type_.kind == "BYTES":
        size = f"{_LENGTH_BYTES} + octet_length({value})"
    elif type_.kind == "JSON":
        size = f"strlen({value})"
    else:
        size = f"{_LENGTH_BYTES} + strlen({value})"
    return f"(CASE WHEN {value} IS NULL THEN 0 ELSE {size} END)"
