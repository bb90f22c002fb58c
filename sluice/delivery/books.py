"""Reading the ledger: what the audit works from."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sluice.delivery.entries import Entry, entry_of, lane_of, redriven_lane

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class LedgerReader:
    """The ledger of all sinks, read only.

    Needs `dynamodb:Query` and `dynamodb:Scan`; lets botocore's errors pass.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def read(
        self, sink: str, *, shards: Iterable[str] | None = None, since: datetime | None = None
    ) -> Iterator[Entry]:
        """Yield the sink's entries, redriven records included.

        With `shards` only their lanes are read, else the whole table is. `since` leaves out what was closed
        before that moment, and what is still open.
        """
        for item in self._scanned(sink) if shards is None else self._queried(sink, shards):
            # an attempt inside another item's interval leaves an item without a state: it settled nothing
            if "state" not in item:
                continue
            entry = entry_of(item)
            if since is None or (entry.closed_at is not None and entry.closed_at >= since):
                yield entry

    def lanes(self, sink: str) -> set[str]:
        """Return the shards that the sink has touched, by reading the whole table."""
        return {item["lane"]["S"].split("#")[1] for item in self._scanned(sink)}

    def _scanned(self, sink: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(#lane, :sink)",
            ExpressionAttributeNames={"#lane": "lane"},
            ExpressionAttributeValues={":sink": {"S": f"{sink}#"}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _queried(self, sink: str, shards: Iterable[str]) -> Iterator[dict[str, Any]]:
        for shard in shards:
            for lane in (lane_of(sink, shard), redriven_lane(sink, shard)):
                pages = self._client.get_paginator("query").paginate(
                    TableName=self._table,
                    KeyConditionExpression="#lane = :lane",
                    ExpressionAttributeNames={"#lane": "lane"},
                    ExpressionAttributeValues={":lane": {"S": lane}},
                    ConsistentRead=True,
                )
                for page in pages:
                    yield from page["Items"]
