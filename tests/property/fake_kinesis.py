"""A stream in memory whose records arrive as a clock moves: shards that open, close and are listed."""

# ruff: noqa: N803 - the requests are spelt as AWS spells them

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sluice.records.aggregate import Aggregate

BASE = 10**55


@dataclass
class Arrival:
    """One record: `at` is its arrival in epoch milliseconds; `inside` is what an aggregate holds."""

    number: int
    at: int
    data: bytes
    inside: list[bytes] = field(default_factory=list)

    @property
    def sequence(self) -> str:
        return str(BASE + 7 * self.number)

    def join(self, data: bytes) -> int:
        """Take one more user record in, as the KPL does; return its number within the aggregate."""
        self.inside = [*(self.inside or [self.data]), data]
        aggregate = Aggregate()
        for each in self.inside:
            aggregate.add("key", each)
        self.data = aggregate.encode()
        return len(self.inside) - 1

    def events(self) -> Iterator[tuple[str, int | None, bytes]]:
        """Yield the position, the sub-sequence and the data of each event."""
        if not self.inside:
            yield self.sequence, None, self.data
        for sub, data in enumerate(self.inside):
            yield f"{self.sequence}:{sub}", sub, data


@dataclass
class Shard:
    """`opened` and `closed` are moments in epoch milliseconds."""

    name: str
    opened: int
    closed: int | None = None
    arrivals: list[Arrival] = field(default_factory=list)

    def there(self, now: int) -> list[Arrival]:
        return [arrival for arrival in self.arrivals if arrival.at <= now]


class FakeKinesis:
    """A client of one stream. `now` is in epoch milliseconds and moved by the test.

    Shards are listed as they were `list_age` milliseconds ago. Sequence numbers below `born` are those of an
    earlier stream of this name.
    """

    def __init__(self, shards: list[Shard], now: int) -> None:
        self.shards = shards
        self.now = now
        self.list_age = 0
        self.born = 0

    def list_shards(self, *, StreamName: str | None = None, NextToken: str | None = None) -> dict[str, Any]:
        assert (StreamName is None) != (NextToken is None)
        at = self.now - self.list_age
        listed = [shard for shard in self.shards if shard.opened <= at]
        start = int(NextToken or 0)
        more = {"NextToken": str(start + 2)} if len(listed) > start + 2 else {}
        return {"Shards": [self._listed(shard, at) for shard in listed[start : start + 2]], **more}

    def _listed(self, shard: Shard, at: int) -> dict[str, Any]:
        closed = shard.closed is not None and shard.closed <= at
        end = {"EndingSequenceNumber": str(BASE * 2)} if closed else {}
        return {"ShardId": shard.name, "SequenceNumberRange": {"StartingSequenceNumber": str(BASE), **end}}

    def get_shard_iterator(
        self,
        *,
        StreamName: str,  # noqa: ARG002 - the request's
        ShardId: str,
        ShardIteratorType: str,
        StartingSequenceNumber: str = "-1",
    ) -> dict[str, str]:
        if 0 <= int(StartingSequenceNumber) < self.born:
            code = {"Code": "InvalidArgumentException", "Message": "it did not come from this stream"}
            raise ClientError({"Error": code}, "GetShardIterator")
        first = int(StartingSequenceNumber) + (ShardIteratorType == "AFTER_SEQUENCE_NUMBER")
        return {"ShardIterator": json.dumps([ShardId, first])}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:
        name, first = json.loads(ShardIterator)
        shard = next(each for each in self.shards if each.name == name)
        left = [each for each in shard.there(self.now) if int(each.sequence) >= first]
        given = left[:Limit]
        after = int(given[-1].sequence) + 1 if given else first
        over = shard.closed is not None and shard.closed <= self.now and len(given) == len(left)
        return {
            "Records": [
                {
                    "SequenceNumber": each.sequence,
                    "PartitionKey": "key",
                    "ApproximateArrivalTimestamp": datetime.fromtimestamp(each.at / 1000, UTC),
                    "Data": each.data,
                }
                for each in given
            ],
            "MillisBehindLatest": 0 if len(given) == len(left) else 1000,
            **({} if over else {"NextShardIterator": json.dumps([name, after])}),
        }
