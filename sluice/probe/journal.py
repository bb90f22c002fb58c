"""The journal: a DynamoDB table in which the function notes each invocation, for the command to read.

One item per invocation and case: `run`, and `entry`, which begins with the case and sorts by time. Items
expire by themselves after a day; the command deletes those of its run when it ends.
"""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sluice.probe.orders import RELEASED, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

DAY_SECONDS: Final = 86_400
LOCK_SECONDS: Final = 1_800
"""How long a run that was cut off keeps others from beginning."""

_LOCK: Final = {"run": {"S": "lock"}, "entry": {"S": "lock"}}
_DELETED_AT_ONCE: Final = 25
"""Most writes of a BatchWriteItem (DynamoDB API)."""


class Journal:
    """The journal of one run. Safe to use from several threads."""

    def __init__(self, client: "DynamoDBClient", table: str, run: str) -> None:
        self._client, self._table, self._run = client, table, run

    def note(self, case: str, seen: Seen) -> None:
        """Keep what was seen of a case; twice the same is kept once."""
        self._put(f"{case}#{seen.at:.6f}#{seen.request}", seen=msgspec.json.encode(seen).decode())

    def read(self, case: str) -> list[Seen]:
        """Return what was seen of a case until now, in the order of time."""
        return [msgspec.json.decode(item["seen"]["S"], type=Seen) for item in self._items(f"{case}#")]

    def release(self, case: str) -> None:
        """End a case's hold."""
        self._put(f"{RELEASED}/{case}")

    def released(self, case: str) -> bool:
        """Whether a case's hold is to end."""
        return any(True for _ in self._items(f"{RELEASED}/{case}"))

    def lock(self) -> str | None:
        """Begin the run, unless another is at work: then since when, in epoch seconds as text."""
        now = time.time()
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_LOCK,
                    "holder": {"S": self._run},
                    "since": {"N": f"{now:.0f}"},
                    "expires_at": {"N": f"{now + LOCK_SECONDS:.0f}"},
                },
                # DynamoDB deletes what has expired within days, not seconds.
                ConditionExpression="attribute_not_exists(#run) OR expires_at < :now",
                ExpressionAttributeNames={"#run": "run"},
                ExpressionAttributeValues={":now": {"N": f"{now:.0f}"}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            held = self._client.get_item(TableName=self._table, Key=_LOCK, ConsistentRead=True).get("Item")
            return held["since"]["N"] if held else f"{now:.0f}"
        return None

    def erase(self) -> None:
        """Delete all items of the run, and its lock unless another run has taken that over."""
        keys = [{"run": item["run"], "entry": item["entry"]} for item in self._items("")]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            todo: Any = {
                self._table: [
                    {"DeleteRequest": {"Key": key}} for key in keys[start : start + _DELETED_AT_ONCE]
                ]
            }
            while todo:
                todo = self._client.batch_write_item(RequestItems=todo).get("UnprocessedItems")
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.delete_item(
                TableName=self._table,
                Key=_LOCK,
                ConditionExpression="holder = :run",
                ExpressionAttributeValues={":run": {"S": self._run}},
            )

    def _put(self, entry: str, **texts: str) -> None:
        self._client.put_item(
            TableName=self._table,
            Item={
                "run": {"S": self._run},
                "entry": {"S": entry},
                "expires_at": {"N": f"{time.time() + DAY_SECONDS:.0f}"},
                **{name: {"S": text} for name, text in texts.items()},
            },
        )

    def _items(self, beginning: str) -> "Iterator[dict[str, Any]]":
        asked: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#run = :run",
            "ExpressionAttributeNames": {"#run": "run"},
            "ExpressionAttributeValues": {":run": {"S": self._run}},
            "ConsistentRead": True,
        }
        if beginning:
            asked["KeyConditionExpression"] += " AND begins_with(entry, :beginning)"
            asked["ExpressionAttributeValues"][":beginning"] = {"S": beginning}
        while True:
            page = self._client.query(**asked)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
