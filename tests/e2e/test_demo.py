"""`sluice demo`: everything is accounted for, and nothing is left behind."""

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import document, local, settings_as_they_come, sluice

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


def test_a_served_demo_answers_questions_shows_windows_and_the_balance_and_goes_on(project: Path) -> None:
    def shown() -> tuple[int, bool]:
        """How many events all windows have, and whether the newest one is still open."""
        rows = document(sluice("windows", "activity", "--json", cwd=project))
        return sum(row["events"] for row in rows), bool(rows) and rows[-1]["provisional"]

    options = ("--serve", "--events", "500", "--poison", "2", "--shards", "1")
    with settings_as_they_come(project), local(project, *options, command="demo") as process:
        for _ in range(120):
            events, is_open = shown()
            if events > 500 and is_open:
                break
            time.sleep(1)
        else:
            raise AssertionError(f"no event that happens now after the first 500: {shown()}")
        audited = sluice("audit", "--json", cwd=project)
        assert document(audited)["balanced"], audited.stderr
        process.send_signal(signal.SIGINT)
        told, err = process.communicate(timeout=30)
    assert "The books balance." in told
    assert told.count("SELECT") == 4  # three of BigQuery, one of the lake
    drawn, _, listed = told.partition("sluice windows page_views --limit 8")
    assert "type=transaction" in drawn
    assert "provisional" in listed or "complete" in listed  # as the minute has it
    assert listed.index("android") < listed.index("sluice routes") < listed.index("Where every record is")
    assert "amount >= 0   functions/transactions" in listed
    assert listed.index("sluice search 'tags:museum") < listed.index("sluice query --lake")
    assert "Traceback" not in err
