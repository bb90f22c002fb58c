"""Whole queries over tables, through Google's own client."""

# ruff: noqa: E501 - SQL reads best on one line, and is the test's own

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest

Ask = Callable[..., list[dict[str, Any]]]

DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)

QUERIES: list[tuple[str, list[dict[str, Any]]]] = [
    (
        "SELECT COUNT(*) AS n, COUNT(user) AS u, COUNT(DISTINCT id) AS d FROM events",
        [{"n": 5, "u": 4, "d": 4}],
    ),
    (
        "SELECT user, SUM(amount) AS s, AVG(amount) AS a FROM events GROUP BY user ORDER BY user",
        [
            {"user": None, "s": None, "a": None},
            {"user": "ann", "s": Decimal("-4.5"), "a": Decimal("-1.5")},
            {"user": "bob", "s": Decimal("2.25"), "a": Decimal("2.25")},
        ],
    ),
    ("SELECT user FROM events WHERE user IS NOT NULL GROUP BY 1 HAVING COUNT(*) > 1", [{"user": "ann"}]),
    (
        "SELECT UPPER(user) AS user, COUNTIF(amount > 0) AS n FROM events WHERE user = 'ann' GROUP BY user",
        [{"user": "ANN", "n": 1}],
    ),
    (
        "SELECT id FROM events WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY at, id ORDER BY arrived) = 1 ORDER BY id",
        [{"id": "e1"}, {"id": "e2"}, {"id": "e3"}, {"id": "e4"}],
    ),
    (
        "SELECT id, RANK() OVER w AS r FROM events WINDOW w AS (ORDER BY id DESC) ORDER BY r LIMIT 2",
        [{"id": "e4", "r": 1}, {"id": "e3", "r": 2}],
    ),
    (
        (
            "SELECT id, SUM(amount) OVER (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS t "
            "FROM events QUALIFY t > 1 ORDER BY id"
        ),
        [{"id": "e1", "t": Decimal("1.5")}, {"id": "e2", "t": Decimal("3.75")}],
    ),
    (
        "SELECT user, SUM(COUNT(*)) OVER () AS whole FROM events WHERE user IS NOT NULL GROUP BY user ORDER BY user",
        [{"user": "ann", "whole": 4}, {"user": "bob", "whole": 4}],
    ),
    (
        (
            "SELECT id, LAG(id) OVER (ORDER BY id) AS l, FIRST_VALUE(id) OVER (ORDER BY id) AS f "
            "FROM (SELECT DISTINCT id FROM events) ORDER BY id LIMIT 2"
        ),
        [{"id": "e1", "l": None, "f": "e1"}, {"id": "e2", "l": "e1", "f": "e1"}],
    ),
    (
        "SELECT e.id, tag, o FROM events AS e, UNNEST(tags) AS tag WITH OFFSET AS o ORDER BY e.id, o",
        [
            {"id": "e1", "tag": "x", "o": 0},
            {"id": "e1", "tag": "y", "o": 1},
            {"id": "e2", "tag": "y", "o": 0},
        ],
    ),
    (
        "SELECT e.id, tag FROM events AS e LEFT JOIN UNNEST(e.tags) AS tag WHERE e.id IN ('e2', 'e4') ORDER BY 1",
        [{"id": "e2", "tag": "y"}, {"id": "e4", "tag": None}],
    ),
    (
        "SELECT i.sku, n FROM events AS e, e.items AS i ORDER BY sku",
        [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}],
    ),
    (
        "SELECT id, (SELECT SUM(n) FROM UNNEST(items)) AS n FROM events WHERE ARRAY_LENGTH(items) > 0",
        [{"id": "e1", "n": 3}],
    ),
    ("SELECT id FROM events WHERE 'x' IN UNNEST(tags)", [{"id": "e1"}]),
    ("SELECT place.city, place.zip + 1 AS z FROM events WHERE place.zip = 1", [{"city": "Rome", "z": 2}]),
    ("SELECT place FROM events WHERE place IS NOT NULL", [{"place": {"city": "Rome", "zip": 1}}]),
    (
        "SELECT DISTINCT JSON_VALUE(extra, '$.k.v[1]') AS v, INT64(extra.k.v[0]) AS w FROM events WHERE extra IS NOT NULL",
        [{"v": "20", "w": 10}],
    ),
    (
        "SELECT TIMESTAMP_TRUNC(at, DAY) AS day, COUNT(*) AS n FROM events GROUP BY day",
        [{"day": DAY, "n": 5}],
    ),
    ("SELECT DATE(at) AS at, COUNT(*) AS n FROM events GROUP BY at", [{"at": DAY.date(), "n": 5}]),
    (
        (
            "WITH a AS (SELECT user, amount FROM events WHERE amount > 0), b AS (SELECT user FROM a) "
            "SELECT user FROM a JOIN b USING (user) ORDER BY user"
        ),
        [{"user": "ann"}, {"user": "bob"}],
    ),
    (
        "SELECT a.id AS x, b.id AS y FROM events AS a LEFT JOIN events AS b ON a.id = b.user WHERE a.id = 'e1'",
        [{"x": "e1", "y": None}],
    ),
    ("SELECT 1 AS x UNION ALL SELECT 2.5 ORDER BY x DESC", [{"x": 2.5}, {"x": 1.0}]),
    ("SELECT 1 AS x UNION DISTINCT SELECT 1", [{"x": 1}]),
    ("SELECT x FROM UNNEST([3, 1, 2]) AS x ORDER BY x LIMIT 1 OFFSET 1", [{"x": 2}]),
    ("SELECT * EXCEPT (o) FROM UNNEST(['a']) AS v WITH OFFSET AS o", [{"v": "a"}]),
    ("SELECT * REPLACE (v * 2 AS v) FROM UNNEST([1]) AS v", [{"v": 2}]),
    ("SELECT 1, 2 AS b, 3", [{"f0_": 1, "b": 2, "f1_": 3}]),
    (
        "SELECT APPROX_QUANTILES(x, 2) AS q FROM UNNEST([1, 1, 1, 4, 5, 6, 7, 8, 9, 10]) AS x",
        [{"q": [1, 5, 10]}],
    ),
    (
        "SELECT APPROX_QUANTILES(x, 100)[OFFSET(90)] AS q FROM UNNEST([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) AS x",
        [{"q": 9}],
    ),
    (
        (
            "SELECT ARRAY_AGG(DISTINCT x ORDER BY x DESC LIMIT 2) AS a, STRING_AGG(CAST(x AS STRING), '-' ORDER BY x) AS s "
            "FROM UNNEST([1, 3, 2, 3]) AS x"
        ),
        [{"a": [3, 2], "s": "1-2-3-3"}],
    ),
    (
        "SELECT ARRAY_AGG(STRUCT(x, x * x AS y) ORDER BY x) AS a FROM UNNEST([2, 1]) AS x",
        [{"a": [{"x": 1, "y": 1}, {"x": 2, "y": 4}]}],
    ),
    (
        "SELECT LOGICAL_OR(x > 1) AS o, LOGICAL_AND(x > 1) AS a FROM UNNEST([1, 2]) AS x",
        [{"o": True, "a": False}],
    ),
    (
        "SELECT COUNT(*) AS n, SUM(x) AS s, MAX(x) AS m FROM UNNEST([1]) AS x WHERE FALSE",
        [{"n": 0, "s": None, "m": None}],
    ),
    (
        "SELECT PERCENTILE_CONT(x, 0.5) OVER () AS c FROM UNNEST([0, 3, 1, 2]) AS x LIMIT 1",
        [{"c": 1.5}],
    ),
    ("SELECT x FROM UNNEST([1.0, NULL, 2.0]) AS x ORDER BY x", [{"x": None}, {"x": 1.0}, {"x": 2.0}]),
    ("SELECT x FROM UNNEST([1, NULL, 2]) AS x ORDER BY x DESC", [{"x": 2}, {"x": 1}, {"x": None}]),
    ("SELECT ROUND(SUM(x), 1) AS s, COUNT(*) FROM UNNEST([0.1, 0.2]) AS x", [{"s": 0.3, "f0_": 2}]),
    ("SELECT id FROM events ORDER BY score DESC LIMIT 1", [{"id": "e2"}]),
    (
        "SELECT COALESCE(user, 'total') AS u, COUNT(*) AS n FROM events WHERE user IS NOT NULL GROUP BY ROLLUP(user) ORDER BY n DESC, u",
        [{"u": "total", "n": 4}, {"u": "ann", "n": 3}, {"u": "bob", "n": 1}],
    ),
    ("SELECT id FROM events WHERE id LIKE '%4'", [{"id": "e4"}]),
    (
        "SELECT amount * 1.1 AS a, 0.5 - amount AS b, amount / 0.5 AS c, amount * score AS d FROM events WHERE id = 'e1'",
        [{"a": Decimal("1.65"), "b": Decimal(-1), "c": Decimal(3), "d": 1.5}],
    ),
    ("SELECT id FROM events WHERE amount > 1.5", [{"id": "e2"}]),
    (
        "SELECT id FROM events WHERE amount IN (1.5, 7) OR amount BETWEEN -3.5 AND -2.5",
        [{"id": "e1"}, {"id": "e3"}, {"id": "e3"}],
    ),
    (
        "SELECT COALESCE(amount, 0.5) AS c, IF(id = 'e4', 2.5, amount) AS i, GREATEST(0.25, IFNULL(amount, 0)) AS g FROM events WHERE id = 'e4'",
        [{"c": Decimal("0.5"), "i": Decimal("2.5"), "g": Decimal("0.25")}],
    ),
    ("SELECT 0.5 AS x, SUM(amount) AS s FROM events HAVING s < x", [{"x": 0.5, "s": Decimal("-2.25")}]),
]


