"""BigQuery misbehaves at the level of HTTP: nothing is lost, nothing is counted twice."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import urllib3

from sluice.audit.reading import read_books
from sluice.cli.audit import sources_of
from sluice.cli.redrive import redrive
from sluice.deadletters import hold
from tests.e2e.conftest import WEB_REQUESTS, Running, of_sink, running

pytestmark = pytest.mark.e2e

EACH = 400
QUICK = {"aggregator": {"tumbling_window_seconds": 1}, "bigquery_sink": {"timeout_seconds": 10}}
FAULTS: dict[str, list[dict[str, Any]]] = {
    "answers 500": [{"kind": "status", "status": 500, "count": 3}],
    "answers 503 for a while": [{"kind": "status", "status": 503, "count": 12}],
    "is out of quota": [{"kind": "status", "status": 403, "count": 3}],
    "asks for patience": [{"kind": "status", "status": 429, "count": 3}],
    "does not know the table yet": [{"kind": "status", "status": 404, "count": 3}],
    "hangs": [{"kind": "hang", "seconds": 30, "count": 1}],
    "drops the connection": [{"kind": "drop", "count": 3}],
    "drops it after the write": [{"kind": "after_write_drop", "count": 2}],
    "breaks off half-way through an answer": [{"kind": "half_response", "count": 2}],
    "does all of that": [
        {"kind": "status", "status": 500, "count": 1},
        {"kind": "after_write_drop", "count": 1},
        {"kind": "half_response", "count": 1},
        {"kind": "drop", "count": 1},
        {"kind": "status", "status": 429, "count": 1},
    ],
}
numbers = itertools.count()


@pytest.fixture(scope="module")
def plant() -> Iterator[Running]:
    with running(WEB_REQUESTS, shards=2, overrides=QUICK) as running_cloud:
        yield running_cloud


def requests(count: int) -> list[bytes]:
    now = datetime.now(UTC) - timedelta(minutes=5)
    return [
        msgspec.json.encode(
            {
                "type": "web_request",
                "request_id": f"fault-{next(numbers)}",
                "client_ip": "192.0.2.1",
                "requested_at": now,
                "method": "GET",
                "path": "/",
                "protocol": "HTTP/1.1",
                "status": 200,
            }
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bigquery_that_misbehaves_loses_and_doubles_nothing(plant: Running, fault: str) -> None:
    before = of_sink(plant.books(), "bigquery")
    for each in FAULTS[fault]:
        plant.cloud.faults.add(match="insertAll", **each)
    try:
        assert plant.send(requests(EACH)) == EACH
        after = plant.books()
    finally:
        plant.cloud.faults.clear()
    books = of_sink(after, "bigquery")
    assert after.balanced, after.problems
    assert (books.delivered - before.delivered, books.dead_lettered, books.in_flight) == (EACH, 0, 0)
    counted = plant.rows("SELECT COUNT(*) AS n, COUNT(DISTINCT request_id) AS ids FROM web_request")
    assert counted == [{"n": books.delivered, "ids": books.delivered}]
    assert of_sink(after, "windows").delivered == books.delivered
    (windows,) = plant.rows("SELECT SUM(`count`) AS n FROM requests_by_status")
    assert windows == {"n": books.delivered}


def google(plant: Running, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the local Google something that the command line does not."""
    url = plant.cloud.endpoints.bigquery_url + path
    return urllib3.request(method, url, json=body or {}, retries=False).json()


def access(plant: Running) -> tuple[str, list[dict[str, Any]]]:
    """The path and the access list of the raw tables' dataset."""
    outputs = plant.target.outputs
    path = f"/bigquery/v2/projects/{outputs.bigquery_project}/datasets/{outputs.bigquery_dataset}"
    return path, google(plant, "GET", path)["access"]


