"""Faults: what a sink sees when BigQuery is ill, and what was written all the same."""

from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

BROKEN = (urllib3.exceptions.HTTPError, ConnectionError)
ROW = {"rows": [{"json": {"id": "x"}}]}


@pytest.fixture
def path(client: bigquery.Client, dataset: str) -> str:
    """The path that inserts into a table of this test's own."""
    client.create_table(bigquery.Table(f"p.{dataset}.t", [SchemaField("id", "STRING")]))
    return f"/datasets/{dataset}/tables/t/insertAll"


@pytest.fixture
def count(client: bigquery.Client, dataset: str) -> Callable[[], int]:
    """Count the table's rows."""
    return lambda: int(client.get_table(f"p.{dataset}.t").num_rows)


def test_a_status_strikes_as_often_as_it_is_told(
    path: str, post: Callable[..., Any], control: Callable[..., Any], count: Callable[[], int]
) -> None:
    control("faults", {"match": "insertAll", "kind": "status", "status": 503, "count": 2, "after": 1})
    assert [post(path, ROW).status for _ in range(4)] == [200, 503, 503, 200]
    assert count() == 2
    assert control("faults", method="GET")["faults"][0]["hits"] == 2


def test_a_status_may_carry_its_own_body(
    path: str, post: Callable[..., Any], control: Callable[..., Any]
) -> None:
    control(
        "faults", {"match": "insertAll", "kind": "status", "status": 502, "body": "<html>Bad Gateway</html>"}
    )
    answer = post(path, ROW)
    assert (answer.status, answer.headers["content-type"]) == (502, "text/html")
    default = control("faults", method="DELETE")
    assert default == {"faults": []}
    control("faults", {"match": "insertAll", "kind": "status", "status": 429})
    assert post(path, ROW).json()["error"]["errors"][0]["reason"] == "rateLimitExceeded"


def test_a_dropped_connection_writes_nothing(
    path: str, post: Callable[..., Any], control: Callable[..., Any], count: Callable[[], int]
) -> None:
    control("faults", {"match": "insertAll", "kind": "drop", "count": 1})
    with pytest.raises(BROKEN):
        post(path, ROW)
    assert count() == 0
    assert post(path, ROW).status == 200


@pytest.mark.parametrize("kind", ["half_response", "after_write_drop"])
def test_an_answer_may_break_after_the_rows_were_written(
    path: str, post: Callable[..., Any], control: Callable[..., Any], count: Callable[[], int], kind: str
) -> None:
    control("faults", {"match": "insertAll", "kind": kind, "count": 1})
    with pytest.raises(BROKEN):
        assert post(path, ROW).data == b"never whole"
    assert count() == 1


def test_a_hanging_request_ends_when_its_time_is_over(
    path: str, post: Callable[..., Any], control: Callable[..., Any], count: Callable[[], int]
) -> None:
    control("faults", {"match": "insertAll", "kind": "hang", "seconds": 0.05, "count": 1})
    with pytest.raises(BROKEN):
        post(path, ROW)
    assert count() == 0


def test_rows_are_rejected_by_their_index(
    path: str, post: Callable[..., Any], control: Callable[..., Any], count: Callable[[], int]
) -> None:
    body = {"every": 2, "reason": "backendError", "message": "try again", "location": "id"}
    control("faults", {"match": "insertAll", "kind": "reject_rows", "body": body, "count": 1})
    rows = {"skipInvalidRows": True, "rows": [{"json": {"id": str(number)}} for number in range(3)]}
    errors = post(path, rows).json()["insertErrors"]
    detail = {"reason": "backendError", "location": "id", "debugInfo": "", "message": "try again"}
    assert errors == [{"index": 0, "errors": [detail]}, {"index": 2, "errors": [detail]}]
    assert count() == 1


def test_a_fault_keeps_to_its_table_and_its_operation(
    path: str, post: Callable[..., Any], control: Callable[..., Any], client: bigquery.Client
) -> None:
    control("faults", {"match": "insertAll", "kind": "status", "table": "other"})
    control("faults", {"match": "queries", "kind": "status", "status": 400, "count": 1})
    assert post(path, ROW).status == 200
    assert post("/queries", {"query": "SELECT 1", "useLegacySql": False}).status == 400
    assert [row.x for row in client.query_and_wait("SELECT 1 AS x")] == [1]


@pytest.mark.parametrize(
    "body",
    [{}, {"match": "insertAll"}, {"match": "x", "kind": "flood"}, {"match": "x", "kind": "drop", "zz": 1}],
)
def test_a_fault_that_is_not_understood_is_refused(control: Callable[..., Any], body: dict[str, Any]) -> None:
    assert "kind is one of" in control("faults", body)["error"]["message"]


def test_a_clock_that_is_not_understood_is_refused(control: Callable[..., Any]) -> None:
    assert "ISO 8601" in control("clock", {"now": "tomorrow"})["error"]["message"]
