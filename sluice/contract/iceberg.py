"""What the lake is told: an event type's Iceberg table, and the view of it in which each event stands once.

Names are lower case, because Glue and Athena know no others. All columns but the lineage are optional, so
that a field may stop being required. Types follow from a field's kind alone: rules change, columns cannot.

Sources (read 2026-11): iceberg.apache.org/spec (types, partition transforms, their JSON); Iceberg's own
IcebergToGlueConverter.java (names, and types in Glue's words); Athena's guide, "Supported data types for
Iceberg tables"; Glue's API, IcebergStructField and Column (names of 255 characters, comments of 255).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode
from sluice.contract.lineage import LINEAGE, table_columns
from sluice.errors import ContractError

if TYPE_CHECKING:
    from sluice.contract.contract import EventType

DECIMAL_PRECISION, DECIMAL_SCALE = 38, 9
"""Of a NUMERIC. A BIGNUMERIC has up to 76 digits, and a decimal of Iceberg's 38: it is text."""

MAX_NAME = 255
MAX_COMMENT = 255
MAX_LEVELS = 16
"""Objects and lists within each other that Firehose takes, the row's own object included.

Firehose's guide to Apache Iceberg tables, "Considerations and limitations" (read 2026-11).
"""
_TABLE = re.compile(r"[a-z0-9_]{1,255}\Z")

Type: TypeAlias = str | dict[str, Any]
"""A type in Iceberg's JSON: `long`, or an object for a struct or a list."""

