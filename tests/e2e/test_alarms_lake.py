"""The lake's Firehose, a route's, and OpenSearch: what does not deliver rings, and is quiet when it does."""

from collections.abc import Iterator
from typing import Any

import pytest

from sluice.local.lake.source import PAGE_RECORDS
from tests.e2e.ringing import Bell, bell

pytestmark = pytest.mark.e2e

SETTINGS: dict[str, Any] = {
    "alarms": {"enabled": True, "dashboard": False, "delivery_seconds": 2},
    "auditor": {"enabled": False},
    "bigquery_sink": {"enabled": False},
    "aggregator": {"enabled": False},
    "lake": {"enabled": True, "transform_buffer_seconds": 1, "buffer_seconds": 1, "transform_retries": 50},
    "search_sink": {"mode": "domain"},
    "search_domain": {"public": True, "instance_type": "t3.small.search", "instance_count": 1, "zones": 1},
    "routes": {"kept": {"firehose": {"buffer_seconds": 1}}},
}
AGO_SECONDS = 1000
AT_ONCE = PAGE_RECORDS + 1
FIRES = frozenset(
    {
        "delivery-failing",
        "delivery-late",
        "firehose-behind",
        "search-blocked",
        "search-disk",
        "search-red",
        "sink-in-trouble",
        "transform-failing",
    }
)


@pytest.fixture(scope="module")
def lake() -> Iterator[Bell]:
    with bell(SETTINGS) as found:
        yield found


def test_firehoses_and_an_index_that_do_not_deliver_ring(lake: Bell) -> None:
    _search(lake)
    _firehoses(lake)
    assert lake.rang >= FIRES


def _search(lake: Bell) -> None:
    lake.cloud.search_faults.add(kind="disk", free_mb=100)
    lake.cloud.search_faults.add(kind="status", status=403)
    lake.wait("search-disk", "search-blocked")
    lake.cloud.search_faults.clear()
    lake.cloud.search_faults.kill()
    lake.wait("search-red")
    lake.cloud.search_faults.start()
    lake.quiet()
    assert lake.told() == {"search-disk": 1, "search-sink-in-trouble": 1}


def _firehoses(lake: Bell) -> None:
    """The transform fails, then commits, then reads, then the table is gone; the route's bucket refuses."""
    lake.cloud.aws_faults.add(service="firehose", operation="Deliver")
    lake.cloud.lake_faults.add(kind="transform_fails", count=5)
    lake.cloud.lake_faults.add(kind="commit_fails", count=40)
    with lake.traffic(amount=3000):
        lake.wait("lake-transform-failing", "lake-delivery-late", "kept-delivery-late")
    lake.cloud.lake_faults.clear()
    lake.cloud.aws_faults.clear()
    _not_read(lake)
    lake.quiet()
    lake.client("glue").delete_table(DatabaseName=lake.cloud.outputs["lake"]["database"], Name="transaction")
    with lake.traffic():
        lake.wait("lake-delivery-failing")


def _not_read(lake: Bell) -> None:
    """More lies in the stream from a while ago than is read at once, and newer records after it."""
    lake.cloud.aws_faults.add(service="kinesis", operation="GetRecords", kind="throttle")
    lake.cloud.aws_faults.add(service="kinesis", kind="age", seconds=AGO_SECONDS)
    lake.put([lake.transaction() for _ in range(AT_ONCE)])
    lake.cloud.aws_faults.add(service="kinesis", kind="age", seconds=0)
    lake.send()
    lake.cloud.aws_faults.clear()
    lake.wait("lake-firehose-behind")
