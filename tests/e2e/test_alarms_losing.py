"""What is refused, put aside, lost or counted twice rings, and so do services that ask for patience."""

import random
import string
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sluice.delivery.entries import padded
from sluice.windows.keys import LANES
from tests.e2e.ringing import Bell, bell

pytestmark = pytest.mark.e2e

SETTINGS: dict[str, Any] = {
    # A hanging reader is ended before its time-out; of a short one that takes a larger share.
    "alarms": {
        "enabled": True,
        "dashboard": False,
        "waiting_minutes": 5,
        "duration_percent": 40,
        "state_percent": 20,
    },
    "auditor": {"enabled": True, "minutes": 5},
    "bigquery_sink": {"batching_window_seconds": 0, "timeout_seconds": 6},
    "aggregator": {"tumbling_window_seconds": 2, "timeout_seconds": 6},
    "routes": {"paid": {"consumer": "shared", "max_record_age_seconds": 3600}},
}
FIRES = frozenset(
    {
        "audit-difference",
        "audit-failing",
        "audit-overcounted",
        "bad-events",
        "consumer-throttled",
        "contract-violations",
        "dead-letters-waiting",
        "destination-failing",
        "function-slow",
        "queue-expiring",
        "record-crashes",
        "rejected-rows",
        "stream-overloaded",
        "stream-read-throttled",
        "stream-write-throttled",
        "table-throttled",
        "window-spill",
        "window-state",
        "windows-lost",
    }
)
DAYS = 8
UNTOLD = "paid-audit-difference"
"""What was given up without a word to the dead letters, the audit finds, as long as it looks so far back."""

LETTERS = string.ascii_letters + string.digits


@pytest.fixture(scope="module")
def losing() -> Iterator[Bell]:
    with bell(SETTINGS) as found:
        yield found


def test_what_is_refused_put_aside_or_lost_rings(losing: Bell) -> None:
    _given_up(losing)
    _books_that_do_not_balance(losing)
    _refused(losing)
    _throttled(losing)
    _windows(losing)
    assert losing.rang >= FIRES


def _given_up(losing: Bell) -> None:
    """One sink is given nothing that is older than an hour, and the dead letters hear nothing of it."""
    losing.cloud.aws_faults.add(service="kinesis", kind="age", seconds=7000)
    losing.cloud.lambda_faults.add(kind="destination", name="sluice-dev-dead-letters", count=3)
    losing.send(10)
    losing.wait("paid-destination-failing")
    losing.cloud.lambda_faults.clear()
    losing.cloud.aws_faults.clear()


def _books_that_do_not_balance(losing: Bell) -> None:
    """A settled batch is missing from the books, another one is in them with more than there was."""
    losing.cloud.aws_faults.add(service="kinesis", kind="age", seconds=3000)
    for _ in range(3):
        losing.send(10)
        assert losing.cloud.wait_drained()
    dynamodb = losing.client("dynamodb")
    items = dynamodb.scan(TableName="sluice-dev-ledger")["Items"]

    def batches(sink: str) -> list[Any]:
        mine = [item for item in items if item["lane"]["S"].startswith(f"{sink}#")]
        return sorted(mine, key=lambda item: item["first"]["S"])

    missing, more = batches("bigquery")[1], batches("paid")[-1]
    keys = [{name: item[name] for name in ("lane", "first")} for item in (missing, more)]
    dynamodb.delete_item(TableName="sluice-dev-ledger", Key=keys[0])
    dynamodb.update_item(
        TableName="sluice-dev-ledger",
        Key=keys[1],
        UpdateExpression="ADD delivered :more",
        ExpressionAttributeValues={":more": {"N": "5"}},
    )
    losing.wait("bigquery-audit-difference", "paid-audit-overcounted")
    losing.cloud.aws_faults.clear()
    losing.cloud.aws_faults.add(service="dynamodb", kind="fail", operation="Query", resource="bigquery#")
    losing.wait("audit-failing")
    losing.cloud.aws_faults.clear()
    for key, item in zip(keys, (missing, more), strict=True):
        assert item.items() >= key.items()
        dynamodb.put_item(TableName="sluice-dev-ledger", Item=item)


