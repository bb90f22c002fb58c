"""The lake: whatever fails on the way, every event is there, once for its readers, or with its reason."""

import gzip
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sluice.cli.lake import ask_lake
from sluice.cli.sinks import documents_of
from sluice.cli.undelivered import listing, redrive_undelivered
from sluice.contract.rebase import newest_time, rebase
from sluice.pipeline import load_pipeline
from tests.e2e.conftest import DATA, ROOT, Running, of_sink, running

pytestmark = pytest.mark.e2e

PIPELINE = ROOT / "tests" / "pipelines" / "lake.py"
QUICK = {
    "lake": {
        "enabled": True,
        "transform_buffer_seconds": 1,
        "buffer_seconds": 1,
        "transform_retries": 1,
        "log_level": "WARNING",
    },
    "search_sink": {"mode": "domain", "log_level": "WARNING"},
    "search_domain": {
        "public": True,
        "instance_type": "t3.small.search",
        "instance_count": 1,
        "zones": 1,
    },
}
NOW = datetime.now(UTC).replace(microsecond=123456)
SALES = 40


def sale(number: int) -> dict[str, Any]:
    lines = [{"sku": f"a{place}", "price": f"{place}.000000001"} for place in range(number % 3)]
    return {
        "type": "Sale",
        "id": f"s{number}",
        "paid_at": (NOW - timedelta(minutes=number)).isoformat(),
        "total": f"{number}.{number:09d}",
        "count": 2**53 + number,
        "weight": number / 7,
        "gift": number % 2 == 0,
        "ships_on": None if number % 5 == 0 else "2026-11-21",
        "first": lines[0] if lines else None,
        "lines": lines,
        "tags": [f"t{number % 4}", "ü\n"],
        "extra": {"n": [number, None, {"deep": True}]},
    }


@pytest.fixture(scope="module")
def lake() -> Iterator[Running]:
    with running(PIPELINE, overrides=QUICK, shards=2) as run:
        yield run


def ask(run: Running, sql: str) -> list[dict[str, Any]]:
    return ask_lake(run.target, sql).documents()


def files(run: Running, table: str) -> list[pa.Table]:
    """The table's Parquet objects as any reader finds them."""
    outputs = run.target.outputs.lake
    assert outputs is not None
    pages = run.target.s3.get_paginator("list_objects_v2").paginate(
        Bucket=outputs.bucket, Prefix=f"tables/{table}/"
    )
    keys = [
        each["Key"] for page in pages for each in page.get("Contents", ()) if each["Key"].endswith(".parquet")
    ]
    bodies = [run.target.s3.get_object(Bucket=outputs.bucket, Key=key)["Body"].read() for key in keys]
    return [pq.read_table(io.BytesIO(body)) for body in bodies]


def test_columns_have_the_types_of_the_contract_for_whoever_reads_the_files(lake: Running) -> None:
    sent = [sale(number) for number in range(SALES)]
    lake.send([msgspec.json.encode(each) for each in sent])
    books = lake.books()
    assert books.balanced, books.sentences
    table = pa.concat_tables(files(lake, "sale")).sort_by("id")
    kinds = {name: table.schema.field(name).type for name in table.schema.names}
    assert kinds["paid_at"] == kinds["_arrived_at"] == pa.timestamp("us", "UTC")
    assert (kinds["total"], kinds["count"], kinds["weight"]) == (
        pa.decimal128(38, 9),
        pa.int64(),
        pa.float64(),
    )
    assert (kinds["gift"], kinds["ships_on"]) == (pa.bool_(), pa.date32())
    assert pa.types.is_struct(kinds["first"])
    assert pa.types.is_struct(kinds["lines"].value_type)
    found = {row["id"]: row for row in table.to_pylist()}
    assert len(found) == len(table) == SALES
    for each in sent:
        row = found[each["id"]]
        assert row["paid_at"] == datetime.fromisoformat(each["paid_at"])
        assert (row["total"], row["count"], row["weight"]) == (
            Decimal(each["total"]),
            each["count"],
            each["weight"],
        )
        assert (row["gift"], row["tags"]) == (each["gift"], each["tags"])
        assert row["ships_on"] == (None if each["ships_on"] is None else date(2026, 11, 21))
        assert [line["price"] for line in row["lines"]] == [Decimal(line["price"]) for line in each["lines"]]
        assert (row["first"] and row["first"]["sku"]) == (each["first"] and each["first"]["sku"])
        assert msgspec.json.decode(row["extra"]) == each["extra"]
    with closing(duckdb.connect()) as connection:
        connection.register("sale", table)
        totals = connection.execute("SELECT COUNT(*), SUM(total), SUM(len(lines)) FROM sale").fetchone()
    expected = (SALES, sum(Decimal(each["total"]) for each in sent), sum(len(each["lines"]) for each in sent))
    assert totals == expected
    (row,) = ask(
        lake, "SELECT COUNT(*) AS n, SUM(total) AS total, SUM(cardinality(lines)) AS lines FROM sale"
    )
    assert tuple(row.values()) == expected
    (row,) = ask(lake, "SELECT paid_at, CAST(lines AS JSON) AS lines FROM sale WHERE id = 's5'")
    assert row == {
        "paid_at": datetime.fromisoformat(sent[5]["paid_at"]),
        "lines": [{"sku": line["sku"], "price": Decimal(line["price"])} for line in sent[5]["lines"]],
    }


