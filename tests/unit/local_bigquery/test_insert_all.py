"""tabledata.insertAll as a whole: limits, insertId, the streaming range of partitions, gzip, schema changes."""

# ruff: noqa: E501, S608 - SQL reads best on one line, and is the test's own

import gzip
import json
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from sluice.local.bigquery.app import Server


def _table(client: bigquery.Client, dataset: str, kind: str | None = None, granularity: str = "DAY") -> str:
    schema = [SchemaField("id", "STRING", "REQUIRED"), SchemaField("at", kind or "TIMESTAMP")]
    table = bigquery.Table(f"p.{dataset}.t", schema)
    if kind:
        table.time_partitioning = bigquery.TimePartitioning(type_=granularity, field="at")
    client.create_table(table)
    return f"p.{dataset}.t"


def _ids(client: bigquery.Client, table: str) -> list[str]:
    return [row.id for row in client.query_and_wait(f"SELECT id FROM `{table}` ORDER BY id")]


@pytest.mark.parametrize(
    ("kind", "inside", "outside", "spelled"),
    [
        ("TIMESTAMP", "2021-11-22T00:00:00Z", "2021-11-21T23:59:59.999999Z", "1637539199999999"),
        ("TIMESTAMP", "2027-11-22T23:59:59Z", "2027-11-23T00:00:00Z", "1826928000000000"),
        ("DATE", "2021-11-22", "2021-11-21", "2021-11-21"),
        ("DATETIME", "2027-11-22T23:59:59", "2027-11-23T00:00:00", "1826928000000000"),
        ("TIMESTAMP", 1637539200, 1637539199, "1637539199000000"),
    ],
)
def test_a_partition_time_outside_the_streaming_range_is_refused(
    *,
    client: bigquery.Client,
    dataset: str,
    control: Callable[..., Any],
    kind: str,
    inside: Any,
    outside: Any,
    spelled: str,
) -> None:
    control("clock", {"now": "2026-11-21T12:00:00Z"})
    table = _table(client, dataset, kind)
    errors = client.insert_rows_json(
        table,
        [{"id": "in", "at": inside}, {"id": "out", "at": outside}, {"id": "none"}],
        skip_invalid_rows=True,
    )
    (detail,) = errors[0]["errors"]
    assert errors[0]["index"] == 1
    assert detail["location"] == "at"
    assert detail["message"] == (
        f"Value {spelled} for field at of the destination table p:{dataset}.t is outside the allowed bounds. "
        "You can only stream to date range within 1825 days in the past and 366 days in the future "
        "relative to the current date."
    )
    assert _ids(client, table) == ["in", "none"]


def test_a_table_without_partitions_takes_any_time(client: bigquery.Client, dataset: str) -> None:
    table = _table(client, dataset)
    assert client.insert_rows_json(table, [{"id": "old", "at": "0001-01-01T00:00:00Z"}]) == []


def test_an_insert_id_counts_once_within_a_minute(client: bigquery.Client, dataset: str) -> None:
    table = _table(client, dataset)
    for _ in range(2):
        assert client.insert_rows_json(table, [{"id": "a"}, {"id": "b"}], row_ids=["1", "1"]) == []
    assert client.insert_rows_json(table, [{"id": "c"}, {"id": "c"}], row_ids=[None, None]) == []
    assert _ids(client, table) == ["a", "c", "c"]


def test_a_refused_row_does_not_use_up_its_insert_id(client: bigquery.Client, dataset: str) -> None:
    table = _table(client, dataset)
    assert client.insert_rows_json(table, [{"id": "a"}, {}], row_ids=["1", "2"])
    assert client.insert_rows_json(table, [{"id": "a"}, {"id": "b"}], row_ids=["1", "2"]) == []
    assert _ids(client, table) == ["a", "b"]


