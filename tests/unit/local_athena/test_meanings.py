"""Where Trino and DuckDB differ in what they mean, the local Athena means what Trino means, or refuses."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyiceberg.types import DecimalType, ListType, NestedField, StringType, StructType
from sqlglot import exp

from sluice.local.athena.kinds import trino_type
from sluice.local.athena.refusals import QueryRefused
from sluice.local.athena.wire import text_of
from tests.unit.local_athena.test_sql import ask


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # numbers: halves go away from zero, decimals keep their scale, a bare DECIMAL has none
        ("CAST(2.5e0 AS BIGINT)", 3),
        ("CAST(weight AS DECIMAL)", Decimal(2)),
        ("CAST(quantity AS DECIMAL)", Decimal(7)),
        ("CAST(CAST(amount AS DECIMAL) AS VARCHAR)", "11"),
        ("CAST(round(amount, 2) AS VARCHAR)", "10.500000000"),
        ("to_unixtime(paid_at) / 60 > 29000000", True),
        # an integer stays one, however large
        ("floor(9007199254740993)", 9007199254740993),
        ("ceil(quantity) / 2", 3),
        ("ceil(2.5e0) / 2", 1.5),
        # a number with a point and no exponent is a decimal
        ("1.25 * 1.5", Decimal("1.875")),
        ("CAST(2.50 AS VARCHAR)", "2.50"),
        ("1.5e0 / 2.0", 0.75),
        ("TRY_CAST('99999999999999999999' AS BIGINT)", None),
        ("TRY_CAST(concat('9', '9999999999999999999') AS BIGINT)", None),
        ("TRY_CAST('Infinity' AS DOUBLE)", float("inf")),
        ("CAST('f' AS BOOLEAN)", False),
        # moments: a date stays one, only dates are read as dates, what is between moments has no microseconds
        (
            "date_diff('second', TIMESTAMP '2026-01-01 00:00:00.0009', TIMESTAMP '2026-01-01 00:00:01.0008')",
            1,
        ),
        ("DATE '2026-01-31' + INTERVAL '1' MONTH", date(2026, 2, 28)),
        ("DATE '2026-01-31' + INTERVAL '1' MONTH = DATE '2026-02-28'", True),
        ("TRY_CAST('2026-01-05 10:00:00' AS DATE)", None),
        ("TRY_CAST('x' AS DATE)", None),
        ("TIMESTAMP '2026-11-20 08:00:03' AT TIME ZONE 'UTC'", datetime(2026, 11, 20, 8, 0, 3, tzinfo=UTC)),
        ("extract(day FROM paid_at) / 3", 6),
        # texts
        ("substr('abc', 2, quantity - 8)", ""),
        ("regexp_extract(id, '(o)n', 1)", "o"),
        # JSON: scalars as they are written
        ("""json_extract_scalar('{"a": 1.50}', '$.a')""", "1.50"),
        ("""json_extract_scalar('{"a": 1E2}', '$.a')""", "1E2"),
        ("""json_extract_scalar('{"a": 0.1234567890123456789}', '$.a')""", "0.1234567890123456789"),
        ("""json_extract_scalar('{"a b": {"c": [1, 2]}}', '$["a b"].c[1]')""", "2"),
        ("""json_extract_scalar('{"user-id": 5}', '$.user-id')""", "5"),
        ("""json_extract_scalar('{"a.b": 5}', '$.a.b')""", None),
        ("""json_extract_scalar('{"a": null}', '$.a')""", None),
        ("""json_extract_scalar('{"a": "null"}', '$.a')""", "null"),
        ("""json_extract_scalar('{bad', '$.a')""", None),
        ("""json_extract_scalar('[1]', '$[7]')""", None),
    ],
)
def test_a_value_is_that_of_trino(expression: str, value: Any) -> None:
    ((found,),) = ask(f"SELECT {expression} FROM sale WHERE id = 'one'")  # noqa: S608 - the test's own
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count_if(gift) FROM sale WHERE FALSE", [(0,)]),
        ("SELECT approx_distinct(id, 0.1) FROM sale", [(3,)]),
        (
            "SELECT id FROM sale WHERE gift OR (id, quantity) IN (('one', 7), ('two', 7)) ORDER BY id",
            [("one",), ("three",)],
        ),
        # a name in ORDER BY is the answer's column before a table's, in expressions as well
        ("SELECT -quantity AS quantity FROM sale ORDER BY quantity + 1", [(-7,), (7,), (None,)]),
        # in WHERE and GROUP BY it is the table's
        ("SELECT upper(id) AS id FROM sale WHERE id = 'one'", [("ONE",)]),
        ("SELECT 1 AS quantity, COUNT(*) FROM sale GROUP BY quantity", [(1, 1)] * 3),
    ],
)
def test_an_answer_is_that_of_trino(sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert ask(sql) == rows


@pytest.mark.parametrize(
    "expression",
    [
        "strpos('abcabc', 'b', 2)",
        "replace('ab', '', 'x')",
        "split('a,b,c', ',', 2)",
        "split('abc', '')",
        "regexp_extract(id, '(q)?o', 1)",
        "regexp_extract(id, 'a(x)|o', 1)",
        "regexp_extract(id, id, 1)",
        "id || quantity",
        "concat(id, 1)",
        "DATE '2026-01-05' - DATE '2026-01-01'",
        "DATE '2026-01-05' + 3",
        "DATE '2026-01-05' + INTERVAL '3' HOUR",
        "paid_at - paid_at > INTERVAL '2' SECOND",
        "paid_at + INTERVAL '1.5' DAY",
        "extract(day FROM INTERVAL '25' HOUR)",
        "hour(ships_on)",
        "month(quantity)",
        "date_add('hour', 1, ships_on)",
        "date_trunc('hour', ships_on)",
        "date_diff('hour', ships_on, ships_on)",
        "TIMESTAMP '2026-11-20 08:00:03.1234567'",
        "CAST('yes' AS BOOLEAN)",
        "date('2026/01/05')",
        "date('2026-01-05 10:00:00')",
        "CAST(weight AS REAL)",
        "quantity IN ('7')",
        "paid_at BETWEEN '2026-01-01' AND '2027-01-01'",
        "gift = 1",
        "gift = 'false'",
        "CASE quantity WHEN '7' THEN 'a' END",
        "coalesce(quantity, 'x')",
        "greatest('10', quantity)",
        "if(gift, 1, 'x')",
        "tags = ARRAY['new', NULL]",
        "(quantity, gift) = (7, NULL)",
        "(quantity, gift) IN ((7, FALSE))",
        "99999999999999999999999999999999999999.0 * 10",
        "100.0 / quantity",
        "sum(if(gift, 1.0, 0)) / count(*)",
        "avg(1.5)",
        "DECIMAL '2.50'",
        """json_extract_scalar(extra, '$.n[*]')""",
        """json_extract_scalar(extra, '$..b')""",
        """json_extract_scalar(extra, '$.n.*')""",
    ],
)
def test_what_duckdb_would_guess_is_refused_in_one_line(expression: str) -> None:
    with pytest.raises(QueryRefused) as refusal:
        ask(f"SELECT {expression} FROM sale")  # noqa: S608 - the test's own
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "condition", ["(id, quantity) IN (('one', NULL))", "NOT (id, quantity) IN (('one', 7))"]
)
def test_rows_are_looked_for_only_where_no_null_decides(condition: str) -> None:
    with pytest.raises(QueryRefused, match="comparing arrays or rows"):
        ask(f"SELECT id FROM sale WHERE {condition}")  # noqa: S608 - the test's own


def test_a_row_may_have_fields_that_are_words_of_sql() -> None:
    row = StructType(NestedField(1, "select", StringType()), NestedField(2, "where", DecimalType(38, 9)))
    kind = trino_type(ListType(3, row))
    assert kind == 'array(row("select" varchar, "where" decimal(38, 9)))'
    assert exp.DataType.build(kind, dialect="athena").is_type(exp.DataType.Type.ARRAY)


@pytest.mark.parametrize("clause", ["WHERE n = 'one'", "GROUP BY n"])
def test_a_name_of_the_answer_means_nothing_before_order_by(clause: str) -> None:
    with pytest.raises(QueryRefused, match="COLUMN_NOT_FOUND"):
        ask(f"SELECT id AS n FROM sale {clause}")  # noqa: S608 - the test's own


def test_doubles_are_written_as_java_writes_them() -> None:
    written = [text_of(value) for value in (0.0, 0.001, 9999999.5, 1e7, 123456789.5, -1.5e-5, 1e20)]
    assert written == ["0.0", "0.001", "9999999.5", "1.0E7", "1.234567895E8", "-1.5E-5", "1.0E20"]


def test_grouping_by_all_is_refused_as_by_athena() -> None:
    with pytest.raises(QueryRefused, match="name what to group by"):
        ask("SELECT id FROM sale GROUP BY ALL")
