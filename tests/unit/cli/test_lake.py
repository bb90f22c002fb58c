"""`sluice query --lake`: answers typed, refusals in one line, and a line where there is no lake."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.cli.outputs import FIREHOSE, LakeOutputs, SinkOutputs
from sluice.cli.sinks import booked, lake_of
from sluice.cli.target import Target
from tests.unit.lake.test_athena import Served, Told, state
from tests.unit.local_athena.lake import RAW, VIEWS

LAKE = LakeOutputs(bucket="lake", database=RAW, views_database=VIEWS, workgroup="demo-lake")
REDSHIFT = SinkOutputs(
    function="f", reads=FIREHOSE, firehose="f", destination="redshift", bucket="b", errors="errors/sales/"
)


def with_lake(target: Target, client: Any, monkeypatch: pytest.MonkeyPatch) -> Target:
    found = replace(target, outputs=replace(target.outputs, lake=LAKE))
    found.__dict__["athena"] = client
    monkeypatch.setattr(Target, "find", lambda *_: found)
    return found


def test_an_answer_is_printed_with_its_types(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_lake(target, Served(), monkeypatch)
    sql = "SELECT id, amount, paid_at, CAST(tags AS JSON) AS tags FROM sale ORDER BY id LIMIT 1"
    assert run(["query", "--lake", sql, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": "one",
            "amount": "10.500000000",
            "paid_at": "2026-11-20T08:00:01.123456Z",
            "tags": ["new", "red"],
        }
    ]
    assert run(["query", "--lake", sql]) == 0
    assert "1 row" in capsys.readouterr().out


def test_a_refusal_is_one_line(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_lake(target, Served(), monkeypatch)
    assert run(["query", "--lake", "SELECT nope FROM sale"]) == 2
    assert capsys.readouterr().err.startswith("error: COLUMN_NOT_FOUND: ")


def test_athenas_own_failure_is_no_fault_of_the_query(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Told(state("FAILED", StateChangeReason="Slow down", AthenaError={"ErrorCategory": 1}))
    with_lake(target, client, monkeypatch)
    assert run(["query", "--lake", "SELECT 1"]) not in {0, 2}
    assert capsys.readouterr().err == "error: Athena at the local cloud: Slow down\n"


@pytest.mark.usefixtures("target")
def test_without_a_lake_it_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "--lake", "SELECT 1"]) != 0
    said = capsys.readouterr().err
    assert "has no lake: set `sluice:lake: {enabled: true}` in Pulumi.dev.yaml" in said
    assert said.count("\n") == 1


def test_a_destination_that_nothing_here_speaks_has_books_in_the_cloud_only(target: Target) -> None:
    sinks = {**target.outputs.sinks, "sales": REDSHIFT}
    local = replace(target, outputs=replace(target.outputs, sinks=sinks))
    assert set(booked(local)) == {"memory"}
    assert set(booked(replace(local, endpoints=None))) == {"memory", "sales"}
    lake = lake_of(local, REDSHIFT)
    assert lake is not None
    assert lake.count is None
    assert lake_of(local, sinks["memory"]) is None
