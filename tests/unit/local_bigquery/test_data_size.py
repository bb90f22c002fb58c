"""How large a table says that it is."""

from typing import Any

from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

ROW: dict[str, Any] = {
    "number": 1,
    "word": "zwölf",
    "raw": "AAEC",
    "flag": True,
    "exact": "1.5",
    "wide": "1.5",
    "day": "2026-01-01",
    "document": '{"a":1}',
    "numbers": [1, 2, 3],
    "inside": {"a": "xy", "b": [{"c": 1}, {"c": None}]},
}
SIZES = {
    "number": 8,
    "word": 2 + 6,
    "raw": 2 + 3,
    "flag": 1,
    "exact": 16,
    "wide": 32,
    "day": 8,
    "document": 7,
    "numbers": 3 * 8,
    "inside": 2 + 2 + 8,
}


def test_a_tables_bytes_are_counted_by_type_as_bigquery_counts_them(
    client: bigquery.Client, shared_dataset: str
) -> None:
    schema = [
        SchemaField("number", "INT64"),
        SchemaField("word", "STRING"),
        SchemaField("raw", "BYTES"),
        SchemaField("flag", "BOOL"),
        SchemaField("exact", "NUMERIC"),
        SchemaField("wide", "BIGNUMERIC"),
        SchemaField("day", "DATE"),
        SchemaField("document", "JSON"),
        SchemaField("numbers", "INT64", "REPEATED"),
        SchemaField(
            "inside",
            "RECORD",
            fields=[
                SchemaField("a", "STRING"),
                SchemaField("b", "RECORD", "REPEATED", fields=[SchemaField("c", "INT64")]),
            ],
        ),
    ]
    table = client.create_table(bigquery.Table(f"p.{shared_dataset}.sized", schema))
    assert (table.num_rows, table.num_bytes) == (0, 0)
    assert client.insert_rows_json(table, [ROW, {}]) == []
    found = client.get_table(table)
    assert (found.num_rows, found.num_bytes) == (2, sum(SIZES.values()))
