"""Real requests, however they arrive: windows and views give DuckDB's figures over the file, to the digit."""

import gzip
import json
import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sluice.contract.rebase import newest_time, rebase
from sluice.pipeline import load_pipeline
from tests.e2e.conftest import DATA, WEB_REQUESTS, document, local, sluice, wait_until_settled

pytestmark = pytest.mark.e2e

STATUSES = {200: 9126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2}
PUBLISHED_SECONDS = 60
DUCKDB = """
SELECT CAST(epoch(time_bucket(INTERVAL 15 minutes, CAST(requested_at AS TIMESTAMP))) AS BIGINT), status,
       COUNT(*), CAST(SUM(bytes) AS BIGINT)
FROM read_json(?, format='newline_delimited',
               columns={request_id: 'VARCHAR', requested_at: 'VARCHAR', status: 'INTEGER', bytes: 'BIGINT'})
GROUP BY ALL ORDER BY ALL
"""
WINDOWS = """
SELECT UNIX_SECONDS(window_start) AS window_start, status, `count` AS n, bytes
FROM requests_by_status ORDER BY window_start, status
"""

Figures = list[tuple[int, int, int, int | None]]
"""Start of the window in epoch seconds, status, count and bytes, in this order."""


@dataclass
class Site:
    """A local cloud in a terminal of its own, and how many records were put on its stream."""

    project: Path
    produced: int = 0

    def produce(self, file: Path, *options: str) -> int:
        done = document(sluice("produce", str(file), *options, "--json", cwd=self.project))
        self.produced += done["accepted"]
        return int(done["accepted"])

    def settled(self) -> Any:
        return wait_until_settled(self.project, produced=self.produced)

    def query(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = document(sluice("query", sql, "--json", cwd=self.project))
        return rows

    def windows(self, span: range) -> Figures:
        """Return what `sluice windows` prints of the windows that start in these epoch seconds."""
        rows = document(sluice("windows", "requests_by_status", "--json", cwd=self.project))
        figures = [
            (_epoch(row["window_start"]), row["group"]["status"], row["count"], row["bytes"]) for row in rows
        ]
        return sorted(row for row in figures if row[0] in span)

    def view(self, span: range) -> Figures:
        """Return what BigQuery's view says of them."""
        figures = [
            (int(row["window_start"]), int(row["status"]), int(row["n"]), _number(row["bytes"]))
            for row in self.query(WINDOWS)
        ]
        return sorted(row for row in figures if row[0] in span)

    def published(self, expected: Figures, span: range) -> Figures:
        """Return the view's figures, as soon as they are the expected ones or patience is over."""
        patience = time.monotonic() + PUBLISHED_SECONDS
        while (found := self.view(span)) != expected and time.monotonic() < patience:
            time.sleep(0.5)
        return found


def _epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def lines() -> list[bytes]:
    with gzip.open(DATA, "rb") as file:
        return file.read().splitlines()


def rebased(events: list[bytes], newest: datetime, prefix: str) -> list[bytes]:
    """Return the events as if the newest had come then, under ids of their own."""
    contract = load_pipeline(WEB_REQUESTS).contract
    renamed = [line.replace(b'"apache-', f'"{prefix}-'.encode()) for line in events]
    return list(rebase(contract, renamed, newest_time(contract, renamed), now=newest))


def write(path: Path, events: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(events) + b"\n")
    return path


def duckdbs(file: Path) -> tuple[Figures, range]:
    """Return DuckDB's own answer over a file of events, and in which epoch seconds its windows start."""
    with closing(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        figures: Figures = connection.execute(DUCKDB, [str(file)]).fetchall()
    return figures, range(figures[0][0], figures[-1][0] + 1)


@pytest.fixture(scope="module")
def site(project: Path) -> Iterator[Site]:
    with local(project, "--pipeline", str(WEB_REQUESTS)):
        yield Site(project)


def test_the_file_as_it_is_gives_its_own_figures_in_every_window_and_view(site: Site, tmp_path: Path) -> None:
    before = site.produced
    assert site.produce(DATA, "--rebase-time") == 10_000
    books = site.settled()
    assert books["balanced"] is True
    for sink in ("bigquery", "windows"):
        assert books["sinks"][sink]["delivered"] + books["sinks"][sink]["dead_lettered"] == before + 10_000
    found = site.query(
        "SELECT status, COUNT(*) AS n, MAX(requested_at) AS newest "
        "FROM web_request WHERE STARTS_WITH(request_id, 'apache-') GROUP BY status"
    )
    assert {int(row["status"]): int(row["n"]) for row in found} == STATUSES
    newest = max(datetime.fromisoformat(row["newest"]) for row in found)
    expected, span = duckdbs(write(tmp_path / "rebased.ndjson", rebased(lines(), newest, "apache")))
    assert sum(row[2] for row in expected) == 10_000
    assert site.windows(span) == expected
    assert site.published(expected, span) == expected


@pytest.mark.parametrize(("how", "days_ago"), [("shuffled", 10), ("repeated", 20)])
def test_no_order_and_no_duplicate_changes_a_window(
    site: Site, tmp_path: Path, how: str, days_ago: int
) -> None:
    """Late by days, in any order; and with every twentieth event sent a second time."""
    events = rebased(lines(), datetime.now(UTC) - timedelta(days=days_ago), how)
    expected, span = duckdbs(write(tmp_path / "once.ndjson", events))
    shuffling = random.Random(days_ago)  # noqa: S311 - the same order each time
    sent = [*events, *shuffling.sample(events, len(events) // 20)] if how == "repeated" else list(events)
    shuffling.shuffle(sent)
    assert site.produce(write(tmp_path / "sent.ndjson", sent)) == len(sent)
    books = site.settled()
    assert books["balanced"] is True
    assert site.windows(span) == expected
    assert site.published(expected, span) == expected


def test_events_that_are_too_old_become_dead_letters_of_each_sink_that_say_so(
    site: Site, tmp_path: Path
) -> None:
    before = site.settled()
    old = lines()[:400]
    assert site.produce(write(tmp_path / "old.ndjson", old)) == len(old)
    books = site.settled()
    letters = document(sluice("dlq", "list", "--json", cwd=site.project))
    assert books["balanced"] is True
    for sink, said in {"bigquery": "1825 days in the past", "windows": "400 days"}.items():
        ours = [letter for letter in letters if letter["sink"] == sink]
        assert len({letter["id"] for letter in ours}) == len(ours) == len(old)
        was = before["sinks"][sink]
        more = {each: was[each] + len(old) for each in ("events", "records")}
        assert books["sinks"][sink] == {**was, **more, "dead_lettered": len(old)}
        assert all(said in letter["reason"] for letter in ours), ours[0]
        assert all(letter["field"] == "requested_at" or "requested_at" in letter["reason"] for letter in ours)
    assert books["dead_letters"] == len(letters) == 2 * len(old)
    lately = document(sluice("audit", "--since", "1h", "--json", cwd=site.project))
    assert (lately["balanced"], lately["sinks"]) == (True, books["sinks"])
    assert json.loads(old[0])["requested_at"].startswith("2015")
