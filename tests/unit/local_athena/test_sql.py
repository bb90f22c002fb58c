"""Athena's SQL on DuckDB: Athena's own answers, or a line that says why there is none."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from sluice.lake.values import value_of
from sluice.local.athena.engine import run
from sluice.local.athena.refusals import QueryRefused
from tests.unit.local_athena.lake import VIEWS, Lake, moment

TIMES = [moment(1, 123456), moment(2, 123456), moment(3, 123456)]


def ask(sql: str, views: Mapping[str, str] | None = None) -> list[tuple[Any, ...]]:
    answer = run(sql, Lake(views), VIEWS, lambda _: None)
    return [
        tuple(value_of(kind, text) for kind, text in zip(answer.types, row, strict=True))
        for row in answer.rows
    ]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        # integers are cut off towards zero, not divided into doubles or rounded down
        ("quantity / 2", [3, -3, None]),
        ("quantity % 3", [1, -1, None]),
        ("weight / 2", [0.75, 0.75, None]),
        ("CAST(weight AS BIGINT)", [2, 2, None]),
        # whole units that have passed, not boundaries between
        ("date_diff('minute', TIMESTAMP '2026-11-20 07:59:30', paid_at)", [0, 0, 0]),
        ("date_diff('second', paid_at, TIMESTAMP '2026-11-20 08:00:00')", [-1, -2, -3]),
        ("date_trunc('second', paid_at)", [moment(1), moment(2), moment(3)]),
        ("date_trunc('month', ships_on) = DATE '2026-11-01'", [True, True, None]),
        ("day_of_week(paid_at)", [5, 5, 5]),
        ("paid_at AT TIME ZONE 'UTC'", TIMES),
        # texts are numbers only where Trino reads them so
        ("TRY_CAST('1.5' AS BIGINT)", [None] * 3),
        ("TRY_CAST('1_000' AS DOUBLE)", [None] * 3),
        ("TRY_CAST(id AS BIGINT)", [None] * 3),
        ("CAST('12' AS BIGINT)", [12] * 3),
        ("CAST(amount AS VARCHAR)", ["10.500000000", "-1.000000000", "10.500000000"]),
        ("amount * 2", [Decimal(21), Decimal(-2), Decimal(21)]),
        # NULLs as Trino has them
        ("id || NULL", [None] * 3),
        ("concat(id, extra) IS NULL", [False, False, True]),
        ("greatest(quantity, 1)", [7, 1, None]),
        ("contains(tags, 'red')", [True, False, None]),
        ("contains(tags, NULL)", [None] * 3),
        ("element_at(tags, 2)", ["red", None, None]),
        ("regexp_extract(id, 't(.)', 1)", [None, "w", "h"]),
        ("json_extract_scalar(extra, '$.a.b')", ["c", "c", None]),
        ("json_extract_scalar(extra, '$.a')", [None] * 3),
        ("split_part(id, 'w', 2)", [None, "o", None]),
        ("cardinality(items)", [1, 0, None]),
        ("SUM(quantity) OVER (ORDER BY paid_at)", [7, 0, 0]),
        ("LAG(id) OVER (ORDER BY paid_at)", [None, "one", "two"]),
        ("CAST(items AS JSON)", [[{"sku": "a", "price": Decimal("2.5")}], [], None]),
    ],
)
def test_an_expression_means_what_it_means_in_athena(expression: str, values: list[Any]) -> None:
    rows = ask(f"SELECT {expression} FROM sale ORDER BY paid_at")  # noqa: S608 - the test's own
    assert [row[0] for row in rows] == values
    assert [type(row[0]) for row in rows] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT COUNT(*), SUM(quantity), SUM(amount), COUNT_IF(gift) FROM sale", [(3, 0, Decimal(20), 1)]),
        ("SELECT COUNT(*) FROM demo_lake_raw.sale", [(4,)]),
        ("SELECT COUNT(*) FROM awsdatacatalog.demo_lake.sale", [(3,)]),
        ("SELECT tag FROM sale CROSS JOIN UNNEST(tags) AS t(tag) ORDER BY 1", [("new",), ("red",)]),
        ("SELECT t.sku, price FROM sale, UNNEST(items) AS t(sku, price)", [("a", Decimal("2.5"))]),
        (
            "SELECT tag, n FROM sale CROSS JOIN UNNEST(tags) WITH ORDINALITY AS t(tag, n) ORDER BY n",
            [("new", 1), ("red", 2)],
        ),
        ("SELECT items[1].price FROM sale WHERE id = 'one'", [(Decimal("2.5"),)]),
        ("SELECT max_by(id, paid_at), min_by(quantity, -quantity) FROM sale", [("three", 7)]),
        ("WITH sale AS (SELECT * FROM sale WHERE gift) SELECT id FROM sale", [("three",)]),
        ("SELECT quantity FROM sale ORDER BY quantity DESC", [(7,), (-7,), (None,)]),
        ("SELECT id FROM sale WHERE paid_at > TIMESTAMP '2026-11-20 08:00:03 UTC'", [("three",)]),
        ("SELECT (SELECT MAX(id) FROM sale) FROM sale LIMIT 1", [("two",)]),
        ("SELECT a.id FROM sale a JOIN sale b ON a.id = b.id ORDER BY 1", [("one",), ("three",), ("two",)]),
        ("SELECT x FROM (VALUES (1), (2)) AS t(x) ORDER BY 1", [(1,), (2,)]),
        ("SELECT id FROM newest", [("three",)]),
        ("SELECT approx_distinct(id), bool_or(gift), every(gift) FROM sale", [(3, True, False)]),
        ("SELECT MAX(TRY_CAST(id AS BIGINT)) FROM sale HAVING COUNT(*) > 5", []),
    ],
)
def test_a_query_gives_what_athena_gives(sql: str, rows: list[tuple[Any, ...]]) -> None:
    views = {"newest": "SELECT id FROM sale ORDER BY paid_at DESC LIMIT 1"}
    assert ask(sql, views) == rows


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT amount / 2 FROM sale", "make one side a DOUBLE"),
        ("SELECT AVG(amount) FROM sale", "AS DOUBLE"),
        ("SELECT 1 FROM sale WHERE paid_at > '2026-11-20'", "write TIMESTAMP '...'"),
        ("SELECT format_datetime(paid_at, 'y') FROM sale", "format_datetime()"),
        ("SELECT date_diff('month', paid_at, paid_at) FROM sale", "count in"),
        ("SELECT CAST(paid_at AS VARCHAR) FROM sale", "no text"),
        ("SELECT CAST(paid_at AS TIMESTAMP) FROM sale", "TIMESTAMP(6)"),
        ("SELECT CAST('1.5' AS BIGINT)", "Cannot cast to bigint: 1.5"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT items[2].price FROM sale WHERE id = 'one'", "Array subscript must be less than"),
        ("SELECT paid_at AT TIME ZONE 'Asia/Tokyo' FROM sale", "other than UTC"),
        ("SELECT id FROM sale TABLESAMPLE BERNOULLI (10)", "as it is"),
        ("SELECT id FROM sale FOR TIMESTAMP AS OF TIMESTAMP '2026-01-01 00:00:00 UTC'", ""),
        ("SELECT * FROM sale NATURAL JOIN sale AS other", "NATURAL"),
        ("SELECT nope FROM sale", "COLUMN_NOT_FOUND"),
        ("SELECT id FROM nope", "TABLE_NOT_FOUND: Table 'awsdatacatalog.demo_lake.nope'"),
        ("SELECT id FROM elsewhere.x.sale", "CATALOG_NOT_FOUND"),
        ("SELECT id FROM endless", "INVALID_VIEW"),
        ("SELECT 1; SELECT 2", "exactly one query"),
        ("SELECT t.sku FROM sale, UNNEST(items) AS t(sku)", "has 2 columns"),
        ("SELECT t.n FROM sale, UNNEST(tags) WITH ORDINALITY AS t(tag, n, more)", "has 2 columns"),
        ("DROP TABLE sale", "SELECT"),
        ("SELEC 1", "SYNTAX_ERROR"),
        ("SELECT 'open", "SYNTAX_ERROR"),
        ("SELECT read_csv('/etc/passwd')", "read_csv()"),
        ("SELECT * FROM read_csv('/etc/passwd')", ""),
        ('SELECT * FROM "/etc/passwd"', "TABLE_NOT_FOUND"),
        ("SELECT getenv('HOME')", "getenv()"),
    ],
)
def test_what_is_not_known_to_be_right_is_refused_in_one_line(sql: str, words: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        ask(sql, {"endless": "SELECT id FROM endless"})
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_column_without_a_name_gets_athenas() -> None:
    answer = run(
        "SELECT id, 1, COUNT(*) AS n, upper(id) FROM sale GROUP BY id", Lake(), VIEWS, lambda _: None
    )
    assert answer.columns == ("id", "_col1", "n", "_col3")
    assert answer.types == ("varchar", "integer", "bigint", "varchar")
    assert answer.bytes_scanned == 1000
