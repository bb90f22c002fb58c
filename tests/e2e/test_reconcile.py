"""A metric without dedupe counts what is sent twice; reconciling finds it and takes it out, everywhere."""

import gzip
import json
import time
from collections import Counter
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from sluice.contract.rebase import newest_time, rebase
from sluice.pipeline import load_pipeline
from tests.e2e.conftest import DATA, WEB_REQUESTS, document, local, sluice, wait_until_settled

pytestmark = pytest.mark.e2e

REQUESTS, EVERY = 3_000, 7
"""So many lines are sent, and one of so many a second time."""

PUBLISHED_SECONDS = 60

Figures = dict[tuple[datetime, int], tuple[int, int]]
"""Count and bytes by window and status."""


def events() -> list[bytes]:
    """Real requests, as if the newest had come just now."""
    contract = load_pipeline(WEB_REQUESTS).contract
    with gzip.open(DATA, "rb") as file:
        lines = list(islice(file, REQUESTS))
    return list(rebase(contract, lines, newest_time(contract, lines)))


def counted(lines: list[bytes]) -> Figures:
    counts: Counter[tuple[datetime, int]] = Counter()
    sizes: Counter[tuple[datetime, int]] = Counter()
    for event in map(json.loads, lines):
        moment = datetime.fromisoformat(event["requested_at"])
        quarter = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
        counts[quarter, event["status"]] += 1
        sizes[quarter, event["status"]] += event["bytes"] or 0
    return {place: (count, sizes[place]) for place, count in counts.items()}


def shown(project: Path) -> Figures:
    rows = document(sluice("windows", "requests_by_status", "--json", cwd=project))
    return {
        (datetime.fromisoformat(row["window_start"]), row["group"]["status"]): (
            row["count"],
            row["bytes"] or 0,
        )
        for row in rows
    }


def queried(project: Path) -> Figures:
    sql = "SELECT window_start, status, `count` AS n, bytes FROM requests_by_status"
    rows = document(sluice("query", sql, "--json", cwd=project))
    return {
        (datetime.fromisoformat(row["window_start"]), row["status"]): (row["n"], int(row["bytes"] or 0))
        for row in rows
    }


def reconcile(project: Path, *options: str) -> tuple[int, Any]:
    done = sluice("reconcile", "requests_by_status", *options, "--json", cwd=project)
    return done.returncode, document(done)


def test_duplicates_are_found_and_mended_in_the_windows_and_in_bigquery(
    project: Path, tmp_path: Path
) -> None:
    pipeline = tmp_path / "pipeline.py"
    pipeline.write_text(WEB_REQUESTS.read_text().replace("dedupe=True", "dedupe=False"))
    lines = events()
    twice = lines[::EVERY]
    file = tmp_path / "requests.ndjson"
    file.write_bytes(b"\n".join([*lines, *twice]) + b"\n")
    with local(project, "--pipeline", str(pipeline)):
        sluice("produce", str(file), cwd=project)
        wait_until_settled(project, produced=len(lines) + len(twice))
        assert shown(project) == counted([*lines, *twice])
        status, found = reconcile(project)
        assert (status, found["counted_twice"], found["missing"]) == (1, len(twice), 0)
        status, mended = reconcile(project, "--mend")
        assert (status, mended["mended"]) == (0, True)
        assert shown(project) == counted(lines)
        assert reconcile(project)[1]["differences"] == []
        patience = time.monotonic() + PUBLISHED_SECONDS
        while queried(project) != counted(lines) and time.monotonic() < patience:
            time.sleep(0.5)
        assert queried(project) == counted(lines)
