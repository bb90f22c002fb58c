"""BigQuery, as the publisher writes to it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Outcome, Retry
from sluice.publisher.tables import WATERMARKS_TABLE
from sluice.sinks.bigquery.inserts import Row
from sluice.windows.keys import PartKey, start_text
from sluice.windows.store import WindowTable
from tests.property.aggregator_rig import Tape
from tests.property.fake_kinesis import Shard


class FakeWarehouse:
    """It may take all rows of a request, or some, and say so or not."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.parts: set[tuple[Any, ...]] = set()
        self.watermark = 0.0

    def write(self, rows: Sequence[Row], deadline: Deadline) -> list[Outcome]:  # noqa: ARG002 - as Writer has it
        return [self._write(row) for row in rows]

    def _write(self, row: Row) -> Outcome:
        fault = self.tape.next()
        if fault in (0, 1):
            return Retry("no")
        found = json.loads(row.body)["json"]
        if row.table == WATERMARKS_TABLE:
            taken = datetime.fromisoformat(found["watermark"]).timestamp() * 1000
            self.watermark = max(self.watermark, taken)
        else:
            self.parts.add(
                tuple(
                    found[name]
                    for name in ("metric", "version", "window_start", "lane", "number", "segment", "part")
                )
            )
        return Retry("the answer got lost") if fault == 2 else DELIVERED

    def check(self, table: WindowTable, shards: Sequence[Shard]) -> None:
        """All that arrived before the watermark here is here."""
        for shard in shards:
            before = -1
            for header in table.headers(shard.name):
                inside = [one for one in shard.arrivals if before < int(one.sequence) <= header.last]
                before = header.last
                if any(one.at < self.watermark for one in inside):
                    assert set(map(part_of, header.keys())) <= self.parts


def part_of(key: PartKey) -> tuple[Any, ...]:
    start = start_text(key.window_start)
    return key.metric, key.version, start, key.lane, key.number, key.segment, key.index
