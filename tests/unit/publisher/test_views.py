"""A metric's view says what the reader in Python says: the same windows, groups and figures."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest

from sluice.contract import Event, field
from sluice.deadline import Deadline
from sluice.metrics import Count, CountDistinct, Max, Mean, Metric, Min, Quantiles, Sum, TopK, Variance
from sluice.publisher.publisher import Publisher
from sluice.publisher.views import metric_view_description, metric_view_sql, sketch_functions
from sluice.windows.reader import WindowReader
from tests.unit.publisher.warehouse import Warehouse
from tests.unit.windows.aws import WINDOWS
from tests.unit.windows.planted import NOW, Groups, Planted


class Sale(Event, type="sale", id="id", time="at"):
    """A sale."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    shop: Annotated[str | None, field("Where")] = None
    day: Annotated[date | None, field("Business day")] = None
    paid: Annotated[bool | None, field("Whether paid")] = None
    items: Annotated[int | None, field("How many")] = None
    price: Annotated[Decimal | None, field("Price", scale=2)] = None
    weight: Annotated[float | None, field("Kilograms")] = None


def metric(**changes: Any) -> Metric:
    options: dict[str, Any] = {
        "events": [Sale],
        "window": "15m",
        "by": ["shop"],
        "measures": {"count": Count()},
        "groups": 20,
    } | changes
    return Metric("sales", **options)


Compare = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def compare(table: Planted, warehouse: Warehouse, publisher: Publisher) -> Compare:
    """Publish, hold the view against the reader, and return the view's rows."""

    def both(found: Metric) -> list[dict[str, Any]]:
        definition = found.definition
        publisher.publish(Deadline.after(30))
        warehouse.view(definition)
        reader = WindowReader(table.dynamodb, WINDOWS, days=3650, now=lambda: NOW)
        read = [
            {
                "window_start": row.window_start,
                "window_end": row.window_end,
                **row.group,
                **row.values,
                "late": row.late,
                "complete": not row.provisional,
            }
            for row in reader.read(definition.name)
        ]
        rows = warehouse.rows(definition.name)
        assert sorted(rows, key=repr) == sorted(read, key=repr)
        return rows

    return both


def signatures(found: Metric) -> list[str]:
    return [each.signature for each in found.definition.measures]


def test_segments_of_all_lanes_are_merged_by_window_and_group(table: Planted, compare: Compare) -> None:
    by = {"shop": "shop", "day": "day", "paid": "paid", "number": "items", "price": "price", "at": "at"}
    found = metric(measures={"count": Count(), "items": Sum("items")}, by=by)
    count, items = signatures(found)
    table.define(found.definition)
    group = ("a", date(2026, 11, 20), True, -3, Decimal("1.50"), NOW)
    first: Groups = {group: {count: [None] * 2, items: [3, 2**63 - 1]}}
    table.segment("s1", (found.definition, "11:00", first))
    nobody: Groups = {(None,) * 6: {count: [None], items: []}}
    table.segment("s2", (found.definition, "11:00", {**first, **nobody}), (found.definition, "11:15", first))
    rows = compare(found)
    assert len(rows) == 3
    assert max(row["items"] or 0 for row in rows) == 2 * (3 + 2**63 - 1)


def test_sums_of_floats_are_rounded_once_ties_included(table: Planted, compare: Compare) -> None:
    found = metric(measures={"weight": Sum("weight"), "mean": Mean("weight")})
    weight, mean = signatures(found)
    table.define(found.definition)
    values = {
        "tie": [1.0, 2**-53],
        "other tie": [1.0, 2**-52, 2**-53],
        "cancel": [1e17, 0.1, -1e17],
        "tenths": [0.1] * 10,
        "none": [],
    }
    for lane in range(3):
        cut = {(name,): {weight: all_[lane::3], mean: all_[lane::3]} for name, all_ in values.items()}
        table.segment(f"s{lane}", (found.definition, "11:00", cut))
    by_shop = {row["shop"]: row["weight"] for row in compare(found)}
    assert by_shop["tie"] == 1.0
    assert by_shop["other tie"] == 1.0 + 2**-51
    assert by_shop["cancel"] == 0.1
    assert by_shop["none"] is None


