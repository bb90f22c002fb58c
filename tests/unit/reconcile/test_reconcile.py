"""`sluice reconcile`: what BigQuery sees otherwise is found to the event, and mended to the last digit."""

import json
import math
import statistics
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.metrics import Count, Metric
from sluice.windows import correction
from sluice.windows.reader import WindowReader
from tests.unit.reconcile.world import METRIC, Row, Sale, World, place, sale


def reconciled(capsys: pytest.CaptureFixture[str], *options: str, status: int = 0) -> Any:
    assert run(["reconcile", "sales", *options, "--json"]) == status, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def figures(world: World) -> dict[Any, dict[str, Any]]:
    reader = WindowReader(world.windows.dynamodb, "windows", days=30)
    return {
        (int(row.window_start.timestamp()), tuple(row.group.values())): dict(row.values)
        for row in reader.read("sales")
    }


def plain(rows: list[Row]) -> dict[Any, dict[str, Any]]:
    """The figures that can be compared, as plain Python computes them."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(place(row), []).append(row)
    found = {}
    for where, held in groups.items():
        prices = [Decimal(row["price"]) for row in held]
        weights = [row["weight"] for row in held if row.get("weight") is not None]
        pieces = [row["pieces"] for row in held if row.get("pieces") is not None]
        found[where] = {
            "events": len(held),
            "pieces": sum(pieces) if pieces else None,
            "revenue": sum(prices),
            "weight": math.fsum(weights) if weights else None,
            "typical": math.fsum(weights) / len(weights) if weights else None,
            "spread": float(statistics.variance(map(Fraction, prices))) if len(prices) > 1 else None,
            "least": min(prices),
            "sizes": len(set(pieces)),
        }
    return found


def compared(world: World) -> dict[Any, dict[str, Any]]:
    return {
        where: {name: value for name, value in values.items() if name != "median"}
        for where, values in figures(world).items()
    }


SALES = [
    sale(1, 0, pieces=3, weight=0.1, price="1.10", device={"model": "a"}),
    sale(2, 1, pieces=4, weight=0.2, price="2.25", device={"model": "a"}),
    sale(3, 14, pieces=None, weight=1e-300, price="0.01", device={"model": "a"}),
    sale(4, 16, pieces=-5, weight=1e300, price="3.33"),
    sale(5, 17, pieces=2**62, weight=-1e300, price="9.99"),
    sale(6, 40, pieces=2**62, weight=0.30000000000000004, price="7", device={"model": "ü" * 1500}),
    sale(7, 41, type="refund", pieces=7, weight=None, price="5"),
]


def test_windows_that_are_right_agree(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.insert(*SALES, sale(8, 3, price="-1"))  # which the metric's filter leaves out
    world.count(*SALES)
    world.settle()
    found = reconciled(capsys)
    assert found["differences"] == []
    assert (found["windows"], found["counted_twice"], found["missing"]) == (3, 0, 0)
    assert found["groups"] == 4
    assert run(["reconcile", "sales"]) == 0
    assert capsys.readouterr().out == "All agree: 4 groups in 3 windows.\n"


def test_duplicates_are_found_and_taken_out_to_the_last_digit(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.insert(*SALES, SALES[1], SALES[3], SALES[3])
    world.count(*SALES, SALES[1], SALES[3], SALES[3])
    world.settle()
    found = reconciled(capsys, status=1)
    assert (found["counted_twice"], found["missing"], found["mended"]) == (3, 0, False)
    assert [(each["windows"]["events"], each["bigquery"]["events"]) for each in found["differences"]] == [
        (4, 3),
        (4, 2),
    ]
    assert found["differences"][0]["bigquery"]["revenue"] == "3.36"
    assert found["not_mendable"] == ["median"]
    assert run(["reconcile", "sales"]) == 1
    said = capsys.readouterr().out
    assert "2 of 4 groups in 3 windows differ: 3 events too many, 0 missing." in said
    assert "What duplicates did to median stays: sketches cannot be taken back." in said
    median = {where: values["median"] for where, values in figures(world).items()}
    assert reconciled(capsys, "--mend")["mended"]
    assert compared(world) == plain(SALES)
    assert {where: values["median"] for where, values in figures(world).items()} == median
    assert reconciled(capsys)["differences"] == []


def test_what_the_windows_lack_is_found_and_put_in(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.insert(*SALES)
    world.count(SALES[0])
    world.settle()
    assert reconciled(capsys, "--mend")["missing"] == 6
    assert compared(world) == plain(SALES)
    assert reconciled(capsys)["differences"] == []


def test_only_what_both_have_passed_is_compared(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.insert(*SALES[:3])
    world.count(*SALES[:3])
    world.insert(*SALES[3:])  # which the windows have not come to
    world.settle()
    assert reconciled(capsys)["differences"] == []


def test_a_time_leaves_older_windows_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.insert(*SALES)
    world.count(*SALES, SALES[0], SALES[3])
    world.settle()
    second_window = sale(0, 20)["at"]
    found = reconciled(capsys, "--since", second_window, "--mend")
    assert found["counted_twice"] == 1
    assert reconciled(capsys, status=1)["counted_twice"] == 1


def test_a_sink_that_is_behind_is_waited_for_and_named(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.cli.reconcile.WAIT_SECONDS", 0)
    world.insert(*SALES)
    world.count(*SALES)
    for state in ("closed", "open"):
        world.settle(6)
        world.settle(7, state=state, first=7) if state == "open" else None
        assert run(["reconcile", "sales"]) == 3
        assert "the bigquery sink is behind the windows in shardId-000000000000" in capsys.readouterr().err
    world.settle(7, first=2)  # a later attempt, cut otherwise
    world.settle(7, state="open", first=3)
    assert reconciled(capsys)["differences"] == []


def test_dead_letters_of_the_windows_are_no_loss(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.insert(*SALES)
    world.count(*SALES[1:])
    world.settle()
    world.letter("windows", 1)
    found = reconciled(capsys)
    assert found["differences"] == []
    assert found["notes"] == ["1 records are dead letters of the windows and left out: redrive them"]


def test_what_a_redrive_would_bring_back_is_not_mended_away(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.insert(*SALES[1:])
    world.count(*SALES)
    world.settle()
    world.letter("bigquery", 1)
    assert reconciled(capsys, status=1)["counted_twice"] == 1
    assert run(["reconcile", "sales", "--mend"]) == 3
    assert "1 records are dead letters of the BigQuery sink alone" in capsys.readouterr().err
    assert reconciled(capsys, status=1)["counted_twice"] == 1


def test_of_two_that_mend_at_once_one_counts(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.insert(*SALES)
    world.count(*SALES, SALES[0])
    world.settle()
    correct = correction.correct

    def raced(*args: Any, **options: Any) -> None:
        monkeypatch.setattr(correction, "correct", correct)
        assert run(["reconcile", "sales", "--mend", "--json"]) == 0
        correct(*args, **options)

    monkeypatch.setattr(correction, "correct", raced)
    assert run(["reconcile", "sales", "--mend"]) == 3
    assert "sales: it was corrected or changed by somebody else meanwhile" in capsys.readouterr().err
    assert reconciled(capsys)["differences"] == []
    assert compared(world) == plain(SALES)


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("sale", "the pipeline has no such metric; did you mean sales?"),
        ("sketchy", "sketchy has only figures that cannot be compared one by one (most)"),
    ],
)
def test_what_cannot_be_compared_is_said(
    metric: str, says: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    del world
    assert run(["reconcile", metric]) == 2
    assert says in capsys.readouterr().err


def test_a_pipeline_file_that_is_not_deployed_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Metric("sales", events=[Sale], window="1m", measures={"n": Count()}).definition
    world.windows.define(other)
    assert run(["reconcile", "sales"]) == 2
    assert f"counts the version {other.version} of it, and this pipeline file declares {METRIC.version}" in (
        capsys.readouterr().err
    )
