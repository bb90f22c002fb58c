"""Whatever contract a user writes: the lake's table holds every value of every event, exactly."""

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pyarrow as pa
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.transforms import parse_transform
from sqlglot import exp

from sluice.contract import Contract, iceberg, opensearch, redshift, snowflake
from sluice.contract.columns import Column
from sluice.contract.contract import EventType
from sluice.contract.fake import fake_events
from sluice.contract.kinds import Kind, Mode
from sluice.contract.lineage import table_columns
from tests.property.contracts_drawn import FEW, START, contracts, made

FEWER = settings(FEW, max_examples=20)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LINEAGE = {
    "_event_id": "e1",
    "_arrived_at": START,
    "_shard": "shardId-000000000000",
    "_sequence": "49600000000000000000000000000000000000000000000000000000",
}


def from_text(value: Any) -> Decimal:
    assert type(value) is str
    return Decimal(value)


def from_microseconds(value: Any) -> datetime:
    assert type(value) is int
    return EPOCH + timedelta(microseconds=value)


READERS: dict[str, Callable[[Any], Any]] = {
    "timestamptz": from_microseconds,
    "date": date.fromisoformat,
    "decimal(38,9)": from_text,
}
PLAIN = {"string": (str,), "long": (int,), "double": (float, int), "boolean": (bool,)}


def as_firehose_reads(value: Any, kind: Any) -> Any:
    """A JSON value as the type of its column, by the rules of Firehose's guide and no others."""
    if value is None:
        return None
    if not isinstance(kind, dict):
        assert kind in READERS or type(value) in PLAIN[kind]
        return READERS[kind](value) if kind in READERS else value
    if kind["type"] == "list":
        return [as_firehose_reads(item, kind["element"]) for item in value]
    assert list(value) == [one["name"] for one in kind["fields"]]
    return {one["name"]: as_firehose_reads(value[one["name"]], one["type"]) for one in kind["fields"]}


def expected(value: Any, column: Column) -> Any:
    """What the lake's column is to hold of an event's value."""
    if value is None:
        return None
    if column.mode is Mode.REPEATED:
        return [expected_value(one, column) for one in value]
    return expected_value(value, column)


def expected_value(value: Any, column: Column) -> Any:
    if column.kind is Kind.STRUCT:
        return {one.name.lower(): expected(getattr(value, one.attribute), one) for one in column.columns}
    if column.kind is Kind.JSON:
        return msgspec.json.encode(value).decode()
    if column.kind is Kind.DECIMAL and column.spec.bignumeric:
        return f"{value:f}"
    return value.value if isinstance(value, Enum) else value


def table_of(kind: EventType, rows: list[dict[str, Any]]) -> pa.Table:
    """The rows through Iceberg's own types, and through a Parquet file."""
    schema = schema_to_pyarrow(Schema.model_validate(iceberg.schema_json(kind)))
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    return parquet.read_table(io.BytesIO(file.getvalue()))


@FEWER
@given(contracts(), st.integers(0, 2**32))
def test_a_row_of_the_lake_holds_each_value_of_the_event_exactly(contract: Contract, seed: int) -> None:
    events = made(lambda: list(fake_events(contract, seed=seed, start=START, count=12)))
    for kind in contract.types.values():
        mine = [contract.decode(contract.encode(one)) for one in events if contract.type_of(one) is kind]
        fields = iceberg.schema(kind)
        rows = []
        for event in mine:
            row = json.loads(contract.encode_lake_row(event))
            assert list(row) == [field.name for field in fields[:-4]]
            rows.append(
                {one.name: as_firehose_reads(row[one.name], one.type) for one in fields[:-4]} | LINEAGE
            )
        read = table_of(kind, rows).to_pylist()
        assert [
            {
                "type": kind.name,
                **{one.name.lower(): expected(getattr(event, one.attribute), one) for one in kind.columns},
                **LINEAGE,
            }
            for event in mine
        ] == read


@FEWER
@given(contracts(), st.integers(0, 2**32))
def test_a_row_of_a_warehouse_is_the_event_and_its_decimals_have_no_exponents(
    contract: Contract, seed: int
) -> None:
    for event in made(lambda: list(fake_events(contract, seed=seed, start=START, count=12))):
        row = contract.encode_warehouse_row(event)
        assert contract.decode(row) == contract.decode(contract.encode(event))
        kind = contract.type_of(event)
        values = json.loads(row)
        for column in kind.columns:
            if column.kind is Kind.DECIMAL and column.mode is not Mode.REPEATED and values[column.name]:
                assert "E" not in values[column.name]
        assert redshift.refused(kind, event, row) is None


@FEWER
@given(contracts())
def test_the_lakes_schema_is_icebergs_with_the_ids_that_iceberg_gives(contract: Contract) -> None:
    for kind in contract.types.values():
        schema = Schema.model_validate(iceberg.schema_json(kind))
        assert assign_fresh_schema_ids(schema) == schema
        found = iceberg.partition(kind)
        spec = PartitionSpec(
            PartitionField(
                source_id=found.source_id,
                field_id=found.field_id,
                transform=parse_transform(found.transform),
                name=found.name,
            )
        )
        assert schema.find_column_name(found.source_id) == kind.time_column.lower()
        spec.check_compatible(schema)
        assert found.name not in schema.column_names
        assert {field.name for field in schema.fields if field.required} == set(LINEAGE)


@FEWER
@given(contracts())
def test_every_statement_is_sql_of_its_own_dialect(contract: Contract) -> None:
    for kind in contract.types.values():
        columns = [column.name.lower() for column in table_columns(kind.columns)]
        for dialect, text in (
            ("trino", iceberg.view_sql(kind, "db")),
            ("redshift", redshift.table_ddl(kind)),
            ("redshift", redshift.view_ddl(kind)),
            ("snowflake", snowflake.table_ddl(kind)),
            ("snowflake", snowflake.view_ddl(kind)),
        ):
            parsed = sqlglot.parse_one(text, dialect=dialect)
            if isinstance(parsed, exp.Create) and parsed.kind == "TABLE":
                assert [one.name.lower() for one in parsed.find_all(exp.ColumnDef)] == columns
            else:
                select = parsed if isinstance(parsed, exp.Select) else parsed.expression
                assert [name.lower() for name in select.named_selects] == columns
        assert redshift.copy_columns(kind).replace('"', "").split(",") == columns


@FEWER
@given(contracts())
def test_every_mapping_knows_each_field_and_nothing_is_added_by_chance(contract: Contract) -> None:
    def check(columns: tuple[Column, ...], properties: dict[str, Any]) -> None:
        assert [column.name for column in columns] == list(properties)
        for column in columns:
            if column.columns:
                assert properties[column.name]["dynamic"] is False
                check(column.columns, properties[column.name]["properties"])

    for kind in contract.types.values():
        assert opensearch.mapping(kind)["dynamic"] is False
        check(table_columns(kind.columns), opensearch.properties(kind))
