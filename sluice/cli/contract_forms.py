"""What is made of an event type elsewhere, for `sluice contract show --format`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.contract import EventType


class Format(StrEnum):
    """What `show` prints."""

    columns = "columns"
    bigquery = "bigquery"
    opensearch = "opensearch"
    iceberg = "iceberg"
    athena = "athena"
    redshift = "redshift"
    snowflake = "snowflake"
    json_schema = "json-schema"
    example = "example"


def _bigquery(kind: "EventType") -> Any:
    return list(kind.schema)


def _opensearch(kind: "EventType") -> Any:
    from sluice.contract.opensearch import mapping

    return mapping(kind)


def _iceberg(kind: "EventType") -> Any:
    from dataclasses import asdict

    from sluice.contract.iceberg import partition, schema_json

    return {"schema": schema_json(kind), "partition": asdict(partition(kind))}


def _json_schema(kind: "EventType") -> Any:
    from sluice.contract.json_schema import type_schema

    return type_schema(kind)


def _athena(kind: "EventType") -> str:
    from sluice.contract.iceberg import view_sql

    return f"{view_sql(kind, 'lake_raw')};"


def _redshift(kind: "EventType") -> str:
    from sluice.contract.redshift import table_ddl, view_ddl

    return f"{table_ddl(kind)}\n\n{view_ddl(kind)}"


def _snowflake(kind: "EventType") -> str:
    from sluice.contract.snowflake import table_ddl, view_ddl

    return f"{table_ddl(kind)}\n\n{view_ddl(kind)}"


DOCUMENTS: "dict[Format, Callable[[EventType], Any]]" = {
    Format.bigquery: _bigquery,
    Format.opensearch: _opensearch,
    Format.iceberg: _iceberg,
    Format.json_schema: _json_schema,
}
"""Forms that are JSON, by what makes them."""

STATEMENTS: "dict[Format, Callable[[EventType], str]]" = {
    Format.athena: _athena,
    Format.redshift: _redshift,
    Format.snowflake: _snowflake,
}
"""Forms that are SQL."""
