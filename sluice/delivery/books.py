"""Reading the ledger: what the audit works from."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.delivery.entries import Entry, entry_of, lane_of, padded, redriven_lane

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


PAGE = 1000
"""Items that one Query reads, of about 400 bytes each."""

NEWEST = 10
"""Items among which there is a closed one, however many attempts are under way."""

OUT_OF_ORDER = timedelta(minutes=1)
"""By which arrivals, which Kinesis only tells approximately, might not rise with the sequence numbers."""


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

        With `shards` only their lanes are read, the newest first, else the whole table is. `since` leaves out
        what arrived before that moment, batches across it not, and what is still open.
        """
        for item in self._scanned(sink) if shards is None else self._queried(sink, shards, since):
            # an attempt inside another item's interval leaves an item without a state: it settled nothing
            if "state" not in item:
                continue
            entry = entry_of(item)
            if since is None or (entry.last_arrived is not None and entry.last_arrived >= since):
                yield entry

    def lanes(self, sink: str) -> set[str]:
        """Return the shards that the sink has touched, by reading the whole table."""
        return {item["lane"]["S"].split("#")[1] for item in self._scanned(sink)}

    def lane(
        self,
        sink: str,
        shard: str,
        *,
        after: int | None = None,
        before: int | None = None,
        redriven: bool = False,
    ) -> Iterator[Entry]:
        """Yield the entries of one lane, open ones too, the newest first, page by page as they are wanted.

        `after` and `before` are first sequence numbers, themselves not included.
        """
        condition, values = "#lane = :lane", {":lane": {"S": lane_of(sink, shard)}}
        if redriven:
            values[":lane"]["S"] = redriven_lane(sink, shard)
        if after is not None:
            condition += " AND #first > :bound"
            values[":bound"] = {"S": padded(after)}
        elif before is not None:
            condition += " AND #first < :bound"
            values[":bound"] = {"S": padded(before)}
        names = {"#lane": "lane"} | ({"#first": "first"} if len(values) > 1 else {})
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            ScanIndexForward=False,
            PaginationConfig={"PageSize": PAGE},
        )
        for page in pages:
            yield from (entry_of(item) for item in page["Items"] if "state" in item)

    def newest(self, sink: str, shard: str) -> int | None:
        """Return the last sequence number of the newest closed entries of a lane; None for none."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#lane = :lane",
            ExpressionAttributeNames={"#lane": "lane"},
            ExpressionAttributeValues={":lane": {"S": lane_of(sink, shard)}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=NEWEST,
        )
        entries = [entry_of(item) for item in answer["Items"] if "state" in item]
        return max((entry.last for entry in entries if entry.state == "closed"), default=None)

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

    def _queried(self, sink: str, shards: Iterable[str], since: datetime | None) -> Iterator[dict[str, Any]]:
        for shard in shards:
            for lane in (lane_of(sink, shard), redriven_lane(sink, shard)):
                pages = self._client.get_paginator("query").paginate(
                    TableName=self._table,
                    KeyConditionExpression="#lane = :lane",
                    ExpressionAttributeNames={"#lane": "lane"},
                    ExpressionAttributeValues={":lane": {"S": lane}},
                    ConsistentRead=True,
                    ScanIndexForward=False,
                    PaginationConfig={"PageSize": PAGE},
                )
                for page in pages:
                    yield from page["Items"]
                    if since is not None and any(_arrived_before(item, since) for item in page["Items"]):
                        break


def _arrived_before(item: dict[str, Any], since: datetime) -> bool:
    """Whether a batch lies so far back that no older one can reach into the time asked for."""
    last = entry_of(item).last_arrived
    return last is not None and last < since - OUT_OF_ORDER