def test_an_insert_id_is_forgotten_after_a_minute() -> None:
    now = 1000.0
    server = Server(monotonic=lambda: now)
    server.catalog.create_dataset("p", {"datasetReference": {"datasetId": "d"}})
    fields = [{"name": "id", "type": "STRING"}]
    table = server.catalog.create_table(
        "p", "d", {"tableReference": {"tableId": "t"}, "schema": {"fields": fields}}
    )
    body = json.dumps({"rows": [{"insertId": "1", "json": {"id": "a"}}]}).encode()
    for moment in (1000.0, 1059.0, 1061.0):
        now = moment
        assert "insertErrors" not in server.inserter.insert_all(table, body)
    assert server.catalog.row_count(table) == 2
    assert len(table.insert_ids) == 1


def test_a_body_may_be_gzipped(client: bigquery.Client, dataset: str, post: Callable[..., Any]) -> None:
    table = _table(client, dataset)
    body = gzip.compress(json.dumps({"rows": [{"json": {"id": "zipped"}}]}).encode())
    path = f"/datasets/{dataset}/tables/t/insertAll"
    assert post(path, body, Content_Encoding="gzip").status == 200
    assert _ids(client, table) == ["zipped"]
    answer = post(path, b"not gzip", Content_Encoding="gzip")
    assert (answer.status, answer.json()["error"]["code"]) == (400, 400)


LIMITS: list[tuple[str, Callable[[], bytes], int, str]] = [
    ("no rows", lambda: b'{"rows": []}', 400, "No rows present in the request."),
    ("not JSON", lambda: b'{"rows": [{"json": {"id": NaN}}]}', 400, "Invalid JSON payload received."),
    (
        "not UTF-8",
        lambda: b'{"rows": [{"insertId": "\xff", "json": {}}]}',
        400,
        "Invalid JSON payload received.",
    ),
    (
        "too many rows",
        lambda: b'{"rows": [' + b",".join([b'{"json":{"id":"x"}}'] * 50_001) + b"]}",
        400,
        "too many rows present in the request, limit: 50000 row count: 50001.",
    ),
    (
        "too many bytes",
        lambda: json.dumps({"rows": [{"json": {"id": "x" * 10 * 1024 * 1024}}]}).encode(),
        400,
        "Request payload size exceeds the limit: 10485760 bytes.",
    ),
    (
        "a long insertId",
        lambda: json.dumps({"rows": [{"insertId": "i" * 129, "json": {"id": "x"}}]}).encode(),
        400,
        "insertId is too long",
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "message"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS]
)
def test_a_request_beyond_the_limits_is_refused_whole(
    *,
    client: bigquery.Client,
    dataset: str,
    post: Callable[..., Any],
    body: Callable[[], bytes],
    status: int,
    message: str,
) -> None:
    table = _table(client, dataset)
    answer = post(f"/datasets/{dataset}/tables/t/insertAll", body())
    assert answer.status == status
    assert message in answer.json()["error"]["message"]
    assert _ids(client, table) == []


def test_a_request_far_beyond_the_limit_meets_the_front_ends_html(
    client: bigquery.Client, dataset: str, post: Callable[..., Any]
) -> None:
    _table(client, dataset)
    answer = post(f"/datasets/{dataset}/tables/t/insertAll", b" " * (21 * 1024 * 1024))
    assert answer.status == 413
    assert answer.headers["content-type"].startswith("text/html")


def test_a_missing_table_is_404(dataset: str, post: Callable[..., Any]) -> None:
    answer = post(f"/datasets/{dataset}/tables/nope/insertAll", {"rows": [{"json": {}}]})
    assert answer.status == 404
    assert answer.json()["error"]["errors"][0]["reason"] == "notFound"
    assert answer.json()["error"]["message"] == f"Not found: Table p:{dataset}.nope"


