"""Whatever bytes arrive: an event or a violation, and nothing else; a key twice is seen wherever it hides."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import json
import math
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal
from typing import Annotated, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluice.contract import Contract, ContractViolation, Event, Json, Nested, field
from sluice.contract.keys import count_free_json, has_duplicate_keys, parse


class Leaf(Nested):
    a: int | None = None
    b: Json | None = None


class Tree(Event, type="tree", id="key", time="at"):
    key: str
    at: datetime
    amount: Annotated[Decimal | None, field(scale=4)] = None
    ratio: float | None = None
    number: int | None = None
    leaf: Leaf | None = None
    leaves: list[Leaf] = []
    words: list[str] = []
    free: Json | None = None


CONTRACT = Contract([Tree])
MANY = settings(max_examples=150, deadline=None)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ['":', '\\"', '\\\\":', ":", '"a":1', "\\u0061", "2024-01-01T00:00:00Z", "1E+999999", "NaN"]
    )
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("a", "b", "c", '":', "")), inner)
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ("key", "at", "amount", "ratio", "number", "leaf", "leaves", "words", "free", "type", "other")
    ),
    DOCUMENTS,
)
GOOD = {"type": "tree", "key": "k", "at": "2024-05-01T10:00:00Z"}


def outcome(data: bytes) -> Any:
    """The event, or None for a violation in plain words; anything else fails the test."""
    try:
        return CONTRACT.decode(data)
    except ContractViolation as refused:
        violation = refused
    assert violation.reason
    assert violation.reason.isprintable()
    return None


@MANY
@given(st.binary(max_size=80))
@example(b"\xed\xa0\x80")
@example(b'{"type":"tree","type')
def test_any_bytes_are_an_event_or_a_violation(data: bytes) -> None:
    outcome(data)


@MANY
@given(fields=FIELDS, cut=st.integers(0, 400), ascii_only=st.booleans())
def test_any_document_is_an_event_or_a_violation(
    fields: dict[str, Any], cut: int, *, ascii_only: bool
) -> None:
    text = json.dumps(GOOD | fields, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    event = outcome(text)
    if event is not None:
        assert CONTRACT.decode(CONTRACT.encode(event)) == event
    outcome(text[:cut])


@MANY
@given(st.binary(min_size=1, max_size=3), st.integers(0, 60))
def test_a_damaged_event_is_an_event_or_a_violation(damage: bytes, place: int) -> None:
    good = json.dumps(GOOD).encode()
    outcome(good[:place] + damage + good[place + len(damage) :])


def written(value: Any, draw: Any, twice: list[bool]) -> str:
    """A document as JSON text, with whitespace and escapes here and there, and some keys twice."""
    space = draw(st.sampled_from(("", " ", "\n", "\t ")))
    if isinstance(value, dict):
        parts = []
        for key, inner in value.items():
            spelled = json.dumps(key)
            if key.isalpha() and draw(st.booleans()):
                spelled = '"' + "".join(f"\\u{ord(char):04x}" for char in key) + '"'
            parts.append(f"{space}{spelled}{space}:{space}{written(inner, draw, twice)}")
            if draw(st.integers(0, 9)) == 0:
                twice.append(True)
                parts.insert(
                    draw(st.integers(0, len(parts))), f"{json.dumps(key)}:{written(inner, draw, [])}"
                )
        return "{" + f"{space},".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner, draw, twice) for inner in value) + "]"
    return json.dumps(value)


def pairs_repeat(text: str) -> bool:
    """The slow and certain answer, by Python's own parser."""
    found: list[bool] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.append(len({key for key, _ in pairs}) != len(pairs))
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return any(found)


FINITE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=8)
    | st.sampled_from(['":', '\\"', "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


@MANY
@given(FINITE, st.data())
def test_a_key_that_stands_twice_is_found_exactly(document: Any, data: st.DataObject) -> None:
    twice: list[bool] = []
    text = written(document, data.draw, twice)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    if "\\ud" in text:
        return  # half a surrogate pair: refused before keys are counted
    assert has_duplicate_keys(raw, count_free_json(parse(raw), "")) == pairs_repeat(text)


@MANY
@given(FINITE, FINITE, st.data())
def test_an_event_with_a_key_twice_is_refused_and_any_other_is_not(
    free: Any, b: Any, data: st.DataObject
) -> None:
    document = GOOD | {
        "free": free,
        "leaf": {"a": 1, "b": b},
        "leaves": [{"b": free}, {}],
        "words": ['":', "a"],
    }
    text = written(document, data.draw, [])
    if "\\ud" in text:
        return
    repeated = pairs_repeat(text)
    assert (outcome(text.encode(errors="replace")) is None) == repeated


@MANY
@given(st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(places=4, allow_nan=False))
def test_a_decimal_arrives_unchanged_or_is_refused(number: Decimal) -> None:
    event = outcome(json.dumps(GOOD | {"amount": str(number)}).encode())
    if event is None:
        finite = number.is_finite()
        digits = number.normalize(Context(prec=200)).as_tuple() if finite else None
        assert digits is None or number.adjusted() >= 29 or int(digits.exponent) < -4
    else:
        assert event.amount == number
        assert "E+" not in str(event.amount)


@MANY
@given(st.integers() | st.integers(-(2**64), 2**64))
def test_an_integer_arrives_unchanged_or_is_refused(number: int) -> None:
    event = outcome(json.dumps(GOOD | {"number": number}).encode())
    assert (event.number if event else None) == (number if -(2**63) <= number < 2**63 else None)


@MANY
@given(st.floats())
def test_floats_are_finite(number: float) -> None:
    event = outcome(json.dumps(GOOD | {"ratio": number}).encode())
    if not math.isfinite(number):
        assert event is None
    else:
        assert event.ratio == number


@MANY
@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_timestamps_of_any_zone_arrive_as_the_same_moment(moment: datetime, minutes: int) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    event = outcome(json.dumps(GOOD | {"at": local.isoformat()}).encode())
    if event is None:
        assert local.year in (1, 9999)
    else:
        assert event.at == local
        assert event.at.utcoffset() == timedelta()
