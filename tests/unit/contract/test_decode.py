"""Every record either is an event, or is refused in words that a person understands."""

import pickle
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.unit.contract.orders import Colour, Order, Place, decoded, order, refused


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
        (b"7,card,12.50", "not JSON: trailing characters"),
        (b"2026-11-21 08:00:00 INFO started", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
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