def test_tokens_that_end_early_and_a_token_service_that_fails_cost_delay_alone(plant: Running) -> None:
    plant.send(requests(1))
    before = of_sink(plant.books(), "bigquery")
    issued = google(plant, "GET", "/_sluice/tokens")["issued"]
    assert issued >= 2, "the sink and the publisher have each traded their role's signature for one"
    google(plant, "PUT", "/_sluice/tokens", {"good_for": 0.2})
    try:
        for _ in range(2):
            google(plant, "DELETE", "/_sluice/tokens")
            plant.cloud.faults.add(match="token", kind="status", status=503, count=2)
            plant.cloud.faults.add(match="token", kind="drop", count=1)
            assert plant.send(requests(EACH)) == EACH
            after = plant.books()
    finally:
        plant.cloud.faults.clear()
        google(plant, "PUT", "/_sluice/tokens")
        google(plant, "DELETE", "/_sluice/tokens")
    books = of_sink(after, "bigquery")
    assert after.balanced, after.problems
    assert (books.delivered - before.delivered, books.dead_lettered, books.in_flight) == (2 * EACH, 0, 0)
    assert google(plant, "GET", "/_sluice/tokens")["issued"] >= issued + 2


def test_a_grant_that_is_taken_away_holds_up_the_sink_alone_and_its_log_says_why(plant: Running) -> None:
    before = plant.books()
    path, granted = access(plant)
    google(plant, "PATCH", path, {"access": [entry for entry in granted if entry.get("role") == "OWNER"]})
    try:
        assert plant.send(requests(EACH)) == EACH
        for _ in range(60):
            log = plant.cloud.function_log("sluice-dev-bigquery-sink")
            meanwhile = read_books(sources_of(plant.target))
            counted = of_sink(meanwhile, "windows").delivered
            if "Access Denied" in log and counted == of_sink(before, "windows").delivered + EACH:
                break
            time.sleep(0.5)
        held = of_sink(meanwhile, "bigquery")
    finally:
        google(plant, "PATCH", path, {"access": granted})
    (line, *_) = [line for line in log.splitlines() if "Access Denied" in line]
    assert "bigquery.tables.updateData denied" in line
    assert "records go back to the stream" in line
    assert (held.delivered, held.dead_lettered) == (of_sink(before, "bigquery").delivered, 0)
    assert counted == of_sink(before, "windows").delivered + EACH, "the other sinks went on"
    after = plant.books()
    assert after.balanced, after.problems
    assert of_sink(after, "bigquery").delivered == of_sink(before, "bigquery").delivered + EACH


def test_rows_that_bigquery_rejects_become_dead_letters_and_a_redrive_brings_them_in() -> None:
    body = {"every": 10, "reason": "invalid", "message": "Cannot convert value", "location": "path"}
    with running(WEB_REQUESTS, shards=1, overrides=QUICK) as plant:
        plant.cloud.faults.add(match="insertAll", kind="reject_rows", table="web_request", body=body)
        plant.send(requests(EACH))
        books = plant.books()
        reasons = plant.rows("SELECT kind, field, COUNT(*) AS n FROM dead_letters GROUP BY kind, field")
        sink = of_sink(books, "bigquery")
        assert books.balanced, books.problems
        assert sink.dead_lettered > 0
        assert sink.delivered + sink.dead_lettered == EACH
        assert reasons == [{"kind": "rejected", "field": "path", "n": sink.dead_lettered}]

        plant.cloud.faults.clear()
        with hold(plant.target.sqs, plant.target.outputs.dead_letter_queue_url) as holding:
            result = redrive(plant.target, holding, "bigquery", holding.letters)
        assert (result.delivered, result.troubles) == (sink.dead_lettered, [])
        books = plant.books()
        sink = of_sink(books, "bigquery")
        assert books.balanced, books.problems
        assert (sink.delivered, sink.dead_lettered, sink.redriven) == (EACH, 0, result.delivered)
        assert plant.rows("SELECT * FROM dead_letters") == []
        assert plant.rows("SELECT COUNT(DISTINCT request_id) AS n FROM web_request") == [{"n": EACH}]
