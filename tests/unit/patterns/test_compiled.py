"""A condition becomes a filter pattern where one says exactly the same, and else a reason why not."""

import json
from datetime import datetime
from typing import Annotated

import pytest

from sluice.contract import Contract, Event, field
from sluice.errors import ContractError
from sluice.local.filters import compile_data_filters
from sluice.patterns import compile_route
from sluice.predicate import compile_predicate
from sluice.routes import Queue, Route
from tests.judge.judge import absent, the_judge
from tests.unit.patterns.sales import CONTRACT, SALE, Sale, Visit, compiled, sale

PAIRS = [
    ("first", "paid"),
    ("method = 'card'", "level = 1"),
    ("text = 'a'", "title = 'b'"),
    ("tip = 1", "fee = 2"),
    ("rate = 3", "score = 4"),
    ("whole IS NULL", "day IS NULL"),
    ("price IS NULL", "seen_at IS NULL"),
]
"""Conditions on different fields, whose alternatives multiply."""


def bodies(where: str) -> list[dict[str, object]]:
    """What the patterns of a condition ask beside the type."""
    found = [json.loads(pattern)["data"] for pattern in compiled(where).patterns]
    assert all(body.pop("type") == ["sale"] for body in found)
    return found


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("TRUE", {}),
        ("type = 'sale'", {}),
        ("amount >= 0", {"amount": [{"numeric": [">=", 0]}]}),
        ("amount < 0", {"amount": [{"numeric": ["<", 0]}]}),
        ("0 > amount", {"amount": [{"numeric": ["<", 0]}]}),
        ("amount > 0.005", {"amount": [{"numeric": [">", 0]}]}),
        ("amount != 5", {"amount": [{"numeric": ["<", 5]}, {"numeric": [">", 5]}]}),
        ("amount BETWEEN 1 AND 2.5", {"amount": [{"numeric": [">=", 1, "<=", 2.5]}]}),
        ("amount IN (1, 2.5, 0.001)", {"amount": [{"numeric": ["=", 1]}, {"numeric": ["=", 2.5]}]}),
        ("NOT tip >= 5", {"tip": [{"numeric": ["<", 5]}]}),
        ("tip IS NULL", {"tip": [None, {"exists": False}]}),
        ("tip IS NOT NULL", {"tip": [{"numeric": [">=", 0, "<=", 999.99]}]}),
        ("tip < 5 OR tip IS NULL", {"tip": [{"numeric": ["<", 5]}, None, {"exists": False}]}),
        ("COALESCE(tip, 9) > 5", {"tip": [{"numeric": [">", 5]}, None, {"exists": False}]}),
        ("fee = 1.5", {"fee": [{"numeric": ["=", 1.5]}, {"exists": False}]}),
        ("fee > 2", {"fee": [{"numeric": [">", 2]}]}),
        ("pieces > 1.5", {"pieces": [{"numeric": [">=", 2]}]}),
        ("score < 10", {"score": [{"numeric": ["<=", 9]}]}),
        ("whole IS NULL", {"whole": [None, {"exists": False}]}),
        ("currency = 'EUR'", {"currency": ["EUR", {"exists": False}]}),
        ("currency != 'EUR'", {"currency": [{"anything-but": ["EUR"]}]}),
        ("currency NOT IN ('A', 'B')", {"currency": [{"anything-but": ["A", "B"]}, {"exists": False}]}),
        ("text IS NULL OR text != 'a'", {"text": [{"anything-but": ["a"]}, {"exists": False}]}),
        ("text IS NOT NULL", {"text": [{"prefix": ""}]}),
        ("text LIKE 'ä%' OR text LIKE '%z'", {"text": [{"prefix": "ä"}, {"suffix": "z"}]}),
        ("STARTS_WITH(text, 'a') AND text LIKE 'ab%'", {"text": [{"prefix": "ab"}]}),
        ("text = '😀'", {"text": ["😀"]}),
        ("TEXT = 'A'", {"text": ["A"]}),
        ("paid", {"paid": [True]}),
        ("NOT first", {"first": [False]}),
        ("first", {"first": [True, {"exists": False}]}),
        ("paid IS NOT TRUE", {"paid": [False, None, {"exists": False}]}),
        ("method != 'card'", {"method": ["cash", "bank"]}),
        ("LENGTH(method) = 4 AND method != 'card'", {"method": ["cash", "bank"]}),
        ("level >= 2", {"level": [{"numeric": ["=", 2]}, {"numeric": ["=", 3]}, {"exists": False}]}),
        ("day = DATE '2024-02-29'", {"day": ["2024-02-29"]}),
        ("seen_at IS NOT NULL", {"seen_at": [{"prefix": ""}]}),
        ("place.city = 'a'", {"place": {"city": ["a"]}}),
        ("place IS NULL", {"place": {"city": [{"exists": False}]}}),
        ("place.floor IS NULL", {"place": {"floor": [None, {"exists": False}]}}),
        ("home.zone = 'c'", {"home": {"zone": ["c"]}}),
        ("shop.place.city != 'a'", {"shop": {"place": {"city": [{"anything-but": ["a"]}]}}}),
        ("'a' IN UNNEST(tags) OR 'b' IN UNNEST(tags)", {"tags": ["a", "b"]}),
        ("'b' IN UNNEST(shop.tags)", {"shop": {"tags": ["b"]}}),
        ("2.0 IN UNNEST(steps)", {"steps": [{"numeric": ["=", 2]}]}),
        ("'card' IN UNNEST(methods)", {"methods": ["card"]}),
        ("amount > 1 AND NOT (first OR paid)", {
            "amount": [{"numeric": [">", 1]}], "first": [False], "paid": [False]
        }),
    ],
)  # fmt: skip
def test_what_a_pattern_can_say_it_says(where: str, body: dict[str, object]) -> None:
    assert bodies(where) == [body] if body != {} or compiled(where).patterns else False


