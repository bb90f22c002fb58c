"""Queries as jobs: errors, parameters, paging, dry runs, views, required filters, metadata."""

# ruff: noqa: S608 - the SQL is the test's own

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

Ask = Callable[..., list[dict[str, Any]]]

DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def test_a_missing_table_is_404(ask: Ask) -> None:
    with pytest.raises(NotFound, match=r"Not found: Table p:d\d+\.nope"):
        ask("SELECT * FROM nope")
    with pytest.raises(NotFound, match="Not found: Dataset p:nowhere"):
        ask("SELECT * FROM nowhere.nope")


def test_a_job_reports_its_error_as_bigquery_does(client: bigquery.Client) -> None:
    job = client.query("SELECT nope")
    with pytest.raises(BadRequest, match="Unrecognized name: nope"):
        job.result()
    assert job.error_result["reason"] == "invalidQuery"


def test_parameters_keep_their_types(ask: Ask) -> None:
    named = [
        bigquery.ScalarQueryParameter("i", "INT64", 5),
        bigquery.ScalarQueryParameter("t", "TIMESTAMP", DAY),
        bigquery.ScalarQueryParameter("n", "NUMERIC", Decimal("1.5")),
        bigquery.ScalarQueryParameter("s", "STRING", "it's"),
        bigquery.ScalarQueryParameter("z", "STRING", None),
        bigquery.ArrayQueryParameter("a", "INT64", [1, 2]),
        bigquery.StructQueryParameter("r", bigquery.ScalarQueryParameter("x", "BOOL", True)),  # noqa: FBT003 - its API,
    ]
    found = ask(
        "SELECT @i AS i, @t AS t, @n AS n, @s AS s, @z AS z, @a AS a, @r.x AS r", query_parameters=named
    )
    assert found == [{"i": 5, "t": DAY, "n": Decimal("1.5"), "s": "it's", "z": None, "a": [1, 2], "r": True}]
    positional = [
        bigquery.ScalarQueryParameter(None, "INT64", 1),
        bigquery.ScalarQueryParameter(None, "INT64", 2),
    ]
    assert ask("SELECT ? - ? AS x", query_parameters=positional) == [{"x": -1}]


def test_results_are_paged_in_order(client: bigquery.Client) -> None:
    sql = "SELECT x FROM UNNEST(GENERATE_ARRAY(1, 25000)) AS x ORDER BY x DESC"
    job = client.query(sql)
    assert [row.x for row in job.result(page_size=7000)] == list(range(25000, 0, -1))
    assert [row.x for row in client.query_and_wait(sql)] == list(range(25000, 0, -1))
    assert [row.x for row in job.result(max_results=3)] == [25000, 24999, 24998]


def test_a_dry_run_answers_the_schema_without_rows(client: bigquery.Client, ask: Ask) -> None:
    job = client.query("SELECT 1 AS a, [STRUCT('x' AS b)] AS c", bigquery.QueryJobConfig(dry_run=True))
    assert [(f.name, f.field_type, f.mode) for f in job.schema or []] == [
        ("a", "INTEGER", "NULLABLE"),
        ("c", "RECORD", "REPEATED"),
    ]
    with pytest.raises(BadRequest, match="Unrecognized name"):
        client.query("SELECT nope", bigquery.QueryJobConfig(dry_run=True))
    assert ask("SELECT 1 AS x", maximum_bytes_billed=1) == [{"x": 1}]


def test_a_view_answers_through_other_views(client: bigquery.Client, ask: Ask, events: str) -> None:
    for name, sql in (
        ("once", (f"SELECT id, at, user FROM `p.{events}.events` WHERE TRUE "
         "QUALIFY ROW_NUMBER() OVER (PARTITION BY at, id ORDER BY arrived) = 1")),
        ("per_user", f"SELECT user, COUNT(*) AS n FROM `p.{events}.once` GROUP BY user"),
    ):  # fmt: skip
        view = bigquery.Table(f"p.{events}.{name}")
        view.view_query = sql
        client.create_table(view)
    assert ask("SELECT * FROM per_user ORDER BY user")[1:] == [
        {"user": "ann", "n": 2},
        {"user": "bob", "n": 1},
    ]
    schema = client.get_table(f"p.{events}.per_user").schema or []
    assert [(f.name, f.field_type) for f in schema] == [("user", "STRING"), ("n", "INTEGER")]
    ask("CREATE OR REPLACE VIEW once AS SELECT 1 AS user")
    assert ask("SELECT * FROM per_user") == [{"user": 1, "n": 1}]


def test_a_required_partition_filter_is_required_through_views(
    client: bigquery.Client, ask: Ask, events: str
) -> None:
    table = bigquery.Table(f"p.{events}.strict", client.get_table(f"p.{events}.events").schema)
    table.time_partitioning = bigquery.TimePartitioning(field="at")
    table.require_partition_filter = True
    client.create_table(table)
    for name, ranked_by in (("good", "at, id"), ("bad", "id")):
        view = bigquery.Table(f"p.{events}.{name}")
        view.view_query = (
            f"SELECT id, at FROM `p.{events}.strict` WHERE TRUE "
            f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {ranked_by} ORDER BY arrived) = 1"
        )
        client.create_table(view)
    message = "without a filter over column"
    for sql in (
        "SELECT id FROM strict",
        "SELECT id FROM strict WHERE id = 'x'",
        "SELECT id FROM strict WHERE at > '2026-01-01' OR id = 'x'",
        "SELECT id FROM good",
        "SELECT id FROM bad WHERE at > '2026-01-01'",
    ):
        with pytest.raises(BadRequest, match=message):
            ask(sql)
    assert ask("SELECT id FROM strict WHERE at > '2026-01-01'") == []
    assert ask("SELECT id FROM strict WHERE DATE(at) = '2026-01-01' AND id = 'x'") == []
    assert ask("SELECT id FROM good WHERE at > '2026-01-01'") == []


def test_information_schema_lists_tables_and_columns(ask: Ask, events: str) -> None:
    sql = f"SELECT table_name, table_type FROM {events}.INFORMATION_SCHEMA.TABLES WHERE table_name = 'events'"
    assert ask(sql) == [{"table_name": "events", "table_type": "BASE TABLE"}]
    sql = (
        f"SELECT column_name, data_type FROM `p.{events}.INFORMATION_SCHEMA.COLUMNS` "
        "WHERE table_name = 'events' AND ordinal_position IN (2, 9)"
    )
    assert ask(sql + " ORDER BY 1") == [
        {"column_name": "at", "data_type": "TIMESTAMP"},
        {"column_name": "items", "data_type": "ARRAY<STRUCT<sku STRING, n INT64>>"},
    ]


def test_now_is_the_servers_clock(ask: Ask, control: Callable[..., Any]) -> None:
    control("clock", {"now": "2026-11-21T00:00:00Z"})
    assert ask("SELECT CURRENT_DATE() AS d, CURRENT_TIMESTAMP() AS t, CURRENT_DATE('Asia/Tokyo') AS j") == [
        {
            "d": dt.date(2026, 11, 21),
            "t": dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
            "j": dt.date(2026, 11, 21),
        }
    ]


def test_legacy_sql_is_refused(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match="Legacy SQL"):
        client.query("SELECT 1", bigquery.QueryJobConfig(use_legacy_sql=True)).result()