def test_bigquery_lake_and_search_agree_on_real_requests_whatever_fails_on_the_way(lake: Running) -> None:
    """The transform fails and is repeated, commits fail or are not heard of, the Firehose starts again."""
    contract = load_pipeline(PIPELINE).contract
    with gzip.open(DATA, "rb") as file:
        lines = file.read().splitlines()
    events = list(rebase(contract, lines, newest_time(contract, lines)))
    before = of_sink(lake.books(), "lake").delivered
    for kind in ("transform_fails", "commit_fails", "commit_unknown", "restart"):
        lake.cloud.lake_faults.add(kind=kind, firehose="*", count=1)
    bad = [b"no event %d" % number for number in range(50)]
    half = len(events) // 2
    lake.send([*events[:half], *bad[:25]])
    lake.cloud.lake_faults.add(kind="restart", count=1)
    lake.cloud.lake_faults.add(kind="s3_fails", count=1)
    lake.send([*events[half:], *bad[25:], *events[:500]])
    books = lake.books()
    sink = of_sink(books, "lake")
    assert books.balanced, books.sentences
    assert (sink.delivered - before, sink.dead_lettered, sink.in_flight) == (len(events) + 500, 50, 0)
    sql = "SELECT status, COUNT(*) AS n, SUM(bytes) AS bytes FROM web_request GROUP BY status ORDER BY status"
    assert ask(lake, sql) == lake.rows(sql)
    index = documents_of(lake.target, "search")
    assert index is not None
    (sales,) = lake.rows("SELECT COUNT(*) AS n FROM Sale")
    assert index(None) == len(events) + sales["n"]
    (once,) = ask(lake, "SELECT COUNT(*) AS n, COUNT(DISTINCT request_id) AS ids FROM web_request")
    assert once == {"n": len(events), "ids": len(events)}
    outputs = lake.target.outputs.lake
    assert outputs is not None
    (rows,) = ask(lake, f"SELECT COUNT(*) AS n FROM {outputs.database}.web_request")  # noqa: S608 - an own name
    assert rows["n"] >= len(events) + 500


def test_what_firehose_could_not_deliver_is_dead_lettered_and_a_redrive_brings_it_in(lake: Running) -> None:
    before = lake.books()
    was = of_sink(before, "lake")
    lake.cloud.lake_faults.add(kind="transform_fails", count=2)  # and its one repetition
    lake.send([msgspec.json.encode(sale(1000 + number)) for number in range(30)])
    books = lake.books()
    sink = of_sink(books, "lake")
    assert books.balanced, books.sentences
    assert sink.undelivered > 0
    assert sink.dead_lettered == was.dead_lettered + sink.undelivered
    assert sink.delivered + sink.dead_lettered == was.delivered + was.dead_lettered + 30
    lake.cloud.lake_faults.clear()
    letters = listing(lake.target, "lake").letters
    assert len(letters) == sink.undelivered
    result = redrive_undelivered(lake.target, "lake", [letter.id for letter in letters])
    assert (result.delivered, result.troubles) == (sink.undelivered, [])
    books = lake.books()
    sink = of_sink(books, "lake")
    assert books.balanced, books.sentences
    assert (sink.delivered, sink.undelivered, sink.in_flight) == (was.delivered + 30, 0, 0)
    (row,) = ask(lake, "SELECT COUNT(*) AS n FROM sale WHERE CAST(substr(id, 2) AS BIGINT) >= 1000")
    assert row == {"n": 30}
