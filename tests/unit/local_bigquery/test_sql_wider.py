"""Text, formats, typed constructors and what else analysts write every day."""

# ruff: noqa: E501 - SQL reads best on one line, and is the test's own

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest

VALUES: list[tuple[str, Any]] = [
    ("REVERSE('abc')", "cba"),
    ("REVERSE('абвгд')", "дгвба"),
    ("REVERSE(NULL)", None),
    ("REVERSE('')", ""),
    ("SAFE.MOD(1, 0)", None),
    ("SAFE.DIV(7, 2)", 3),
    ("SAFE.DIV(-9223372036854775808, -1)", None),
    ("SAFE.PARSE_DATE('%Y-%m-%d', '2024-02-29')", dt.date(2024, 2, 29)),
    ("SAFE.PARSE_DATE('%Y-%m-%d', '2023-02-29')", None),
    ("SAFE.PARSE_DATE('%Y%m%d', 'x')", None),
    ("SAFE.PARSE_DATE('%F', NULL)", None),
    ("SAFE.PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2024-01-02 25:00:00')", None),
    ("SAFE.PARSE_TIMESTAMP('%F %T', '2024-01-02 03:04:05')", dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
    ("FORMAT('%d', 10)", "10"),
    ("FORMAT('date: %s!', 'x')", "date: x!"),
    ("FORMAT('%05d|%5i|%d%%', 42, -7, 3)", "00042|   -7|3%"),
    ("FORMAT('%05d', -42)", "-0042"),
    ('FORMAT("%\'d", 123456789)', "123,456,789"),
    ("FORMAT('%.2f', 1.5)", "1.50"),
    ("FORMAT('%.1f', NUMERIC '0.25')", "0.3"),
    ("FORMAT('%.0f', NUMERIC '-2.5')", "-3"),
    ("FORMAT('%t %t %t', 'x', DATE '2024-01-02', TRUE)", "x 2024-01-02 true"),
    ("FORMAT('%s', CAST(NULL AS STRING))", None),
    ("FORMAT('%t', CAST(NULL AS STRING))", "NULL"),
    ("FORMAT('plain')", "plain"),
    ("CAST(1.0 AS STRING)", "1"),
    ("CAST(1.5 AS STRING)", "1.5"),
    ("CAST(0.1 AS STRING)", "0.1"),
    ("CAST(1e20 AS STRING)", "1e+20"),
    ("CAST(-1e-7 AS STRING)", "-1e-07"),
    ("CAST(0.1 + 0.2 AS STRING)", "0.30000000000000004"),
    ("CAST(CAST('inf' AS FLOAT64) AS STRING)", "inf"),
    ("CAST(CAST('-inf' AS FLOAT64) AS STRING)", "-inf"),
    ("CAST(CAST('nan' AS FLOAT64) AS STRING)", "nan"),
    ("CAST(0.0 AS STRING)", "0"),
    ("ARRAY<INT64>[1, NULL, 2][OFFSET(2)]", 2),
    ("ARRAY_LENGTH(ARRAY<STRING>[])", 0),
    ("ARRAY<DATE>['2024-01-02']", [dt.date(2024, 1, 2)]),
    ("ARRAY<NUMERIC>[1, 0.5]", [Decimal(1), Decimal("0.5")]),
    ("ARRAY<STRUCT<a INT64, b STRING>>[(1, 'x'), (NULL, 'y')]", [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
    ("(SELECT SUM(a) FROM UNNEST(ARRAY<STRUCT<a INT64, b STRING>>[(1, 'x'), (2, 'y')]) WHERE b = 'y')", 2),
    (
        "TO_JSON_STRING(STRUCT(1 AS a, 'x' AS b, [1, 2] AS c, CAST(NULL AS STRING) AS d))",
        '{"a":1,"b":"x","c":[1,2],"d":null}',
    ),
    ("TO_JSON_STRING([STRUCT(TRUE AS a, DATE '2024-01-02' AS b)])", '[{"a":true,"b":"2024-01-02"}]'),
    (
        "TO_JSON_STRING(STRUCT(JSON '{\"k\": [1]}' AS j, 9007199254740993 AS n))",
        '{"j":{"k":[1]},"n":"9007199254740993"}',
    ),
    ("TO_JSON_STRING(TIMESTAMP '2024-01-02 03:04:05.678')", '"2024-01-02T03:04:05.678Z"'),
    ("TO_JSON_STRING(CAST(NULL AS DATE))", "null"),
    (
        "(SELECT CORR(x, y) FROM UNNEST(ARRAY<STRUCT<x FLOAT64, y FLOAT64>>[(1.0, 5.0), (3.0, 9.0), (4.0, 7.0), (NULL, 1.0)]))",
        0.6546536707079772,
    ),
    ("(SELECT CORR(x, x) FROM UNNEST([1.0]) AS x)", None),
    (
        "(SELECT STRING_AGG(CAST(s AS STRING) ORDER BY x) FROM (SELECT x, SUM(x) OVER (ORDER BY x RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING) AS s FROM UNNEST([1, 2, 4, 7]) AS x))",
        "3,3,6,7",
    ),
    (
        "(SELECT STRING_AGG(CAST(s AS STRING) ORDER BY x) FROM (SELECT x, COUNT(*) OVER (ORDER BY x DESC RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM UNNEST([NUMERIC '1', NUMERIC '1.5', NUMERIC '4']) AS x))",
        "2,1,1",
    ),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_value_is_the_one_that_bigquery_gives(
    value: Callable[[str], Any], expression: str, expected: Any
) -> None:
    wanted = pytest.approx(expected) if isinstance(expected, float) else expected
    assert value(expression) == wanted


def test_a_generated_uuid_is_of_version_four(value: Callable[[str], Any]) -> None:
    pattern = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert re.fullmatch(pattern, value("GENERATE_UUID()"))


@pytest.mark.parametrize(
    "expression",
    ["FORMAT('%d')", "FORMAT('%d', 1, 2)", "FORMAT('%s', 1)", "FORMAT('%d', 'x')", "ARRAY<INT64>['x']"],
)
def test_what_does_not_fit_is_refused(value: Callable[[str], Any], expression: str) -> None:
    with pytest.raises(BadRequest):
        value(expression)
