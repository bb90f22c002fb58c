"""Routes that claim to be a partition are one, or are refused with an event that shows why not."""

from collections.abc import Sequence

import pytest

from sluice.errors import ContractError
from sluice.patterns import check_routes
from sluice.pipeline import Pipeline
from sluice.routes import Queue, Route
from tests.unit.patterns.sales import Sale, Visit

PIECES = ",".join(str(number) for number in range(0, 999, 3))
MANY = f"pieces IN ({PIECES}) AND rate IN (1, 2, 3, 4, 5) AND tip IN (1, 2, 3)"


def check(conditions: Sequence[str], *, partition: bool = True) -> list[str]:
    """The warnings for routes `a`, `b` and so on."""
    routes = [
        Route("abcdef"[at], where, types=[Sale], to=Queue(), partition=partition)
        for at, where in enumerate(conditions)
    ]
    return check_routes(Pipeline(events=[Sale, Visit], routes=routes))


@pytest.mark.parametrize(
    "conditions",
    [
        ["TRUE"],
        ["amount >= 0", "amount < 0"],
        ["amount < 0", "amount BETWEEN 0 AND 99.99", "amount > 99.99"],
        ["amount IN (1, 2)", "amount NOT IN (1, 2)"],
        ["pieces < 5", "pieces >= 4.5"],
        ["tip >= 5", "tip < 5 OR tip IS NULL"],
        ["tip BETWEEN 0 AND 999.99", "tip IS NULL"],
        ["(tip >= 5) IS TRUE", "(tip >= 5) IS NOT TRUE"],
        ["COALESCE(tip, 0) > 5", "COALESCE(tip, 0) <= 5"],
        ["whole < 1e18", "whole >= 1e18", "whole IS NULL"],
        ["real < 1", "real >= 1 OR real IS NULL"],
        ["currency = 'EUR'", "currency != 'EUR'"],
        ["text LIKE 'a%'", "text NOT LIKE 'a%' OR text IS NULL"],
        ["title < 'm'", "title >= 'm'"],
        ["LENGTH(title) > 3", "LENGTH(title) <= 3"],
        ["method = 'card'", "method IN ('cash', 'bank') OR method IS NULL"],
        ["level = 1", "level = 2", "level = 3"],
        ["first", "NOT first"],
        ["paid IS TRUE", "paid IS NOT TRUE"],
        ["day < DATE '2024-01-01'", "day >= DATE '2024-01-01'", "day IS NULL"],
        ["seen_at < TIMESTAMP '2024-01-01'", "seen_at >= TIMESTAMP '2024-01-01' OR seen_at IS NULL"],
        ["amount < fee", "amount >= fee"],
        ["amount > fee", "fee >= amount"],
        ["'a' IN UNNEST(tags)", "'a' NOT IN UNNEST(tags)"],
        ["place.city = 'a'", "place.city != 'a' OR place IS NULL"],
        ["place.floor > 1", "place.floor <= 1 OR place.floor IS NULL"],
        ["home IS NOT NULL AND first", "home IS NULL OR NOT first"],
        ["shop.place IS NULL", "shop.place IS NOT NULL"],
        ["amount > 0 AND first", "NOT (amount > 0 AND first)"],
        ["amount > 0 AND first", "amount > 0 AND NOT first", "amount <= 0"],
    ],
)
def test_a_partition_is_proven(conditions: list[str]) -> None:
    assert check(conditions) == []


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (["amount > 0", "amount < 0"], '{"amount":0} of sale reaches none of them'),
        (["amount >= 0", "amount <= 0"], '{"amount":0} of sale reaches both \'a\' and \'b\''),
        (["amount < 0", "amount BETWEEN 0 AND 99.98", "amount > 99.99"], '{"amount":99.99} of sale'),
        (["tip >= 5", "NOT (tip >= 5)"], '{"tip":null} of sale reaches none'),
        (["first"], "route 'a': partition=True, but {\"first\":false} of sale does not reach it"),
        (["text LIKE 'a%'", "text NOT LIKE 'a%'"], '{"text":null} of sale reaches none'),
        (["title LIKE 'a%b'", "title NOT LIKE 'a_b'"], '{"title":"ab"} of sale reaches both'),
        (["method = 'card'", "method != 'card'"], '{"method":null} of sale reaches none'),
        (["level = 1", "level = 2"], '{"level":3} of sale reaches none'),
        (["place.city = 'a'", "place.city != 'a'"], '{"place":null} of sale reaches none'),
        (["place.floor > 1 OR place IS NULL", "place.floor <= 1"], '{"place":{"floor":null}} of sale'),
        (["'a' IN UNNEST(tags)", "'b' IN UNNEST(tags)"], '{"tags":[]} of sale reaches none'),
        (["amount < fee", "amount > fee"], '{"amount":0,"fee":0} of sale reaches none'),
        (["amount > 0", "first", "NOT first"], "of sale reaches both"),
        (["TRUE", "first", "TRUE"], "of sale reaches 'a', 'b' and 'c'"),
        (["SAFE_DIVIDE(fee, pieces) > 1", "NOT (SAFE_DIVIDE(fee, pieces) > 1)"], '"pieces":0} of sale'),
        (["score + 1 > 5", "score + 1 <= 5 OR score IS NULL"], '{"score":9223372036854775807} of'),
    ],
)  # fmt: skip
def test_an_overlap_or_a_gap_is_refused_with_an_event(conditions: list[str], words: str) -> None:
    with pytest.raises(ContractError) as refused:
        check(conditions)
    assert words in str(refused.value)
    assert "partition=True" in str(refused.value)
    assert check(conditions, partition=False) == []


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (["ABS(pieces) > 5", "ABS(pieces) <= 5"], "it depends on what is asked of `pieces`"),
        (["title LIKE 'a%'", "title LIKE 'b%' OR title NOT LIKE 'a%'"], "on what is asked of `title`"),
        ([f"({MANY}) IS TRUE", f"({MANY}) IS NOT TRUE"], "there are more than 20,000 cases to look at"),
    ],
)
def test_what_cannot_be_proven_either_way_is_a_warning(conditions: list[str], words: str) -> None:
    (warning,) = check(conditions)
    assert words in warning
    assert warning.startswith("routes 'a' and 'b': that each sale reaches exactly one (partition=True)")