@pytest.mark.parametrize(("sql", "expected"), QUERIES)
def test_query_gives_what_bigquery_gives(ask: Ask, sql: str, expected: list[dict[str, Any]]) -> None:
    assert ask(sql) == expected


REFUSED = [
    ("SELECT nope FROM events", "Unrecognized name: nope at [1:8]"),
    ("SELECT events.nope FROM events", "Name nope not found inside events at [1:15]"),
    ("SELECT place.nope FROM events", "Field name nope does not exist in STRUCT<city STRING, zip INT64>"),
    ("SELECT id FROM events GROUP BY user", "references column id which is neither grouped nor aggregated"),
    ("SELECT id, COUNT(*) FROM events", "references column id which is neither grouped nor aggregated"),
    (
        "SELECT word FROM (SELECT id AS word, user FROM events) GROUP BY user",
        "references column word which is neither grouped nor aggregated",
    ),
    (
        "WITH e AS (SELECT id AS word, user FROM events) SELECT word, COUNT(*) FROM e GROUP BY e.user",
        "references column word which is neither grouped nor aggregated",
    ),
    ("SELECT (SELECT x FROM UNNEST([1, 2]) AS x)", "Scalar subquery produced more than one element"),
    ("SELECT SUM(x) FROM UNNEST([9223372036854775807, 1]) AS x", "int64 overflow"),
    ("SELECT id FROM events WHERE COUNT(*) > 1", "Aggregate function COUNT not allowed in the WHERE clause"),
    ("SELECT a.id FROM events a, events b WHERE id = 'x'", "Column name id is ambiguous"),
    (
        "SELECT id, id FROM events",
        "Duplicate column names in the result are not supported. Found duplicate(s): id",
    ),
    ("SELECT 1 FROM events, events", "Duplicate table alias events"),
    ("SELECT id FROM events WHERE id", "WHERE clause should return type BOOL, but returns STRING"),
    ("SELECT id FROM events WHERE at > DATE '2024-01-01'", "No matching signature for operator >"),
    (
        "SELECT amount FROM events GROUP BY tags",
        "GROUP BY is not defined for arguments of type ARRAY<STRING>",
    ),
    ("SELECT 1 UNION ALL SELECT 1, 2", "mismatched column count"),
    ("SELECT FROM events", "Syntax error"),
    ("SELECT 'abc", "Syntax error"),
    ("", "Syntax error: Unexpected end of statement"),
    ("SELECT 1 ORDER BY 2", "ORDER BY is out of SELECT column number range: 2"),
    ("SELECT id FROM events LIMIT -1", "LIMIT"),
    ("SELECT @missing", "Query parameter 'missing' not found"),
]


