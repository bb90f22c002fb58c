"""Windows while things break: each event counts once, in DynamoDB and in BigQuery, and the books balance."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import fsum
from pathlib import Path
from typing import Any

import psutil
import pytest

from sluice.cli.redrive import redrive
from sluice.deadletters import DeadLetter, hold, read_queue
from sluice.windows.reader import WindowReader, WindowRow
from sluice.windows.store import WindowTable
from tests.e2e.conftest import Running, of_sink, running

pytestmark = pytest.mark.e2e

PIPELINE = '''"""Readings."""

from datetime import datetime
from typing import Annotated

from sluice.contract import Event, field
from sluice.metrics import Count, Metric, Sum
from sluice.pipeline import Pipeline


class Reading(Event, type="reading", id="reading_id", time="measured_at"):
    """What a sensor measured."""

    reading_id: Annotated[str, field("Unique id of the reading", max_length=64)]
    measured_at: Annotated[datetime, field("When it was measured")]
    celsius: Annotated[float, field("Temperature")]
    sensor: Annotated[str, field("Which sensor", max_length=10)]
    # more fields


MEASURES = {"count": Count(), "sum": Sum("celsius")}
pipeline = Pipeline(
    events=[Reading],
    metrics=[
        Metric("warmth", events=[Reading], window="5s", by=["sensor"], measures=MEASURES),
        Metric("warmth_once", events=[Reading], window="5s", by=["sensor"], measures=MEASURES, dedupe=True),
    ],
)
'''
VOLTS = '    volts: Annotated[float | None, field("Of the battery")] = None\n'
OVERRIDES = {"aggregator": {"tumbling_window_seconds": 1}}
WAIT_SECONDS = 60
KILLS = 2
VIEW = "SELECT window_start, sensor, `count` AS n, `sum` AS total FROM {metric}"
SEGMENTS = (
    "SELECT lane, number, COUNT(DISTINCT segment) AS n FROM `{dataset}`.window_segments GROUP BY lane, number"
)

Figures = dict[tuple[datetime, str], tuple[int, float]]
"""Count and sum by window and sensor."""


@dataclass
class Plant:
    """A local cloud, its pipeline's file, and every reading that it was given and can read."""

    run: Running
    path: Path
    readings: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0

    def make(self, count: int, **more: Any) -> list[dict[str, Any]]:
        now = datetime.now(UTC).isoformat()
        first, self.made = self.made, self.made + count
        return [
            {
                "type": "reading",
                "reading_id": f"r{n}",
                "measured_at": now,
                "celsius": 0.1 * n,
                "sensor": f"s{n % 3}",
                **more,
            }
            for n in range(first, first + count)
        ]

    def send(self, readings: list[dict[str, Any]]) -> None:
        assert self.run.send([json.dumps(reading).encode() for reading in readings]) == len(readings)

    def take(self, count: int) -> None:
        readings = self.make(count)
        self.readings += readings
        self.send(readings)

    def expected(self) -> Figures:
        values: dict[tuple[datetime, str], list[float]] = {}
        for reading in self.readings:
            at = datetime.fromisoformat(reading["measured_at"])
            start = at.replace(second=at.second // 5 * 5, microsecond=0)
            values.setdefault((start, reading["sensor"]), []).append(reading["celsius"])
        return {place: (len(each), fsum(each)) for place, each in values.items()}

    def rows(self, metric: str = "warmth") -> list[WindowRow]:
        table = self.run.cloud.outputs["windows_table"]
        return WindowReader(self.run.target.dynamodb, table).read(metric)

    def counted(self, metric: str = "warmth") -> Figures:
        return {
            (row.window_start, row.group["sensor"]): (row.values["count"], row.values["sum"])
            for row in self.rows(metric)
        }

    def view(self, metric: str = "warmth") -> Figures:
        rows = self.run.rows(VIEW.format(metric=metric))
        return {(row["window_start"], row["sensor"]): (row["n"], row["total"]) for row in rows}

    def check(self) -> None:
        """Wait until all is settled: each reading is counted once everywhere, and the books say so."""
        books = self.run.books()
        assert books.balanced, books.sentences
        for sink in ("bigquery", "windows"):
            assert of_sink(books, sink).delivered == len(self.readings)
            assert of_sink(books, sink).in_flight == 0
        expected = self.expected()
        for metric in ("warmth", "warmth_once"):
            assert self.counted(metric) == expected
            assert self.view(metric) == expected

    def committed(self) -> dict[str, int]:
        """Return how many segments each lane has."""
        table = WindowTable(self.run.target.dynamodb, self.run.cloud.outputs["windows_table"])
        return {lane.lane: lane.number for lane in table.lanes().values()}

    def got_on(self, before: dict[str, int]) -> bool:
        """Whether every lane has more segments than before."""
        now = self.committed()
        return all(now[lane] > number for lane, number in before.items())

    def aggregators(self) -> list[psutil.Process]:
        """Return the processes that run the aggregator."""
        return [process for process in map(psutil.Process, self.run.cloud.pids) if _aggregates(process)]

    def at_work(self) -> bool:
        """Whether the aggregator has records in hand."""
        (mapping,) = (
            each for each in self.run.cloud.status()["mappings"] if each["function"].endswith("windows-sink")
        )
        return any(shard["in_flight"] for shard in mapping["shards"])

    @contextmanager
    def traffic(self, each: int) -> Iterator[None]:
        """Send so many readings again and again while the block runs."""
        over = threading.Event()
        failed: list[BaseException] = []

        def go_on() -> None:
            try:
                while not over.wait(0.2):
                    self.take(each)
            except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
                failed.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert not failed, failed


def _aggregates(process: psutil.Process) -> bool:
    return process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").endswith("windows-sink")


def wait_for(true: Callable[[], bool], what: str) -> None:
    patience = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < patience, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    path = tmp_path_factory.mktemp("pipeline") / "readings.py"
    path.write_text(PIPELINE)
    with running(path, shards=2, overrides=OVERRIDES) as run:
        plant = Plant(run, path)
        plant.take(30)
        plant.check()
        yield plant


def test_a_bigquery_that_is_down_holds_up_views_and_no_window_and_gets_each_segment_once(
    plant: Plant,
) -> None:
    faults = plant.run.cloud.faults
    before = plant.view()
    try:
        faults.add(match="insertAll", kind="status", status=503, table="window_segments")
        plant.take(300)
        wait_for(lambda: plant.counted() == plant.expected(), "windows wait for BigQuery")
        assert plant.view() == before
        faults.clear()
        faults.add(match="insertAll", kind="after_write_drop", count=2, table="window_segments")
        faults.add(match="insertAll", kind="drop", count=2, table="window_watermarks")
        plant.take(300)
        plant.check()
    finally:
        faults.clear()
    held = plant.run.rows(SEGMENTS.format(dataset=plant.run.target.outputs.bigquery_dataset))
    assert {row["n"] for row in held} == {1}


def test_an_aggregator_that_is_killed_again_and_again_counts_each_event_once(plant: Plant) -> None:
    """With records in hand, and each time when it has got on since: records in hand twice are suspects."""
    with plant.traffic(each=50):
        for _ in range(KILLS):
            stopped = plant.aggregators()
            for process in stopped:
                process.suspend()
            wait_for(plant.at_work, "the aggregator gets no records")
            before = plant.committed()
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            wait_for(partial(plant.got_on, before), "the aggregator is dead")
    plant.check()


def test_a_mended_contract_lets_a_redrive_count_what_was_refused_and_nothing_twice(plant: Plant) -> None:
    plant.take(50)
    refused = plant.make(30, volts=3.3)
    plant.send(refused)
    plant.run.books()
    outputs = plant.run.target.outputs
    letters = [
        letter
        for letter in read_queue(plant.run.target.sqs, outputs.dead_letter_queue_url)
        if isinstance(letter, DeadLetter)
    ]
    assert sorted(letter.sink for letter in letters) == ["bigquery"] * 30 + ["windows"] * 30
    assert {(letter.kind, letter.field) for letter in letters} == {("contract", "volts")}

    plant.path.write_text(PIPELINE.replace("    # more fields\n", VOLTS))
    plant.run.cloud.redeploy()
    for sink in ("windows", "bigquery"):
        with hold(plant.run.target.sqs, outputs.dead_letter_queue_url) as holding:
            ours = [
                held
                for held in holding.letters
                if isinstance(held.letter, DeadLetter) and held.letter.sink == sink
            ]
            for _ in range(2):  # an answer that was lost is asked for again
                result = redrive(plant.run.target, holding, sink, ours)
                assert (result.delivered, result.troubles) == (30, [])
    plant.readings += refused
    plant.check()
    assert of_sink(plant.run.books(), "windows").redriven == 30


def test_shards_that_split_and_merge_under_traffic_lose_nothing_and_complete_nothing_too_early(
    plant: Plant,
) -> None:
    kinesis, stream = plant.run.target.kinesis, plant.run.target.outputs.stream_name
    complete: dict[tuple[datetime, str], int] = {}

    def shards() -> list[Any]:
        found = kinesis.list_shards(StreamName=stream)["Shards"]
        at_work = [one for one in found if "EndingSequenceNumber" not in one["SequenceNumberRange"]]
        return sorted(at_work, key=lambda one: int(one["HashKeyRange"]["StartingHashKey"]))

    def completed_since(moment: datetime) -> bool:
        for row in plant.rows():
            if not row.provisional:
                complete.setdefault((row.window_start, row.group["sensor"]), row.values["count"])
        return any(start >= moment for start, _ in complete)

    with plant.traffic(each=50):
        first = shards()[0]["HashKeyRange"]
        middle = (int(first["StartingHashKey"]) + int(first["EndingHashKey"])) // 2
        kinesis.split_shard(
            StreamName=stream, ShardToSplit=shards()[0]["ShardId"], NewStartingHashKey=str(middle)
        )
        split = datetime.now(UTC)
        wait_for(lambda: completed_since(split), "no window is complete after the split")
        left, right, *_ = (shard["ShardId"] for shard in shards())
        kinesis.merge_shards(StreamName=stream, ShardToMerge=left, AdjacentShardToMerge=right)
        merged = datetime.now(UTC)
        wait_for(lambda: completed_since(merged), "no window is complete after the merge")
    plant.check()
    for row in plant.rows():
        told = complete.get((row.window_start, row.group["sensor"]), row.values["count"])
        assert row.values["count"] - row.late <= told <= row.values["count"]