def test_a_column_can_be_added_and_relaxed_but_not_dropped(client: bigquery.Client, dataset: str) -> None:
    name = _table(client, dataset)
    client.insert_rows_json(name, [{"id": "before"}])
    table = client.get_table(name)
    nested = SchemaField("r", "RECORD", "REPEATED", fields=[SchemaField("x", "INT64")])
    table.schema = [
        SchemaField("id", "STRING", "NULLABLE"),
        *table.schema[1:],
        SchemaField("n", "INT64"),
        nested,
    ]
    client.update_table(table, ["schema"])
    wider = SchemaField(
        "r", "RECORD", "REPEATED", fields=[SchemaField("x", "INT64"), SchemaField("y", "STRING")]
    )
    table.schema = [*table.schema[:-1], wider]
    client.update_table(table, ["schema"])
    assert client.insert_rows_json(name, [{"n": 1, "r": [{"x": 1, "y": "z"}]}]) == []
    found = [
        tuple(row.values())
        for row in client.query_and_wait(f"SELECT id, n, r FROM `{name}` ORDER BY id DESC")
    ]
    assert found == [("before", None, []), (None, 1, [{"x": 1, "y": "z"}])]
    table.schema = table.schema[:-1]
    with pytest.raises(Exception, match="Field r is missing in new schema"):
        client.update_table(table, ["schema"])
    client.query_and_wait(f"ALTER TABLE `{name}` ADD COLUMN IF NOT EXISTS late STRING")
    assert client.get_table(name).schema[-1].name == "late"


def test_columns_may_be_added_anywhere_in_a_schema_and_in_its_records(
    client: bigquery.Client, dataset: str
) -> None:
    name = f"{dataset}.middle"
    one, two = SchemaField("one", "INT64"), SchemaField("two", "STRING")
    first = [
        SchemaField("a", "STRING"),
        SchemaField("r", "RECORD", fields=[one, two]),
        SchemaField("z", "INT64"),
    ]
    client.create_table(bigquery.Table(f"p.{name}", schema=first))
    assert client.insert_rows_json(name, [{"a": "old", "r": {"one": 1, "two": "b"}, "z": 9}]) == []
    table = client.get_table(f"p.{name}")
    inside = SchemaField(
        "r", "RECORD", fields=[SchemaField("zero", "BOOL"), one, SchemaField("half", "FLOAT64"), two]
    )
    table.schema = [SchemaField("new", "FLOAT64"), first[0], inside, SchemaField("y", "STRING"), first[2]]
    client.update_table(table, ["schema"])
    row = {"new": 0.5, "a": "x", "r": {"zero": True, "one": 2, "half": 1.5, "two": "c"}, "y": "w", "z": 8}
    assert client.insert_rows_json(name, [row]) == []
    found = [dict(each) for each in client.query_and_wait(f"SELECT * FROM `{name}` ORDER BY z")]
    old = {
        "new": None,
        "a": "old",
        "r": {"zero": None, "one": 1, "half": None, "two": "b"},
        "y": None,
        "z": 9,
    }
    assert found == [row, old]
    assert [dict(each) for each in client.list_rows(table)] in ([row, old], [old, row])


def test_an_insert_does_not_wait_for_a_running_query() -> None:
    server = Server()
    server.catalog.create_dataset("p", {"datasetReference": {"datasetId": "d"}})
    fields = [{"name": "id", "type": "STRING"}]
    table = server.catalog.create_table(
        "p", "d", {"tableReference": {"tableId": "t"}, "schema": {"fields": fields}}
    )
    with server.store.cursor() as reader:
        reader.execute("BEGIN")
        assert reader.execute(f"SELECT count(*) FROM {table.store_name}").fetchall() == [(0,)]
        server.inserter.insert_all(table, b'{"rows": [{"json": {"id": "x"}}]}')
        assert server.catalog.row_count(table) == 1
        assert reader.execute(f"SELECT count(*) FROM {table.store_name}").fetchall() == [(0,)]
        reader.execute("COMMIT")


def test_sql_cannot_reach_files_even_below_the_allow_list() -> None:
    server = Server()
    for sql in (
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/x'",
        "ATTACH '/tmp/x.db'",
    ):
        with pytest.raises(duckdb.Error, match=r"disabled|not allowed|Permission"):
            server.store.run(sql)
    with pytest.raises(duckdb.Error, match="locked"):
        server.store.run("SET enable_external_access = true")
