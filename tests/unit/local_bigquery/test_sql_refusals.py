"""SQL that BigQuery refuses, in its words; and SQL that this server refuses by name."""

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

FAILING = [
    ("1 / 0", "division by zero"),
    ("MOD(1, 0)", "division by zero"),
    ("DIV(1, 0)", "division by zero"),
    ("NUMERIC '1' / 0", "division by zero"),
    ("9223372036854775807 + 1", "verflow"),
    ("1e308 * 10", "overflow"),
    ("[1][OFFSET(1)]", "out of bounds"),
    ("[1][ORDINAL(0)]", "out of bounds"),
    ("SQRT(-1)", "SQRT"),
    ("LN(0)", "LN"),
    ("CAST('apple' AS INT64)", "Bad int64 value: apple"),
    ("CAST('x' AS BOOL)", "Bad bool value: x"),
    ("SUBSTR('abc', 1, -1)", "cannot be negative"),
    ("LEFT('abc', -1)", "cannot be negative"),
    ("DATE '2024-02-30'", "Could not cast literal"),
    ("9223372036854775808", "Invalid integer literal"),
    ("UPPER(1)", "No matching signature for function UPPER"),
    ("1 + 'a'", "No matching signature for operator +"),
    ("'a' > 1", "No matching signature for operator >"),
    ("DATE_TRUNC(DATE '2024-01-01', HOUR)", "does not support the HOUR date part"),
    ("TIMESTAMP_ADD(TIMESTAMP '2024-01-01', INTERVAL 1 MONTH)", "does not support the MONTH date part"),
    ("INT64(JSON '\"a\"')", "not a INT64"),
    ("IF('a', 1, 2)", "Cannot coerce"),
    ("x", "Unrecognized name: x at [1:8]"),
    ("COUNT(SUM(1))", "Aggregations of aggregations are not allowed"),
]


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_what_bigquery_refuses_is_refused(value: Callable[[str], Any], expression: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        value(expression)
    assert message in caught.value.message


REFUSED = [
    "FARM_FINGERPRINT('a')",
    "HLL_COUNT.INIT(1)",
    "NET.HOST('a')",
    "RAND()",
    "FORMAT('%10s', 'x')",
    "FORMAT('%t', 1.5)",
    "FORMAT('%T', 'x')",
    "CAST(-0.0 AS STRING)",
    "CAST(1 / 3 AS STRING)",
    "SAFE.PARSE_DATE('%Y-%m-%d', '+2024-01-33')",
    "TO_JSON_STRING(TIMESTAMP '2024-01-01 00:00:00.120')",
    "REVERSE(b'abc')",
    "CAST('1e5' AS BIGNUMERIC)",
    "CAST(1.5 AS BIGNUMERIC)",
    "BIGNUMERIC '1' + 1.5",
    "ABS(BIGNUMERIC '1')",
    "FROM_BASE64('AAA')",
    "CAST('2024-01-01' AS STRING FORMAT 'YYYY')",
    "CAST('0x1F' AS INT64)",
    "SAFE_CAST(' 12 ' AS INT64)",
    "NUMERIC '1' * 1e30",
    "TIMESTAMP '2024-01-02' - TIMESTAMP '2024-01-01'",
    "SESSION_USER()",
    "@@project_id",
    "SAFE.PARSE_DATE('%Y', 'x')",
    "TIMESTAMP_BUCKET(TIMESTAMP '2024-01-01', INTERVAL 1 DAY)",
    "PARSE_TIMESTAMP('%c', 'x')",
    "FORMAT_TIMESTAMP('%c', TIMESTAMP '2024-01-01')",
    "1 << 2",
    "ARRAY_AGG(1) OVER ()",
    "TO_JSON_STRING(1.5)",
]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_this_server_cannot_answer_is_refused_by_name(
    value: Callable[[str], Any], expression: str
) -> None:
    with pytest.raises(BadRequest, match="not supported by the local BigQuery"):
        value(expression)


WORDED = [
    ("SELEC 1", 'Syntax error: Unexpected identifier "SELEC" at [1:1]'),
    ("\n  SELEC x FROM y", 'Syntax error: Unexpected identifier "SELEC" at [2:3]'),
    ("SELECT * FROM (SELECT 1 AS a) PIVOT(COUNT(*) FOR a IN (1))", "PIVOT is not supported"),
    ("SELECT * FROM (SELECT 1 AS a) UNPIVOT(x FOR y IN (a))", "UNPIVOT is not supported"),
    ("WITH RECURSIVE a AS (SELECT 1 AS x) SELECT * FROM a", "WITH RECURSIVE is not supported"),
    ("SELECT NET.HOST('x')", "Function NET.HOST is not supported"),
    ("SELECT 1 << 2", "Operator << is not supported"),
    ("SELECT CAST('2024' AS DATE FORMAT 'YYYY')", "CAST with FORMAT is not supported"),
    ("DELETE FROM x WHERE TRUE", "The statement DELETE is not supported"),
]


@pytest.mark.parametrize(("sql", "message"), WORDED)
def test_a_refusal_names_what_was_written(client: bigquery.Client, sql: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        client.query_and_wait(sql)
    assert message in caught.value.message