def _refused(losing: Bell) -> None:
    """Producers send what is no event, BigQuery takes no row, readers die; letters lie about for a week."""
    losing.cloud.aws_faults.add(service="sqs", kind="age", resource="dead-letters", seconds=DAYS * 86_400)
    body = {"every": 1, "reason": "invalid", "message": "Cannot convert value", "location": "what"}
    losing.cloud.faults.add(match="insertAll", kind="reject_rows", table="transaction", body=body, count=1)
    losing.send(5)
    losing.wait("bigquery-rejected-rows")
    losing.put([b"no event", b'{"type": "transaction"}'])
    losing.wait("bigquery-contract-violations", "windows-contract-violations", "dead-letters-waiting")
    losing.wait("dead-letters-queue-expiring")
    losing.put([losing.transaction(fate="exit"), losing.transaction(fate="hang")])
    losing.wait("bigquery-record-crashes", "windows-record-crashes", "bigquery-function-slow")
    losing.cloud.aws_faults.clear()
    assert losing.cloud.wait_drained()
    losing.client("sqs").purge_queue(QueueUrl=losing.cloud.outputs["dead_letter_queue_url"])
    losing.quiet(UNTOLD)
    told = losing.told(UNTOLD)
    assert told["bad-events"] == told["dead-letters-waiting"] == told["dead-letters-queue-expiring"] == 1
    assert not [name for name in told if "contract-violations" in name or "function-slow" in name]


def _throttled(losing: Bell) -> None:
    """DynamoDB refuses who keeps books, Kinesis refuses producers, pollers and consumers."""
    losing.cloud.aws_faults.add(service="dynamodb", resource="sluice-dev-ledger", count=15)
    losing.send(3)
    losing.wait("ledger-table-throttled")
    for operation in ("PutRecords", "GetRecords", "SubscribeToShard"):
        losing.cloud.aws_faults.add(service="kinesis", operation=operation)
    kinesis = losing.client("kinesis")
    record = {"Data": losing.transaction(), "PartitionKey": "1"}

    def produce() -> None:
        with suppress(ClientError):
            kinesis.put_records(StreamName=losing.cloud.outputs["stream_name"], Records=[record])

    losing.wait(
        "stream-write-throttled",
        "stream-read-throttled",
        "bigquery-consumer-throttled",
        "windows-consumer-throttled",
        meanwhile=produce,
    )
    losing.cloud.aws_faults.clear()
    losing.quiet(UNTOLD)
    told = losing.told(UNTOLD)
    assert (told["stream-overloaded"], told["ledger-table-throttled"]) == (1, 1)
    assert not [
        name for name in told if name.endswith(("-throttled", "read-throttled")) and "table" not in name
    ]


def _windows(losing: Bell) -> None:
    """A state of near a megabyte, one beyond, and one that was lost with the records that it was made of."""
    dice = random.Random(1)  # noqa: S311 - the same each time
    for many in (850, 400):
        kinds = ["".join(dice.choices(LETTERS, k=900)) for _ in range(many)]
        losing.put([losing.transaction(what=each) for each in kinds])
    losing.wait("window-state", "window-spill")
    assert losing.cloud.wait_drained()
    dynamodb = losing.client("dynamodb")
    (lane,) = dynamodb.query(
        TableName="sluice-dev-windows",
        KeyConditionExpression="pk = :lanes",
        ExpressionAttributeValues={":lanes": {"S": LANES}},
    )["Items"]
    dynamodb.update_item(
        TableName="sluice-dev-windows",
        Key={name: lane[name] for name in ("pk", "sk")},
        UpdateExpression="SET seen = :seen",
        ExpressionAttributeValues={":seen": {"S": padded(int(lane["mark"]["S"]) + 1)}},
    )
    losing.send(1)
    losing.wait("windows-lost")
    losing.quiet(UNTOLD)
