"""`sluice cost` estimates a month of what the program declares."""

import json
from typing import TYPE_CHECKING

import pytest

from sluice.cli.main import run
from sluice.planner.prices import AS_OF, REGION
from tests.infra.conftest import ORDERS

if TYPE_CHECKING:
    from sluice.local.program import Program


@pytest.fixture(autouse=True)
def _ran(programs: "dict[str, Program]", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.local.program.run_program", lambda _root, stack, **_: programs[stack])
    monkeypatch.setenv("COLUMNS", "80")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["cost", "--env", "prod", "--pipeline", str(ORDERS), *arguments]) == 0
    return capsys.readouterr().out


def test_the_parts_of_a_month_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(told(capsys, "--json"))
    items = document["items"]
    assert document["total"] == pytest.approx(sum(each["usd"] for each in items), abs=0.02)
    assert document["fixed"] == pytest.approx(sum(each["usd"] for each in items if each["fixed"]), abs=0.02)
    assert document["prices"] == {"region": REGION, "as_of": AS_OF, "currency": "USD"}
    assert {each["box"] for each in items} >= {"stream", "bigquery-sink", "aggregator", "ledger"}
    assert document["unknown"] == []


def test_more_records_cost_more_and_none_of_it_around_the_clock(capsys: pytest.CaptureFixture[str]) -> None:
    few, many = (json.loads(told(capsys, "--json", "--rate", rate)) for rate in ("10", "1000"))
    assert few["fixed"] == many["fixed"]
    assert few["by_load"] < many["by_load"]


def test_people_see_boxes_and_what_is_paid_for(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert text.startswith("Environment prod: about $")
    for words in ("bigquery-sink", "kinesis.consumer", "around the clock", "Not counted: "):
        assert words in text
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("wrong", [("--rate", "0"), ("--bytes", "0"), ("--rate", "-1")])
def test_a_load_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]) -> None:
    assert run(["cost", *wrong]) == 2
    assert f"{wrong[0]} {wrong[1]}: give a" in capsys.readouterr().err
