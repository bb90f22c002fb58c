"""`sluice routes`: what is shown of each route, and where events would go."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.cli.routes import consumer_kinds
from sluice.contract import Contract
from sluice.errors import SettingsError
from sluice.patterns import Compiled
from sluice.routes import Route

PIPELINE = """
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from sluice.contract import Event, field
from sluice.pipeline import Pipeline
from sluice.routes import Firehose, Function, Queue, Route, Stream

class Bill(Event, type="bill", id="id", time="at"):
    '''A bill.'''
    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal | None, field("Total", scale=2)] = None

class Ping(Event, type="ping", time="at"):
    '''A sign of life.'''
    at: Annotated[datetime, field("When")]

pipeline = Pipeline(events=[Bill, Ping], routes=[%s])
"""
ROUTES = """
    Route("large", "amount >= 100", types=[Bill], to=Function("fraud"), description="Worth a look"),
    Route("paid", "amount > 0", types=[Bill], to=Stream(consumers=[Function("mailer"), Function("fraud")])),
    Route("signs", "TRUE", types=[Ping, Bill], to=Queue(fifo=True)),
    Route("kept", "amount IS NULL", types=[Bill], to=Firehose()),
"""


def put(folder: Path, routes: str = ROUTES) -> Path:
    (folder / "Pulumi.yaml").write_text("name: mine\nconfig:\n  routes:\n    type: object\n    default: {}\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  mine:routes:\n    paid:\n      consumer: shared\n")
    (folder / "Pulumi.prod.yaml").write_text("config: {}\n")
    (folder / "pipeline.py").write_text(PIPELINE % routes)
    for name in ("fraud", "mailer"):
        (folder / "functions" / name).mkdir(parents=True, exist_ok=True)
        (folder / "functions" / name / "handler.py").touch()
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def compiled(_: Route, __: Contract, *, enhanced: bool) -> Compiled:
        if not enhanced:
            return Compiled((), "it reads as a shared consumer, which filters no aggregates")
        return Compiled(('{"data":{"amount":[{"numeric":[">=",100]}]}}',), "it is a pattern")

    monkeypatch.setattr("sluice.cli.routes_shown.compile_route", compiled)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: tmp_path)
    monkeypatch.delenv("SLUICE_PIPELINE", raising=False)
    monkeypatch.setenv("COLUMNS", "140")
    return put(tmp_path)


def events(*amounts: Any) -> str:
    bills = [
        {"type": "bill", "id": f"b{number}", "at": "2026-11-01T12:00:00Z", "amount": amount}
        for number, amount in enumerate(amounts, start=1)
    ]
    return "".join(json.dumps(bill) + "\n" for bill in bills)


@pytest.mark.usefixtures("project")
def test_each_route_shows_its_sql_its_target_what_decides_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["routes"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    large, paid, signs, kept = said.out.splitlines()[2:6]
    assert large.split("  ")[0] == "large"
    assert "amount >= 100" in large
    assert "functions/fraud" in large
    assert "stream, read by functions/mailer, functions/fraud" in paid
    assert "shared" in paid
    assert "predicate" in paid
    assert "ping, bill" in signs
    assert "FIFO queue" in signs
    assert "Firehose" in kept
    assert "large: Worth a look\n  It is a pattern.\n  {" in said.out
    assert '\n  {"data":{"amount":[{"numeric":[">=",100]}]}}\n' in said.out, "to be copied whole"
    assert "It reads as a shared consumer, which filters no aggregates." in said.out


def test_a_route_to_a_folder_without_a_handler_is_warned_of_by_name(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "functions/mailer/handler.py").unlink()
    assert run(["routes", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)
    assert "route 'paid': functions/mailer has no handler.py; docs/routes.md" in said.err
    assert "functions/fraud " not in said.err


@pytest.mark.usefixtures("project")
def test_programs_get_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["routes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["routes"]
    assert found[1] == {
        "name": "paid",
        "description": "",
        "where": "amount > 0",
        "types": ["bill"],
        "partition": False,
        "target": {"kind": "stream", "consumers": ["mailer", "fraud"]},
        "consumer": "shared",
        "decided_by": "predicate",
        "patterns": [],
        "reason": "it reads as a shared consumer, which filters no aggregates",
    }
    assert [route["target"]["kind"] for route in found] == ["function", "stream", "queue", "firehose"]
    assert [route["decided_by"] for route in found].count("filter pattern") == 3


@pytest.mark.usefixtures("project")
def test_another_environment_has_consumers_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["routes", "--env", "prod", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["routes"]
    assert {route["consumer"] for route in found} == {"enhanced"}
    assert run(["routes", "--env", "moon"]) == 2
    assert "no environment 'moon'" in capsys.readouterr().err


def test_without_settings_consumers_are_taken_for_enhanced_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert consumer_kinds(tmp_path, None) == {}
    assert "every consumer is taken for an enhanced one" in capsys.readouterr().err
    with pytest.raises(SettingsError):
        consumer_kinds(tmp_path, "dev")


def test_a_pipeline_without_routes_says_how_to_have_some(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, "")
    assert run(["routes"]) == 0
    assert "docs/routes.md shows one" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["routes"], ["contract", "show"]])
@pytest.mark.parametrize("sql", ["amuont > 0", "amount > 'x'", "amount >"])
def test_sql_that_does_not_fit_the_contract_is_one_line_that_names_the_route(
    project: Path, capsys: pytest.CaptureFixture[str], sql: str, command: list[str]
) -> None:
    put(project, f'Route("bad", "{sql}", types=[Bill], to=Queue())')
    assert run(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "route 'bad'" in line


def test_each_event_of_a_file_is_sorted_as_the_functions_would(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = project / "events.ndjson.gz"
    ping = '{"type": "ping", "at": "2026-11-01T12:00:00Z"}\n'
    content = events(500, 5, -5, 0, None) + "\n" + ping + "rubbish\n"
    source.write_bytes(gzip.compress(content.encode()))
    assert run(["routes", "--try", str(source), "--json"]) == 0
    tried = json.loads(capsys.readouterr().out)["tried"]
    assert tried["events"] == 6
    assert tried["routes"] == {"large": 1, "paid": 2, "signs": 6, "kept": 1}
    assert [(way["routes"], way["count"]) for way in tried["ways"]] == [
        (["signs"], 3),
        (["paid", "signs"], 1),
        (["signs", "kept"], 1),
        (["large", "paid", "signs"], 1),
    ]
    assert tried["ways"][0]["examples"] == [
        {"line": 3, "what": "bill b3"},
        {"line": 4, "what": "bill b4"},
        {"line": 6, "what": "ping without an id"},
    ]
    assert tried["refused"]["count"] == 1
    assert tried["refused"]["examples"][0]["line"] == 7


def test_people_see_where_events_go_and_which_go_nowhere(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(project, ROUTES.replace("TRUE", "FALSE"))
    (project / "events").write_text(events(500, 5, -5) + "rubbish\n")
    assert run(["routes", "--try", str(project / "events")]) == 0
    said = capsys.readouterr().out
    assert "large and paid" in said
    assert "no route" in said
    assert "nowhere: dead letters" in said
    assert "3 events: 1 in exactly one route, 1 in several, 1 in none." in said
    assert "The contract refuses 1 line" in said


@pytest.mark.usefixtures("project")
def test_a_file_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["routes", "--try", "/nowhere"]) == 2
    assert capsys.readouterr().err.startswith("error: /nowhere: no such file")
