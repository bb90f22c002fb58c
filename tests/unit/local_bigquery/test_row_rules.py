"""What tabledata.insertAll takes and refuses, value by value."""

# ruff: noqa: E501, S608 - SQL reads best on one line, and is the test's own
# ruff: noqa: DTZ001 - DATETIME has no zone

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

KINDS = (
    "STRING",
    "INT64",
    "FLOAT64",
    "BOOL",
    "NUMERIC",
    "BIGNUMERIC",
    "BYTES",
    "DATE",
    "DATETIME",
    "TIME",
    "TIMESTAMP",
    "JSON",
)
UTC = dt.UTC
INF = float("inf")
NUMERIC_MAX = "9" * 29 + "." + "9" * 9
Insert = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def table(client: bigquery.Client, shared_dataset: str) -> str:
    """A table with a column of each type, and repeated and nested ones."""
    schema = [SchemaField("key", "INT64", "REQUIRED"), *(SchemaField(f"c_{kind}", kind) for kind in KINDS)]
    inner = [
        SchemaField("must", "STRING", "REQUIRED"),
        SchemaField("at", "TIMESTAMP"),
        SchemaField("raw", "BYTES", "REPEATED"),
    ]
    schema += [
        SchemaField("r_INT64", "INT64", "REPEATED"),
        SchemaField("r_JSON", "JSON", "REPEATED"),
        SchemaField("r_TIMESTAMP", "TIMESTAMP", "REPEATED"),
        SchemaField("record", "RECORD", fields=inner),
        SchemaField("records", "RECORD", "REPEATED", fields=inner),
        SchemaField("short", "STRING", max_length=3),
    ]
    name = f"p.{shared_dataset}.rows"
    client.create_table(bigquery.Table(name, schema))
    return name


@pytest.fixture
def insert(post: Callable[..., Any], table: str) -> Insert:
    """Insert rows given as dicts or as raw JSON; returns the row errors."""
    _, dataset, name = table.split(".")

    def send(*rows: Any, **options: Any) -> list[dict[str, Any]]:
        written = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        body = "{" + "".join(f'"{key}":{json.dumps(value)},' for key, value in options.items())
        body += '"rows":[' + ",".join(f'{{"json":{row}}}' for row in written) + "]}"
        response = post(f"/datasets/{dataset}/tables/{name}/insertAll", body.encode())
        assert response.status == 200, response.data
        return list(response.json().get("insertErrors", []))

    return send


_KEYS = iter(range(1, 1_000_000))


ACCEPTED: list[tuple[str, str, Any]] = [
    ("c_STRING", '"text"', "text"),
    ("c_STRING", '"a\\u0000b"', "a\x00b"),
    ("c_STRING", "5", "5"),
    ("c_STRING", '""', ""),
    ("c_INT64", "9223372036854775807", 2**63 - 1),
    ("c_INT64", "-9223372036854775808", -(2**63)),
    ("c_INT64", '"12"', 12),
    ("c_INT64", "1.0", 1),
    ("c_FLOAT64", "1", 1.0),
    ("c_FLOAT64", "1e308", 1e308),
    ("c_FLOAT64", '"1.5"', 1.5),
    ("c_FLOAT64", '"Infinity"', INF),
    ("c_FLOAT64", '"-inf"', -INF),
    ("c_BOOL", "true", True),
    ("c_BOOL", '"TRUE"', True),
    ("c_BOOL", '"false"', False),
    ("c_NUMERIC", '"1.5"', Decimal("1.5")),
    ("c_NUMERIC", "1.5", Decimal("1.5")),
    ("c_NUMERIC", "7", Decimal(7)),
    ("c_NUMERIC", '"1e3"', Decimal(1000)),
    ("c_NUMERIC", f'"{NUMERIC_MAX}"', Decimal(NUMERIC_MAX)),
    ("c_NUMERIC", f'"-{NUMERIC_MAX}"', Decimal("-" + NUMERIC_MAX)),
    ("c_NUMERIC", '"1.1000000000000"', Decimal("1.1")),
    ("c_BIGNUMERIC", '"1234567890123456789012345678901234567.0123456789"', Decimal("1234567890123456789012345678901234567.0123456789")),
    ("c_BIGNUMERIC", '"' + "0." + "0" * 37 + '1"', Decimal("1e-38")),
    ("c_BYTES", '"AAEC"', b"\x00\x01\x02"),
    ("c_BYTES", '""', b""),
    ("c_DATE", '"2024-02-29"', dt.date(2024, 2, 29)),
    ("c_DATE", '"0001-01-01"', dt.date(1, 1, 1)),
    ("c_DATE", '"2024-2-9"', dt.date(2024, 2, 9)),
    ("c_DATETIME", '"2024-02-29T01:02:03.5"', dt.datetime(2024, 2, 29, 1, 2, 3, 500000)),
    ("c_DATETIME", '"2024-02-29 01:02:03"', dt.datetime(2024, 2, 29, 1, 2, 3)),
    ("c_DATETIME", '"2024-02-29"', dt.datetime(2024, 2, 29)),
    ("c_TIME", '"23:59:59.999999"', dt.time(23, 59, 59, 999999)),
    ("c_TIME", '"1:2:3"', dt.time(1, 2, 3)),
    ("c_TIMESTAMP", '"2024-02-29T01:02:03.123456Z"', dt.datetime(2024, 2, 29, 1, 2, 3, 123456, UTC)),
    ("c_TIMESTAMP", '"2024-02-29 01:02:03 UTC"', dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)),
    ("c_TIMESTAMP", '"2024-02-29 01:02:03"', dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)),
    ("c_TIMESTAMP", '"2024-02-29T01:02:03+02:00"', dt.datetime(2024, 2, 28, 23, 2, 3, tzinfo=UTC)),
    ("c_TIMESTAMP", '"2024-02-29T01:02:03-07"', dt.datetime(2024, 2, 29, 8, 2, 3, tzinfo=UTC)),
    ("c_TIMESTAMP", '"9999-12-31T23:59:59.999999Z"', dt.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ("c_TIMESTAMP", "1408452095.220000", dt.datetime(2014, 8, 19, 12, 41, 35, 220000, UTC)),
    ("c_TIMESTAMP", "0", dt.datetime(1970, 1, 1, tzinfo=UTC)),
    ("c_JSON", '"{\\"a\\": [1, 2]}"', {"a": [1, 2]}),
    ("c_JSON", '"null"', None),
    ("c_JSON", json.dumps("[" * 500 + "]" * 500), json.loads("[" * 500 + "]" * 500)),
    ("r_INT64", "[1, 2]", [1, 2]),
    ("r_INT64", "[]", []),
    ("r_JSON", '["1", "{}"]', [1, {}]),
    ("r_TIMESTAMP", '["2024-01-01T00:00:00+01:00"]', [dt.datetime(2023, 12, 31, 23, tzinfo=UTC)]),
    ("record", '{"must": "x", "at": "2024-01-01T00:00:00+01:00"}', {"must": "x", "at": dt.datetime(2023, 12, 31, 23, tzinfo=UTC), "raw": []}),
    ("record", '{"must": "x", "raw": ["AA=="]}', {"must": "x", "at": None, "raw": [b"\x00"]}),
    ("records", '[{"must": "x"}]', [{"must": "x", "at": None, "raw": []}]),
    ("C_string", '"names ignore case"', "names ignore case"),
    ("short", '"abc"', "abc"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "written", "expected"), ACCEPTED)