_PLAIN: dict[Kind, str] = {
    Kind.STRING: "string",
    Kind.INTEGER: "long",
    Kind.FLOAT: "double",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "timestamptz",
    Kind.DATE: "date",
    Kind.JSON: "string",
}
_HIVE = {"long": "bigint", "timestamptz": "timestamp"}
_TRINO = {
    "long": "bigint",
    "string": "varchar",
    "timestamptz": "timestamp(6) with time zone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IcebergField:
    """A column of the table."""

    id: int
    name: str
    type: Type
    required: bool
    doc: str

    def as_json(self) -> dict[str, Any]:
        """The field as the Iceberg specification writes it."""
        found = {"id": self.id, "name": self.name, "required": self.required, "type": self.type}
        return found | ({"doc": self.doc} if self.doc else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class IcebergPartition:
    """How the table is partitioned: hidden from queries, which filter by the event time itself."""

    name: str
    source: str
    source_id: int
    transform: str
    """hour, day, month or year."""
    field_id: int = 1000


def table_name(event_type: "EventType") -> str:
    """The table's name in Glue.

    Raises:
        ContractError: Glue takes no such name.
    """
    name = event_type.table.lower()
    if not _TABLE.match(name):
        raise ContractError(
            f"{event_type.cls.__qualname__}: the table `{event_type.table}` has {len(name)} characters, of "
            f"{MAX_NAME} that Glue takes; choose a shorter one with table=..."
        )
    return name


def schema(event_type: "EventType") -> tuple[IcebergField, ...]:
    """The table's columns, with the ids that Iceberg gives them when the table is created.

    Only that once: a column that is added later is added by its name, and gets the table's next id.

    Raises:
        ContractError: Glue takes no such table or column.
    """
    table_name(event_type)
    levels = 1 + _levels(event_type.columns)
    if levels > MAX_LEVELS:
        raise ContractError(
            f"{event_type.cls.__qualname__}: structs and lists nest {levels} levels deep, of {MAX_LEVELS} "
            f"that Firehose takes; flatten them, or make the innermost Json"
        )
    ids = count(1)
    columns = table_columns(event_type.columns)
    numbers = [next(ids) for _ in columns]
    return tuple(
        IcebergField(
            id=number,
            name=_name(column, event_type),
            type=_type(column, ids, event_type),
            required=column in LINEAGE,
            doc=comment(column),
        )
        for number, column in zip(numbers, columns, strict=True)
    )


def schema_json(event_type: "EventType") -> dict[str, Any]:
    """The table's schema as one document, as the Iceberg specification writes it."""
    return {"type": "struct", "schema-id": 0, "fields": [field.as_json() for field in schema(event_type)]}


def partition(event_type: "EventType") -> IcebergPartition:
    """The one partition field: the event time by hour, day, month or year."""
    source = event_type.time_column.lower()
    transform = event_type.partition.lower()
    found = next(field for field in schema(event_type) if field.name == source)
    return IcebergPartition(
        name=f"_{source}_{transform}", source=source, source_id=found.id, transform=transform
    )


def comment(column: Column) -> str:
    """The column's description, cut to what Glue keeps, on one line."""
    text = " ".join(column.description.split())
    return text if len(text) <= MAX_COMMENT else f"{text[: MAX_COMMENT - 1]}…"


def hive_type(kind: Type) -> str:
    """The type in the words of Glue's columns."""
    if isinstance(kind, str):
        return _HIVE.get(kind, kind)
    if kind["type"] == "list":
        return f"array<{hive_type(kind['element'])}>"
    fields = ",".join(f"{one['name']}:{hive_type(one['type'])}" for one in kind["fields"])
    return f"struct<{fields}>"


def trino_type(kind: Type) -> str:
    """The type in the words of Athena's SQL."""
    if isinstance(kind, str):
        return _TRINO.get(kind, kind)
    if kind["type"] == "list":
        return f"array({trino_type(kind['element'])})"
    fields = ", ".join(f'"{one["name"]}" {trino_type(one["type"])}' for one in kind["fields"])
    return f"row({fields})"


ARRIVAL = """"_arrived_at", split_part("_sequence", ':', 1), length("_sequence"), "_sequence\""""
"""What sorts rows as their records arrived: those out of one aggregate by their number, 2 before 10."""


def view_columns(event_type: "EventType") -> tuple[IcebergField, ...]:
    """What the view selects, in its order: all columns of the table."""
    return schema(event_type)


def view_sql(event_type: "EventType", database: str) -> str:
    """Athena's view of one row per event: of rows with the same event time and id, the one that counts.

    That is the one with the highest version, where the type has versions, and of those the first to arrive.
    Ranking within the event time, too, lets Athena prune partitions through the view.

    Athena's own CREATE VIEW takes no timestamp with a zone ("Unsupported Hive type", aws/aws-sdk-pandas#86),
    though its queries do. The view is put into Glue as it is, and says `timestamp(6) with time zone` of such
    columns: one that says otherwise is stale to Trino (trinodb/trino#8454).
    """
    columns = ",\n  ".join(f'"{field.name}"' for field in view_columns(event_type))
    newest = f'"{event_type.version_column.lower()}" DESC, ' if event_type.version_column else ""
    return (
        f"SELECT\n  {columns}\n"  # noqa: S608 - names that the contract has checked
        f"FROM (\n"
        f"  SELECT *, row_number() OVER (\n"
        f'    PARTITION BY "{event_type.time_column.lower()}", "_event_id" ORDER BY {newest}{ARRIVAL}\n'
        f'  ) AS "_rank"\n'
        f'  FROM "{database}"."{table_name(event_type)}"\n'
        f")\n"
        f'WHERE "_rank" = 1'
    )


def _name(column: Column, event_type: "EventType") -> str:
    if len(column.name) > MAX_NAME:
        raise ContractError(
            f"{event_type.cls.__qualname__}: the column `{column.name}` has {len(column.name)} characters, "
            f"of {MAX_NAME} that Glue takes; rename it"
        )
    return column.name.lower()


def _levels(columns: tuple[Column, ...]) -> int:
    return max(
        ((one.mode is Mode.REPEATED) + bool(one.columns) + _levels(one.columns) for one in columns), default=0
    )


def _type(column: Column, ids: Iterator[int], event_type: "EventType") -> Type:
    if column.mode is Mode.REPEATED:
        number = next(ids)
        return {
            "type": "list",
            "element-id": number,
            "element": _value(column, ids, event_type),
            "element-required": False,
        }
    return _value(column, ids, event_type)


def _value(column: Column, ids: Iterator[int], event_type: "EventType") -> Type:
    if column.kind is Kind.DECIMAL:
        return "string" if column.spec.bignumeric else f"decimal({DECIMAL_PRECISION},{DECIMAL_SCALE})"
    if column.kind is not Kind.STRUCT:
        return _PLAIN[column.kind]
    numbers = [next(ids) for _ in column.columns]
    fields = (
        IcebergField(
            id=number,
            name=_name(inner, event_type),
            type=_type(inner, ids, event_type),
            required=False,
            doc=comment(inner),
        )
        for number, inner in zip(numbers, column.columns, strict=True)
    )
    return {"type": "struct", "fields": [one.as_json() for one in fields]}
