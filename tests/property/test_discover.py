"""Whatever events look like: the contract discovered loads, and accepts each that it was made from."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.discover import Checked, Gathering, check, infer, render

TIME = "2026-05-17T10:05:03Z"
INT64 = st.integers(-(2**63), 2**63 - 1)
NAMES = (
    *("name", "amount", "class", "from", "None", "date", "datetime", "int", "str", "list", "bool", "float"),
    *("Literal", "Annotated", "Decimal", "Json", "Nested", "Event", "Pipeline", "pipeline", "date_type"),
    *("lat", "longitude", "id", "user_id", "tags", "items", "Point", "camelCase", "self", "cls", "bytes"),
    *("field", "match", "value"),
)
WILD_NAMES = st.one_of(
    st.sampled_from((*NAMES, "type", "class_", "a.b", "2nd", "_x", "", "Name", '"""', "\n")), st.text()
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ("GET", "POST", "", "12.50", "007", "3", "-1.5", "2026-05-17", TIME, "2026-05-17T10:05:03")
    ),
    st.sampled_from(
        ("2026-05-17T10:05:03.123456789+02:00", "0001-01-01T00:00:00+02:00", "yes", "NaN", "1e5", "\u0661")
    ),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.dates().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INT64,
    st.integers(0, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WILD_NAMES, inner, max_size=4)),
    max_leaves=8,
)
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def discovered(lines: list[bytes]) -> tuple[str, Checked]:
    gathering = Gathering()
    for line in lines:
        gathering.see(line)
    inferred = infer(gathering, "events.ndjson", "event")
    module = render(inferred)
    return module, check(module, inferred, gathering.finish(), lines)


def accepts_all(events: list[dict[str, Any]]) -> None:
    lines = [json.dumps(event).encode() for event in events]
    module, checked = discovered(lines)
    assert (checked.accepted, checked.refused.counts) == (len(lines), {}), module


@st.composite
def alike(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events of a few types, each field of which keeps to one kind of value, or to two."""
    fields = {
        name: draw(
            st.lists(st.sampled_from((SCALARS, TEXTS, INT64, st.booleans(), VALUES)), min_size=1, max_size=2)
        )
        for name in draw(st.lists(st.sampled_from(NAMES), unique_by=str.lower, max_size=6))
    }
    events = []
    for _ in range(draw(st.integers(1, 12))):
        event: dict[str, Any] = {
            "type": draw(st.sampled_from(("search", "page.view", "Class", "a-b", "a_b"))),
            "at": TIME,
        }
        for name, kinds in fields.items():
            if draw(st.integers(0, 4)):
                event[name] = draw(st.one_of(*kinds))
        events.append(event)
    return events


@FEW
@given(alike())
def test_events_of_any_shape_are_accepted_by_the_contract_made_from_them(
    events: list[dict[str, Any]],
) -> None:
    accepts_all(events)


@FEW
@given(
    st.lists(st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=6), st.sampled_from((1, 40, 210))
)
def test_nested_values_of_any_shape_are_accepted_however_often_they_came(
    rows: list[list[Any]], times: int
) -> None:
    """Few repeated values are where choices are inferred, and roles by uniqueness."""
    events = [
        {"type": "t", "at": TIME, **{f"v{place}": value for place, value in enumerate(row)}} for row in rows
    ]
    accepts_all(events * times)


@FEW
@given(
    st.lists(st.dictionaries(WILD_NAMES, VALUES, max_size=4), min_size=1, max_size=6), st.binary(max_size=30)
)
def test_whatever_comes_is_a_module_that_loads_or_nothing(
    records: list[dict[str, Any]], rubbish: bytes
) -> None:
    lines = [*(json.dumps(record).encode() for record in records), rubbish]
    _, checked = discovered(lines)
    assert checked.records == len(lines)
    assert checked.accepted + checked.once_mended + checked.refused.total == len(lines)
