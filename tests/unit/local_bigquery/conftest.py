import datetime as dt
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server process of this test worker's own."""
    command = [sys.executable, "-m", "sluice.local.bigquery", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        line = process.stdout.readline()
        yield f"http://127.0.0.1:{json.loads(line)['port']}"
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def client(server: str) -> Iterator[bigquery.Client]:
    """Google's own client, pointed at the server."""
    made = bigquery.Client(
        project="p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]  # google-auth has no types
        client_options={"api_endpoint": server},
    )
    yield made
    made.close()  # type: ignore[no-untyped-call]  # the client has none here


@pytest.fixture
def dataset(client: bigquery.Client) -> Iterator[str]:
    """The id of a dataset that no other test uses."""
    yield from _dataset(client)


@pytest.fixture(scope="module")
def shared_dataset(client: bigquery.Client) -> Iterator[str]:
    """The id of a dataset that the tests of one module read."""
    yield from _dataset(client)


def _dataset(client: bigquery.Client) -> Iterator[str]:
    name = f"d{next(_NUMBERS)}"
    client.create_dataset(name)
    yield name
    client.delete_dataset(name, delete_contents=True)


@pytest.fixture(scope="session")
def http() -> Iterator[urllib3.PoolManager]:
    """A plain HTTP client, without retries."""
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


@pytest.fixture
def post(server: str, http: urllib3.PoolManager) -> Callable[..., Any]:
    """Send a body to a path below the project; returns the response."""

    def send(path: str, body: Any, **headers: str) -> urllib3.BaseHTTPResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return http.request("POST", f"{server}/bigquery/v2/projects/p{path}", body=data, headers=named)

    return send


@pytest.fixture(scope="session")
def steer(server: str, http: urllib3.PoolManager) -> Callable[..., Any]:
    """Set faults and the clock, which stay set."""

    def call(what: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        return http.request(method, f"{server}/_sluice/{what}", json=body).json()

    return call


@pytest.fixture
def control(steer: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Set faults and the clock; both are cleared after the test."""
    yield steer
    steer("faults", method="DELETE")
    steer("clock", {"now": None})


@pytest.fixture
def value(client: bigquery.Client) -> Callable[[str], Any]:
    """Evaluate one SQL expression."""

    def evaluate(expression: str) -> Any:
        rows = list(client.query_and_wait(f"SELECT {expression}"))
        assert len(rows) == 1
        return rows[0][0]

    return evaluate


EVENTS = [
    SchemaField("id", "STRING", "REQUIRED"),
    SchemaField("at", "TIMESTAMP", "REQUIRED"),
    SchemaField("arrived", "TIMESTAMP"),
    SchemaField("user", "STRING"),
    SchemaField("amount", "NUMERIC"),
    SchemaField("score", "FLOAT64"),
    SchemaField("tags", "STRING", "REPEATED"),
    SchemaField("place", "RECORD", fields=[SchemaField("city", "STRING"), SchemaField("zip", "INT64")]),
    SchemaField(
        "items", "RECORD", "REPEATED", fields=[SchemaField("sku", "STRING"), SchemaField("n", "INT64")]
    ),
    SchemaField("extra", "JSON"),
]
DAY = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def row(number: int, **given: Any) -> dict[str, Any]:
    moment = (DAY + dt.timedelta(hours=number)).isoformat()
    return {"id": f"e{number}", "at": moment, "arrived": moment, **given}


@pytest.fixture(scope="module")
def events(client: bigquery.Client, shared_dataset: str, steer: Callable[..., Any]) -> str:
    """A dataset with four events, one of them there twice."""
    steer("clock", {"now": "2026-11-21T00:00:00Z"})
    table = bigquery.Table(f"p.{shared_dataset}.events", EVENTS)
    table.time_partitioning = bigquery.TimePartitioning(field="at")
    client.create_table(table)
    later = (DAY + dt.timedelta(days=1)).isoformat()
    items = [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}]
    third = row(3, user="ann", amount="-3", extra='{"k": {"v": [10, 20]}}')
    rows = [
        row(1, user="ann", amount="1.5", score=1.0, tags=["x", "y"], items=items),
        row(2, user="bob", amount="2.25", score=1e10, tags=["y"], place={"city": "Rome", "zip": 1}),
        third,
        {**third, "arrived": later},
        row(4),
    ]
    assert client.insert_rows_json(f"p.{shared_dataset}.events", rows) == []
    steer("clock", {"now": None})
    return shared_dataset


@pytest.fixture
def ask(client: bigquery.Client, events: str) -> Callable[..., list[dict[str, Any]]]:
    """Run SQL over the events."""

    def run(sql: str, **options: Any) -> list[dict[str, Any]]:
        config = bigquery.QueryJobConfig(default_dataset=f"p.{events}", **options)
        return [dict(found) for found in client.query_and_wait(sql, job_config=config)]

    return run
