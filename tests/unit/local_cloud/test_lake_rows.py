"""A row goes to its table only if it fits the columns, as Firehose has it."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

from sluice.local.lake.rows import RowError, RowReader

PART = StructType(NestedField(10, "count", LongType()), NestedField(11, "name", StringType(), required=True))
SCHEMA = Schema(
    NestedField(1, "id", StringType(), required=True),
    NestedField(2, "at", TimestamptzType()),
    NestedField(3, "day", DateType()),
    NestedField(4, "amount", DecimalType(38, 9)),
    NestedField(5, "ratio", DoubleType()),
    NestedField(6, "on", BooleanType()),
    NestedField(7, "number", LongType()),
    NestedField(8, "parts", ListType(9, PART, element_required=False)),
    NestedField(12, "small", IntegerType()),
)
READER = RowReader(SCHEMA)


def read(**row: Any) -> dict[str, Any]:
    return READER.read(json.dumps({"id": "x", **row}).encode())


def test_values_arrive_in_arrow_as_they_were_meant() -> None:
    micros = 1_767_225_600_123_456
    row = read(
        at=micros,
        day="2026-01-31",
        amount="12345678901234567890.123456789",
        ratio=0.1,
        on=True,
        number=2**63 - 1,
        parts=[{"count": 1, "name": "a"}, {"name": "b"}],
    )
    (found,) = READER.table([row]).to_pylist()
    assert found["at"] == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert found["day"] == date(2026, 1, 31)
    assert found["amount"] == Decimal("12345678901234567890.123456789")
    assert (found["ratio"], found["on"], found["number"]) == (0.1, True, 2**63 - 1)
    assert found["parts"] == [{"count": 1, "name": "a"}, {"count": None, "name": "b"}]


def test_a_number_is_a_decimal_without_passing_through_a_float() -> None:
    assert READER.read(b'{"id": "x", "amount": 0.123456789}')["amount"] == Decimal("0.123456789")


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_decimal_may_have_all_the_digits_of_its_column(sign: str) -> None:
    most = f"{sign}{'9' * 29}.{'9' * 9}"
    assert read(amount=most)["amount"] == Decimal(most)
    with pytest.raises(RowError, match="amount"):
        read(amount=f"{sign}1{'0' * 29}")


def test_a_field_more_is_passed_over_and_an_optional_one_less_is_null() -> None:
    row = read(unknown=1, number=None)
    assert "unknown" not in row
    assert row["number"] is None
    assert row["parts"] is None


@pytest.mark.parametrize("data", [b"", b"{", b"5", b'{"id":"a"}{"id":"b"}', b"\xff", b"[]"])
def test_what_is_not_one_json_object_is_bad_data(data: bytes) -> None:
    with pytest.raises(RowError) as caught:
        READER.read(data)
    assert caught.value.code == "ICEBERG_BAD_DATA"


@pytest.mark.parametrize("row", [{"id": None}, {"parts": [{"count": 1}]}])
def test_a_required_column_must_be_named(row: dict[str, Any]) -> None:
    with pytest.raises(RowError) as caught:
        read(**row)
    assert caught.value.code == "Iceberg.MissingColumnWithinRecord"


@pytest.mark.parametrize(
    "row",
    [
        {"id": 5},
        {"at": "2026-01-01T00:00:00Z"},
        {"at": 1.5},
        {"at": True},
        {"day": "31.01.2026"},
        {"day": 5},
        {"amount": "much"},
        {"amount": "0.1234567891"},
        {"amount": "1e30"},
        {"amount": "NaN"},
        {"amount": True},
        {"ratio": "0.1"},
        {"on": 1},
        {"number": 2**63},
        {"number": 1.5},
        {"small": 2**31},
        {"parts": {"name": "a"}},
        {"parts": ["a"]},
    ],
)
def test_a_value_of_another_type_is_refused_and_not_repeated(row: dict[str, Any]) -> None:
    with pytest.raises(RowError) as caught:
        read(**row)
    assert caught.value.code == "Iceberg.SchemaTypeMismatch"
    assert next(iter(row)) in str(caught.value)
    assert "much" not in str(caught.value)


def test_a_type_that_nobody_reads_is_refused_when_the_table_is_met() -> None:
    with pytest.raises(ValueError, match="blob is of type binary"):
        RowReader(Schema(NestedField(1, "blob", BinaryType())))
