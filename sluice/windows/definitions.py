"""Writing down what the metrics are, so that their windows can be read long after they have changed."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sluice.deadline import Deadline
from sluice.delivery.calls import call
from sluice.pipeline import Pipeline
from sluice.windows.keys import METRICS, ONLY, current_key, definition_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Definitions:
    """The definitions of a pipeline's metrics, written where they differ from those there.

    Each process looks once, and again when it is told to: one of an older deployment may write last.

    Needs `dynamodb:Query` and `PutItem` on the table `windows`.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, pipeline: Pipeline, *, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._table = table
        self._metrics = pipeline.metrics
        self._now = now
        self._written = False

    def ensure(self, deadline: Deadline, *, anew: bool = False) -> None:
        """Write them before the first window that needs them; raises DeliveryError when that fails."""
        if self._written and not anew:
            return
        there = self._read(deadline)
        for metric in self._metrics:
            key = definition_key(metric.name, metric.version)
            document = msgspec.json.encode(metric.definition.as_dict(), order="sorted").decode()
            if there.get(key["sk"]["S"], {}).get("definition", {}).get("S") != document:
                written = {"S": self._now().isoformat()}
                self._put({**key, "definition": {"S": document}, "written_at": written}, deadline)
        current = {metric.name: {"S": metric.version} for metric in self._metrics}
        if there.get(ONLY, {}).get("current", {}).get("M") != current:
            self._put({**current_key(), "current": {"M": current}}, deadline)
        self._written = True

    def _read(self, deadline: Deadline) -> dict[str, Any]:
        found: dict[str, Any] = {}
        start: dict[str, Any] = {}
        while True:
            answer = call(
                self._client.query,
                deadline,
                what=f"the table {self._table}",
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": METRICS}},
                ConsistentRead=True,
                **start,
            )
            found |= {item["sk"]["S"]: item for item in answer["Items"]}
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _put(self, item: dict[str, Any], deadline: Deadline) -> None:
        what = f"the table {self._table}"
        call(self._client.put_item, deadline, what=what, TableName=self._table, Item=item)
