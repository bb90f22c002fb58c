"""`sluice demo`: everything is accounted for, and nothing is left behind."""

from pathlib import Path

import pytest

from tests.e2e.conftest import document, local, sluice

pytestmark = pytest.mark.e2e

EVENTS, POISON, DUPLICATES = 1000, 50, 30


def test_every_record_of_a_demo_is_in_exactly_one_state() -> None:
    done = sluice(
        "demo", "--events", str(EVENTS), "--poison", "5", "--duplicates", "3", "--seed", "7", "--json"
    )
    books = document(done)
    assert done.returncode == 0, done.stderr
    assert set(books) >= {
        "produced", "sinks", "dead_letters", "duplicates", "balanced", "elapsed_seconds", "latency_ms",
    }  # fmt: skip
    assert books["produced"] == EVENTS + POISON + DUPLICATES
    states = ("delivered", "dead_lettered", "skipped", "in_flight")
    sinks = {name: tuple(sink[state] for state in states) for name, sink in books["sinks"].items()}
    whole = {"bigquery", "lake", "search", "windows"}
    assert set(sinks) == whole | {"payments", "refunds"}
    for sink in whole:
        assert sinks[sink] == (EVENTS + DUPLICATES, POISON, 0, 0), sink
    for route in ("payments", "refunds"):
        assert sum(sinks[route]) == books["produced"]
        assert sinks[route][0] > 0
    letters = sum(sink["dead_lettered"] for sink in books["sinks"].values())
    assert (books["dead_letters"], books["duplicates"]) == (letters, DUPLICATES)
    assert books["balanced"] is True
    assert 0 < books["latency_ms"]["p50"] <= books["latency_ms"]["p99"]


def test_a_demo_for_people_answers_questions_and_shows_windows_and_the_balance() -> None:
    done = sluice("demo", "--events", "500", "--poison", "2", "--shards", "1")
    assert done.returncode == 0, done.stderr
    assert "The books balance." in done.stdout
    assert done.stdout.count("SELECT") == 4  # three of BigQuery, one of the lake
    drawn, _, listed = done.stdout.partition("sluice windows page_views --limit 8")
    assert "type=transaction" in drawn
    assert "provisional" in listed or "complete" in listed  # as the minute has it
    assert listed.index("android") < listed.index("sluice routes") < listed.index("Where every record is")
    assert "amount >= 0   functions/transactions" in listed
    assert listed.index("sluice search 'tags:museum") < listed.index("sluice query --lake")
    assert "Traceback" not in done.stderr


def test_a_served_demo_goes_on_with_events_that_happen_as_they_arrive(project: Path) -> None:
    def shown() -> tuple[int, bool]:
        """How many events all windows have, and whether the newest one is still open."""
        rows = document(sluice("windows", "activity", "--json", cwd=project))
        return sum(row["events"] for row in rows), bool(rows) and rows[-1]["provisional"]

    with local(project, "--serve", "--events", "400", command="demo"):
        for _ in range(200):
            events, is_open = shown()
            if events > 400 and is_open:
                break
        else:
            raise AssertionError(f"no event that happens now after the first 400: {shown()}")
        books = document(sluice("audit", "--json", cwd=project))
        assert books["balanced"], books
