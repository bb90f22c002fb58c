"""What the page is given to draw: every figure is the reader's, merged and never made up."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sluice.contract.kinds import Kind
from sluice.metrics import Definition
from tests.unit.report.client import Browser
from tests.unit.report.world import NOW, World, definition, measure

MINUTE = timedelta(minutes=1)
TOP = NOW.replace(second=0)


def requests(world: World, groups: int = 3, minutes: int = 5) -> Definition:
    """Status 200 + n counts 10 - n in each of the last minutes; the newest two are not complete."""
    metric = world.windows.add(
        definition("requests", measure("count"), measure("bytes", "sum", Kind.INTEGER))
    )
    for minute in range(minutes):
        for number in range(groups):
            counted = max(10 - number, 1)
            world.windows.put(
                metric, TOP - minute * MINUTE, (200 + number,), count=counted, bytes=2**60 + number
            )
    world.windows.marked = TOP - MINUTE
    world.current = [metric]
    return metric


def test_each_group_has_its_column_and_the_whole_is_exact(world: World, browser: Browser) -> None:
    requests(world)
    data = browser.get("/api/chart", metric="requests", range="15m").data
    assert data["end"] - data["begin"] == 15 * 60 + 60
    assert [series["group"] for series in data["series"]] == [["200"], ["201"], ["202"]]
    assert data["series"][0]["values"][-5:] == [10, 10, 10, 10, 10]
    assert data["series"][0]["values"][:-5] == [0] * 11
    assert data["whole"] == "135"
    assert data["other"] is None


def test_sums_beyond_what_javascript_counts_arrive_as_exact_text(world: World, browser: Browser) -> None:
    requests(world, groups=1, minutes=3)
    data = browser.get("/api/chart", metric="requests", figure="bytes", range="15m").data
    assert data["whole"] == str(3 * 2**60)
    assert data["table"][0]["value"] == str(3 * 2**60)
    assert data["series"][0]["values"][-1] == float(2**60)


def test_ten_thousand_groups_become_eight_and_the_exact_rest(world: World, browser: Browser) -> None:
    requests(world, groups=10_000, minutes=2)
    data = browser.get("/api/chart", metric="requests", range="15m").data
    assert data["groups"] == 10_000
    assert len(data["series"]) == 8
    assert len(data["table"]) == 50
    shown = sum(int(row["value"]) for row in data["table"])
    assert int(data["whole"]) == shown + int(data["rest"])
    for place, total in enumerate(data["total"]):
        assert total == data["other"][place] + sum(series["values"][place] for series in data["series"])


def test_what_does_not_add_up_has_no_others(world: World, browser: Browser) -> None:
    metric = world.windows.add(definition("visits", measure("visitors", "distinct", Kind.STRING)))
    for number in range(12):
        world.windows.put(metric, TOP, (number,), visitors=number)
    data = browser.get("/api/chart", metric="visits", range="15m").data
    assert data["figure"]["style"] == "line"
    assert (len(data["series"]), data["groups"], data["other"], data["rest"]) == (8, 12, None, None)
    assert data["series"][0]["values"][0] is None


def test_provisional_windows_are_named_and_the_newest_complete_one_is_told_apart(
    world: World, browser: Browser
) -> None:
    requests(world)
    data = browser.get("/api/chart", metric="requests", range="15m").data
    assert data["provisional"] == [int((TOP - MINUTE).timestamp()), int(TOP.timestamp())]
    assert data["complete"]["start"] == int((TOP - 2 * MINUTE).timestamp())
    assert data["open"]["start"] == int(TOP.timestamp())


def test_before_there_is_a_watermark_everything_is_provisional(world: World, browser: Browser) -> None:
    requests(world)
    world.windows.marked = None
    data = browser.get("/api/chart", metric="requests", range="15m").data
    assert len(data["provisional"]) == 5
    assert (data["complete"], data["watermark"]) == (None, None)


def test_a_long_range_has_fewer_and_longer_steps_that_add_up_to_the_same(
    world: World, browser: Browser
) -> None:
    requests(world, minutes=600)
    week = browser.get("/api/chart", metric="requests", range="7d").data
    assert week["step"] > 60
    assert week["step"] % 60 == 0
    assert (week["end"] - week["begin"]) / week["step"] <= 241
    assert sum(week["total"]) == int(week["whole"]) == 600 * 27
    assert week["complete"]["start"] == int((TOP - 2 * MINUTE).timestamp())


def test_everything_that_is_kept_reaches_from_the_first_window_to_now(world: World, browser: Browser) -> None:
    metric = requests(world)
    world.windows.put(metric, TOP - timedelta(days=40), (500,), count=7, bytes=0)
    data = browser.get("/api/chart", metric="requests", range="all").data
    assert data["begin"] <= (TOP - timedelta(days=40)).timestamp()
    assert data["end"] > TOP.timestamp()
    assert sum(data["total"]) == 5 * 27 + 7


def test_two_moments_of_ones_own_are_kept_to(world: World, browser: Browser) -> None:
    requests(world, minutes=30)
    begin, end = TOP - 20 * MINUTE, TOP - 10 * MINUTE
    data = browser.get("/api/chart", metric="requests", since=begin.isoformat(), until=end.isoformat()).data
    assert (data["begin"], data["end"]) == (begin.timestamp(), end.timestamp())
    assert data["whole"] == str(10 * 27)


def test_a_group_is_found_by_its_text_and_its_field_disappears_from_the_names(
    world: World, browser: Browser
) -> None:
    fields = {"currency": Kind.STRING, "paid": Kind.BOOLEAN}
    metric = world.windows.add(definition("sales", measure("sum", "sum", Kind.DECIMAL), by=fields))
    world.windows.put(metric, TOP, ("EUR", True), sum=Decimal("10.10"))
    world.windows.put(metric, TOP, ("EUR", None), sum=Decimal("-2.00"))
    world.windows.put(metric, TOP, ("USD", True), sum=Decimal(99))

    def ask(**group: Any) -> Any:
        return browser.get("/api/chart", metric="sales", range="15m", group=json.dumps(group)).data

    assert ask(currency="EUR")["whole"] == "8.10"
    assert [row["group"] for row in ask(currency="EUR")["table"]] == [["true"], [None]]
    assert ask(currency="EUR", paid=None)["whole"] == "-2.00"
    assert ask(currency="EUR", paid="true")["series"] == []
    assert ask(currency="CHF")["empty"] is True


def test_quantiles_are_one_figure_each_and_top_values_a_list(world: World, browser: Browser) -> None:
    load = measure("load_ms", "quantiles", Kind.INTEGER, fractions=[0.5, 0.999])
    top = measure("queries", "topk", Kind.STRING, k=10)
    metric = world.windows.add(definition("pages", load, top, by={}))
    values = [{"value": "<b>", "count": 7}, {"value": "tent", "count": 3}]
    world.windows.put(metric, TOP, (), load_ms={"p50": 12.5, "p99.9": 80.0}, queries=values)
    card = browser.get("/api/overview").data["metrics"][0]
    assert [each["name"] for each in card["figures"]] == ["load_ms.p50", "load_ms.p99.9", "queries"]
    assert (
        browser.get("/api/chart", metric="pages", figure="load_ms.p99.9", range="15m").data["whole"] == "80.0"
    )
    assert browser.get("/api/chart", metric="pages", figure="queries", range="15m").data["values"] == values


def test_the_earliest_and_latest_times_are_told_in_words(world: World, browser: Browser) -> None:
    metric = world.windows.add(definition("first", measure("seen", "min", Kind.TIMESTAMP), by={}))
    world.windows.put(metric, TOP, (), seen=datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
    data = browser.get("/api/chart", metric="first", range="15m").data
    assert (data["figure"]["style"], data["whole"]) == ("text", "2026-11-20T12:00:00Z")


def test_values_of_a_field_are_found_by_what_is_typed(world: World, browser: Browser) -> None:
    metric = world.windows.add(definition("requests", by={"agent": Kind.STRING}))
    for name in ("Firefox", "firewall", "A fire", "Chrome", None):
        world.windows.put(metric, TOP, (name,), count=1)
    found = browser.get("/api/values", metric="requests", field="agent", q="FIRE").data
    assert found == {"values": ["Firefox", "firewall", "A fire"], "more": 0}
    assert None in browser.get("/api/values", metric="requests", field="agent").data["values"]


def test_a_table_without_windows_is_an_answer_and_no_error(world: World, browser: Browser) -> None:
    assert browser.get("/api/overview").data["metrics"] == []
    metric = world.windows.add(definition("requests"))
    world.current = [metric]
    data = browser.get("/api/chart", metric="requests").data
    assert (data["empty"], data["whole"], data["series"], data["groups"]) == (True, None, [], 0)


def test_a_removed_metric_and_an_earlier_definition_stay_readable(world: World, browser: Browser) -> None:
    old = world.windows.add(definition("requests", version="a" * 12))
    gone = world.windows.add(definition("sign_ups"))
    world.current = [definition("requests", version="b" * 12)]
    world.windows.known.append(world.current[0])
    world.windows.cells["requests", "b" * 12] = {}
    for metric in (old, gone):
        world.windows.put(metric, TOP, (200,), count=5)
    data = browser.get("/api/overview").data
    assert [(each["id"], each["state"]) for each in data["others"]] == [
        (f"requests@{'a' * 12}", "earlier"),
        (f"sign_ups@{'0' * 12}", "removed"),
    ]
    assert browser.get("/api/chart", metric=f"requests@{'a' * 12}").data["whole"] == "5"
    assert browser.get("/api/chart", metric="sign_ups").data["whole"] == "5"
    assert browser.get("/api/chart", metric="requests").data["empty"] is True