def test_value_is_taken_as_bigquery_takes_it(
    *, insert: Insert, client: bigquery.Client, table: str, column: str, written: str, expected: Any
) -> None:
    key = next(_KEYS)
    assert insert(f'{{"key": {key}, "{column}": {written}}}') == []
    (row,) = client.query_and_wait(f"SELECT {column} AS v FROM `{table}` WHERE key = {key}")
    assert row.v == expected


REFUSED: list[tuple[str, str, str]] = [
    ("c_STRING", "true", "Conversion from bool to string is unsupported."),
    ("c_STRING", '{"a": 1}', "This field: c_STRING is not a record."),
    ("c_STRING", '["a"]', "Array specified for non-repeated field: c_STRING."),
    ("c_INT64", "9223372036854775808", "Cannot convert value to integer (bad value): 9223372036854775808"),
    ("c_INT64", "1.5", "Cannot convert value to integer (bad value): 1.5"),
    ("c_INT64", '"abc"', "Cannot convert value to integer (bad value): abc"),
    ("c_INT64", '""', "Cannot convert value to integer (bad value): "),
    ("c_INT64", "true", "Conversion from bool to int64 is unsupported."),
    ("c_INT64", "1" * 5000, "Cannot convert value to integer"),
    ("c_FLOAT64", '"abc"', "Cannot convert value to floating point (bad value): abc"),
    ("c_FLOAT64", '"1e999"', "Cannot convert value to floating point (bad value): 1e999"),
    ("c_BOOL", '"yes"', "Cannot convert value to boolean (bad value): yes"),
    ("c_BOOL", "1", "Conversion from int64 to bool is unsupported."),
    (
        "c_NUMERIC",
        '"1.0123456789"',
        "Invalid NUMERIC value: 1.0123456789 Field: c_NUMERIC; Value: 1.0123456789",
    ),
    ("c_NUMERIC", "-0.8534597960201471", "Invalid NUMERIC value: -0.8534597960201471"),
    ("c_NUMERIC", '"100000000000000000000000000000"', "Invalid NUMERIC value"),
    ("c_NUMERIC", '"NaN"', "Invalid NUMERIC value: NaN"),
    ("c_BIGNUMERIC", '"' + "9" * 39 + '"', "Invalid BIGNUMERIC value"),
    ("c_BYTES", '"%%"', "Could not decode base64 string to bytes. Field: c_BYTES"),
    ("c_DATE", '"2024-02-30"', "Invalid date: '2024-02-30' Field: c_DATE; Value: 2024-02-30"),
    ("c_DATE", '"2024-02-28T00:00:00Z"', "Invalid date"),
    ("c_DATE", "20240228", "Invalid date"),
    ("c_DATETIME", '"2024-02-28T00:00:00Z"', "Invalid datetime string"),
    ("c_TIME", '"24:00:00"', "Invalid time string"),
    ("c_TIMESTAMP", '"soon"', "Could not parse 'soon' as a timestamp. Required format is YYYY-MM-DD HH:MM"),
    ("c_TIMESTAMP", '"2024-02-30T00:00:00Z"', "Could not parse '2024-02-30T00:00:00Z' as a timestamp"),
    ("c_TIMESTAMP", '"2024-01-01T00:00:00.1234567Z"', "Could not parse"),
    ("c_TIMESTAMP", '"9999-12-31T23:59:59-01:00"', "Could not parse"),
    (
        "c_TIMESTAMP",
        '"2014-09-27 12:30:00.00 America/Los_Angeles"',
        "Unrecognized timezone: America/Los_Angeles",
    ),
    ("c_TIMESTAMP", "1625786389636999936", "Timestamp field value is out of range: 1625786389636999936"),
    ("c_JSON", '{"a": 1}', "This field: c_JSON is not a record."),
    ("c_JSON", '"{"', "Invalid JSON value"),
    ("c_JSON", "5", "Conversion from int64 to json is unsupported."),
    ("c_JSON", json.dumps("[" * 501 + "]" * 501), "Nesting exceeds maximum depth of 500"),
    ("r_INT64", "null", "Field value of r_INT64 cannot be empty."),
    ("r_INT64", "[1, null]", "Field value of r_INT64 cannot be empty."),
    ("r_INT64", "1", "Repeated field must be given as a JSON array"),
    ("record", '"x"', "This field: record is not a record value."),
    ("record", "{}", "Missing required field: Msg_0_CLOUD_QUERY_TABLE.record.must."),
    ("record", '{"must": "x", "more": 1}', "no such field: record.more."),
    ("records", '[{"must": null}]', "Missing required field: Msg_0_CLOUD_QUERY_TABLE.records.must."),
    ("nope", "1", "no such field: nope."),
    ("short", '"abcd"', "has maximum length 3"),
]


