"""`sluice demo`: everything is accounted for, and nothing is left behind."""

import pytest

from tests.e2e.conftest import document, sluice

pytestmark = pytest.mark.e2e

EVENTS, POISON, DUPLICATES = 3000, 150, 90


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
    assert books["sinks"] == {
        "bigquery": {
            "delivered": EVENTS + DUPLICATES,
            "dead_lettered": POISON,
            "skipped": 0,
            "in_flight": 0,
        }
    }
    assert (books["dead_letters"], books["duplicates"]) == (POISON, DUPLICATES)
    assert books["balanced"] is True
    assert 0 < books["latency_ms"]["p50"] <= books["latency_ms"]["p99"]


def test_a_demo_for_people_answers_questions_and_shows_the_balance() -> None:
    done = sluice("demo", "--events", "500", "--poison", "2", "--shards", "1")
    assert done.returncode == 0, done.stderr
    assert "The books balance." in done.stdout
    assert done.stdout.count("SELECT") == 3
    assert "Traceback" not in done.stderr
