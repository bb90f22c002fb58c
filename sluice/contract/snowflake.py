"""What Snowflake is told: an event type's table that Firehose streams into, and a view with each event once.

Names are upper case, as Snowpipe Streaming folds the keys of a row, and always quoted, as some are words of
Snowflake's own. Structs and free JSON are VARIANT, lists ARRAY. Types follow from a field's kind alone.

Sources (docs.snowflake.com, 2026-11): "Identifier requirements" (255 characters), "Summary of data types"
(NUMBER of 38 digits, strings and VARIANT of 16 MB and more), "QUALIFY"; Firehose's API,
SnowflakeDestinationConfiguration (JSON_MAPPING: keys are columns).
"""

from typing import TYPE_CHECKING

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode
from sluice.contract.lineage import LINEAGE, table_columns
from sluice.errors import ContractError

if TYPE_CHECKING:
    from sluice.contract.contract import EventType

MAX_NAME = 255

_PLAIN: dict[Kind, str] = {
    Kind.STRING: "VARCHAR",
    Kind.INTEGER: "NUMBER(19,0)",
    Kind.FLOAT: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMP_TZ(6)",
    Kind.DATE: "DATE",
    Kind.JSON: "VARIANT",
    Kind.STRUCT: "VARIANT",
}


def table_ddl(event_type: "EventType", schema: str = "PUBLIC") -> str:
    """The statement that creates the table.

    Raises:
        ContractError: Snowflake takes no such table.
    """
    columns = ",\n".join(
        f'  "{name}" {_type(column)}{" NOT NULL" if column in LINEAGE else ""}'
        for name, column in _named(event_type)
    )
    cluster = f'CLUSTER BY ("{event_type.time_column.upper()}")'
    return f'CREATE TABLE IF NOT EXISTS "{schema}"."{_table(event_type)}" (\n{columns}\n)\n{cluster};'


def view_ddl(event_type: "EventType", schema: str = "PUBLIC") -> str:
    """The statement that creates TABLE_ONCE: a row per event, the highest version, then the first arrived."""
    columns = ",\n".join(f'  "{name}"' for name, _ in _named(event_type))
    newest = f'"{event_type.version_column.upper()}" DESC, ' if event_type.version_column else ""
    table = _table(event_type)
    return (
        f'CREATE OR REPLACE VIEW "{schema}"."{table}_ONCE" AS\nSELECT\n{columns}\n'
        f'FROM "{schema}"."{table}"\n'
        f"QUALIFY ROW_NUMBER() OVER (\n"
        f'  PARTITION BY "{event_type.time_column.upper()}", "_EVENT_ID"\n'
        f'  ORDER BY {newest}"_ARRIVED_AT", SPLIT_PART("_SEQUENCE", \':\', 1), '
        f'LENGTH("_SEQUENCE"), "_SEQUENCE"\n) = 1;'
    )


def _table(event_type: "EventType") -> str:
    name = event_type.table.upper()
    if len(name) > MAX_NAME - len("_ONCE"):
        raise ContractError(
            f"{event_type.cls.__qualname__}: the table `{event_type.table}` has {len(name)} characters, of "
            f"{MAX_NAME - len('_ONCE')} that fit in Snowflake; choose a shorter one with table=..."
        )
    return name


def _named(event_type: "EventType") -> list[tuple[str, Column]]:
    columns = table_columns(event_type.columns)
    for column in columns:
        if len(column.name) > MAX_NAME:
            raise ContractError(
                f"{event_type.cls.__qualname__}: the column `{column.name}` has {len(column.name)} "
                f"characters, of {MAX_NAME} that Snowflake takes; rename it"
            )
    return [(column.name.upper(), column) for column in columns]


def _type(column: Column) -> str:
    if column.mode is Mode.REPEATED:
        return "ARRAY"
    if column.kind is Kind.DECIMAL:
        return "VARCHAR" if column.spec.bignumeric else "NUMBER(38,9)"
    return _PLAIN[column.kind]
