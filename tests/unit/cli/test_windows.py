"""`sluice windows` over a table in moto: exact answers, marked while they may change."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.cli.options import moment
from sluice.cli.target import Target
from sluice.cli.windows_shown import draw
from sluice.metrics import Count, Metric
from sluice.windows.keys import current_key
from tests.unit.cli.sales import SALES, SEARCHES, Sale
from tests.unit.windows.planted import Planted


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(["windows", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("filled")
def test_json_is_one_list_of_windows_and_groups_with_exact_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    group = {"country": "AT", "day": "2026-11-20", "paid": True, "amount": "9.9"}
    nobody = {"country": None, "day": None, "paid": False, "amount": "0"}
    third = 1 / 3
    assert called(capsys, "sales") == [
        {
            "window_start": "2026-11-20T11:00:00Z",
            "group": nobody,
            "count": 1,
            "total": "5",
            "took": third,
            "provisional": False,
        },
        {
            "window_start": "2026-11-20T11:00:00Z",
            "group": group,
            "count": 2,
            "total": "0.3",
            "took": third,
            "provisional": False,
        },
        {
            "window_start": "2026-11-20T11:30:00Z",
            "group": group,
            "count": 1,
            "total": "7",
            "took": third,
            "provisional": True,
        },
    ]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("groups", "totals"),
    [
        (["country=AT"], ["0.3", "7"]),
        (["country=NULL"], ["5"]),
        (["country=AT", "country=NULL"], ["5", "0.3", "7"]),
        (["country=AT", "paid=false"], []),
        (["day=2026-11-20"], ["0.3", "7"]),
        (["paid=FALSE"], ["5"]),
        (["amount=9.9"], ["0.3", "7"]),
    ],
)
def test_groups_are_picked_by_value_whatever_its_kind(
    groups: list[str], totals: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = [word for group in groups for word in ("--group", group)]
    assert [row["total"] for row in called(capsys, "sales", *options)] == totals


@pytest.mark.usefixtures("filled")
def test_a_time_leaves_out_windows_that_do_not_touch_it(capsys: pytest.CaptureFixture[str]) -> None:
    since = called(capsys, "sales", "--since", "2026-11-20T11:20Z")
    assert [row["total"] for row in since] == ["7"]
    assert len(called(capsys, "sales", "--until", "2026-11-20T11:30Z")) == 2
    assert called(capsys, "sales", "--since", "2099-01-01") == []


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sale"], "sale: no such metric; did you mean sales?"),
        (["sales", "--group", "contry=AT"], "not grouped by contry; did you mean country?"),
        (["sales", "--group", "country=ATT"], "country has no such value; did you mean AT?"),
        (["sales", "--group", "country"], "write FIELD=VALUE, such as --group country=..."),
        (["sales", "--group", "day=soon"], "day is a DATE; give a day like 2026-11-20, or NULL"),
        (["sales", "--group", "paid=1"], "paid is a BOOLEAN; give true or false, or NULL"),
        (["sales", "--group", "amount=much"], "give a number like 9.99"),
        (["searches", "--group", "a=b"], "searches is not grouped by a; it has no groups"),
        (["sales", "--measure", "totl"], "no such figure; did you mean total?"),
        (["sales", "--since", "soon"], "--since soon: give a time span like 30m"),
        (["--follow"], "name a metric; `sluice windows` alone lists them"),
        (["sales", "--limit", "0"], "--limit 0: give a whole number of 1 or more"),
        (["sales", "--spark", "--json"], "--spark draws; leave it out with --json"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["windows", *arguments]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.usefixtures("filled")
def test_a_table_marks_what_may_still_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["windows", "sales"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == [
        "window",
        "(UTC)",
        "country",
        "day",
        "paid",
        "amount",
        "count",
        "total",
        "took",
        "state",
    ]
    assert [line.split()[-1] for line in said[2:5]] == ["complete", "complete", "provisional"]
    assert said[2].split()[:4] == ["2026-11-20", "11:00", "NULL", "NULL"]
    assert said[-1] == "A provisional window may still change: counted up to 2026-11-20 11:15:00 UTC."
    assert run(["windows", "sales", "--limit", "1", "--measure", "count"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "11:30" in said[2]
    assert "total" not in said[0]
    assert said[3] == "The newest 1 of 3 rows; --limit shows more."


def test_quantiles_and_top_values_have_columns_that_can_be_read(
    table: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    terms, took = (measure.signature for measure in SEARCHES.measures)
    table.segment("s1", (SEARCHES, "11:07", {(): {terms: ["a", "b", "a"], took: [1.0, 2.0, 3.0]}}), late=3)
    assert run(["windows", "searches"]) == 0
    said = capsys.readouterr().out
    assert "a (2), b (1)" in said
    assert "took p50" in said
    assert "late" in said
    [row] = called(capsys, "searches")
    assert row["terms"] == [{"value": "a", "count": 2}, {"value": "b", "count": 1}]
    assert row["took"] == {"p50": 2.0, "p99": 3.0}
    assert run(["windows", "searches", "--spark"]) == 0
    assert "took p50" in capsys.readouterr().out
    assert run(["windows", "searches", "--spark", "--measure", "terms"]) == 2
    assert "no number to draw" in capsys.readouterr().err


@pytest.mark.usefixtures("filled")
def test_a_sparkline_draws_each_group_with_its_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["windows", "sales", "--spark", "--measure", "total"]) == 0
    said = capsys.readouterr().out
    assert "total, 3 windows of 900 s" in said
    drawn = next(line for line in said.splitlines() if "country=AT" in line)
    assert "▁ █" in drawn
    assert drawn.split()[-3:] == ["0.3", "7", "7~"]
    assert "A provisional window (~) may still change" in said


def test_blocks_rise_from_zero_or_the_least_below_it() -> None:
    assert draw([0, 7, None, 14]) == "▁▅ █"
    assert draw([-10, 0, 10]) == "▁▅█"
    assert draw([5, 5]) == "██"
    assert draw([0, 0]) == "▁▁"
    assert draw([]) == ""
    assert draw([0, 1], plain=True) == "_#"


def test_the_metrics_are_listed_with_what_became_of_them(
    table: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = Metric("sales", events=[Sale], window="1m", measures={"count": Count()}).definition
    table.define(changed, current={"sales": changed.version})
    assert run(["windows"]) == 0
    said = capsys.readouterr().out
    states = [line.rstrip().rpartition("  ")[2].strip() for line in said.splitlines()[2:5]]
    assert states == [f"earlier, {SALES.version}", "counting", "removed"]
    assert "Nothing is complete yet." in said
    listed = called(capsys)
    assert listed["watermark"] is None
    assert [(each["name"], each["current"], each["removed"]) for each in listed["metrics"]] == [
        ("sales", False, False),
        ("sales", True, False),
        ("searches", False, True),
    ]
    assert listed["metrics"][2]["measures"][0]["error"].startswith("each count within")


def test_what_a_metric_counted_before_it_was_changed_is_shown_when_asked_for(
    filled: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = Metric("sales", events=[Sale], window="1m", measures={"count": Count()}).definition
    filled.define(changed)
    filled.segment("s1", (changed, "11:40", {(): {"count": [1]}}))
    assert run(["windows", "sales", "--json"]) == 0
    captured = capsys.readouterr()
    assert [row["group"] for row in json.loads(captured.out)] == [{}]
    assert captured.err == (
        "note: 3 rows of what sales counted before it was changed are left out; --all-versions shows them\n"
    )
    rows = called(capsys, "sales", "--all-versions")
    assert [row["version"] for row in rows] == [SALES.version] * 3 + [changed.version]
    assert run(["windows", "sales", "--all-versions"]) == 0
    assert changed.version in capsys.readouterr().out


def test_a_metric_that_has_counted_nothing_yet_has_no_windows(
    table: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(capsys, "fresh") == []
    assert run(["windows", "fresh"]) == 0
    assert capsys.readouterr().out.startswith("No windows yet")
    table.dynamodb.delete_item(TableName="windows", Key=current_key())
    assert called(capsys, "sales") == []


def test_before_anything_is_counted_the_declared_metrics_are_named(
    table: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    for item in table.dynamodb.scan(TableName="windows")["Items"]:
        table.dynamodb.delete_item(TableName="windows", Key={"pk": item["pk"], "sk": item["sk"]})
    assert run(["windows"]) == 0
    assert capsys.readouterr().out == "Nothing has been counted yet. The pipeline declares fresh.\n"


def test_a_stack_without_windows_is_told(
    monkeypatch: pytest.MonkeyPatch, table: Planted, capsys: Any
) -> None:
    target = Target.find(Path(), None)
    without = replace(target, outputs=replace(target.outputs, windows_table=None))
    monkeypatch.setattr(Target, "find", lambda *_: without)
    assert run(["windows"]) == 3
    assert "does not export windows_table" in capsys.readouterr().err
    del table


def test_times_before_and_ahead_are_understood() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert moment("--since", "90s", now) == datetime(2026, 11, 20, 11, 58, 30, tzinfo=UTC)
    assert moment("--until", "2027-01-01", now, ahead=True) == datetime(2027, 1, 1, tzinfo=UTC)
