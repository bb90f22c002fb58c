"""Redriving what came in aggregates: event by event, each under its own name, and the books still balance."""

import json
from typing import Any

import pytest

from sluice.audit.reading import read_books
from sluice.cli.main import run
from sluice.contract import Contract
from sluice.records.aggregate import Aggregate
from tests.unit.audit.plant import STREAM, Mended, Plant, visit

pytestmark = pytest.mark.usefixtures("target")


def packed(*records: tuple[str, bytes]) -> tuple[str, bytes]:
    aggregate = Aggregate()
    for key, data in records:
        aggregate.add(key, data)
    return "key", aggregate.encode()


def called(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert run([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_batch_of_aggregates_that_lambda_gave_up_on_is_redriven_event_by_event(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = packed(visit(7), visit(8))
    plant.produce(
        packed(*(visit(n) for n in range(5))),
        ("key", visit(5)[1]),
        packed(visit(6), ("bad", b"{")),
        ("key", whole[1][:-1]),
    )
    shard = next(each for each in plant.shards() if plant.waiting(each))
    plant.give_up(shard, 4)
    assert read_books(plant.sources).sentences == []

    told = called(capsys, "dlq", "redrive", "--all", status=1)

    assert (told["delivered"], told["refused_again"], told["not_placed"]) == (7, 2, 0)
    assert {each["kind"] for each in called(capsys, "dlq", "list")} == {"contract"}
    books = read_books(plant.sources)
    assert books.sentences == []
    (sink,) = books.sinks
    assert (sink.delivered, sink.dead_lettered, sink.total, sink.records) == (7, 2, 9, 4)


def test_events_of_one_aggregate_are_redriven_each_by_itself_out_of_the_stream_they_came_from(
    plant: Plant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.produce(packed(visit(1, page="/"), visit(2), visit(3, page="/"), visit(4, page="/")))
    for shard in plant.shards():
        if plant.waiting(shard):
            plant.work(shard, 10)
    plant.contract = Contract([Mended])
    sources: list[str] = []
    invoke = plant.invoke

    def watched(**request: Any) -> dict[str, Any]:
        sources.extend(entry["eventSourceARN"] for entry in json.loads(request["Payload"])["Records"])
        return invoke(**request)

    monkeypatch.setattr(plant, "invoke", watched)

    assert called(capsys, "dlq", "redrive", "--all")["delivered"] == 3
    assert {source.rpartition("/")[2] for source in sources} == {STREAM}
    assert sorted(held.record.sub_sequence or 0 for held in plant.sink.held.values()) == [0, 1, 2, 3]
    books = read_books(plant.sources)
    assert (books.sentences, books.sinks[0].delivered, books.dead_letters) == ([], 4, 0)
