"""BIGNUMERIC: exact to 38 decimals, halves rounded away from zero, errors where BigQuery has them."""

# ruff: noqa: S608 - the test writes the SQL, of its own literals

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest

LARGE = "5" + "0" * 38
PAIR = f"(SELECT BIGNUMERIC '{LARGE}' AS a, BIGNUMERIC '-{LARGE}' AS b)"
LIST = "UNNEST([BIGNUMERIC '10', BIGNUMERIC '9', NULL, BIGNUMERIC '-1.5', BIGNUMERIC '9'])"

VALUES: list[tuple[str, Any]] = [
    ("BIGNUMERIC '1.50' + 2", Decimal("3.5")),
    ("NUMERIC '1' - BIGNUMERIC '0.00000000000000000000000000000000000001'", Decimal("0." + "9" * 38)),
    ("BIGNUMERIC '0.5' * BIGNUMERIC '0.00000000000000000000000000000000000001'", Decimal("1e-38")),
    ("BIGNUMERIC '-0.4' * BIGNUMERIC '0.00000000000000000000000000000000000001'", Decimal(0)),
    ("BIGNUMERIC '1' / 3", Decimal("0." + "3" * 38)),
    ("BIGNUMERIC '-2' / 3", Decimal("-0." + "6" * 37 + "7")),
    ("-BIGNUMERIC '2.5'", Decimal("-2.5")),
    ("BIGNUMERIC '10' > BIGNUMERIC '9'", True),
    ("BIGNUMERIC '-10' < BIGNUMERIC '-9.9'", True),
    ("BIGNUMERIC '1.0' = 1", True),
    ("BIGNUMERIC '2' BETWEEN 1 AND 10", True),
    ("BIGNUMERIC '2' IN (1, 2)", True),
    ("BIGNUMERIC '1.5' < CAST(2.0 AS FLOAT64)", True),
    ("CAST(BIGNUMERIC '2.5' AS INT64)", 3),
    ("CAST(BIGNUMERIC '-2.5' AS INT64)", -3),
    ("CAST(BIGNUMERIC '0.0000000005' AS NUMERIC)", Decimal("1e-9")),
    ("CAST(BIGNUMERIC '9007199254740993' AS FLOAT64)", 9007199254740992.0),
    ("CAST(BIGNUMERIC '9007199254740993.00000000001' AS FLOAT64)", 9007199254740994.0),
    ("CAST(12 AS BIGNUMERIC)", Decimal(12)),
    ("CAST('+1.50' AS BIGNUMERIC)", Decimal("1.5")),
    ("SAFE_CAST('x' AS BIGNUMERIC)", None),
    (f"SAFE_CAST('{'9' * 39}' AS BIGNUMERIC)", None),
    (f"SAFE_CAST(BIGNUMERIC '{LARGE}' AS INT64)", None),
    ("CAST(CAST(NULL AS STRING) AS BIGNUMERIC)", None),
    (f"(SELECT SAFE_MULTIPLY(a, 2) FROM {PAIR})", None),
    (f"(SELECT SAFE_ADD(a, b) FROM {PAIR})", Decimal(0)),
    (f"(SELECT SAFE_SUBTRACT(a, b) FROM {PAIR})", None),
    (f"(SELECT SUM(x) FROM {LIST} AS x)", Decimal("26.5")),
    (f"(SELECT SUM(DISTINCT x) FROM {LIST} AS x)", Decimal("17.5")),
    (f"(SELECT AVG(x) FROM {LIST} AS x)", Decimal("6.625")),
    (f"(SELECT MIN(x) FROM {LIST} AS x)", Decimal("-1.5")),
    (f"(SELECT MAX(x) FROM {LIST} AS x)", Decimal(10)),
    (f"(SELECT SUM(x) FROM {LIST} AS x WHERE x IS NULL)", None),
    (f"ARRAY(SELECT x FROM {LIST} AS x WHERE x > 0 ORDER BY x DESC)", [Decimal(10), Decimal(9), Decimal(9)]),
    (f"ARRAY(SELECT COUNT(*) FROM {LIST} AS x GROUP BY x ORDER BY x DESC)", [1, 2, 1, 1]),
    (f"(SELECT MAX(t) FROM (SELECT SUM(x) OVER (ORDER BY x) AS t FROM {LIST} AS x))", Decimal("26.5")),
    (f"(SELECT SUM(a) + SUM(b) FROM {PAIR})", Decimal(0)),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_value_is_the_one_that_bigquery_gives(
    value: Callable[[str], Any], expression: str, expected: Any
) -> None:
    assert value(expression) == expected


FAILING = [
    (f"BIGNUMERIC '{LARGE}' * 2", "BIGNUMERIC overflow"),
    (
        f"(SELECT SUM(x) FROM UNNEST([BIGNUMERIC '{LARGE}', BIGNUMERIC '{LARGE}']) AS x)",
        "BIGNUMERIC overflow",
    ),
    ("BIGNUMERIC '1' / 0", "division by zero: 1 / 0"),
    ("CAST('apple' AS BIGNUMERIC)", "Bad BIGNUMERIC value: apple"),
    (f"CAST(BIGNUMERIC '{LARGE}' AS INT64)", "Bad int64 value"),
    (f"CAST(BIGNUMERIC '{LARGE}' AS NUMERIC)", "NUMERIC overflow"),
    ("FROM_BASE64('a*b=')", "Failed to decode invalid base64 string"),
]


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_what_bigquery_refuses_is_refused(value: Callable[[str], Any], expression: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        value(expression)
    assert message in caught.value.message
    assert "UDF" not in caught.value.message
