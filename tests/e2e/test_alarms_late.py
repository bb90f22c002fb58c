"""What is late or does not run rings, at the thresholds that the program declares, once for each cause."""

from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from tests.e2e.ringing import Bell, bell

pytestmark = pytest.mark.e2e

HOURS = 25
SETTINGS: dict[str, Any] = {
    # Ages are as they are by default. What has to pass really, or to be repeated by somebody who waits longer
    # each time, is less: minutes last a second here, and pauses as long as ever.
    "alarms": {
        "enabled": True,
        "dashboard": False,
        "unpublished_seconds": 2,
        "errors": 0,
        "throttles": 2,
        "unanswered": 2,
    },
    "auditor": {"enabled": True, "minutes": 5},
    "stream": {"retention_hours": 48},
    "bigquery_sink": {"batching_window_seconds": 0, "timeout_seconds": 6},
    "window_publisher": {"timeout_seconds": 6},
    "aggregator": {"tumbling_window_seconds": 2, "timeout_seconds": 6},
}
FIRES = frozenset(
    {
        "sink-in-trouble",
        "bigquery-stale",
        "function-failing",
        "function-throttled",
        "records-expiring",
        "schedule-failing",
        "sink-late",
        "sink-silent",
        "sink-unanswered",
        "token-failing",
        "watermark-failing",
        "watermark-late",
        "windows-unpublished",
    }
)


@pytest.fixture(scope="module")
def late() -> Iterator[Bell]:
    with bell(SETTINGS) as found:
        yield found


def test_a_service_that_is_down_and_readers_that_are_behind_ring_once_each(late: Bell) -> None:
    _far_behind(late)
    _bigquery_down(late)
    _paused_by_hand(late)
    _not_run(late)
    assert late.rang >= FIRES


def _far_behind(late: Bell) -> None:
    """Records of yesterday arrive: one sink is paused, and nobody asks after shards at rest."""
    late.cloud.aws_faults.add(service="kinesis", kind="age", seconds=HOURS * 3600)
    late.cloud.lambda_faults.add(kind="refuse", name="sluice-dev-windows-sink")
    late.switch("bigquery", on=False)
    late.send(20, amount=3000)
    late.wait(
        "bigquery-records-expiring",
        "census-schedule-failing",
        "windows-sink-late",
        "watermark-late",
        "paid-sink-late",
    )


def _bigquery_down(late: Bell) -> None:
    """The paused sink goes on, and nobody takes its rows; the others are quiet by now, or will be."""
    late.cloud.lambda_faults.clear()
    late.cloud.faults.add(match="insertAll", kind="status", status=503)
    late.cloud.faults.add(match="token", kind="status", status=503)
    urllib3.request("DELETE", f"{late.cloud.endpoints.bigquery_url}/_sluice/tokens")
    late.switch("bigquery", on=True)
    late.send(20, amount=3000)
    late.wait("bigquery-sink-late", "bigquery-stale", "bigquery-token-failing", "windows-unpublished")
    late.cloud.faults.clear()
    late.cloud.faults.add(match="insertAll", kind="status", status=503, count=60)
    late.wait("bigquery-sink-unanswered")
    late.cloud.faults.clear()
    late.cloud.aws_faults.clear()
    late.quiet()
    told = late.told()
    assert told.pop("bigquery-sink-in-trouble") == 1, "whatever BigQuery's being down sets off"
    assert told.pop("bigquery-records-expiring")
    assert set(told) == {f"{sink}-sink-in-trouble" for sink in ("windows", "paid", "large", "kept")}


def _paused_by_hand(late: Bell) -> None:
    late.switch("bigquery", on=False)
    with late.traffic():
        late.wait("bigquery-sink-silent")
    late.switch("bigquery", on=True)
    late.quiet()
    assert late.told() == {"bigquery-sink-in-trouble": 1}


def _not_run(late: Bell) -> None:
    """Lambda has no room for one sink, and DynamoDB fails where windows are counted."""
    late.cloud.lambda_faults.add(kind="throttle", name="sluice-dev-bigquery-sink")
    windows = {"operation": "UpdateItem", "resource": "sluice-dev-windows"}
    late.cloud.aws_faults.add(service="dynamodb", kind="fail", **windows)
    with late.traffic():
        late.wait("bigquery-function-throttled", "windows-function-failing", "watermark-failing")
    late.cloud.lambda_faults.clear()
    late.cloud.aws_faults.clear()
    late.quiet()
    assert late.told() == {"bigquery-sink-in-trouble": 1, "windows-sink-in-trouble": 1}