def test_sums_beyond_bignumeric_are_summed_as_floats(
    table: Planted, warehouse: Warehouse, publisher: Publisher
) -> None:
    found = metric(measures={"weight": Sum("weight"), "mean": Mean("weight")})
    table.define(found.definition)
    for lane, values in {"s1": [1e30, 0.5], "s2": [2.5e30], "s3": [3.0]}.items():
        seen = dict.fromkeys(signatures(found), values)
        table.segment(lane, (found.definition, "11:00", {("a",): seen}))
    publisher.publish(Deadline.after(30))
    warehouse.view(found.definition)
    (row,) = warehouse.rows("sales")
    assert (row["weight"], row["mean"]) == (pytest.approx(3.5e30), pytest.approx(3.5e30 / 4))


def test_a_float_beyond_all_floats_is_null_and_fails_nothing(
    table: Planted, warehouse: Warehouse, publisher: Publisher
) -> None:
    found = metric(measures={"weight": Sum("weight"), "spread": Variance("weight")})
    weight, spread = signatures(found)
    table.define(found.definition)
    hostile = {weight: [1.7e308] * 2, spread: [1.7e308, -1.7e308]}
    fine = {weight: [1.0, 2.0], spread: [1.0, 2.0]}
    for lane in ("s1", "s2"):
        table.segment(lane, (found.definition, "11:00", {("bad",): hostile, ("good",): fine}))
    publisher.publish(Deadline.after(30))
    warehouse.view(found.definition)
    rows = {row["shop"]: (row["weight"], row["spread"]) for row in warehouse.rows("sales")}
    assert rows == {"bad": (None, None), "good": (6.0, pytest.approx(1 / 3))}


def test_variances_of_whole_numbers_and_decimals_are_exact(table: Planted, compare: Compare) -> None:
    found = metric(measures={"items": Variance("items"), "price": Variance("price")})
    items, price = signatures(found)
    table.define(found.definition)
    values = {
        "close": [10**9 + 1, 10**9 + 2, 10**9 + 4],
        "one": [7],
        "none": [],
        "same": [3, 3, 3],
        "large": [2**62, -(2**62), 2**61],
    }
    for lane in range(2):
        cut: Groups = {
            (name,): {items: all_[lane::2], price: [Decimal(each) / 100 for each in all_[lane::2]]}
            for name, all_ in values.items()
            if name != "large"
        }
        table.segment(f"s{lane}", (found.definition, "11:00", cut))
    rows = {row["shop"]: row for row in compare(found)}
    assert rows["close"]["items"] == pytest.approx(7 / 3)
    assert rows["one"]["items"] is None


def test_extremes_have_the_fields_own_types(table: Planted, compare: Compare) -> None:
    found = metric(
        measures={
            "first": Min("at"),
            "last": Max("at"),
            "day": Max("day"),
            "least": Min("price"),
            "heaviest": Max("weight"),
            "most": Max("items"),
        }
    )
    seen: list[list[Any]] = [
        [datetime(2026, 11, 20, 11, 1, 2, 345678, UTC), datetime(2026, 11, 20, 11, tzinfo=UTC)],
        [datetime(2026, 11, 20, 11, 14, tzinfo=UTC)],
        [date(2026, 11, 20), date(2026, 11, 19)],
        [Decimal("9.50"), Decimal(-10)],
        [-0.0, -5e-300],
        [2**63 - 1, -(2**63)],
    ]
    table.define(found.definition)
    for cut in (slice(0, 1), slice(1, None)):
        values = {name: all_[cut] for name, all_ in zip(signatures(found), seen, strict=True)}
        table.segment("s1", (found.definition, "11:00", {("a",): values}))
    (row,) = compare(found)
    assert row["least"] == Decimal(-10)
    assert row["heaviest"] == 0.0


def test_sketches_answer_as_in_python(table: Planted, compare: Compare) -> None:
    found = metric(
        measures={
            "shops": CountDistinct("shop"),
            "price": Quantiles("price", (0.0, 0.5, 0.999)),
            "top": TopK("items", 3),
        }
    )
    shops, price, top = signatures(found)
    table.define(found.definition)
    for lane in range(2):
        numbers = range(lane * 1500, lane * 1500 + 2000)
        values: dict[str, list[Any]] = {
            shops: [f"shop {number}" for number in numbers],
            price: [Decimal(number) / 4 for number in numbers][:90],
            top: [number % (5 + lane) for number in numbers],
        }
        groups: Groups = {("both",): values, (f"only {lane}",): values, ("none",): {}}
        table.segment(f"s{lane}", (found.definition, "11:00", groups))
    rows = {row["shop"]: row for row in compare(found)}
    assert rows["both"]["shops"] == pytest.approx(3500, rel=0.05)
    assert set(rows["both"]["price"]) == {"p0", "p50", "p99_9"}
    assert rows["none"] | {"shops": 0, "price": None, "top": []} == rows["none"]


