"""What a field is, from what it held; each contract here accepts every event that it was made from."""

import json
from typing import Any

import pytest

from tests.unit.discover.finding import TIME, discover_lines, values


@pytest.mark.parametrize(
    ("seen", "declared"),
    [
        ((1, 2), "value: int"),
        ((1, None), "value: int | None = None"),
        ((1, ...), "value: int | None = None"),
        ((1.5, 2), "value: float"),
        ((True, False), "value: bool"),
        ((True, 1), "value: Json"),
        (("a", "b"), "value: str"),
        (("a", 1), "value: Json"),
        (("a", {"b": 1}, None), "value: Json | None = None"),
        ((None, None), "value: Json | None = None"),
        ((TIME, "2026-05-17T10:05:03.25+02:00"), "value: datetime"),
        (("2026-05-17", "2026-05-18"), "value: date"),
        (("2026-05-17", TIME), "value: str"),
        ((TIME, ""), "value: str"),
        (("2026-05-17T10:05:03",), "value: str"),
        (("12.50", "3", "-0.1"), "value: Decimal"),
        (("12.50", 3), "value: Decimal"),
        (("12", "3"), "value: str"),
        (("007", "1.5"), "value: str"),
        (("12.50", ""), "value: str"),
        ((2**63, 1), "value: Decimal"),
        ((10**30, 1), "value: Annotated[Decimal, field(bignumeric=True)]"),
        ((10**50, 1), "value: float"),
        ((2**60, 0.25), "value: Decimal"),
        (([1, 2], []), "value: list[int] = []"),
        (([1, 2], ...), "value: list[int] = []"),
        (([1, "a"],), "value: Json"),
        (([1, None],), "value: Json"),
        (([[1], [2]],), "value: Json"),
        (([1], None), "value: Json | None = None"),
        (([], []), "value: Json"),
        (({}, {}), "value: Json"),
        (({"a.b": 1},), "value: Json"),
        (({"a": 1, "A": 1},), "value: Json"),
    ],
)
def test_a_field_is_declared_as_what_it_held(seen: tuple[Any, ...], declared: str) -> None:
    found = values(*seen)
    assert found.line("value") == declared
    assert found.accepts_all


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (("a", 1), "free JSON, as its shape varies: an integer once, text once"),
        ((None,), "only null was seen"),
        (([1], None), "a list that may be null is no column; send [] instead"),
        (({"a.b": 1, "ok": 1},), "no column can have the name of its key `a.b`"),
        ((TIME, ""), "timestamps but for 1 that are empty: send null there, and write datetime | None"),
        (("2026-05-17T10:05:03",), "a time without its zone; with Z or an offset"),
        (("17/May/2015:10:05:03 +0000",), "written like 2026-05-17T10:05:03Z it can be a datetime"),
        (("2026-05-17T10:05:03.123456789Z",), "digits beyond the microsecond are rounded away"),
        ((2**63,), "a Decimal, as integers beyond 64 bits were seen"),
        ((*[TIME] * 10, "soon"), "the first 10 were timestamps, then came other text"),
    ],
)
def test_what_is_a_guess_says_why(seen: tuple[Any, ...], why: str) -> None:
    found = values(*seen)
    (note,) = found.field("value").unsure
    assert why in note
    assert f"# unsure: {note[:40]}" in found.module


@pytest.mark.parametrize(
    ("name", "seen", "unit"),
    [
        ("sent_at", 1_747_000_000, "seconds"),
        ("timestamp", 1_747_000_000_123, "milliseconds"),
        ("ts", 1_747_000_000_123_456, "microseconds"),
        ("eventTime", 1_747_000_000_123_456_789, "nanoseconds"),
        ("amount", 1_747_000_000, None),
        ("sent_at", 12, None),
    ],
)
def test_integers_that_count_time_stay_integers_and_say_so(name: str, seen: int, unit: str | None) -> None:
    found = values(seen, seen + 1, name=name)
    assert found.line(name) == f"{name}: int"
    assert [note.split()[3] for note in found.field(name).unsure] == ([] if unit is None else [unit])


def test_money_is_exact_and_measurements_are_floats() -> None:
    assert values(12.5, 3, name="total_price").line("total_price") == "total_price: Decimal"
    assert values(12.5, 3, name="celsius").line("celsius") == "celsius: float"
    assert values(0.123456, name="amount").line("amount") == "amount: float"
    written = [b'{"type": "t", "at": "%s", "v": %s}' % (TIME.encode(), v) for v in (b"12.50", b"0.25")]
    found = discover_lines(written)
    assert found.line("v") == "v: Decimal"
    assert "written like 1.50" in found.field("v").unsure[0]


