"""Dead letters on the command line: over a pipeline that runs, with its real processor and queue."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sluice.audit.reading import read_books
from sluice.cli.letters import find, short_ids
from sluice.cli.main import run
from sluice.contract import Contract
from sluice.errors import UsageError
from tests.unit.audit.plant import Mended, Plant, visit

pytestmark = pytest.mark.usefixtures("target")

SECRET = "hunter2"  # noqa: S105 - what a listing must not show


def work_off(plant: Plant) -> None:
    for shard in plant.shards():
        while plant.waiting(shard):
            plant.work(shard, 10)


def called(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert run([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def refused(plant: Plant) -> Plant:
    """Three records with a field that the contract does not have yet, among good ones."""
    plant.produce(*(visit(n) for n in range(20)), *(visit(100 + n, page=f"/{SECRET}") for n in range(3)))
    work_off(plant)
    return plant


@pytest.mark.usefixtures("refused")
def test_a_listing_names_every_letter_and_shows_no_content(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = called(capsys, "dlq", "list")
    assert len(listed) == 3
    assert {letter["kind"] for letter in listed} == {"contract"}
    assert all("page" in letter["reason"] or letter["field"] == "page" for letter in listed)
    assert SECRET not in json.dumps(listed)
    monkeypatch.setenv("COLUMNS", "140")
    assert run(["dlq", "list"]) == 0
    said = capsys.readouterr().out
    assert SECRET not in said
    assert "3 dead letters" in said
    short = [line.split()[0] for line in said.split("arrived")[1].splitlines()[2:5]]
    assert {called(capsys, "dlq", "show", each)["id"] for each in short} == {each["id"] for each in listed}
    assert len(called(capsys, "dlq", "list")) == 3  # reading takes nothing away


def test_an_empty_queue_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "dlq", "list") == []
    assert run(["dlq", "list"]) == 0
    assert capsys.readouterr().out == "No dead letters.\n"


@pytest.mark.usefixtures("refused")
def test_one_letter_is_shown_by_the_end_of_its_id_and_its_content_only_when_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    letter = called(capsys, "dlq", "list")[0]
    shown = called(capsys, "dlq", "show", letter["id"][-12:])
    assert shown["id"] == letter["id"]
    assert SECRET not in json.dumps(shown)
    assert SECRET in called(capsys, "dlq", "show", letter["id"], "--payload")["payload_text"]
    assert run(["dlq", "show", letter["id"], "--payload"]) == 0
    assert f'"page": "/{SECRET}"' in capsys.readouterr().out


def test_content_cannot_play_tricks_on_the_terminal(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant.produce(("a", b"\x1b[2J\xff[red]\x07"))
    work_off(plant)
    letter = called(capsys, "dlq", "list")[0]
    assert run(["dlq", "show", letter["id"], "--payload"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert r"\x1b[2J\xff[red]\x07" in said


@pytest.mark.parametrize(
    ("wanted", "says"), [("nothing", "no dead letter has this id"), ("", "3 dead letters end so")]
)
@pytest.mark.usefixtures("refused")
def test_an_id_that_names_no_single_letter_is_said(
    wanted: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dlq", "show", wanted]) == 2
    assert says in capsys.readouterr().err


def test_one_record_that_two_sinks_refused_is_told_apart_by_the_sink() -> None:
    places = [f"shardId-000000000001/49000179{n:048}" for n in range(3)]
    letters: Any = [
        SimpleNamespace(id=f"{sink}/{place}") for sink in ("bigquery", "windows") for place in places
    ]
    short = short_ids(letters)
    assert short[letters[0].id] == "bigquery/00000000"
    assert [find(letters, short[each.id]) for each in letters] == letters
    with pytest.raises(UsageError, match=r"of bigquery, windows; .* bigquery/00000001$"):
        find(letters, "00000001")


def test_an_unknown_sink_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dlq", "list", "--sink", "opensearch"]) == 2
    assert "there are memory" in capsys.readouterr().err


def test_redriven_records_are_delivered_with_their_ids_and_the_books_go_on_balancing(
    refused: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = {letter["id"].removeprefix("memory/") for letter in called(capsys, "dlq", "list")}
    refused.contract = Contract([Mended])
    told = called(capsys, "dlq", "redrive", "--all")
    assert told == {"delivered": 3, "refused_again": 0, "skipped": 0, "not_placed": 0, "troubles": []}
    assert ids <= set(refused.sink.held)
    assert called(capsys, "dlq", "list") == []
    books = read_books(refused.sources)
    assert books.sentences == []
    assert books.sinks[0].document() == {
        "delivered": 23,
        "dead_lettered": 0,
        "undelivered": 0,
        "skipped": 0,
        "filtered": 0,
        "in_flight": 0,
        "events": 23,
        "records": 23,
        "stream": "activity",
    }


def test_a_record_that_is_refused_again_stays_a_dead_letter(
    refused: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    told = called(capsys, "dlq", "redrive", "--all", status=1)
    assert (told["delivered"], told["refused_again"]) == (0, 3)
    assert len(called(capsys, "dlq", "list")) == 3
    assert read_books(refused.sources).sentences == []
    refused.contract = Contract([Mended])
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 3
    assert called(capsys, "dlq", "list") == []  # all messages of a letter go, the older ones too
    assert read_books(refused.sources).sentences == []


def test_only_the_named_letter_is_redriven(refused: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    refused.contract = Contract([Mended])
    letters = called(capsys, "dlq", "list")
    assert called(capsys, "dlq", "redrive", letters[1]["id"][-12:])["delivered"] == 1
    assert {each["id"] for each in called(capsys, "dlq", "list")} == {letters[0]["id"], letters[2]["id"]}


def test_a_function_that_fails_costs_no_letter(refused: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    refused.contract = Contract([Mended])
    refused.breaks = MemoryError("too much")
    told = called(capsys, "dlq", "redrive", "--all", status=1)
    assert told["not_placed"] == 3
    assert all("memory-sink failed: MemoryError: too much" in trouble for trouble in told["troubles"])
    assert len(called(capsys, "dlq", "list")) == 3
    assert read_books(refused.sources).sentences == []


@pytest.mark.usefixtures("refused")
def test_a_function_of_an_older_version_costs_no_letter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plant, "processor", lambda _: lambda *_: {"batchItemFailures": []})
    assert run(["dlq", "redrive", "--all"]) == 1
    assert "deploy this version of it first" in capsys.readouterr().err
    assert len(called(capsys, "dlq", "list")) == 3


def test_a_batch_that_lambda_gave_up_on_is_fetched_from_the_stream(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.produce(*(visit(n) for n in range(30)), *(("bad", b"{") for _ in range(2)))
    first = plant.shards()[0]
    given_up = len(plant.waiting(first)[:6])
    plant.give_up(first, 6)
    work_off(plant)
    pointer = next(letter for letter in called(capsys, "dlq", "list") if letter["kind"] == "batch")
    assert pointer["count"] == given_up
    assert "Lambda gave up on" in pointer["reason"]
    told = called(capsys, "dlq", "redrive", pointer["id"])
    assert told["delivered"] == given_up
    assert {letter["kind"] for letter in called(capsys, "dlq", "list")} == {"contract"}
    books = read_books(plant.sources)
    assert books.sentences == []
    assert books.sinks[0].document() == {
        "delivered": 30,
        "dead_lettered": 2,
        "undelivered": 0,
        "skipped": 0,
        "filtered": 0,
        "in_flight": 0,
        "events": 32,
        "records": 32,
        "stream": "activity",
    }


def test_a_letter_whose_content_lies_in_s3_is_redriven_too(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.produce(visit(1, page="/" + "x" * 900_000))
    work_off(plant)
    assert called(capsys, "dlq", "list")[0]["payload_s3"]
    plant.contract = Contract([Mended])
    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 1
    assert called(capsys, "dlq", "list") == []


def test_the_audit_command_prints_the_books_and_says_by_its_status_whether_they_balance(
    refused: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    document = called(capsys, "audit")
    assert document["balanced"] is True
    assert document["sinks"]["memory"]["dead_lettered"] == 3
    assert run(["audit"]) == 0
    assert "The books balance." in capsys.readouterr().out
    refused.sink.held.popitem()
    assert called(capsys, "audit", status=1)["balanced"] is False
    assert run(["audit"]) == 1
    assert "the sink holds 19" in capsys.readouterr().out
