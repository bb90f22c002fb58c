"""A healthy run is silent: fifty thousand events, duplicates among them, and no alarm at any time."""

import gzip
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sluice.contract.rebase import newest_time, rebase
from sluice.pipeline import load_pipeline
from tests.e2e.conftest import DATA, WEB_REQUESTS, of_sink
from tests.e2e.ringing import Bell, bell

pytestmark = pytest.mark.e2e

COPIES, DUPLICATES = 5, 2_500
IDLE_MINUTES = 6
MINUTE_SECONDS = 3.0
"""Ten of them are longer than any invocation takes on a busy machine: who is at work is not silent."""


ROUTED = """from sluice.routes import Queue, Route

pipeline = Pipeline(
    routes=[Route("failures", "status >= 400", types=[WebRequest], to=Queue())],"""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bell]:
    pipeline = tmp_path_factory.mktemp("healthy") / "pipeline.py"
    pipeline.write_text(WEB_REQUESTS.read_text().replace("pipeline = Pipeline(", ROUTED))
    settings: dict[str, Any] = {"alarms": {"enabled": True}, "auditor": {"enabled": True, "minutes": 30}}
    with bell(settings, pipeline=pipeline, minute_seconds=MINUTE_SECONDS, shards=2) as found:
        yield found


def test_nothing_rings_while_fifty_thousand_events_pass_and_while_nothing_does(healthy: Bell) -> None:
    contract = load_pipeline(WEB_REQUESTS).contract
    with gzip.open(DATA, "rb") as file:
        lines = file.read().splitlines()
    newest = newest_time(contract, lines)
    for copy in range(COPIES):
        renamed = [line.replace(b'"apache-', b'"copy%c-' % (97 + copy)) for line in lines]
        events = list(rebase(contract, renamed, newest))
        healthy.put([*events, *events[: DUPLICATES // COPIES]])
    books = healthy.run.books()
    assert books.balanced, books.sentences
    events_sent = COPIES * len(lines)
    assert of_sink(books, "bigquery").delivered == events_sent + DUPLICATES
    windows = of_sink(books, "windows")
    assert (windows.delivered, windows.skipped) == (events_sent, DUPLICATES)
    time.sleep(IDLE_MINUTES * MINUTE_SECONDS)
    history = healthy.history()
    evaluated = {alarm for alarm, _ in history}
    assert len(evaluated) == len(healthy.cloud.alarms()) > 60
    assert [alarm for alarm, state in history if state == "ALARM"] == []
    assert healthy.told() == {}