def test_degrees_have_the_bounds_that_they_have_by_definition_and_nothing_else_has_any() -> None:
    assert values(48, 47.5, name="latitude").line("latitude") == (
        "latitude: Annotated[float, field(ge=-90, le=90)]"
    )
    assert values(-170.5, None, name="lng").line("lng") == (
        "lng: Annotated[float | None, field(ge=-180, le=180)] = None"
    )
    assert values(200, name="lat").line("lat") == "lat: int"
    assert values(200, 404, name="status").module.count("field(") == 1  # in the docstring


def test_what_was_seen_stands_beside_the_field() -> None:
    assert "    value: int  # seen: 200 to 1,500\n" in values(1500, 200).module
    assert "    value: str  # seen: b, a\n" in values(*["b"] * 15, *["a"] * 5).module
    assert (
        "    value: str  # seen: up to 6 characters\n" in values(*["abcdef"] * 2, *map(str, range(18))).module
    )
    assert "secret" not in values("secret", "other").module


@pytest.mark.parametrize(
    ("counts", "declared"),
    [
        ({"web": 150, "ios": 60}, 'Literal["ios", "web"]'),
        ({"web": 150, "ios": 30}, "str"),  # too few in all
        ({"web": 210, "ios": 2}, "str"),  # one came so rarely that others may come
        ({"web": 400}, "str"),  # one value says nothing about others
        ({"web <b>": 150, "ios": 60}, "str"),  # no word of a vocabulary
        ({"10": 150, "20": 60}, "str"),  # numbers in text have no end
        ({f"v{n}": 20 for n in range(13)}, "str"),
    ],
)
def test_choices_are_inferred_from_few_values_that_came_often_alone(
    counts: dict[str, int], declared: str
) -> None:
    found = values(*(value for value, times in counts.items() for _ in range(times)))
    assert found.accepts_all
    assert found.line("value") == f"value: {declared}"
    assert bool(found.field("value").unsure) is (declared != "str")


def test_long_choices_get_a_name_of_their_own() -> None:
    words = [f"a rather long choice, number {n}".replace(",", "") for n in range(6)]
    found = values(*words * 40, name="mood")
    assert found.line("mood") == "mood: Mood"
    assert "Mood = Literal[\n    " in found.module
    assert found.accepts_all


def test_objects_become_classes_and_equal_ones_share_a_class() -> None:
    place = {"x": 1, "y": 2.5}
    found = values({"from": place, "to": place, "legs": [place, place]}, {"from": place})
    assert found.line("value") == "value: Value"
    assert found.line("from_") == "from_: From"
    assert found.line("to") == "to: From | None = None"
    assert found.line("legs") == "legs: list[From] = []"
    assert found.module.count("(Nested):") == 2
    assert found.accepts_all


def test_what_is_equal_is_written_once_in_whatever_order_it_came() -> None:
    words = [f"a rather long choice with number {n}" for n in range(6)]
    found = values(
        *({"a": {"x": 1, "y": word}, "b": {"y": word, "x": 2}} for word in words * 40),
    )
    assert found.module.count(" = Literal[") == 1
    assert (found.line("a"), found.line("b")) == ("a: A", "b: A")
    assert found.accepts_all


def test_objects_whose_keys_are_data_stay_free_json() -> None:
    found = values(*({f"user{n}": n, f"user{n + 1}": 2} for n in range(20)))
    assert found.line("value") == "value: Json"
    assert "each object has few of its 21 different keys" in found.field("value").unsure[0]
    crowd = values({f"k{n}": n for n in range(301)})
    assert crowd.line("value") == "value: Json"


@pytest.mark.parametrize(("levels", "declared"), [(15, "Value"), (16, "Value"), (200, "Value")])
def test_nesting_beyond_what_a_table_takes_stays_free_json(levels: int, declared: str) -> None:
    nested: Any = 1
    for _ in range(levels):
        nested = {"in": nested}
    found = values(nested)
    assert found.line("value") == f"value: {declared}"
    assert ("Json" in found.module) is (levels > 15)
    assert found.accepts_all
    assert values([[nested]]).accepts_all


def test_wide_and_long_input_takes_bounded_memory() -> None:
    lines = [
        json.dumps({"type": "t", "at": TIME, "data": {f"k{n}_{m}": m for m in range(60)}}).encode()
        for n in range(120)
    ]
    found = discover_lines(lines)
    assert found.line("data") == "data: Json"
    assert found.accepts_all
