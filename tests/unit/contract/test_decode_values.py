"""Decimals, times and keys at their edges: kept exactly, or refused; nothing hangs or is rounded."""

from datetime import UTC

import pytest

from tests.unit.contract.orders import CONTRACT, Tick, decoded, order, refused


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('"12.5"', "12.5"),
        ("12.50", "12.50"),
        ("7", "7"),
        ('"1E+2"', "100"),
        ("5e1", "50"),
        ('"1.5000000000"', "1.50"),
        ('"-0"', "0"),
        ('"0E+999999"', "0"),
        ('"0E-999999"', "0"),
        ('"-5"', "-5"),
        ('"999.99"', "999.99"),
    ],
)
def test_a_decimal_is_kept_to_the_digit(text: str, kept: str) -> None:
    assert str(decoded(f'"price":{text}').price) == kept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"NaN"', "finite"),
        ('"sNaN"', "finite"),
        ('"-Infinity"', "finite"),
        ('"1E+1000000"', "29 digits"),
        ('"1E+999999999999999999"', "29 digits"),
        ("1E+1000000", "29 digits"),
        ("9" * 5000, "29 digits"),
        ('"1E-1000000"', "2 digits after the point"),
        ('"1E-999999999999999999999"', "decimal number"),
        ('"12.505"', "2 digits after the point"),
        ('"abc"', "decimal number"),
        ('""', "decimal number"),
        ("true", "must be a decimal number"),
        ('"1000"', "less than 1000"),
        ('"-5.01"', "at least -5"),
    ],
)
def test_a_decimal_that_numeric_cannot_hold_is_refused(text: str, words: str) -> None:
    violation = refused(order(f'"price":{text}'))
    assert violation.field == "price"
    assert words in violation.reason


def test_bignumeric_holds_38_digits_on_each_side() -> None:
    widest = "9" * 38 + "." + "9" * 38
    assert str(decoded(f'"exact":"{widest}"').exact) == widest
    assert "BIGNUMERIC" in refused(order('"exact":"1' + "0" * 38 + '"')).reason
    assert "38 digits" in refused(order('"exact":"0.' + "1" * 39 + '"')).reason


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01T10:00:00.123456Z", "2024-05-01T10:00:00.123456+00:00"),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00+00:00"),
        ("2024-01-01T00:30:00+05:30", "2023-12-31T19:00:00+00:00"),
        ("2024-05-01t10:00:00z", "2024-05-01T10:00:00+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_timestamps_become_utc(text: str, utc: str) -> None:
    event = CONTRACT.decode(f'{{"type":"tick","at":"{text}"}}'.encode())
    assert isinstance(event, Tick)
    assert event.at.isoformat() == utc
    assert event.at.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T10:00:00",
        "2024-02-30T00:00:00Z",
        "2024-05-01T10:00:60Z",
        "2024-05-01T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "2024-05-01",
        "yesterday",
        "",
    ],
)
def test_a_time_that_no_table_can_hold_is_refused(text: str) -> None:
    assert refused(f'{{"type":"tick","at":"{text}"}}'.encode()).field == "at"


def test_a_time_without_zone_says_what_is_missing() -> None:
    assert "zone" in refused(b'{"type":"tick","at":"2024-05-01T10:00:00"}').reason


def test_a_number_is_no_timestamp() -> None:
    assert "must be a timestamp, but is an integer" in refused(b'{"type":"tick","at":1714557600}').reason


@pytest.mark.parametrize(
    "data",
    [
        order('"count":1,"count":1'),
        order('"count":1, "count" : 2'),
        order('"count":1,\n"count"\t:\r2'),
        order('"type":"order"'),
        order('"co\\u0075nt":1,"count":1'),
        order('"place":{"lat":1,"lat":1}'),
        order('"places":[{"lat":1},{"lat":1,"tags":[],"tags":[]}]'),
        order('"extra":{"a":1,"a":1}'),
        order('"extra":[[{"b":{"\\u0061":1,"a":null}}]]'),
        order('"extras":[{},{"a":1,"a":2}]'),
        order('"extra":{"":1,"":2}'),
        order('"code":"ABC","extra":"\\\\","code":"ABC"'),
    ],
)
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(data: bytes) -> None:
    violation = refused(data)
    assert "twice" in violation.reason
    assert violation.type == "order"


@pytest.mark.parametrize(
    "more",
    [
        '"extra":"a:b\\":c"',
        '"extra":"\\\\\\":x\\\\"',
        '"extra":{"a":":","b":" : ","\\":":1}',
        '"names":["\\"names\\":"]',
        '"places":[{"lat":1},{"lat":1}],"place":{"lat":1}',
        '"extra":{"count":1,"place":{"lat":1}}',
        '"code" : "ABC" ,\n"count"\t:\r1',
        '"extra":"\\u0022count\\u0022:"',
    ],
)
def test_colons_and_quotes_in_strings_are_no_duplicates(more: str) -> None:
    decoded(more)
