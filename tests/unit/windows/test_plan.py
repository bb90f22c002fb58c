"""How the events of a type are folded: what the written function looks like, and which events it takes."""

from datetime import date
from decimal import Decimal
from textwrap import dedent
from typing import Any

import pytest

from sluice.errors import ContractError
from sluice.metrics import Count, Sum
from sluice.windows import plan as plan_module
from sluice.windows.aggregates import Aggregates
from sluice.windows.parts import decode_part, merge_parts
from sluice.windows.plan import Plan
from tests.unit.windows.shop import NOON, Return, Sale, metric, pipeline

ARRIVED = NOON.timestamp()


def sale(**fields: Any) -> Sale:
    return Sale(sale_id="s", sold_at=NOON, **fields)


def test_the_function_of_a_type_is_the_one_that_is_shown() -> None:
    documented = str(plan_module.__doc__).split("reads\n\n")[1].split("\n\nFilters")[0]
    made = metric(
        by=["customer"], where="price > 0", window="1m", measures={"n": Count(), "price": Sum("price")}
    )
    source = Plan(pipeline(made)).source["sale"]
    shown = source.replace("sold_at", "paid_at").replace("group_0_0(event)", "event.currency")
    assert shown.replace("event.price", "event.amount") == dedent(documented)


def test_only_events_that_a_filter_is_true_for_are_counted() -> None:
    made = metric(where="price > 1.5 AND customer IS NOT NULL", measures={"n": Count()})
    aggregates = Aggregates(Plan(pipeline(made)))
    taken = [
        aggregates.add(sale(price=price, customer=customer), ARRIVED)
        for price, customer in (
            (Decimal("1.50"), "a"),
            (Decimal("1.51"), "a"),
            (Decimal("1.51"), None),
            (None, "a"),
        )
    ]
    assert taken == [False, True, False, False]
    (part,) = aggregates.parts(10_000)
    (row,) = merge_parts(made.definition, [decode_part(part.data)]).values()
    assert row.values == {"n": 1}


def test_only_events_that_a_filter_is_true_for_are_claimed() -> None:
    counted_once = metric(where="pieces > 2", dedupe=True)
    plan = Plan(pipeline(metric("plain"), counted_once))
    assert plan.wants_claim(sale(pieces=3))
    assert not plan.wants_claim(sale(pieces=2))
    assert not plan.wants_claim(sale())
    aggregates = Aggregates(plan)
    assert aggregates.add(sale(pieces=3), ARRIVED, winner=False)
    assert [part.metric for part in aggregates.parts(10_000)] == ["plain"]


def test_a_filter_that_fails_leaves_nothing_half_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("sluice.predicate.compile_predicate", lambda _sql, _type: fail)
    aggregates = Aggregates(Plan(pipeline(metric("first"), metric("second", where="pieces > 2"))))
    with pytest.raises(ZeroDivisionError):
        aggregates.add(sale(), ARRIVED)
    assert aggregates.parts(10_000) == []


def test_a_type_without_metrics_has_no_function() -> None:
    plan = Plan(pipeline(metric(events=[Return], measures={"n": Count()})))
    assert set(plan.folds) == {Return}
    assert not plan.claiming
    assert Aggregates(plan).add(Return(return_id=1, returned_on=date(2026, 11, 20)), ARRIVED)


def test_measures_of_one_signature_share_a_partial() -> None:
    twice = metric(measures={"n": Count(), "also": Count(), "sum": Sum("pieces"), "total": Sum("pieces")})
    (planned,) = Plan(pipeline(twice)).metrics
    assert planned.signatures == ("late", "count", "sum:pieces:integer")


def test_a_filter_that_cannot_be_compiled_stops_the_plan() -> None:
    with pytest.raises(ContractError, match="colour"):
        Plan(pipeline(metric(where="colour = 'red'")))
