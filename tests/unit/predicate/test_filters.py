"""Which events a filter takes: only those for which BigQuery's SQL would be TRUE."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sluice.errors import ContractError
from sluice.metrics import Count, Metric
from sluice.pipeline import Pipeline
from sluice.predicate import check_metrics, compile_predicate
from tests.unit.predicate.bids import BID, Bid, Channel, Place, bid

LARGEST, SMALLEST = 2**63 - 1, -(2**63)
FULL: dict[str, Any] = {
    "text": "Grüße 😀",
    "title": "a_b%c\\d\n",
    "whole": 7,
    "price": Decimal("19.99"),
    "fine": Decimal("0.00000000000000000001"),
    "real": 1.5,
    "yes": True,
    "day": date(2024, 2, 29),
    "seen_at": datetime(2024, 12, 30, 23, 59, 58, 123_456, UTC),
    "channel": Channel.WEB,
    "level": 2,
    "place": Place(city="Wien", tags=["old"]),
    "tags": ["new", "red"],
    "steps": [1, LARGEST],
    "channels": [Channel.PHONE],
    "date": "soon",
    "order": 3,
}


def takes(sql: str, **fields: Any) -> bool:
    return compile_predicate(sql, BID)(bid(**fields))


@pytest.mark.parametrize(
    "sql",
    [
        "whole = 7 AND whole != 8 AND whole <> 6 AND whole < 8 AND whole <= 7 AND whole > 6 AND whole >= 7",
        "(whole = 7 OR FALSE) AND NOT (whole = 6)",
        "WHOLE = 7 AND `Whole` = 7 and Place.CITY = 'Wien'",
        "whole IN (1, 7) AND whole NOT IN (1, 2) AND whole BETWEEN 7 AND 8 AND whole NOT BETWEEN 8 AND 9",
        "whole IN (1, NULL, 7)",
        "price = 19.99 AND price = NUMERIC '19.99' AND price > 19 AND price < 2e1 AND price * 2 = 39.98",
        "fine = BIGNUMERIC '0.00000000000000000001' AND fine < 1 AND fine < price",
        "real = 1.5 AND real > 1 AND whole > real AND real < price",
        "text = 'Grüße 😀' AND text > 'G' AND LENGTH(text) = 7 AND BYTE_LENGTH(text) = 12",
        r"""text = 'Gr\u00fc\xdfe \U0001F600' AND title = 'a_b%c\\d\n' AND 'it\'s' = "it\x27s" """,
        r"""r'\d' = '\\d' AND '\101' = 'A' AND '''a'b''' = "a\'b" """,
        r"title LIKE 'a\\_b\\%c%' AND title LIKE '%\\\\d_' AND title LIKE r'%\%%' AND title NOT LIKE 'a'",
        "text LIKE 'Gr__e _' AND text LIKE '%ü%' AND text LIKE '%😀' AND text NOT LIKE 'gr%'",
        "yes AND yes = TRUE AND yes IS TRUE AND yes IS NOT FALSE AND NOT (NOT yes) AND firm < yes",
        "day = '2024-02-29' AND day < DATE '2024-3-1' AND day BETWEEN '2024-01-01' AND '2024-12-31'",
        "seen_at = '2024-12-31 01:59:58.123456+02:00' AND seen_at > TIMESTAMP '2024-12-30 23:59:58 UTC'",
        "seen_at > '2024-12-30' AND DATE(seen_at) = '2024-12-30' AND EXTRACT(DATE FROM seen_at) > day",
        "EXTRACT(HOUR FROM seen_at) = 23 AND EXTRACT(MICROSECOND FROM seen_at) = 123456",
        "EXTRACT(MILLISECOND FROM seen_at) = 123 AND EXTRACT(DAYOFWEEK FROM seen_at) = 2",
        "EXTRACT(ISOYEAR FROM seen_at) = 2025 AND EXTRACT(ISOWEEK FROM seen_at) = 1",
        "EXTRACT(QUARTER FROM seen_at) = 4 AND EXTRACT(DAYOFYEAR FROM day) = 60",
        "channel = 'web' AND 'web' = channel AND channel IN ('web') AND channel > 'phone'",
        "LENGTH(channel) = 3 AND level = 2 AND level IN (1, 2)",
        "place.city = 'Wien' AND place.floor IS NULL AND place IS NOT NULL",
        "'red' IN UNNEST(tags) AND 'blue' NOT IN UNNEST(tags) AND 'old' IN UNNEST(place.tags)",
        "1 IN UNNEST(steps) AND 1.0 IN UNNEST(steps) AND 9.223372036854775807e18 IN UNNEST(steps)",
        "'phone' IN UNNEST(channels) AND channel NOT IN UNNEST(channels) AND ARRAY_LENGTH(tags) = 2",
        "type = 'bid' AND type IN ('bid', 'ask') AND date = 'soon' AND `order` = 3",
        "whole + 1 = 8 AND whole - 10 = -3 AND -whole = -7 AND ABS(-whole) = 7 AND whole * 2 + 1 = 15",
        "MOD(whole, 4) = 3 AND MOD(-whole, 4) = -3 AND MOD(price, 1) = 0.99",
        "SAFE_DIVIDE(whole, 2) = 3.5 AND SAFE_DIVIDE(price, 3) = 6.663333333",
        "SAFE_DIVIDE(1, count) IS NULL",
        "LOWER(text) = 'grüße 😀' AND UPPER('ab') = 'AB' AND TRIM('  a ') = 'a' AND TRIM('xax', 'x') = 'a'",
        "SUBSTR(text, 2, 3) = 'rüß' AND SUBSTR(text, -1) = '😀' AND SUBSTR(text, 0, 1) = 'G'",
        "LEFT(text, 1) = 'G'",
        "RIGHT(text, 2) = ' 😀' AND CONCAT(channel, '-', title) LIKE 'web-%' AND 'a' || 'b' = 'ab'",
        "STARTS_WITH(text, 'Gr') AND ENDS_WITH(text, '😀') AND STRPOS(text, 'ß') = 4",
        "STRPOS(text, 'z') = 0",
        "COALESCE(place.floor, 4) = 4 AND IFNULL(place.floor, whole) = 7 AND NULLIF(whole, 7) IS NULL",
        "IF(yes, 'a', 'b') = 'a'",
        "CASE WHEN firm THEN 1 WHEN yes THEN 2 END = 2 AND CASE whole WHEN 7 THEN TRUE END",
        "(whole > 1) = (price > 1) AND (place.floor > 1) IS NULL AND ((place.floor > 1) OR TRUE) IS TRUE",
    ],
)
def test_what_holds_is_taken(sql: str) -> None:
    assert takes(sql, **FULL)
    assert not takes(f"NOT ({sql})", **FULL)


@pytest.mark.parametrize(
    "sql",
    [
        "text = 'a'", "text != 'a'", "text < 'a'", "text LIKE '%'", "text NOT LIKE 'a'", "text IN ('a')",
        "text NOT IN ('a')", "text BETWEEN 'a' AND 'b'",
        "LENGTH(text) > 0", "text = title", "text || 'a' > ''",
        "yes", "NOT yes", "yes AND TRUE", "yes OR FALSE", "yes = yes", "whole + 1 > 0", "-whole < 9",
        "place.city = 'a'", "place.city != 'a'", "place.floor > 0", "channel = 'web'", "channel != 'web'",
        "whole IN (1, NULL)", "7 NOT IN (1, NULL)", "7 IN (1, NULL)", "'a' IN UNNEST(place.tags)", "NULL",
        "IF(yes, TRUE, FALSE)", "CASE WHEN yes THEN TRUE END", "whole NOT IN UNNEST(steps) AND FALSE",
    ],
)  # fmt: skip
def test_what_is_null_or_false_is_not_taken(sql: str) -> None:
    assert not takes(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "text IS NULL", "yes IS NOT TRUE", "yes IS NOT FALSE", "yes IS NULL", "(yes AND TRUE) IS NULL",
        "yes OR TRUE", "NOT (yes AND FALSE)", "place IS NULL", "place.city IS NULL", "(text = 'a') IS NULL",
        "'a' NOT IN UNNEST(place.tags)", "NOT (text IN UNNEST(tags))", "title = ''", "count = 0",
        "NOT firm",
        "IF(yes, FALSE, TRUE)", "COALESCE(yes, TRUE)", "(whole IN (1, NULL)) IS NULL",
        "ARRAY_LENGTH(tags) = 0",
    ],
)  # fmt: skip
def test_null_is_what_sql_makes_of_it(sql: str) -> None:
    assert takes(sql)


def test_integers_beside_floats_are_rounded_as_bigquery_rounds_them() -> None:
    assert takes("whole = 9007199254740992.0", whole=2**53 + 1)
    assert not takes("whole = 9007199254740992", whole=2**53 + 1)
    assert takes("whole = real", whole=LARGEST, real=2.0**63)
    assert takes("price = real AND price = 0.1e0", price=Decimal("0.1"), real=0.1)
    assert takes("real = 0 AND real = -0.0 AND NOT real < 0", real=-0.0)


def test_decimals_are_compared_digit_by_digit() -> None:
    assert takes("price = 0.1 AND price != 0.100000001", price=Decimal("0.1"))
    assert takes("price * price = 0.000000001", price=Decimal("0.00003"))  # 0.9e-9, rounded
    assert takes("price + 0.000000001 > NUMERIC '99999999999999999999'", price=Decimal(10**20 - 1))


@pytest.mark.parametrize(
    ("sql", "fields"),
    [
        ("whole + 1 > 0 OR TRUE", {"whole": LARGEST}),
        ("(whole + 1) IS NULL", {"whole": LARGEST}),
        ("NOT (whole * 2 > 0)", {"whole": LARGEST}),
        ("-whole IS NOT NULL", {"whole": SMALLEST}),
        ("ABS(whole) IS NOT NULL", {"whole": SMALLEST}),
        ("MOD(whole, count) IS NULL", {"whole": 1}),
        ("real * real > 0", {"real": 1e300}),
        ("price * price > 0", {"price": Decimal(10**20)}),
        ("fine * fine > 0", {"fine": Decimal(10**30)}),
        ("SUBSTR(title, 1, whole) = ''", {"whole": -1}),
        ("LEFT(title, whole) = ''", {"whole": -1}),
    ],
)
def test_where_bigquery_would_stop_with_an_error_the_event_is_not_taken(
    sql: str, fields: dict[str, Any]
) -> None:
    assert not takes(sql, **fields)
    assert not takes(f"NOT ({sql})", **fields)


def test_a_branch_that_is_not_chosen_is_not_computed() -> None:
    assert takes("IF(whole < 9, whole * 2, whole) > 0", whole=LARGEST)
    assert takes("COALESCE(whole, whole + 1) > 0", whole=LARGEST)


def test_a_pattern_takes_time_in_proportion_to_the_text() -> None:
    assert not takes("text LIKE '%a%a%a%a%a%a%a%a%a%a_b%'", text="a" * 20_000)


def test_a_long_filter_is_taken() -> None:
    assert takes(" OR ".join(f"whole = {number}" for number in range(250)), whole=249)


def test_the_filters_of_a_pipeline_are_checked_with_the_metrics_name() -> None:
    good = Metric("good", events=[Bid], window="1m", measures={"n": Count()}, where="whole > 1")
    check_metrics(Pipeline(events=[Bid], metrics=[good]))
    bad = Metric("bad", events=[Bid], window="1m", measures={"n": Count()}, where="hole > 1")
    with pytest.raises(ContractError, match=r"^metric 'bad': where='hole > 1': .* did you mean whole\?"):
        check_metrics(Pipeline(events=[Bid], metrics=[good, bad]))
