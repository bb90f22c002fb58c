"""GROUP BY in all its forms, and the aggregates that pick values by another."""

# ruff: noqa: E501, S608 - SQL reads best on one line, and is the test's own

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest

Ask = Callable[..., list[dict[str, Any]]]

RAIN = """(SELECT 2009 AS year, 'spring' AS season, 3 AS inches UNION ALL SELECT 2001, 'winter', 4
UNION ALL SELECT 2003, 'fall', 1 UNION ALL SELECT 2002, 'spring', 2 UNION ALL SELECT 2005, 'summer', NULL)"""
SALES = "(SELECT 'a' AS x, 1 AS y, 10 AS n UNION ALL SELECT 'a', 2, 20 UNION ALL SELECT 'b', 1, 40)"

QUERIES: list[tuple[str, list[dict[str, Any]]]] = [
    (
        f"SELECT ANY_VALUE(year HAVING MAX inches) AS a, ANY_VALUE(year HAVING MIN inches) AS b, MAX_BY(season, inches) AS c, MIN_BY(season, inches) AS d FROM {RAIN}",
        [{"a": 2001, "b": 2003, "c": "winter", "d": "fall"}],
    ),
    (f"SELECT MAX_BY(year, inches) AS y FROM {RAIN} WHERE FALSE", [{"y": None}]),
    (f"SELECT MAX_BY(year, inches) AS y FROM {RAIN} WHERE inches IS NULL", [{"y": None}]),
    (f"SELECT MAX_BY(inches, year) AS y FROM {RAIN} WHERE inches IS NULL", [{"y": None}]),
    (
        "SELECT APPROX_TOP_COUNT(x, 2) AS t FROM UNNEST(['apple', 'apple', 'pear', 'pear', 'pear', 'banana']) AS x",
        [{"t": [{"value": "pear", "count": 3}, {"value": "apple", "count": 2}]}],
    ),
    (
        "SELECT APPROX_TOP_COUNT(x, 2) AS t FROM UNNEST([NULL, 'pear', 'pear', 'pear', 'apple', NULL]) AS x",
        [{"t": [{"value": "pear", "count": 3}, {"value": None, "count": 2}]}],
    ),
    ("SELECT APPROX_TOP_COUNT(x, 2) AS t FROM UNNEST([1]) AS x WHERE FALSE", [{"t": []}]),
    (
        "SELECT APPROX_TOP_SUM(x, n, 1) AS t FROM (SELECT 'apple' AS x, 3 AS n UNION ALL SELECT 'pear', 2 UNION ALL SELECT 'pear', 4)",
        [{"t": [{"value": "pear", "sum": 6}]}],
    ),
    (
        "SELECT APPROX_TOP_SUM(x, n, 2) AS t FROM (SELECT 'apple' AS x, NULL AS n UNION ALL SELECT 'pear', 0 UNION ALL SELECT 'pear', NULL)",
        [{"t": [{"value": "pear", "sum": 0}, {"value": "apple", "sum": None}]}],
    ),
    (
        "SELECT APPROX_TOP_SUM(x, n, 2) AS t FROM (SELECT 'apple' AS x, 0 AS n UNION ALL SELECT CAST(NULL AS STRING), 2)",
        [{"t": [{"value": None, "sum": 2}, {"value": "apple", "sum": 0}]}],
    ),
    (
        f"SELECT x, SUM(n) AS n, 1 AS one, COUNT(*) OVER () AS w FROM {SALES} GROUP BY ALL ORDER BY x",
        [{"x": "a", "n": 30, "one": 1, "w": 2}, {"x": "b", "n": 40, "one": 1, "w": 2}],
    ),
    (f"SELECT 1 AS one, SUM(n) AS n FROM {SALES} WHERE FALSE GROUP BY ALL", [{"one": 1, "n": None}]),
    (f"SELECT DISTINCT UPPER(x) AS u FROM {SALES} GROUP BY ALL ORDER BY u", [{"u": "A"}, {"u": "B"}]),
    (
        "SELECT user, SUM(amount) AS s FROM events GROUP BY ALL HAVING s > 0",
        [{"user": "bob", "s": Decimal("2.25")}],
    ),
    (
        f"SELECT x, y, SUM(n) AS n, GROUPING(x) AS g FROM {SALES} GROUP BY ROLLUP(x, y) ORDER BY g, x, y",
        [
            {"x": "a", "y": None, "n": 30, "g": 0},
            {"x": "a", "y": 1, "n": 10, "g": 0},
            {"x": "a", "y": 2, "n": 20, "g": 0},
            {"x": "b", "y": None, "n": 40, "g": 0},
            {"x": "b", "y": 1, "n": 40, "g": 0},
            {"x": None, "y": None, "n": 70, "g": 1},
        ],
    ),
    (
        f"SELECT x, y, SUM(n) AS n FROM {SALES} GROUP BY CUBE(x, y) HAVING SUM(n) >= 40 ORDER BY x, y, n",
        [
            {"x": None, "y": None, "n": 70},
            {"x": None, "y": 1, "n": 50},
            {"x": "b", "y": None, "n": 40},
            {"x": "b", "y": 1, "n": 40},
        ],
    ),
    (
        f"SELECT x, y, SUM(n) AS n FROM {SALES} GROUP BY GROUPING SETS (x, y, ()) ORDER BY x, y",
        [
            {"x": None, "y": None, "n": 70},
            {"x": None, "y": 1, "n": 50},
            {"x": None, "y": 2, "n": 20},
            {"x": "a", "y": None, "n": 30},
            {"x": "b", "y": None, "n": 40},
        ],
    ),
    (
        f"SELECT x, y, SUM(n) AS n FROM {SALES} GROUP BY GROUPING SETS ((x, y), ROLLUP(x)) ORDER BY n DESC LIMIT 1",
        [{"x": None, "y": None, "n": 70}],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), QUERIES)
def test_groups_are_those_of_bigquery(ask: Ask, sql: str, expected: list[dict[str, Any]]) -> None:
    assert ask(sql) == expected


def test_a_weight_below_zero_is_refused(ask: Ask) -> None:
    with pytest.raises(BadRequest, match="zero or more"):
        ask("SELECT APPROX_TOP_SUM(x, -1, 1) FROM UNNEST(['a']) AS x")
