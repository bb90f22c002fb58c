"""One shard of an aggregator in memory, or in moto, handed its records by hand."""

import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sluice.windows.items import Header
from sluice.windows.reader import WindowReader
from sluice.windows.store import WindowTable
from tests.property.aggregator_rig import BEFORE, Outside, Runtime, Tape
from tests.property.aggregator_world import moment
from tests.property.fake_kinesis import Arrival, FakeKinesis, Shard

START = 1_700_000_000_000
SHARD = "s0"
RUNTIMES = itertools.count()


class Bench:
    """A shard whose records arrive a second apart, and runtimes that count them."""

    def __init__(self, *datas: bytes, dynamodb: Any = None) -> None:
        self.shard = Shard(SHARD, START)
        self.kinesis = FakeKinesis([self.shard], START)
        self.outside = Outside(self.kinesis, Tape(0, 0, 0.0))
        if dynamodb is not None:
            self.outside.dynamodb = dynamodb
        self.runtime = Runtime(self.outside, BEFORE, process="first")
        self.table = WindowTable(cast("Any", self.outside.dynamodb), "windows")
        self.add(*datas)

    def add(self, *datas: bytes) -> None:
        for data in datas:
            number = len(self.shard.arrivals)
            self.shard.arrivals.append(Arrival(number, START + 1000 * number, data))
        self.kinesis.now = max(self.kinesis.now, START + 1000 * len(self.shard.arrivals))

    def event(
        self, numbers: Sequence[int], state: Mapping[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """The records with these numbers, in the window of the first (or of the shard's last)."""
        at = self.shard.arrivals[numbers[0] if numbers else -1].at // 10_000 * 10_000
        return {
            "Records": [self.record(number) for number in numbers],
            "window": {"start": moment(at), "end": moment(at + 10_000)},
            "state": dict(state or {}),
            "shardId": SHARD,
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/activity",
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
            **more,
        }

    def record(self, number: int) -> dict[str, Any]:
        one = self.shard.arrivals[number]
        return {
            "kinesis": {
                "partitionKey": "key",
                "sequenceNumber": one.sequence,
                "data": base64.b64encode(one.data).decode(),
                "approximateArrivalTimestamp": one.at / 1000,
            },
            "eventID": f"{SHARD}:{one.sequence}",
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/activity/consumer/w:1",
        }

    def restart(self, **more: Any) -> Runtime:
        """A runtime that knows nothing of the one before."""
        self.runtime = Runtime(self.outside, more.pop("of", BEFORE), process=f"runtime {next(RUNTIMES)}")
        return self.runtime

    def take(self, numbers: Sequence[int], state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.runtime.invoke(self.event(numbers, state))["state"]
        return found

    def close(self, state: Mapping[str, Any] | None = None, *, early: bool = False) -> dict[str, Any]:
        event = self.event([], state, isFinalInvokeForWindow=True, isWindowTerminatedEarly=early)
        return self.runtime.invoke(event)

    def redrive(self, *numbers: int) -> dict[str, Any]:
        return self.runtime.invoke({"Records": [self.record(number) for number in numbers], "redrive": True})

    def census(self) -> int | None:
        found: int | None = self.runtime.invoke({"source": "aws.events"})["watermark"]
        return found

    def lane(self) -> dict[str, Any]:
        return dict(
            self.outside.dynamodb.get_item(
                TableName="windows", Key={"pk": {"S": "lanes"}, "sk": {"S": SHARD}}, ConsistentRead=True
            )["Item"]
        )

    def headers(self, lane: str = SHARD) -> list[Header]:
        return list(self.table.headers(lane))

    def counts(self, metric: str = "stays") -> dict[str, int]:
        """The metric's count by page, over all windows."""
        reader = WindowReader(cast("Any", self.outside.dynamodb), "windows", now=self.outside.now)
        found: dict[str, int] = {}
        for row in reader.read(metric):
            page = row.group.get("page", "all")
            found[page] = found.get(page, 0) + row.values["count"]
        return found


def hit(id_: str, page: str = "a", at: float = START / 1000, **more: Any) -> bytes:
    event = {"type": "hit", "id": id_, "page": page, "at": datetime.fromtimestamp(at, UTC).isoformat()}
    return json.dumps({**event, **more}).encode()
