"""Real events: the view gives the file's own figures, and what is too old says so."""

from pathlib import Path

import pytest

from tests.e2e.conftest import DATA, WEB_REQUESTS, document, local, sluice, wait_until_settled

pytestmark = pytest.mark.e2e

STATUSES = {200: 9126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2}
BY_STATUS = "SELECT status, COUNT(*) AS n FROM web_request GROUP BY status"


def test_the_analysts_view_gives_the_files_own_figures_even_when_all_is_sent_twice(project: Path) -> None:
    with local(project, "--pipeline", str(WEB_REQUESTS)):
        lines = sluice("produce", str(DATA), "--rebase-time", "--json", cwd=project)
        once = wait_until_settled(project, produced=10_000)
        rows = document(sluice("query", BY_STATUS, "--json", cwd=project))
    assert document(lines)["accepted"] == 10_000
    assert once["sinks"]["bigquery"] == {
        "delivered": 10_000,
        "dead_lettered": 0,
        "skipped": 0,
        "in_flight": 0,
    }
    assert once["balanced"] is True
    assert {int(row["status"]): int(row["n"]) for row in rows} == STATUSES


def test_events_that_are_too_old_become_dead_letters_that_say_so(project: Path) -> None:
    with local(project, "--pipeline", str(WEB_REQUESTS), "--shards", "1"):
        sluice("produce", str(DATA), "--json", cwd=project)
        books = wait_until_settled(project, produced=10_000)
        letters = document(sluice("dlq", "list", "--json", cwd=project))
    assert books["sinks"]["bigquery"]["dead_lettered"] == books["dead_letters"] == 10_000
    assert books["balanced"] is True
    assert len({letter["id"] for letter in letters}) == len(letters) == 10_000
    assert all("1825 days in the past" in letter["reason"] for letter in letters)
    assert all(letter["field"] == "requested_at" or "requested_at" in letter["reason"] for letter in letters)
