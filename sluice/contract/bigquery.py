"""What BigQuery is told: the tables' schemas and the views that analysts query."""

from typing import TYPE_CHECKING, Any

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind
from sluice.contract.lineage import LINEAGE, table_columns

if TYPE_CHECKING:
    from sluice.contract.contract import EventType

LINEAGE_COLUMNS = tuple(column.name for column in LINEAGE)
"""The columns that a sink adds to each row, saying which record it came from."""

_DEAD_LETTER = (
    ("id", "STRING", "REQUIRED", "Sink, shard and sequence number: the same for every copy"),
    ("version", "INTEGER", "REQUIRED", "Version of the dead letter's format"),
    ("sink", "STRING", "REQUIRED", "The sink that could not take the record"),
    ("kind", "STRING", "REQUIRED", "contract, rejected (by the sink), crash (of the function) or redriven"),
    ("reason", "STRING", "REQUIRED", "Why, in words"),
    ("field", "STRING", "NULLABLE", "The field at fault, where one is"),
    ("type", "STRING", "NULLABLE", "The event type, where it could be read"),
    ("stream", "STRING", "REQUIRED", "The stream that carried the record"),
    ("shard", "STRING", "REQUIRED", "The shard that carried it"),
    ("sequence", "STRING", "REQUIRED", "Its sequence number"),
    ("sub_sequence", "INTEGER", "NULLABLE", "Its place within an aggregated record"),
    ("partition_key", "STRING", "NULLABLE", "Its partition key"),
    ("arrived_at", "TIMESTAMP", "REQUIRED", "When the stream took it in; the table is partitioned by it"),
    ("failed_at", "TIMESTAMP", "REQUIRED", "When the sink gave it up"),
    ("size", "INTEGER", "REQUIRED", "Bytes of the payload, which waits in the dead-letter queue or bucket"),
)  # fmt: skip
DEAD_LETTER_TABLE = "dead_letters"
DEAD_LETTER_SCHEMA: tuple[dict[str, Any], ...] = tuple(
    {"name": name, "type": kind, "mode": mode, "description": description}
    for name, kind, mode, description in _DEAD_LETTER
)
"""A row per dead letter of the BigQuery sink, without its payload."""


def table_schema(columns: tuple[Column, ...]) -> tuple[dict[str, Any], ...]:
    """The fields of an event type's table, as BigQuery's REST API takes them."""
    return tuple(field_schema(column) for column in table_columns(columns))


def field_schema(column: Column) -> dict[str, Any]:
    """One column, with those of its struct."""
    schema: dict[str, Any] = {"name": column.name, "type": type_name(column), "mode": str(column.mode)}
    if column.description:
        schema["description"] = column.description
    if column.columns:
        schema["fields"] = [field_schema(inner) for inner in column.columns]
    return schema


ARRIVAL = "`_arrived_at`, SPLIT(`_sequence`, ':')[SAFE_OFFSET(0)], LENGTH(`_sequence`), `_sequence`"
"""What sorts rows as their records arrived: those out of one aggregate by their number, 2 before 10."""


def type_name(column: Column) -> str:
    """The column's type as BigQuery's REST API writes it."""
    if column.kind is Kind.DECIMAL and column.spec.bignumeric:
        return "BIGNUMERIC"
    return str(column.kind)


def raw_view_sql(event_type: "EventType", project: str, dataset: str) -> str:
    """A view of one row per event: of rows with the same event time and id, the one that counts.

    That is the one with the highest version, where the type has versions, and of those the first to arrive.
    Ranking within the event time, too, lets BigQuery prune partitions through the view.
    """
    newest = f"`{event_type.version_column}` DESC, " if event_type.version_column else ""
    columns = ",\n  ".join(f"`{field['name']}`" for field in event_type.schema)
    return (
        f"SELECT\n  {columns}\n"
        f"FROM `{project}.{dataset}.{event_type.table}`\n"
        f"WHERE TRUE\n"
        f"QUALIFY ROW_NUMBER() OVER (\n"
        f"  PARTITION BY `{event_type.time_column}`, `_event_id` ORDER BY {newest}{ARRIVAL}\n"
        f") = 1"
    )
