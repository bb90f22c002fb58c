"""The search sink in a whole local cloud, against a real OpenSearch node: nothing lost, nothing twice."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3

from sluice.cli.searching import search
from sluice.deadletters import DeadLetter, read_queue
from sluice.errors import EnvironmentProblem
from sluice.pipeline import load_pipeline
from tests.e2e.conftest import OFF, ROOT, Running, of_sink, running
from tests.opensearch.real import REQUIRED, need_node

pytestmark = pytest.mark.e2e

EVENTS = 100_000 if os.environ.get(REQUIRED) else 10_000
"""Each is sent twice. Where the node is required, as in continuous integration, they are all there."""

PIPELINE = ROOT / "tests" / "pipelines" / "readings.py"
ON: Mapping[str, Any] = {
    "search_sink": {"mode": "domain"},
    "search_domain": {"public": True, "instance_type": "t3.small.search", "instance_count": 1, "zones": 1},
    # What is asked here is asked of one sink; the others take a processor each.
    "bigquery_sink": {"enabled": False},
}
PAUSE_SECONDS = 3.0


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Path]]:
    need_node()
    pipeline = tmp_path_factory.mktemp("search") / "readings.py"
    shutil.copy2(PIPELINE, pipeline)
    with running(pipeline, ON) as found:
        yield found, pipeline


def reading(identity: str, *, at: str = "2026-11-20T08:00:00.000001Z", **more: Any) -> bytes:
    event = {"type": "reading", "reading_id": identity, "measured_at": at, "sensor": "s-1", "celsius": 21.5}
    return json.dumps({**event, **more}).encode()


def ask(running: Running, method: str, path: str, body: Any = None) -> Any:
    url = f"{running.cloud.endpoints.search_url}{path}"
    found = urllib3.request(method, url, json=body) if body else urllib3.request(method, url)
    return json.loads(found.data)


def by_hand(running: Running, month: str) -> None:
    """Have a month's index made with a field of another type than the contract's."""
    wrong = {"mappings": {"properties": {"sensor": {"type": "long"}}}}
    template = {"index_patterns": [f"*-{month}"], "priority": 900, "template": wrong}
    ask(running, "PUT", "/_index_template/by-hand", template)


def count(running: Running, alias: str) -> int:
    """How many documents there are, once the node answers for all its shards: a busy one may not yet."""
    deadline = time.monotonic() + 60
    while True:
        ask(running, "POST", f"/sluice-dev-{alias}/_refresh")
        answer = ask(running, "GET", f"/sluice-dev-{alias}/_count")
        if "count" in answer and not answer["_shards"]["failed"]:
            return int(answer["count"])
        assert time.monotonic() < deadline, answer
        time.sleep(0.5)


def test_events_sent_twice_are_there_once_though_the_node_is_killed_midway(
    cloud: tuple[Running, Path],
) -> None:
    found, _ = cloud
    records = [reading(f"r-{number}") for number in range(EVENTS)]
    assert found.send(records) == EVENTS
    assert found.send(records[: EVENTS // 2]) == EVENTS // 2
    found.cloud.search_faults.kill()
    assert found.send(records[EVENTS // 2 :]) == EVENTS - EVENTS // 2
    time.sleep(PAUSE_SECONDS)
    found.cloud.search_faults.start()
    books = of_sink(found.books(120), "search")
    assert (books.delivered, books.dead_lettered) == (2 * EVENTS, 0)
    assert count(found, "reading") == EVENTS


def test_the_highest_version_stays_in_whatever_order_versions_come(cloud: tuple[Running, Path]) -> None:
    found, _ = cloud
    at = "2026-11-20T08:00:00Z"
    events = [
        {
            "type": "calibration",
            "sensor": "v-1",
            "calibrated_at": at,
            "revision": number,
            "offset": number / 2,
        }
        for number in (3, 1, 5, 2, 5)
    ]
    found.send([json.dumps(event).encode() for event in events])
    assert found.cloud.wait_drained()
    assert count(found, "calibration") == 1
    document = ask(found, "GET", "/sluice-dev-calibration-2026.11/_doc/v-1")
    assert (document["_version"], document["_source"]["revision"]) == (5, 5)


def test_a_mapping_conflict_is_a_dead_letter_of_this_sink_that_names_the_field(
    cloud: tuple[Running, Path],
) -> None:
    found, _ = cloud
    by_hand(found, "2024.02")
    before = of_sink(found.books(), "search")
    found.send([reading("conflict", at="2024-02-01T00:00:00Z"), reading("fine", at="2024-03-01T00:00:00Z")])
    after = of_sink(found.books(), "search")
    assert after.delivered - before.delivered == 1
    assert after.dead_lettered - before.dead_lettered == 1
    (letter,) = read_queue(found.target.sqs, found.target.outputs.dead_letter_queue_url, wait_seconds=0)
    assert isinstance(letter, DeadLetter)
    assert (letter.sink, letter.field) == ("search", "sensor")
    ask(found, "DELETE", "/_index_template/by-hand")
    ask(found, "DELETE", "/sluice-dev-reading-2024.02")


def test_faults_of_http_and_of_items_delay_and_lose_nothing(cloud: tuple[Running, Path]) -> None:
    found, _ = cloud
    faults = found.cloud.search_faults
    faults.add(kind="items", status=429, every=3, count=2)
    faults.add(kind="status", status=503, count=2)
    faults.add(kind="after_write_drop", count=1)
    faults.add(kind="half_response", count=1)
    there = count(found, "reading")
    found.send([reading(f"f-{number}", at="2026-10-01T00:00:00Z") for number in range(300)])
    books = of_sink(found.books(120), "search")
    faults.clear()
    assert books.problems == ()
    assert count(found, "reading") == there + 300


def test_a_template_that_changes_keeps_old_data_readable(cloud: tuple[Running, Path]) -> None:
    found, pipeline = cloud
    found.send([reading("old", at="2026-09-01T00:00:00Z", sensor="old-one")])
    assert found.cloud.wait_drained()
    more = '    volts: Annotated[float | None, field("Of the battery")] = None\n'
    pipeline.write_text(PIPELINE.read_text().replace("    # more fields\n", more))
    by_hand(found, "2024.04")
    ask(found, "PUT", "/sluice-dev-reading-2024.04")
    with pytest.raises(EnvironmentProblem, match=r"2024\.04: sensor is long, the contract wants text"):
        found.cloud.redeploy()
    ask(found, "DELETE", "/_index_template/by-hand")
    ask(found, "DELETE", "/sluice-dev-reading-2024.04")
    found.cloud.redeploy()
    found.send([reading("new", at="2026-09-02T00:00:00Z", sensor="new-one", volts=1.25)])
    assert found.cloud.wait_drained()
    contract = load_pipeline(pipeline).contract

    def hits(words: str) -> list[str]:
        kind = contract.types["reading"]
        answer = search(found.target, words, contract=contract, kind=kind, since=None, limit=10)
        return [event["reading_id"] for event in answer.events]

    assert hits("sensor:old-one") == ["old"]
    assert hits("volts:>1") == ["new"]
    assert hits('sensor.keyword:("old-one" OR "new-one")') == ["new", "old"]


def test_search_is_switched_on_and_off_by_redeploying_though_it_fails_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_node()
    pipeline = tmp_path / "readings.py"
    shutil.copy2(PIPELINE, pipeline)
    with running(pipeline) as found:
        cloud, call = found.cloud, found.cloud._call

        def deploy(settings: Mapping[str, Any]) -> None:
            cloud._job["overrides"] = {**OFF, **settings}
            cloud.redeploy()

        def failing(method: str, url: str, *more: Any) -> Any:
            if url == f"{cloud.endpoints.lambda_url}/deployment":
                return {"error": "the setup failed", "kind": "EnvironmentProblem"}
            return call(method, url, *more)

        found.send([reading(f"before-{number}") for number in range(20)])
        with monkeypatch.context() as patched:
            patched.setattr(cloud, "_call", failing)
            with pytest.raises(EnvironmentProblem, match="the setup failed"):
                deploy(ON)
        deploy(ON)
        assert cloud.wait_drained()
        assert count(found, "reading") == 20
        deploy({})
        found.send([reading(f"between-{number}") for number in range(5)])
        deploy(ON)
        found.send([reading("after")])
        assert cloud.wait_drained()
        assert count(found, "reading") == 26