def test_a_measure_that_some_segments_lack_is_null(table: Planted, compare: Compare) -> None:
    found = metric(
        measures={
            "count": Count(),
            "items": Sum("items"),
            "most": Max("items"),
            "shops": CountDistinct("shop"),
        }
    )
    count, *_ = signatures(found)
    table.define(found.definition)
    table.segment("s1", (found.definition, "11:00", {("a",): {count: [None]}}), signatures=[count])
    values = {name: [1] for name in signatures(found)}
    table.segment("s1", (found.definition, "11:00", {("a",): values, ("b",): values}))
    rows = {row["shop"]: row for row in compare(found)}
    assert (rows["a"]["count"], rows["a"]["items"], rows["a"]["most"], rows["a"]["shops"]) == (
        2,
        None,
        None,
        None,
    )
    assert (rows["b"]["items"], rows["b"]["shops"]) == (1, 1)


def test_a_window_is_complete_once_the_watermark_has_passed_it_and_its_lateness(
    table: Planted, compare: Compare
) -> None:
    found = metric(lateness="15m")
    (count,) = signatures(found)
    table.define(found.definition)
    windows = [(found.definition, time, {("a",): {count: [None]}}) for time in ("11:00", "11:15", "11:30")]
    table.segment("s1", *windows, late=4)
    assert [row["complete"] for row in compare(found)] == [False] * 3
    table.complete("11:45")
    rows = compare(found)
    assert {row["window_start"].minute: row["complete"] for row in rows} == {0: True, 15: True, 30: False}
    assert [row["late"] for row in rows] == [4] * 3


def test_other_versions_and_metrics_stay_out(table: Planted, compare: Compare) -> None:
    old, found = metric(window="5m"), metric()
    (count,) = signatures(found)
    table.define(old.definition, found.definition, current={"sales": found.definition.version})
    table.segment("s1", (old.definition, "11:00", {("a",): {count: [None] * 9}}))
    table.segment("s1", (found.definition, "11:00", {("a",): {count: [None]}}))
    assert [row["count"] for row in compare(found)] == [1]


def test_hostile_names_of_groups_stay_what_they_are(table: Planted, compare: Compare) -> None:
    found = metric()
    (count,) = signatures(found)
    names = [
        "<script>",
        'a"b',
        "a'b\\",
        "`x`",
        "null",
        "",
        "[]",
        "ü€😀",
        "a\nb",
        "x" * 900,
        "\u2028",
        "'; DROP",
    ]
    table.define(found.definition)
    table.segment("s1", (found.definition, "11:00", {(name,): {count: [None]} for name in [*names, None]}))
    assert {row["shop"] for row in compare(found)} == {*names, None}


@pytest.mark.parametrize(
    ("location", "dataset"),
    [
        ("US", "bqutil.datasketches"),
        ("EU", "bqutil.datasketches_eu"),
        ("europe-west1", "bqutil.datasketches_europe_west1"),
    ],
)
def test_the_sketch_functions_are_those_of_the_datasets_location(location: str, dataset: str) -> None:
    assert sketch_functions(location) == dataset
    sql = metric_view_sql(metric(measures={"shops": CountDistinct("shop")}).definition, "p", "raw", location)
    assert f"`{dataset}`.hll_sketch_agg_union" in sql


def test_a_team_may_have_sketch_functions_of_its_own() -> None:
    definition = metric(measures={"shops": CountDistinct("shop")}).definition
    sql = metric_view_sql(definition, "p", "raw", "EU", functions="team-x.sketches")
    assert "`team-x.sketches`.hll_sketch_agg_union" in sql
    assert "bqutil" not in sql


def test_a_view_is_described_with_the_errors_of_what_is_approximate() -> None:
    text = metric_view_description(
        metric(measures={"count": Count(), "shops": CountDistinct("shop")}).definition
    )
    assert "shops: standard error 1.6 %" in text
    assert "count:" not in text
