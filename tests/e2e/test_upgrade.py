"""An upgrade rehearsed while events flow: after each change the books balance, and each event counts once."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from sluice.audit.reading import read_books
from sluice.cli.audit import sources_of
from sluice.cli.demonstration import target_of
from sluice.cli.reconcile import Reconciliation
from sluice.cli.windows import follower_of
from sluice.local.cloud import LocalCloud
from sluice.pipeline import load_pipeline
from sluice.windows.reader import WindowReader
from tests.e2e.conftest import OFF, ROOT, Running, of_sink

pytestmark = pytest.mark.e2e

PIPELINE = '''"""Readings."""

from datetime import datetime
from typing import Annotated

from sluice.contract import Event, field
from sluice.metrics import Count, Metric, Sum
from sluice.pipeline import Pipeline
from sluice.routes import Queue, Route


class Reading(Event, type="reading", id="reading_id", time="measured_at"):
    """What a sensor measured."""

    reading_id: Annotated[str, field("Unique id of the reading", max_length=64)]
    measured_at: Annotated[datetime, field("When it was measured")]
    celsius: Annotated[float, field("Temperature", ge=-100, le=1000)]
    sensor: Annotated[str, field("Which sensor", max_length=10)]
    # more fields


pipeline = Pipeline(
    events=[Reading],
    # metrics
    # routes
)
'''
COLUMN = '    volts: Annotated[float | None, field("Of the battery")] = None\n'
METRIC = """    metrics=[
        Metric(
            "warmth",
            events=[Reading],
            window="4s",
            by=["sensor"],
            measures={"count": Count(), "sum": Sum("celsius")},
        )
    ],
"""
ROUTE = '    routes=[Route("hot", "celsius >= 50", types=[Reading], to=Queue())],\n'
HOT = 50
PUT_SECONDS, PER_PUT, POISON_EVERY = 0.25, 10, 25
OVERRIDES: Mapping[str, Any] = {
    **OFF,
    "bigquery_sink": {"batch_size": 200, "batching_window_seconds": 0},
    "aggregator": {"tumbling_window_seconds": 4},
}


@dataclass
class Rehearsal:
    """One environment, its pipeline's file, and what is deployed over it."""

    cloud: LocalCloud
    path: Path
    run: Running

    @classmethod
    def of(cls, cloud: LocalCloud, path: Path) -> Self:
        return cls(cloud, path, Running(cloud, target_of(cloud, path)))

    def write(self, place: str, text: str) -> None:
        self.path.write_text(self.path.read_text().replace(place, text))

    def deploy(self, overrides: Mapping[str, Any] | None = None) -> None:
        self.cloud.redeploy(overrides)
        self.run = Running(self.cloud, target_of(self.cloud, self.path))
        books = read_books(sources_of(self.run.target))
        assert books.balanced, books.sentences

    @property
    def functions(self) -> set[str]:
        mappings = self.cloud.status()["mappings"]
        return {mapping["function"].rpartition("dev-")[2] for mapping in mappings}

    @property
    def clocks(self) -> set[str]:
        """The functions that a schedule invokes."""
        schedules = self.cloud.status()["schedules"]
        return {schedule["function"].rpartition("dev-")[2] for schedule in schedules}

    def mapping(self, sink: str) -> str:
        return str(self.cloud.outputs["sinks"][sink]["mapping"])

    def differences(self, since: datetime) -> list[Any]:
        """Hold the windows that begin from a moment on against BigQuery's events."""
        target = self.run.target
        (metric,) = load_pipeline(self.path).metrics
        return list(Reconciliation(target, follower_of(target), metric).compare(since).differences)

    def counted(self, version: str | None) -> tuple[int, float]:
        """How many events the windows of a version have, and how warm they were together."""
        reader = WindowReader(self.run.target.dynamodb, self.cloud.outputs["windows_table"])
        found = [(row.values["count"], row.values["sum"]) for row in reader.read("warmth", version=version)]
        return sum(count for count, _ in found), sum(total for _, total in found)


@dataclass
class Flow:
    """Readings that go on and on, one in so many of them poison."""

    run: Running
    pause: float = PUT_SECONDS
    size: int = PER_PUT
    good: list[dict[str, Any]] = field(default_factory=list)
    bad: int = 0
    with_volts: bool = False
    enough: threading.Event = field(default_factory=threading.Event)
    broken: list[Exception] = field(default_factory=list)

    def go_on(self) -> None:
        try:
            while not self.enough.wait(self.pause):
                self.put()
        except Exception as error:  # noqa: BLE001 - told to the test by whoever waits for this thread
            self.broken.append(error)

    def put(self) -> None:
        first, now = self.sent, datetime.now(UTC).isoformat()
        more = {"volts": 3.3} if self.with_volts else {}
        records = []
        for number in range(first, first + self.size):
            event = {"type": "reading", "reading_id": f"r{number}", "measured_at": now, **more}
            event |= {"celsius": number % 100 + 0.1, "sensor": f"s{number % 3}"}
            if number % POISON_EVERY:
                self.good.append(event)
            else:
                event["celsius"] = "warm"
                self.bad += 1
            records.append(json.dumps(event).encode())
        assert self.run.send(records) == self.size

    @property
    def sent(self) -> int:
        return len(self.good) + self.bad


