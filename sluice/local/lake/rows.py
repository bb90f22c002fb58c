"""Reads the JSON rows that a transform answered as an Iceberg table's columns want them, and as strictly.

Documented (Firehose developer guide, "Considerations and limitations" and "Supported data types" of Apache
Iceberg tables, read 2026-11): one JSON object per record; names and types must match the columns, else the
row goes to the error bucket; a field more is passed over; timestamps come in microseconds; decimals and dates
may be text. Not documented, and chosen: a column that a row does not name is null where it may be. AWS may
refuse such a row (users saw Iceberg.MissingColumnWithinRecord). The codes are as users saw them.
"""

from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, InvalidOperation
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

Read = Callable[[Any], Any]

DEEPEST = 16
"""Levels of nesting that Firehose takes."""


class RowError(Exception):
    """A row that Firehose cannot write: its error code, and what is wrong, without the value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RowReader:
    """Reads rows for one version of a table's schema."""

    def __init__(self, schema: Schema) -> None:
        self._arrow = schema.as_arrow()
        self._struct = _struct(schema.fields, "")
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)

    def read(self, data: bytes) -> dict[str, Any]:
        """One row by column.

        Raises:
            RowError: it does not fit the table.
        """
        try:
            row = self._decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise RowError("ICEBERG_BAD_DATA", "the record is not one JSON object") from None
        if not isinstance(row, dict):
            raise RowError("ICEBERG_BAD_DATA", "the record is not one JSON object")
        found: dict[str, Any] = self._struct(row)
        return found

    def table(self, rows: list[dict[str, Any]]) -> pa.Table:
        """Rows that were read, as the writer takes them."""
        return pa.Table.from_pylist(rows, schema=self._arrow)


def _struct(fields: tuple[NestedField, ...], within: str) -> Read:
    if within.count(".") >= DEEPEST:
        raise ValueError(f"{within}: Firehose takes {DEEPEST} levels of nesting")
    readers = [
        (
            field.name,
            field.required,
            f"{within}{field.name}",
            _reader(field.field_type, f"{within}{field.name}"),
        )
        for field in fields
    ]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _mismatch(within.rstrip("."), "an object")
        row = {}
        for name, required, path, reader in readers:
            found = value.get(name)
            if found is not None:
                row[name] = reader(found)
            elif required:
                raise RowError(
                    "Iceberg.MissingColumnWithinRecord", f"the record has no value for the column {path}"
                )
            else:
                row[name] = None
        return row

    return read


def _reader(kind: IcebergType, path: str) -> Read:
    if isinstance(kind, StructType):
        return _struct(kind.fields, f"{path}.")
    if isinstance(kind, ListType):
        return _list(_reader(kind.element_type, path), path)
    if isinstance(kind, DecimalType):
        return _decimal(kind, path)
    plain = next((make for types, make in _PLAIN if isinstance(kind, types)), None)
    if plain is None:
        raise ValueError(f"{path} is of type {kind}, which the local Firehose does not know")
    return plain(path)


def _mismatch(path: str, wanted: str) -> RowError:
    return RowError("Iceberg.SchemaTypeMismatch", f"the column {path} takes {wanted}")


def _exactly(path: str, kind: type, wanted: str) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise _mismatch(path, wanted)
        return value

    return read


def _integer(path: str, bits: int, wanted: str = "a whole number") -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool) or not -(2**bits) <= value < 2**bits:
            raise _mismatch(path, wanted)
        return value

    return read


def _float(path: str) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            raise _mismatch(path, "a number")
        return float(value)

    return read


_EXACT = Context(prec=100)
"""Beyond any column's digits: the usual 28 would round 38 of them up to one too large."""


def _decimal(kind: DecimalType, path: str) -> Read:
    most = Decimal(10) ** (kind.precision - kind.scale)

    def read(value: Any) -> Any:
        try:
            number = Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else value
        except InvalidOperation:
            raise _mismatch(path, f"a {kind}") from None
        if not isinstance(number, Decimal) or not number.is_finite():
            raise _mismatch(path, f"a {kind}")
        exponent = number.normalize(_EXACT).as_tuple().exponent
        if number.copy_abs() >= most or (isinstance(exponent, int) and -exponent > kind.scale):
            raise _mismatch(path, f"a {kind}")
        return number

    return read


def _date(path: str) -> Read:
    def read(value: Any) -> Any:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise _mismatch(path, "a date as yyyy-mm-dd") from None

    return read


def _list(reader: Read, path: str) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise _mismatch(path, "a list")
        return [None if one is None else reader(one) for one in value]

    return read


_PLAIN: list[tuple[Any, Callable[[str], Read]]] = [
    (StringType, partial(_exactly, kind=str, wanted="text")),
    (BooleanType, partial(_exactly, kind=bool, wanted="true or false")),
    (IntegerType, partial(_integer, bits=31)),
    (LongType, partial(_integer, bits=63)),
    ((TimestampType, TimestamptzType), partial(_integer, bits=63, wanted="microseconds since 1970")),
    (DateType, _date),
    ((FloatType, DoubleType), _float),
]
"""Types without parts, and who reads their values."""