def test_alternatives_are_patterns_of_their_own() -> None:
    assert bodies("first OR amount > 5") == [
        {"first": [True, {"exists": False}]},
        {"amount": [{"numeric": [">", 5]}]},
    ]


def test_more_than_five_alternatives_share_patterns() -> None:
    where = " OR ".join(f"(pieces = {n} AND text = '{n}')" for n in range(9))
    (pattern,) = compiled(where).patterns
    assert len(json.loads(pattern)["data"]["$or"]) == 9
    wanted = compile_data_filters([pattern])
    assert wanted(sale('"pieces":8,"text":"8"').encode())
    assert not wanted(sale('"pieces":8,"text":"7"').encode())
    if absent() is None:
        events = [f'{{"data":{sale(rest)}}}' for rest in ('"pieces":8,"text":"8"', '"pieces":8,"text":"7"')]
        assert the_judge().matches(pattern, events) == [True, False]


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("price > 1", "`price` may come as a text, .* field(..., strings=False) would have it"),
        ("fine > 0", "`fine` may have more than 5 decimals, .* field(..., scale=5) or less would do"),
        ("whole > 5", "`whole` may be beyond 5,000,000,000, .* field(..., ge=, le=) within that would do"),
        ("score != 5", "`score` may be beyond 5,000,000,000"),
        ("whole > 1.5", "`whole` becomes a FLOAT64"),
        ("real > 1", "`real` is a float, of which Lambda compares six decimals"),
        ("text != 'a'", "`anything-but` takes null for a text, and `text` may be null"),
        ("title < 'm'", "no pattern knows the order of texts, as asked of `title`"),
        ("title NOT LIKE 'a%'", "no pattern excludes texts by their beginning or end"),
        ("title LIKE 'a%b'", "the LIKE of `title` is more than a beginning or an end"),
        ("title LIKE 'a%' AND title LIKE '%b'", "the beginning and the end of one text"),
        ("title LIKE 'a%' AND title != 'ab'", "the beginning or end of a text and excludes some"),
        ("title LIKE '\"%'", "the matcher compares texts with the quotes around them"),
        ("title LIKE 'abc\"%'", "the matcher compares texts with the quotes around them"),
        ("text = 'a::b'", "'a::b' looks like an IP address"),
        ("text IN ('1.2.3.4', 'x')", "'1.2.3.4' looks like an IP address"),
        ("LOWER(text) = 'a'", "it computes something of `text` (LOWER)"),
        ("ABS(amount) > 5", "it computes something of `amount` (ABS)"),
        ("amount > fee", "it brings `amount` and `fee` together"),
        ("seen_at > TIMESTAMP '2024-01-01'", "one moment in JSON has many spellings"),
        ("day > DATE '2024-01-01'", "no pattern knows the order of dates"),
        ("'a' NOT IN UNNEST(tags)", "no pattern asks for a list `tags` without a value"),
        ("'a' IN UNNEST(tags) AND 'b' IN UNNEST(tags)", "two items of one list at once"),
        ("'a' IN UNNEST(given)", "a list `given` that is missing looks like an empty one"),
        ("ARRAY_LENGTH(tags) = 0", "of the list `tags` a pattern can only ask whether it holds a value"),
        ("place.zone = 'a'", "`place.zone` may be missing for several reasons"),
        ("shop IS NULL", "no field within `shop` must be there"),
        ("9223372036854775807 + 1 > 0 OR first", "BigQuery would stop with an error"),
        ("FALSE", "its condition is never TRUE"),
        ("amount > 2000000", "its condition is never TRUE"),
        (" AND ".join(f"({one} OR {other})" for one, other in PAIRS), "more than 64 alternatives"),
    ],
)  # fmt: skip
def test_what_no_pattern_says_exactly_is_left_to_the_predicate_and_says_why(where: str, why: str) -> None:
    found = compiled(where)
    assert found.patterns == ()
    assert found.reason.startswith("the predicate decides: ")
    for part in why.split(" .* "):
        assert part in found.reason


def test_a_shared_consumer_has_no_pattern_because_aggregates_would_be_dropped() -> None:
    found = compiled("amount >= 0", enhanced=False)
    assert found.patterns == ()
    assert "shared consumer" in found.reason


