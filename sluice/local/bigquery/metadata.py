"""INFORMATION_SCHEMA.TABLES and INFORMATION_SCHEMA.COLUMNS of a dataset."""

import datetime as dt
from typing import Any

from sluice.local.bigquery.catalog import Catalog
from sluice.local.bigquery.errors import unsupported
from sluice.local.bigquery.types import INT64, STRING, TIMESTAMP, Type

Rows = tuple[list[tuple[str, Type]], list[list[Any]]]

_TABLES = [
    ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING), ("table_type", STRING),
    ("creation_time", TIMESTAMP),
]  # fmt: skip
_COLUMNS = [
    ("table_catalog", STRING), ("table_schema", STRING), ("table_name", STRING), ("column_name", STRING),
    ("ordinal_position", INT64), ("is_nullable", STRING), ("data_type", STRING),
    ("is_partitioning_column", STRING),
]  # fmt: skip


def information_schema(catalog: Catalog, path: tuple[str, str, str]) -> Rows:
    """Return the columns and rows of a view of a dataset's INFORMATION_SCHEMA. Raises ApiError 400 or 404."""
    project, dataset, view = path
    catalog.dataset(project, dataset)
    tables = catalog.tables(project, dataset)
    if view == "TABLES":
        rows = [
            [
                project,
                dataset,
                table.path[2],
                "VIEW" if table.view_query else "BASE TABLE",
                _created(table.resource),
            ]
            for table in tables
        ]
        return _TABLES, rows
    if view == "COLUMNS":
        out: list[list[Any]] = []
        for table in tables:
            for position, field in enumerate(table.fields, 1):
                nullable = "YES" if field.mode == "NULLABLE" else "NO"
                partitions = "YES" if field.name == table.partition_column else "NO"
                out.append(
                    [
                        project,
                        dataset,
                        table.path[2],
                        field.name,
                        position,
                        nullable,
                        str(field.type),
                        partitions,
                    ]
                )
        return _COLUMNS, out
    raise unsupported(f"INFORMATION_SCHEMA.{view}")


def _created(resource: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(resource["creationTime"]) / 1000, dt.UTC)