@contextmanager
def flowing(run: Running, **how: Any) -> Iterator[Flow]:
    flow = Flow(run, **how)
    thread = threading.Thread(target=flow.go_on)
    thread.start()
    try:
        yield flow
    finally:
        flow.enough.set()
        thread.join()
    assert flow.broken == []


def after(moment: datetime, seconds: int) -> datetime:
    """Return the first beginning of a window of so many seconds that comes after a moment."""
    return datetime.fromtimestamp((moment.timestamp() // seconds + 1) * seconds, UTC)


def test_the_books_balance_through_every_kind_of_change_while_events_flow(tmp_path: Path) -> None:
    path = tmp_path / "readings.py"
    path.write_text(PIPELINE)
    with LocalCloud(ROOT, path, overrides=OVERRIDES, shards=2) as cloud:
        rehearsal = Rehearsal.of(cloud, path)
        with flowing(rehearsal.run) as flow:
            changed = through_every_change(rehearsal, flow)
        good = flow.good
        books = rehearsal.run.books()
        assert books.balanced, books.sentences
        assert books.produced == flow.sent
        for sink in ("bigquery", "windows"):
            of = of_sink(books, sink)
            assert (of.delivered, of.dead_lettered, of.in_flight) == (len(good), flow.bad, 0), of
        assert of_sink(books, "hot").delivered == sum(event["celsius"] >= HOT for event in good)

        sql = (
            "SELECT COUNT(*) AS n, COUNT(DISTINCT reading_id) AS ids, COUNT(volts) AS with_volts FROM reading"
        )
        (rows,) = rehearsal.run.rows(sql)
        with_volts = sum("volts" in event for event in good)
        assert rows == {"n": len(good), "ids": len(good), "with_volts": with_volts}
        assert 0 < with_volts < len(good)

        count, total = rehearsal.counted("all")
        assert count == len(good)
        assert total == pytest.approx(sum(event["celsius"] for event in good))
        assert rehearsal.differences(changed) == []
        (view,) = rehearsal.run.rows("SELECT SUM(`count`) AS n FROM warmth")
        assert 0 < view["n"] == rehearsal.counted(None)[0] < len(good)

        path.write_text(PIPELINE.replace("    # more fields\n", COLUMN))
        rehearsal.deploy()
        assert rehearsal.functions == {"bigquery-sink"}
        assert "windows-sink" not in rehearsal.clocks


def through_every_change(rehearsal: Rehearsal, flow: Flow) -> datetime:
    """Deploy one change after the other; returns since when only the metric's last version counts."""
    assert rehearsal.functions == {"bigquery-sink"}
    rehearsal.write("    # more fields\n", COLUMN)
    rehearsal.deploy()
    flow.with_volts = True

    rehearsal.write("    # metrics\n", METRIC)
    rehearsal.deploy()
    assert rehearsal.functions == {"bigquery-sink", "windows-sink", "window-publisher"}
    assert "windows-sink" in rehearsal.clocks

    rehearsal.write("    # routes\n", ROUTE)
    rehearsal.deploy()
    assert "hot-sink" in rehearsal.functions

    kept = {sink: rehearsal.mapping(sink) for sink in ("bigquery", "windows", "hot")}
    smaller: dict[str, Any] = {
        **OVERRIDES,
        "bigquery_sink": {"batch_size": 50, "batching_window_seconds": 1},
        "aggregator": {"tumbling_window_seconds": 2, "batch_size": 100},
    }
    rehearsal.write('window="4s"', 'window="8s"')
    rehearsal.deploy(smaller)
    changed = after(datetime.now(UTC), 8)
    assert {sink: rehearsal.mapping(sink) for sink in kept} == kept

    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    anew = {"starting_position": "AT_TIMESTAMP", "starting_position_timestamp": yesterday}
    replaced = {
        **smaller,
        "bigquery_sink": {**smaller["bigquery_sink"], "consumer": "shared"},
        "aggregator": {**smaller["aggregator"], **anew},
    }
    rehearsal.deploy(replaced)
    assert {sink for sink in kept if rehearsal.mapping(sink) != kept[sink]} == {"bigquery", "windows"}
    return changed
