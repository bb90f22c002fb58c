"""A lake of two tables and a view, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

RAW, VIEWS = "demo_lake_raw", "demo_lake"


def _field(place: int, name: str, kind: Any) -> NestedField:
    return NestedField(place, name, kind, required=False)


ITEM = StructType(_field(20, "sku", StringType()), _field(21, "price", DecimalType(38, 9)))
SALE = Schema(
    _field(1, "id", StringType()),
    _field(2, "paid_at", TimestamptzType()),
    _field(3, "amount", DecimalType(38, 9)),
    _field(4, "quantity", LongType()),
    _field(5, "weight", DoubleType()),
    _field(6, "tags", ListType(10, StringType(), element_required=False)),
    _field(7, "items", ListType(11, ITEM, element_required=False)),
    _field(8, "ships_on", DateType()),
    _field(9, "gift", BooleanType()),
    _field(12, "extra", StringType()),
    _field(13, "_arrived_at", TimestamptzType()),
)
SALE_ARROW = pa.schema(
    [
        ("id", pa.string()),
        ("paid_at", pa.timestamp("us", "UTC")),
        ("amount", pa.decimal128(38, 9)),
        ("quantity", pa.int64()),
        ("weight", pa.float64()),
        ("tags", pa.list_(pa.string())),
        ("items", pa.list_(pa.struct([("sku", pa.string()), ("price", pa.decimal128(38, 9))]))),
        ("ships_on", pa.date32()),
        ("gift", pa.bool_()),
        ("extra", pa.string()),
        ("_arrived_at", pa.timestamp("us", "UTC")),
    ]
)
ONCE = (
    'SELECT "id", "paid_at", "amount", "quantity", "weight", "tags", "items", "ships_on", "gift", "extra" '
    'FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY "paid_at", "id" ORDER BY "_arrived_at") AS "_place" '
    'FROM "demo_lake_raw"."sale") WHERE "_place" = 1'
)


def moment(second: int, micros: int = 0) -> datetime:
    return datetime(2026, 11, 20, 8, 0, second, micros, tzinfo=UTC)


def sale(name: str, second: int, **values: Any) -> dict[str, Any]:
    return {
        "id": name,
        "paid_at": moment(second, 123456),
        "amount": Decimal("10.500000000"),
        "quantity": 7,
        "weight": 1.5,
        "tags": ["new", "red"],
        "items": [{"sku": "a", "price": Decimal("2.500000000")}],
        "ships_on": moment(0).date(),
        "gift": False,
        "extra": '{"a": {"b": "c"}, "n": [1]}',
        "_arrived_at": moment(second),
        **values,
    }


SALES = [
    sale("one", 1),
    sale("one", 1, _arrived_at=moment(9)),
    sale("two", 2, quantity=-7, tags=[], items=[], amount=Decimal(-1)),
    sale("three", 3, quantity=None, weight=None, tags=None, items=None, extra=None, ships_on=None, gift=True),
]


@dataclass(frozen=True)
class Table:
    """What the local Athena asks of a pyiceberg table."""

    layout: Schema
    data: pa.Table

    def schema(self) -> Schema:
        return self.layout

    def scan(self) -> Any:
        return SimpleNamespace(
            to_arrow_batch_reader=lambda: self.data.to_reader(max_chunksize=2),
            plan_files=lambda: [SimpleNamespace(file=SimpleNamespace(file_size_in_bytes=1000))],
        )


class Lake:
    """A catalog as sluice.local.lake.catalog is one."""

    def __init__(self, views: Mapping[str, str] | None = None) -> None:
        self.table = Table(SALE, pa.Table.from_pylist(SALES, schema=SALE_ARROW))
        self.views = {"sale": ONCE, **(views or {})}

    def load(self, database: str, table: str) -> Any:
        if (database, table) != (RAW, "sale"):
            raise NoSuchTableError(table)
        return self.table

    def view_sql(self, database: str, name: str) -> str | None:
        return self.views.get(name) if database == VIEWS else None
