"""Every record either is an event, or is refused in words that a person understands."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import enum
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest

from sluice.contract import Contract, ContractViolation, Event, Json, Nested, field


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(Nested):
    lat: Annotated[float, field(ge=-90, le=90)]
    type: str = "point"
    tags: list[str] = []


class Order(Event, type="order", id="order_id", time="at"):
    order_id: Annotated[str, field(max_length=20)]
    at: datetime
    count: Annotated[int | None, field(ge=0, le=10)] = None
    big: int | None = None
    price: Annotated[Decimal | None, field(ge=-5, lt=1000, scale=2)] = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    ratio: float | None = None
    day: date | None = None
    colour: Colour | None = None
    size: Literal["s", "m"] | None = None
    code: Annotated[str | None, field(pattern="^[A-Z]{3}$")] = None
    done: bool | None = None
    place: Place | None = None
    places: list[Place] = []
    names: Annotated[list[str], field(min_length=1, max_items=2)] = []
    extra: Json | None = None
    extras: list[Json] = []


class Tick(Event, type="tick", time="at"):
    at: datetime


CONTRACT = Contract([Order, Tick])


def order(more: str = "") -> bytes:
    return (
        '{"type":"order","order_id":"o1","at":"2024-05-01T10:00:00Z"' + (f",{more}" if more else "") + "}"
    ).encode()


def decoded(more: str) -> Any:
    return CONTRACT.decode(order(more))


def refused(data: bytes) -> ContractViolation:
    with pytest.raises(ContractViolation) as caught:
        CONTRACT.decode(data)
    return caught.value


def test_an_event_has_the_types_of_its_class() -> None:
    event = decoded(
        '"count":3,"price":"12.50","day":"2024-02-29","colour":"blue","size":"m","done":true,'
        '"place":{"lat":1,"type":"area"},"places":[{"lat":2.5,"tags":["a"]}],"extra":{"a":[1,null,"x"]},"extras":[1,{}]'
    )
    assert event == Order(
        order_id="o1",
        at=datetime(2024, 5, 1, 10, tzinfo=UTC),
        count=3,
        price=Decimal("12.50"),
        day=date(2024, 2, 29),
        colour=Colour.BLUE,
        size="m",
        done=True,
        place=Place(lat=1.0, type="area"),
        places=[Place(lat=2.5, tags=["a"])],
        extra={"a": [1, None, "x"]},
        extras=[1, {}],
    )


@pytest.mark.parametrize("data", [b"", b" ", b"\n\t\r "])
def test_an_empty_record_is_called_empty(data: bytes) -> None:
    violation = refused(data)
    assert (violation.reason, violation.field, violation.type) == ("the record is empty", None, None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "not JSON"),
        (b"{", "ends too early"),
        (order()[:-5], "ends too early"),
        (order() + b"x", "trailing characters"),
        (order() + order(), "trailing characters"),
        (order() + b"\x00", "trailing characters"),
        (b"{'type':'order'}", "object keys must be strings"),
        (b'{"type":"order",}', "trailing comma"),
        (b'\xef\xbb\xbf{"type":"tick"}', "byte order mark"),
        (b'{"type":"order","order_id":"caf\xe9"}', "not UTF-8: byte 31"),
        (b'{"type":"\xff"}', "not UTF-8"),
        (b'{"\xff":1}', "not UTF-8"),
        (order('"extra":"\xed\xa0\x80"').replace("\xed\xa0\x80".encode(), b"\xed\xa0\x80"), "not UTF-8"),
        (order('"code":"\\ud800"'), "surrogate"),
        (order('"extra":{"\\udc00":1}'), "surrogate"),
        (order('"code":"\x01"'), "not JSON"),
        (order('"count":01'), "invalid number"),
        (b"[]", "must be an object, but is a list"),
        (b"null", "must not be null"),
        (b"7", "must be an object, but is an integer"),
        (b'"order"', "must be an object, but is a string"),
    ],
)
def test_what_is_no_json_object_says_why(data: bytes, words: str) -> None:
    assert words in refused(data).reason


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("name", ["ratio", "price", "count", "extra"])
def test_nan_is_named_with_its_field(word: str, name: str) -> None:
    violation = refused(order(f'"{name}": {word}'))
    assert violation.field == name
    assert "NaN or Infinity" in violation.reason


@pytest.mark.parametrize("tag", ['"refund"', '"ORDER"', '""', "1", "null", '{"a":1}', '["order"]'])
def test_an_unknown_type_lists_the_known_ones(tag: str) -> None:
    violation = refused(f'{{"type":{tag}}}'.encode())
    assert (violation.field, violation.type) == ("type", None)
    assert "order, tick" in violation.reason


def test_a_missing_type_says_what_it_is_for() -> None:
    violation = refused(b'{"order_id":"1"}')
    assert violation.field == "type"
    assert "names the event's type" in violation.reason


@pytest.mark.parametrize(
    ("more", "where", "words"),
    [
        ('"count":"3"', "count", "must be an integer, but is a string"),
        ('"count":true', "count", "must be an integer, but is a boolean"),
        ('"count":3.0', "count", "without fraction or exponent"),
        ('"count":1e2', "count", "without fraction or exponent"),
        ('"count":11', "count", "at most 10"),
        ('"count":-1', "count", "at least 0"),
        ('"big":9223372036854775808', "big", "beyond 64 bits"),
        ('"big":-9223372036854775809', "big", "beyond 64 bits"),
        ('"big":1' + "0" * 5000, "big", "beyond 64 bits"),
        ('"big":1e400', "big", "too large"),
        ('"ratio":1e400', "ratio", "too large"),
        ('"ratio":-1' + "0" * 400, "ratio", "too large"),
        ('"ratio":"0.5"', "ratio", "must be a number, but is a string"),
        ('"order_id":"o2"', "order_id", "twice"),
        ('"done":1', "done", "must be true or false, but is an integer"),
        ('"day":"2024-02-30"', "day", "a date like"),
        ('"day":"2024-02-01T00:00:00Z"', "day", "a date like"),
        ('"colour":"green"', "colour", "must be one of red, blue"),
        ('"colour":5', "colour", "must be one of red, blue"),
        ('"size":"xl"', "size", "must be one of s, m"),
        ('"code":"abc"', "code", "must match the pattern"),
        ('"place":[]', "place", "must be an object"),
        ('"place":{}', "place.lat", "is missing"),
        ('"place":{"lat":91}', "place.lat", "at most 90"),
        ('"place":{"lat":1,"lon":2}', "place.lon", "not in the contract"),
        ('"places":[{"lat":1},{"lat":"x"}]', "places[1].lat", "must be a number"),
        ('"places":[null]', "places[0]", "must not be null"),
        ('"places":null', "places", "must not be null"),
        ('"names":["a","b","c"]', "names", "at most 2 items"),
        ('"names":[""]', "names[0]", "at least 1 character"),
        ('"names":["a",null]', "names[1]", "must not be null"),
        ('"nmae":1', "nmae", "not in the contract"),
        ('"extra":1' + "0" * 30, "extra", "beyond 64 bits"),
        ('"extra":[{"a":18446744073709551616}]', "extra", "beyond 64 bits"),
        ('"extra":[[1e999]]', "extra[0][0]", "too large"),
        ('"extras":[1,99999999999999999999]', "extras[1]", "beyond 64 bits"),
    ],
)
def test_a_wrong_field_is_named(more: str, where: str | None, words: str) -> None:
    violation = refused(order(more))
    assert words in violation.reason
    if where is not None:
        assert violation.field == where
        assert f"`{where}`" in violation.reason
    assert violation.type == "order"


def test_a_missing_required_field_is_named() -> None:
    violation = refused(b'{"type":"order","at":"2024-05-01T10:00:00Z"}')
    assert (violation.field, violation.type) == ("order_id", "order")


def test_an_id_is_never_empty() -> None:
    violation = refused(b'{"type":"order","order_id":"","at":"2024-05-01T10:00:00Z"}')
    assert violation.field == "order_id"


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


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("name", ["extra", "count", "place", "unknown", "type", "extras"])
@pytest.mark.parametrize("depth", [1_000, 200_000])
def test_deep_nesting_anywhere_is_refused(pair: tuple[str, str], name: str, depth: int) -> None:
    opening, closing = pair
    refused(order(f'"{name}":' + opening * depth + "1" + closing * depth))
    refused((opening * depth + "1" + closing * depth).encode())
    refused((f'{{"{name}":' + opening * depth).encode())


def test_free_json_takes_five_hundred_levels_and_no_more() -> None:
    decoded('"extra":' + "[" * 500 + "]" * 500)
    violation = refused(order('"extra":' + "[" * 501 + "]" * 501))
    assert violation.field == "extra"
    assert "500 levels" in violation.reason


def test_nul_is_a_character_like_any_other() -> None:
    assert decoded('"extra":"a\\u0000b"').extra == "a\x00b"


def test_a_record_of_a_mebibyte_is_refused_in_a_short_sentence() -> None:
    violation = refused(order('"' + "x" * 1_000_000 + '":1'))
    assert len(violation.reason) < 200
    assert violation.field is not None
    assert len(violation.field) < 200


def test_reasons_repeat_no_values_of_the_record() -> None:
    secret = "hunter2"  # noqa: S105 - a value to look for
    for more in (
        f'"colour":"{secret}"',
        f'"size":"{secret}"',
        f'"code":"{secret}"',
        f'"day":"{secret}"',
        f'"price":"{secret}"',
        f'"at":"{secret}"',
        f'"count":"{secret}"',
        f'"names":["","{secret}"]',
    ):
        violation = refused(order(more))
        assert secret not in violation.reason
        assert secret not in (violation.field or "")


def test_field_names_that_would_upset_a_terminal_are_made_harmless() -> None:
    violation = refused(order('"a\\u001b[31m`\\n":1'))
    assert violation.reason.isprintable()


def test_a_violation_survives_pickling() -> None:
    violation = refused(order('"count":11'))
    again = pickle.loads(pickle.dumps(violation))  # noqa: S301 - its own pickle
    assert (again.reason, again.field, again.type) == (violation.reason, violation.field, violation.type)
