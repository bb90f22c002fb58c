"""What an aggregator holds between batches: small, quick to hand on, unharmed by a deployment."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from sluice.metrics import Count, Metric, Sum
from sluice.windows.aggregates import Aggregates, Part, StateUnreadable
from sluice.windows.parts import decode_part, merge_parts
from sluice.windows.plan import Plan
from tests.unit.windows.shop import NOON, Channel, Place, Return, Sale, metric, pipeline

LIMIT = 380_000
ARRIVED = NOON.timestamp()


def plan_of(*metrics: Metric) -> Plan:
    return Plan(pipeline(*metrics))


def sale(number: int = 1, *, after: float = 0, **fields: Any) -> Sale:
    return Sale(sale_id=f"s{number}", sold_at=NOON + timedelta(seconds=after), **fields)


def figures(made: Metric, parts: list[Part]) -> dict[tuple[int, tuple[Any, ...]], dict[str, Any]]:
    found = {}
    for start in {part.window_start for part in parts}:
        contents = [decode_part(part.data) for part in parts if part.window_start == start]
        for group, row in merge_parts(made.definition, contents).items():
            found[start - int(NOON.timestamp()), group] = {**row.values, "late": row.late}
    return found


def test_an_event_on_a_boundary_belongs_to_the_window_that_begins() -> None:
    made = metric(by=[], measures={"n": Count()})
    aggregates = Aggregates(plan_of(made))
    for after in (-0.000001, 0, 9.999999, 10):
        aggregates.add(sale(after=after), ARRIVED)
    counts = {start: row["n"] for (start, _), row in figures(made, aggregates.parts(LIMIT)).items()}
    assert counts == {-10: 1, 0: 2, 10: 1}


def test_an_event_is_late_once_its_window_has_ended() -> None:
    made = metric(by=[], measures={"n": Count()})
    aggregates = Aggregates(plan_of(made))
    for arrived in (-5, 9.999, 10, 500):
        aggregates.add(sale(), ARRIVED + arrived)
    assert figures(made, aggregates.parts(LIMIT)) == {(0, ()): {"n": 4, "late": 2}}


def test_an_event_before_1970_has_a_window_too() -> None:
    made = metric(by=[], measures={"n": Count()})
    aggregates = Aggregates(plan_of(made))
    aggregates.add(sale(after=-NOON.timestamp() - 0.5), ARRIVED)
    assert [part.window_start for part in aggregates.parts(LIMIT)] == [-10]


def test_an_event_of_no_metric_is_told_apart() -> None:
    plan = plan_of(metric(events=[Return], dedupe=True, measures={"n": Count()}))
    aggregates = Aggregates(plan)
    assert not aggregates.add(sale(), ARRIVED)
    returned = Return(return_id=1, returned_on=date(2026, 11, 20))
    assert not aggregates.add(returned, ARRIVED, winner=False)
    assert aggregates.add(returned, ARRIVED)
    assert plan.wants_claim(returned)
    assert not plan.wants_claim(sale())


def test_enums_literals_and_fields_within_nothing_make_groups() -> None:
    made = metric(by={"c": "channel", "city": "place.city", "r": "rank"}, measures={"n": Count()})
    aggregates = Aggregates(plan_of(made))
    aggregates.add(sale(channel=Channel.APP, place=Place(city="Wien"), rank=2), ARRIVED)
    aggregates.add(sale(), ARRIVED)
    assert set(figures(made, aggregates.parts(LIMIT))) == {(0, ("app", "Wien", 2)), (0, (None, None, None))}


def test_the_state_holds_no_more_than_it_says() -> None:
    aggregates = Aggregates(plan_of(metric(by=["customer"])))
    for number in range(500):
        aggregates.add(sale(customer=f"customer {number}", after=number % 20), ARRIVED)
    assert aggregates.windows == 2
    assert aggregates.size == len(aggregates.pack())
    assert Aggregates.unpack(aggregates._plan, aggregates.pack()).size == aggregates.size
    assert aggregates.windows == 2


def test_an_untouched_row_is_packed_once() -> None:
    plan = plan_of(metric(by=["customer"]))
    aggregates = Aggregates(plan)
    aggregates.add(sale(customer="a"), ARRIVED)
    aggregates.add(sale(customer="b"), ARRIVED)
    aggregates.pack()
    before = aggregates._packed[0][int(NOON.timestamp())].copy()
    aggregates.add(sale(customer="b"), ARRIVED)
    aggregates.pack()
    after = aggregates._packed[0][int(NOON.timestamp())]
    assert [after[group] is before[group] for group in after] == [True, False]


def test_handing_the_state_on_changes_nothing() -> None:
    plan = plan_of(metric(by=["customer"]))
    kept, handed = Aggregates(plan), Aggregates(plan)
    for number in range(60):
        event = sale(customer=f"c{number % 7}", pieces=number, after=number % 30)
        kept.add(event, ARRIVED)
        handed.add(event, ARRIVED)
        handed = Aggregates.unpack(plan, handed.pack())
    assert kept.parts(LIMIT) == handed.parts(LIMIT)


def test_parts_are_numbered_within_a_window() -> None:
    made = metric(by=["customer"])
    aggregates = Aggregates(plan_of(made))
    for number in range(400):
        aggregates.add(sale(customer=f"{hash(number) * 7919 % 1_000_003}", after=number % 2 * 10), ARRIVED)
    parts = aggregates.parts(400)
    keys = [(part.metric, part.version, part.window_start, part.index) for part in parts]
    assert len(set(keys)) == len(keys) > 4
    assert keys == sorted(keys)
    assert {(part.metric, part.version) for part in parts} == {(made.name, made.version)}
    assert sum(part.groups for part in parts) == 400


def test_aggregates_without_events_have_no_parts() -> None:
    aggregates = Aggregates(plan_of(metric()))
    assert aggregates.parts(LIMIT) == []
    assert aggregates.windows == 0
    assert Aggregates.unpack(plan_of(), aggregates.pack()).parts(LIMIT) == []


NARROW = metric(measures={"events": Count()})
WIDE = metric(measures={"events": Count(), "pieces": Sum("pieces")})


def deployed(first: Metric, then: Metric) -> dict[tuple[int, tuple[Any, ...]], dict[str, Any]]:
    """Two events under one metric, one under the next, the state handed from the one to the other."""
    before = Aggregates(plan_of(first))
    before.add(sale(1, pieces=3), ARRIVED)
    before.add(sale(2, pieces=4), ARRIVED)
    after = Aggregates.unpack(plan_of(then), before.pack())
    after.add(sale(3, pieces=5), ARRIVED)
    back = Aggregates.unpack(plan_of(then), after.pack())
    return figures(then, [part for part in back.parts(LIMIT) if part.version == then.version])


def test_a_measure_added_by_a_deployment_has_no_figure_in_the_windows_that_it_saw_in_part() -> None:
    assert deployed(NARROW, WIDE) == {(0, ()): {"events": 3, "pieces": None, "late": 0}}


def test_a_measure_removed_by_a_deployment_leaves_the_others_whole() -> None:
    assert deployed(WIDE, NARROW) == {(0, ()): {"events": 3, "late": 0}}


def test_a_metric_changed_by_a_deployment_is_counted_apart() -> None:
    before = Aggregates(plan_of(WIDE))
    before.add(sale(pieces=3), ARRIVED)
    regrouped = metric(by=["gift"])
    after = Aggregates.unpack(plan_of(regrouped), before.pack())
    after.add(sale(pieces=5), ARRIVED)
    parts = after.parts(LIMIT)
    assert {part.version for part in parts} == {WIDE.version, regrouped.version}
    old = [part for part in parts if part.version == WIDE.version]
    assert figures(WIDE, old) == {(0, ()): {"events": 1, "pieces": 3, "late": 0}}
    assert after.windows == 2


def test_a_metric_removed_and_brought_back_goes_on_where_it_was() -> None:
    before = Aggregates(plan_of(WIDE))
    before.add(sale(pieces=3), ARRIVED)
    without = Aggregates.unpack(plan_of(metric("other")), before.pack())
    without.add(sale(pieces=4), ARRIVED)
    again = Aggregates.unpack(plan_of(WIDE), without.pack())
    again.add(sale(pieces=5), ARRIVED)
    parts = [part for part in again.parts(LIMIT) if part.metric == WIDE.name]
    assert len(parts) == 1
    assert figures(WIDE, parts) == {(0, ()): {"events": 2, "pieces": 8, "late": 0}}


@pytest.mark.parametrize("data", [b"", b"\xc1", msgspec.msgpack.encode([2, []]), msgspec.msgpack.encode({})])
def test_a_state_that_cannot_be_read_says_so(data: bytes) -> None:
    with pytest.raises(StateUnreadable, match="the state"):
        Aggregates.unpack(plan_of(metric()), data)


def test_a_hostile_text_does_not_outgrow_an_item() -> None:
    made = metric(by=["customer"])
    aggregates = Aggregates(plan_of(made))
    for number in range(3):
        aggregates.add(sale(customer="é" * 500_000 + str(number)), ARRIVED)
    assert len(aggregates.pack()) < 5_000
    assert len(figures(made, aggregates.parts(LIMIT))) == 3