def test_types_are_looked_at_one_by_one() -> None:
    routes = [
        Route("sales", "amount >= 0", types=[Sale], to=Queue(), partition=True),
        Route("refunds", "amount < 0", types=[Sale], to=Queue(), partition=True),
        Route("visits", "NOT first", types=[Visit], to=Queue(), partition=True),
    ]
    with pytest.raises(ContractError, match=r"route 'visits': .* of visit does not reach it; widen it"):
        check_routes(Pipeline(events=[Sale, Visit], routes=routes))
    assert check_routes(Pipeline(events=[Sale, Visit], routes=routes[:2])) == []


def test_a_condition_that_is_never_true_is_pointed_out() -> None:
    (warning,) = check(["amount > 2000000"], partition=False)
    assert warning == "route 'a': where='amount > 2000000' is TRUE for no sale that the contract takes"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("amuont > 0", "route 'a': where='amuont > 0': `amuont` is no field: did you mean amount?"),
        ("amount > 'x'", "route 'a': .* brings together amount"),
        ("method = 'crad'", "route 'a': .* did you mean 'card'?"),
        ("SELECT 1", "route 'a': "),
    ],
)
def test_a_mistake_in_a_condition_names_the_route(where: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        check([where], partition=False)


def test_a_field_that_one_type_lacks_says_which_type_has_it() -> None:
    route = Route("paid", "amount > 0", types=[Visit, Sale], to=Queue())
    with pytest.raises(
        ContractError,
        match=r"`amount` is no field: .*; sale has it: leave Visit out of types=\[\.\.\.\]$",
    ):
        check_routes(Pipeline(events=[Visit, Sale], routes=[route]))
