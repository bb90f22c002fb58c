"""What the demo prints and how it ends: a pipeline in this process stands in for the local cloud."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from sluice.cli import demonstration
from sluice.cli.answers import Answer
from sluice.cli.main import run
from sluice.cli.target import Target
from sluice.contract import Contract
from sluice.errors import QueryError
from sluice.pipeline import load_pipeline
from tests.unit.audit.plant import Plant

PIPELINE = """
from datetime import datetime
from typing import Annotated
from sluice.contract import Event, field
from sluice.pipeline import Pipeline

class Visit(Event, type="visit", id="id", time="at"):
    \"\"\"A visit.\"\"\"
    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]

pipeline = Pipeline(events=[Visit])
"""


class Cloud:
    """Works off what the plant's stream holds as soon as someone waits for it."""

    def __init__(self, plant: Plant, *, drains: bool = True) -> None:
        self._plant = plant
        self._drains = drains
        self.closed = False
        self.shards: int | None = None
        self.limits: bool | None = None
        self.warnings: list[str] = []

    def __call__(self, _root: Path, _pipeline: Path, *, shards: int | None, limits: bool) -> Self:
        self.shards, self.limits = shards, limits
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def wait_drained(self, _stuck_seconds: float, *, on_progress: Callable[[int], None]) -> bool:
        on_progress(7)
        for shard in self._plant.shards():
            while self._plant.waiting(shard):
                self._plant.work(shard, 100)
        on_progress(0)
        return self._drains


@pytest.fixture
def cloud(plant: Plant, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    pipeline = tmp_path / "pipeline.py"
    pipeline.write_text(PIPELINE)
    monkeypatch.setenv("SLUICE_PIPELINE", str(pipeline))
    plant.contract = Contract(load_pipeline(pipeline).events)
    cloud = Cloud(plant)
    monkeypatch.setattr(demonstration, "LocalCloud", cloud)
    monkeypatch.setattr(demonstration, "target_of", lambda *_: target)
    monkeypatch.setattr(demonstration, "ask", lambda *_: Answer(("name", "n"), (("a", 1), (None, 2))))
    return cloud


def test_the_document_holds_what_was_asked_for_and_nothing_else_is_printed(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["demo", "--events", "200", "--poison", "5", "--duplicates", "3", "--shards", "2", "--json"]) == 0
    )
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert said.err == ""
    assert document.pop("elapsed_seconds") > 0
    assert set(document.pop("latency_ms")) == {"p50", "p99"}
    assert document == {
        "produced": 216,
        "sinks": {
            "memory": {
                "delivered": 206,
                "dead_lettered": 10,
                "undelivered": 0,
                "skipped": 0,
                "filtered": 0,
                "in_flight": 0,
                "events": 216,
                "records": 216,
                "stream": "activity",
            }
        },
        "dead_letters": 10,
        "duplicates": 6,
        "balanced": True,
    }
    assert cloud.closed
    assert cloud.shards == 2
    assert cloud.limits is False


@pytest.mark.usefixtures("cloud")
def test_people_see_the_balance_three_questions_with_answers_and_what_to_try_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["demo", "--events", "20"]) == 0
    said = capsys.readouterr().out
    assert said.count("SELECT") >= 3
    assert said.count("NULL") == 3
    assert "The books balance." in said
    assert "Next: sluice demo --pipeline " in said
    assert "pipeline.py --poison 5 --duplicates 3 --serve" in said


@pytest.mark.usefixtures("cloud")
def test_what_the_program_warns_of_is_said(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.warnings = ["made afresh and empty, instead of used, is stream"]
    assert run(["demo", "--events", "5", "--json"]) == 0
    assert capsys.readouterr().err == "warning: made afresh and empty, instead of used, is stream\n"


def test_shards_are_throttled_when_that_is_asked_for(cloud: Cloud) -> None:
    assert run(["demo", "--events", "5", "--limits", "--json"]) == 0
    assert cloud.limits is True


@pytest.mark.usefixtures("cloud")
def test_no_events_are_a_demo_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--events", "0", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["produced"] == 0
    assert document["balanced"] is True
    assert document["latency_ms"] == {"p50": None, "p99": None}
    assert run(["demo", "--events", "0"]) == 0


@pytest.mark.usefixtures("cloud")
def test_lines_of_a_file_are_sent_instead_of_fakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "events"
    source.write_text('{"type": "visit", "id": "1", "at": "2026-11-01T00:00:00Z"}\n\nno event\n')
    assert run(["demo", "--input", str(source), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["sinks"]["memory"] == {
        "delivered": 1,
        "dead_lettered": 1,
        "undelivered": 0,
        "skipped": 0,
        "filtered": 0,
        "in_flight": 0,
        "events": 2,
        "records": 2,
        "stream": "activity",
    }


def test_books_that_do_not_balance_end_with_status_1_and_say_why(
    cloud: Cloud, plant: Plant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = cloud.wait_drained

    def losing(seconds: float, **more: Any) -> bool:
        drained = wait(seconds, **more)
        plant.sink.held.popitem()
        return drained

    monkeypatch.setattr(cloud, "wait_drained", losing)
    assert run(["demo", "--events", "20", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["balanced"] is False
    assert "the ledger says 20 delivered, the sink holds 19" in said.err
    assert run(["demo", "--events", "20"]) == 1
    said = capsys.readouterr()
    assert "The books do not balance:" in said.out
    assert cloud.closed


def test_a_sink_that_never_finishes_ends_with_status_1(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud, "_drains", False)
    assert run(["demo", "--events", "5"]) == 1
    assert "settled nothing for 120 seconds" in capsys.readouterr().out


@pytest.mark.usefixtures("cloud")
def test_a_question_that_the_local_bigquery_refuses_is_told_in_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> Answer:
        raise QueryError("FOO is not supported by the local BigQuery")

    monkeypatch.setattr(demonstration, "ask", refused)
    assert run(["demo", "--events", "5"]) == 0
    assert capsys.readouterr().out.count("FOO is not supported by the local BigQuery") == 3


def test_the_local_cloud_stops_when_producing_fails(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "broken.gz"
    source.write_bytes(b"\x1f\x8b\x08 and then rubbish")
    assert run(["demo", "--input", str(source)]) == 2
    assert "broken.gz: cannot be read to its end" in capsys.readouterr().err
    assert not cloud.closed  # it was found out before anything was started


def test_an_interrupted_demo_stops_the_local_cloud(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(cloud, "wait_drained", interrupted)
    assert run(["demo", "--events", "5"]) == 130
    assert cloud.closed