def test_several_types_share_a_pattern_where_they_ask_the_same() -> None:
    (pattern,) = compiled("text = 'a'", Sale, Visit).patterns
    assert json.loads(pattern) == {"data": {"type": ["sale", "visit"], "text": ["a"]}}
    both = compiled("first", Sale, Visit).patterns
    assert [json.loads(pattern)["data"] for pattern in both] == [
        {"type": ["sale"], "first": [True, {"exists": False}]},
        {"type": ["visit"], "first": [True]},
    ]
    assert len(compiled("first AND type = 'visit'", Sale, Visit).patterns) == 1


@pytest.mark.parametrize("where", ["text = 'a'", "text = 'a' AND title = ''", "title = ''", "TRUE"])
def test_where_there_is_one_type_only_events_may_lack_it(where: str) -> None:
    alone = Contract([Sale])
    route = Route("wanted", where, types=[Sale], to=Queue())
    patterns = compile_route(route, alone, enhanced=True).patterns
    text = sale('"text":"a"').replace('"type":"sale",', "")
    assert compile_predicate(where, SALE)(alone.decode(text.encode()))
    assert compile_data_filters(patterns)(text.encode())
    assert compile_data_filters(patterns)(sale('"text":"a"').encode())
    if absent() is None:
        assert the_judge().matches(patterns[0], [f'{{"data":{text}}}']) == [True]


def test_a_float_between_bounds_that_the_matcher_takes_for_one_number_is_left_to_the_predicate() -> None:
    class Grain(Event, type="grain", id="grain_id", time="at"):
        grain_id: str
        at: datetime
        metres: Annotated[float | None, field(gt=0, lt=1e-6)] = None

    route = Route("wanted", "metres IS NOT NULL", types=[Grain], to=Queue())
    found = compile_route(route, Contract([Grain]), enhanced=True)
    assert found.patterns == ()
    assert "too near for Lambda to tell apart" in found.reason


def test_a_pattern_beyond_lambdas_limits_is_an_error() -> None:
    where = " AND ".join(f"({one} OR {other})" for one, other in PAIRS[3:])
    where += f" AND currency = '{'x' * 3_000}'"
    words = "route 'wanted': as filter patterns it is 16 of up to 3,.* takes 5 of 4,096; shorten or split"
    with pytest.raises(ContractError, match=words):
        compiled(where)
    assert compiled(where, enhanced=False).patterns == ()


def test_patterns_are_measured_in_bytes_as_the_provider_does() -> None:
    patterns = compiled(
        " OR ".join(f"(pieces = {at} AND title = '{'é' * 41}{at}')" for at in range(34))
    ).patterns
    assert len(patterns) == 2
    assert all(len(pattern.encode()) <= 4_096 for pattern in patterns)
    with pytest.raises(ContractError, match=r"it is 1 of up to 5,.* bytes, and Lambda takes 5 of 4,096"):
        compiled(f"title = '{'é' * 2_500}'")


def test_a_mistake_names_the_route() -> None:
    route = Route("wanted", "amuont > 0", types=[Sale], to=Queue())
    with pytest.raises(ContractError, match="route 'wanted': where='amuont > 0': `amuont` is no field"):
        compile_route(route, CONTRACT, enhanced=True)


SPELLED = {
    "amount": ["0", "-0", "-0.0", "0.00", "1e0", "0e9", "-1e-2", "0.01", "1E+2"],
    "rate": ["3507215452.42845", "3507215452.42846", "5e9", "-5000000000"],
    "score": ["0", "5000000000", "5000000001", "9223372036854775807", "null"],
    "text": ['"A"', '"a"', '"ä"', '"\\u00e4"', '"\\ud83d\\ude00"', '"1"', '""', "null"],
    "tags": ["[]", '["a"]', '["b","a"]', '["A"]'],
    "place": ["null", '{"city":"a"}'],
    "home": ['{"city":"a"}', '{"city":"a","zone":"c"}'],
    "te\\u0078t": ['"a"'],
}
HARD = [sale(), *(sale(f'"{name}":{value}') for name, values in SPELLED.items() for value in values)]


@pytest.mark.parametrize(
    "where",
    ["amount >= 0", "amount < 0", "amount = 0", "amount = 100", "rate > 3507215452.42845",
     "rate >= -5000000000", "score < 5", "text = 'a'", "text = 'ä'", "text = '😀'", "text = '1'",
     "text IS NULL OR text != 'a'",
     "'a' IN UNNEST(tags)", "place IS NULL", "home.city = 'home'", "home.zone = 'c'", "home.city = 'a'"],
)  # fmt: skip
def test_hard_cases_are_decided_alike_by_predicate_local_cloud_and_aws(where: str) -> None:
    patterns = compiled(where).patterns
    if not patterns:
        pytest.fail(compiled(where).reason)
    predicate = compile_predicate(where, SALE)
    wanted = [predicate(CONTRACT.decode(text.encode())) for text in HARD]
    local = compile_data_filters(patterns)
    assert [local(text.encode()) for text in HARD] == wanted
    if absent() is None:
        verdicts = [
            the_judge().matches(pattern, [f'{{"data":{text}}}' for text in HARD]) for pattern in patterns
        ]
        assert [any(found) for found in zip(*verdicts, strict=True)] == wanted
