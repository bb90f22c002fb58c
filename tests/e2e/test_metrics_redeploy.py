"""Metrics that come, change and go under a running local cloud: each event counts once all the same."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sluice.windows.reader import WindowReader
from tests.e2e.conftest import Running, running

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
    room: Annotated[str, field("Where it hangs", max_length=10)]


pipeline = Pipeline(events=[Reading], metrics=[METRICS])
'''
METRIC = """Metric(
    "warmth", events=[Reading], window="10s", by=[{by}], measures={{"count": Count(), "sum": Sum("celsius")}}
)"""
BY_SENSOR, BY_ROOM = METRIC.format(by='"sensor"'), METRIC.format(by='"room"')


def write(path: Path, metrics: str) -> None:
    path.write_text(PIPELINE.replace("METRICS", metrics))


def send(run: Running, first: int, count: int) -> None:
    now = datetime.now(UTC).isoformat()
    records = [
        {
            "type": "reading",
            "reading_id": f"r{n}",
            "measured_at": now,
            "celsius": 0.1 * n,
            "sensor": f"s{n % 3}",
            "room": f"r{n % 2}",
        }
        for n in range(first, first + count)
    ]
    assert run.send([json.dumps(record).encode() for record in records]) == count


def counted(run: Running, version: str | None = "all") -> list[tuple[int, float]]:
    """Count and sum of every group of every window, after everything has settled."""
    assert run.cloud.wait_drained(60), run.cloud.status()
    reader = WindowReader(run.target.dynamodb, run.cloud.outputs["windows_table"])
    return [(row.values["count"], row.values["sum"]) for row in reader.read("warmth", version=version)]


def functions(run: Running) -> set[str]:
    return {mapping["function"].rpartition("dev-")[2] for mapping in run.cloud.status()["mappings"]}


def test_metrics_come_change_and_go_and_every_event_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "readings.py"
    write(path, "")
    with running(path, overrides={"aggregator": {"tumbling_window_seconds": 5}}) as run:
        send(run, 0, 300)
        assert functions(run) == {"bigquery-sink"}

        write(path, BY_SENSOR)
        run.cloud.redeploy()
        send(run, 300, 300)
        assert functions(run) == {"bigquery-sink", "windows-sink", "window-publisher"}
        assert [schedule["seconds"] for schedule in run.cloud.status()["schedules"]] == [60]
        assert sum(count for count, _ in counted(run)) == 600

        send(run, 600, 300)  # into a window whose state the old metric holds
        write(path, BY_ROOM)
        run.cloud.redeploy()
        send(run, 900, 300)
        everything = counted(run)
        assert sum(count for count, _ in everything) == 1200
        assert sum(total for _, total in everything) == pytest.approx(sum(0.1 * n for n in range(1200)))
        (view,) = run.rows("SELECT SUM(count) AS n FROM warmth")
        assert view["n"] == sum(count for count, _ in counted(run, None))

        write(path, "")
        run.cloud.redeploy()
        assert functions(run) == {"bigquery-sink"}
        assert run.cloud.status()["schedules"] == []
        send(run, 1200, 300)

        write(path, BY_ROOM)
        run.cloud.redeploy()
        assert sum(count for count, _ in counted(run)) == 1500