@pytest.mark.parametrize(("column", "written", "message"), REFUSED)
def test_value_is_refused_with_its_field_and_bigquerys_words(
    insert: Insert, column: str, written: str, message: str
) -> None:
    (error,) = insert(f'{{"key": {next(_KEYS)}, "{column}": {written}}}')
    assert error["index"] == 0
    (detail,) = error["errors"]
    assert detail["reason"] == "invalid"
    assert detail["location"].startswith(column)
    assert message in detail["message"]
    assert detail["debugInfo"] == ""


@pytest.mark.parametrize("row", [{}, {"key": None}, {"key": None, "c_STRING": "x"}])
def test_a_required_column_is_required(insert: Insert, row: dict[str, Any]) -> None:
    (error,) = insert(row)
    assert error["errors"][0]["message"] == "Missing required field: Msg_0_CLOUD_QUERY_TABLE.key."
    assert error["errors"][0]["location"] == "key"


@pytest.mark.parametrize("row", ["5", '"x"', "null", "[]"])
def test_a_row_that_is_no_object_is_refused(insert: Insert, row: str) -> None:
    (error,) = insert(row)
    assert error["errors"][0]["reason"] == "invalid"


def test_one_bad_row_stops_all_others(insert: Insert, client: bigquery.Client, table: str) -> None:
    keys = [next(_KEYS) for _ in range(3)]
    errors = insert({"key": keys[0]}, {"key": "bad"}, {"key": keys[2]})
    assert [(e["index"], e["errors"][0]["reason"]) for e in errors] == [
        (0, "stopped"),
        (1, "invalid"),
        (2, "stopped"),
    ]
    assert errors[0]["errors"] == [{"reason": "stopped", "location": "", "debugInfo": "", "message": ""}]
    assert _count(client, table, keys) == 0


def test_invalid_rows_can_be_skipped(insert: Insert, client: bigquery.Client, table: str) -> None:
    keys = [next(_KEYS) for _ in range(3)]
    errors = insert({"key": keys[0]}, {"key": "bad"}, {"key": keys[2]}, skipInvalidRows=True)
    assert [e["index"] for e in errors] == [1]
    assert _count(client, table, keys) == 2


def test_unknown_fields_can_be_ignored(insert: Insert, client: bigquery.Client, table: str) -> None:
    key = next(_KEYS)
    row = {"key": key, "nope": 1, "record": {"must": "x", "more": 1}, "c_INT64": "7"}
    assert insert(row, ignoreUnknownValues=True) == []
    (found,) = client.query_and_wait(f"SELECT c_INT64, record.must AS m FROM `{table}` WHERE key = {key}")
    assert (found.c_INT64, found.m) == (7, "x")


def _count(client: bigquery.Client, table: str, keys: list[int]) -> int:
    listed = ", ".join(str(key) for key in keys)
    (row,) = client.query_and_wait(f"SELECT COUNT(*) AS n FROM `{table}` WHERE key IN ({listed})")
    return int(row.n)