@pytest.mark.parametrize(("sql", "message"), REFUSED)
def test_bad_sql_is_refused_in_bigquerys_words(ask: Ask, sql: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ask(sql)
    assert message in caught.value.message


UNSUPPORTED = [
    "DELETE FROM events WHERE TRUE",
    "INSERT INTO events (id) VALUES ('x')",
    "UPDATE events SET id = 'x' WHERE TRUE",
    "MERGE events USING events AS e ON FALSE WHEN NOT MATCHED THEN INSERT ROW",
    "CREATE TABLE x (a INT64)",
    "DROP TABLE events",
    "TRUNCATE TABLE events",
    "DECLARE x INT64",
    "SELECT 1; SELECT 2",
    "SELECT * FROM `events_*`",
    "SELECT * FROM events FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()",
    "SELECT * FROM events TABLESAMPLE SYSTEM (10 PERCENT)",
    "SELECT * FROM events PIVOT(COUNT(*) FOR user IN ('ann'))",
    "SELECT SUM(amount) OVER (ORDER BY id, amount RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM events",
    "WITH RECURSIVE a AS (SELECT 1 AS x) SELECT * FROM a",
    "SELECT events FROM events",
    "SELECT SUM(amount) OVER (ORDER BY score RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM events",
    "SELECT * FROM EXTERNAL_QUERY('x', 'y')",
    "SELECT SUM(amount HAVING MAX at) FROM events",
    "SELECT MAX_BY(user, at) FROM events",
    "SELECT MAX_BY(id, at) OVER () FROM events",
    "SELECT user, COUNT(*) FROM events GROUP BY user, ROLLUP(id)",
    "SELECT APPROX_TOP_COUNT(score, 2) FROM events",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT read_text('/etc/passwd')",
    "SELECT getenv('HOME')",
    "COPY events TO 'x'",
    "ATTACH 'x'",
    "SELECT x FROM UNNEST([1]) x NATURAL JOIN UNNEST([1]) y",
    "SELECT * FROM INFORMATION_SCHEMA.JOBS",
    "SELECT amount FROM events UNION ALL SELECT 0.5",
    "SELECT -x AS x, COUNT(*) AS n FROM UNNEST([1, -1]) AS x GROUP BY x HAVING x > 0",
]


@pytest.mark.parametrize("sql", UNSUPPORTED)
def test_what_is_not_supported_is_refused_by_name_or_as_bad_syntax(ask: Ask, sql: str) -> None:
    with pytest.raises(BadRequest, match=r"not supported by the local BigQuery|Syntax error"):
        ask(sql)
