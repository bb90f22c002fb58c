"""How an event is written for the lake: the JSON object that Firehose turns into a row of an Iceberg table.

Sources: Firehose's guide to Apache Iceberg tables (read 2026-11). "Understand supported data types" has an
example of each: timestamps are sent in microseconds since 1970, decimals and dates may be strings.
"Considerations and limitations": keys are the columns' names. Of a column that a record lacks it says
nothing, and users saw Iceberg.MissingColumnWithinRecord: so every column is written, as null where the event
has nothing.

Decimals are written with all digits of the column's scale, so that nothing has to be rescaled on the way.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, TypeAlias

import msgspec

from sluice.contract.columns import Column
from sluice.contract.iceberg import DECIMAL_SCALE
from sluice.contract.kinds import Kind, Mode
from sluice.contract.names import TYPE_COLUMN

Writer: TypeAlias = Callable[[Any], Any]
"""Takes a value, returns what JSON is made of."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_UNIT = Decimal(1).scaleb(-DECIMAL_SCALE)
_EXACT = Context(prec=100)
_encode = msgspec.json.Encoder().encode


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def row_writer(columns: tuple[Column, ...], tag: str) -> Writer:
    """What makes a row's object of an event."""
    return _struct(columns, tag)


def _struct(columns: tuple[Column, ...], tag: str | None = None) -> Writer:
    """A twin of the struct whose fields are named, and hold their values, as the lake's columns do."""
    twin: Any = msgspec.defstruct(
        "Row",
        [(column.attribute, Any) for column in columns],
        rename={column.attribute: column.name.lower() for column in columns},
        tag=tag,
        tag_field=None if tag is None else TYPE_COLUMN,
    )
    plain = [column.attribute for column in columns]
    writers = [(column.attribute, _field(column)) for column in columns]
    special = [(plain.index(attribute), writer) for attribute, writer in writers if writer is not None]

    def write(struct: Any) -> Any:
        values = [getattr(struct, attribute) for attribute in plain]
        for index, writer in special:
            value = values[index]
            if value is not None:
                values[index] = writer(value)
        return twin(*values)

    return write


def _field(column: Column) -> Writer | None:
    writer = _value(column)
    return _each(writer) if column.mode is Mode.REPEATED and writer is not None else writer


def _value(column: Column) -> Writer | None:
    """What writes a value, or an item of a list; None where the value is written as it is."""
    if column.kind is Kind.STRUCT:
        return _struct(column.columns)
    if column.kind is Kind.DECIMAL:
        return _plain if column.spec.bignumeric else _scaled
    return {Kind.TIMESTAMP: microseconds, Kind.JSON: _text}.get(column.kind)


def _each(writer: Writer) -> Writer:
    return lambda items: [writer(item) for item in items]


def _text(value: Any) -> str:
    return _encode(value).decode()


def _scaled(value: Decimal) -> str:
    return f"{value.quantize(_UNIT, context=_EXACT):f}"


def _plain(value: Decimal) -> str:
    """Without an exponent, so that text reads and casts as a number."""
    return f"{value:f}"
