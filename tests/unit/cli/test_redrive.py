"""What a redrive must not lose, whatever is missing, broken or in its way."""

import json
from typing import Any

import pytest

from sluice.audit.reading import read_books
from sluice.cli.main import run
from sluice.contract import Contract
from tests.unit.audit.plant import BUCKET, Mended, Plant, visit

pytestmark = pytest.mark.usefixtures("target")


def work_off(plant: Plant) -> None:
    for shard in plant.shards():
        while plant.waiting(shard):
            plant.work(shard, 10)


def called(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert run([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_letter_whose_content_is_gone_holds_up_no_other(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.produce(visit(1, page="/" + "x" * 900_000), visit(2, page="/"))
    work_off(plant)
    stored = plant.s3.list_objects_v2(Bucket=BUCKET)["Contents"][0]["Key"]
    plant.s3.delete_object(Bucket=BUCKET, Key=stored)
    plant.contract = Contract([Mended])
    told = called(capsys, "dlq", "redrive", "--all", status=1)
    assert (told["delivered"], told["not_placed"]) == (1, 1)
    assert stored in told["troubles"][0]
    assert [bool(each["payload_s3"]) for each in called(capsys, "dlq", "list")] == [True]


def test_a_batch_among_its_neighbours_records_is_pointed_to_until_all_of_them_arrived(
    plant: Plant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above parallelization 1 other batches' records lie between those that Lambda gave up on."""
    monkeypatch.setattr("sluice.cli.redrive.PIECE_RECORDS", 2)
    plant.produce(*(("key", visit(n)[1]) for n in range(6)))
    shard = next(each for each in plant.shards() if plant.waiting(each))
    plant.give_up(shard, 6, told=3)
    invoke, pieces = plant.invoke, []

    def until_the_sink_fails(**request: Any) -> dict[str, Any]:
        pieces.append(request)
        if len(pieces) > 2:
            plant.breaks = RuntimeError("no")
        return invoke(**request)

    monkeypatch.setattr(plant, "invoke", until_the_sink_fails)
    assert called(capsys, "dlq", "redrive", "--all", status=1)["not_placed"] == 2
    assert [each["kind"] for each in called(capsys, "dlq", "list")] == ["batch"]
    monkeypatch.setattr(plant, "invoke", invoke)
    plant.breaks = None
    assert called(capsys, "dlq", "redrive", "--all")["not_placed"] == 0
    assert len(plant.sink.held) == 6
    assert called(capsys, "dlq", "list") == []


def test_the_last_batch_of_a_shard_is_not_in_flight_any_more_once_it_was_redriven(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.produce(*(visit(n) for n in range(8)))
    for shard in plant.shards():
        plant.give_up(shard, 8)
    assert read_books(plant.sources).sentences == []
    called(capsys, "dlq", "redrive", "--all")
    books = read_books(plant.sources)
    assert books.sentences == []
    assert books.sinks[0].document() == {
        "delivered": 8,
        "dead_lettered": 0,
        "undelivered": 0,
        "skipped": 0,
        "filtered": 0,
        "in_flight": 0,
        "events": 8,
        "records": 8,
        "stream": "activity",
    }


def test_a_function_that_always_fails_is_not_asked_about_every_record(
    plant: Plant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.produce(*(("key", visit(n, page="/")[1]) for n in range(64)))
    work_off(plant)
    plant.breaks = RuntimeError("the ledger does not answer")
    invoke, calls = plant.invoke, []
    monkeypatch.setattr(plant, "invoke", lambda **request: (calls.append(1), invoke(**request))[1])
    assert called(capsys, "dlq", "redrive", "--all", status=1)["not_placed"] == 64
    assert len(calls) < 20
    assert len(called(capsys, "dlq", "list")) == 64
