"""Records that end whoever reads them are put aside in each sink, and all beside them is delivered."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sluice.deadletters import DeadLetter, read_queue
from tests.e2e.conftest import ROOT, of_sink, running

pytestmark = pytest.mark.e2e

DEADLY = ROOT / "tests" / "pipelines" / "deadly.py"
FATES = {7: "exit", 8: "memory", 40: "hang"}
OVERRIDES = {
    "bigquery_sink": {"timeout_seconds": 6, "memory_mb": 256},
    "aggregator": {"timeout_seconds": 6, "memory_mb": 256, "tumbling_window_seconds": 1},
}


def test_records_that_kill_the_runtime_are_put_aside_without_hands() -> None:
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    records = [
        json.dumps({"type": "visit", "id": f"v{n}", "at": at, "fate": FATES.get(n)}).encode()
        for n in range(60)
    ]
    with running(DEADLY, shards=1, overrides=OVERRIDES) as plant:
        plant.send(records)
        books = plant.books(stuck_seconds=60)
        visits = plant.rows("SELECT id FROM visit ORDER BY id")
        counted = plant.rows("SELECT SUM(`count`) AS n FROM visits")
        letters = read_queue(plant.target.sqs, plant.target.outputs.dead_letter_queue_url)
    assert books.balanced, books.problems
    for name in ("bigquery", "windows"):
        sink = of_sink(books, name)
        assert (sink.delivered, sink.dead_lettered, sink.in_flight) == (57, 3, 0), name
    assert {row["id"] for row in visits} == {f"v{n}" for n in range(60)} - {f"v{n}" for n in FATES}
    assert counted == [{"n": 57}]
    crashed = [
        (letter.sink, letter.kind, json.loads(letter.payload or b"")["id"])
        for letter in letters
        if isinstance(letter, DeadLetter)
    ]
    assert sorted(crashed) == sorted(
        (sink, "crash", f"v{n}") for sink in ("bigquery", "windows") for n in FATES
    )
