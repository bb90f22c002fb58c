"""What Redshift is told: the table that Firehose copies an event type into, and a view with each event once.

Names are lower case, as Redshift folds them, and always quoted, as many are words of its own. Structs, lists
and free JSON are SUPER. Types follow from a field's kind alone, as rules may change and a column cannot.

Sources (read 2026-11, Redshift's developer guide): "Names and identifiers" (127 bytes), "Quotas and limits"
(1,600 columns), "Character types" (VARCHAR of 65,535 bytes), "SUPER: limitations" (strings of 65,535 bytes in
clusters that have not opted in to more), "Numeric types" (DECIMAL of 38 digits), "COPY from JSON format"
(`auto ignorecase` finds columns by key, whatever its case), "QUALIFY clause".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode
from sluice.contract.lineage import LINEAGE, table_columns
from sluice.errors import ContractError

if TYPE_CHECKING:
    from sluice.contract.contract import EventType
    from sluice.contract.events import Event

MAX_NAME = 127
MAX_COLUMNS = 1_600
MAX_STRING = 65_535
"""Bytes of UTF-8, of one VARCHAR or one string within a SUPER."""
MAX_ROW = 4_000_000
"""Bytes of one row as JSON: 4 MB before it is taken apart ("Using COPY to load data into SUPER columns")."""
_NUL = b"\\u0000"

COPY_OPTIONS = "JSON 'auto ignorecase' TIMEFORMAT 'auto' DATEFORMAT 'auto'"
"""How COPY reads the rows, to which GZIP is added where objects are compressed. It cuts nothing."""

_PLAIN: dict[Kind, str] = {
    Kind.STRING: f"VARCHAR({MAX_STRING})",
    Kind.INTEGER: "BIGINT",
    Kind.FLOAT: "DOUBLE PRECISION",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.DATE: "DATE",
    Kind.JSON: "SUPER",
    Kind.STRUCT: "SUPER",
}


def table_ddl(event_type: "EventType", schema: str = "public") -> str:
    """The statement that creates the table.

    Raises:
        ContractError: Redshift takes no such table.
    """
    columns = ",\n".join(
        f'  "{name}" {_type(column)}{" NOT NULL" if column in LINEAGE else ""}'
        for name, column in _named(event_type)
    )
    return (
        f'CREATE TABLE IF NOT EXISTS "{schema}"."{_table(event_type)}" (\n{columns}\n)\n'
        f'DISTSTYLE AUTO\nSORTKEY ("{event_type.time_column.lower()}");'
    )


def added_ddl(event_type: "EventType", names: frozenset[str], schema: str = "public") -> str:
    """The statements that add these columns to a table that is there: what a contract gained."""
    return "\n".join(
        f'ALTER TABLE "{schema}"."{_table(event_type)}" ADD COLUMN "{name}" {_type(column)};'
        for name, column in _named(event_type)
        if name in names
    )


def view_ddl(event_type: "EventType", schema: str = "public") -> str:
    """The statement that creates TABLE_once: a row per event, the highest version, then the first arrived."""
    columns = ",\n".join(f'  "{name}"' for name, _ in _named(event_type))
    newest = f'"{event_type.version_column.lower()}" DESC, ' if event_type.version_column else ""
    table = _table(event_type)
    return (
        f'CREATE OR REPLACE VIEW "{schema}"."{table}_once" AS\nSELECT\n{columns}\n'
        f'FROM "{schema}"."{table}"\nWHERE TRUE\n'
        f"QUALIFY ROW_NUMBER() OVER (\n"
        f'  PARTITION BY "{event_type.time_column.lower()}", "_event_id"\n'
        f'  ORDER BY {newest}"_arrived_at", SPLIT_PART("_sequence", \':\', 1), '
        f'LEN("_sequence"), "_sequence"\n) = 1;'
    )


def copy_columns(event_type: "EventType") -> str:
    """The columns that COPY fills, as Firehose's `data_table_columns` takes them."""
    return ",".join(f'"{name}"' for name, _ in _named(event_type))


def refused(event_type: "EventType", event: "Event", row: bytes) -> tuple[str, str] | None:
    """The field of an event that no row can hold, and why; None when Redshift takes it.

    One such row would fail the COPY of all rows beside it.
    """
    if len(row) <= MAX_STRING and _NUL not in row:
        return None
    values = msgspec.to_builtins(event)
    for column in event_type.columns:
        for text in _strings(values[column.name]):
            if "\0" in text:
                return column.name, f"`{column.name}` holds the character NUL, which Redshift does not take"
            if len(text) > MAX_STRING // 4 and len(text.encode()) > MAX_STRING:
                return (
                    column.name,
                    f"`{column.name}` holds a string of more than {MAX_STRING} bytes, Redshift's most",
                )
    if len(row) > MAX_ROW:
        largest = max((each.name for each in event_type.columns), key=lambda name: _size(values[name]))
        return largest, f"the row has more than {MAX_ROW:,} bytes, Redshift's most: see `{largest}`"
    return None


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending += [*one, *one.values()]
        elif isinstance(one, (list, tuple)):
            pending += one


def _table(event_type: "EventType") -> str:
    name = event_type.table.lower()
    if len(name) > MAX_NAME - len("_once"):
        raise ContractError(
            f"{event_type.cls.__qualname__}: the table `{event_type.table}` has {len(name)} characters, of "
            f"{MAX_NAME - len('_once')} that fit in Redshift; choose a shorter one with table=..."
        )
    return name


def _named(event_type: "EventType") -> list[tuple[str, Column]]:
    columns = table_columns(event_type.columns)
    if len(columns) > MAX_COLUMNS:
        raise ContractError(
            f"{event_type.cls.__qualname__}: {len(columns)} columns, of {MAX_COLUMNS} that Redshift takes; "
            f"gather some in a Nested class"
        )
    for column in columns:
        if len(column.name) > MAX_NAME:
            raise ContractError(
                f"{event_type.cls.__qualname__}: the column `{column.name}` has {len(column.name)} "
                f"characters, of {MAX_NAME} that Redshift takes; rename it"
            )
    return [(column.name.lower(), column) for column in columns]


def _type(column: Column) -> str:
    if column.mode is Mode.REPEATED:
        return "SUPER"
    if column.kind is Kind.DECIMAL:
        return f"VARCHAR({MAX_STRING})" if column.spec.bignumeric else "DECIMAL(38,9)"
    return _PLAIN[column.kind]
