"""The whole way of a window: Kinesis, aggregator, DynamoDB, its stream, publisher, BigQuery, SQL."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.windows.reader import WindowReader
from tests.e2e.conftest import Running, running

pytestmark = pytest.mark.e2e

PIPELINE = '''"""Readings."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sluice.contract import Event, field
from sluice.metrics import Count, CountDistinct, Max, Mean, Metric, Quantiles, Sum, TopK, Variance
from sluice.pipeline import Pipeline


class Reading(Event, type="reading", id="reading_id", time="measured_at"):
    """What a sensor measured."""

    reading_id: Annotated[str, field("Unique id of the reading", max_length=64)]
    measured_at: Annotated[datetime, field("When it was measured")]
    celsius: Annotated[float, field("Temperature")]
    cost: Annotated[Decimal | None, field("What it cost", scale=4)] = None
    sensor: Annotated[str, field("Which sensor", max_length=10)]
    room: Annotated[str | None, field("Where it hangs", max_length=10)] = None


pipeline = Pipeline(
    events=[Reading],
    metrics=[
        Metric(
            "warmth",
            events=[Reading],
            window="10s",
            by=["room"],
            measures={
                "readings": Count(),
                "total": Sum("celsius"),
                "average": Mean("celsius"),
                "cost": Sum("cost"),
                "spread": Variance("cost"),
                "newest": Max("measured_at"),
                "sensors": CountDistinct("sensor"),
                "celsius": Quantiles("celsius", (0.5, 0.9)),
                "busiest": TopK("sensor", 3),
            },
            groups=20,
        )
    ],
)
'''
EVENTS = 450
"""Few enough for sketches of quantiles to be exact: then they are the same in whatever order they merge."""


def send(run: Running) -> None:
    now = datetime.now(UTC).isoformat()
    records: list[dict[str, Any]] = [
        {
            "type": "reading",
            "reading_id": f"r{n}",
            "measured_at": now,
            "celsius": n / 10,
            "cost": f"{n / 8:.4f}" if n % 5 else None,
            "sensor": f"s{n % 40}",
            "room": ("kitchen", "hall", None)[n % 3],
        }
        for n in range(EVENTS)
    ]
    assert run.send([json.dumps(record).encode() for record in records]) == EVENTS


def test_an_analyst_is_told_what_the_reader_says(tmp_path: Path) -> None:
    path = tmp_path / "readings.py"
    path.write_text(PIPELINE)
    with running(path, overrides={"aggregator": {"tumbling_window_seconds": 5}}) as run:
        send(run)
        assert run.cloud.wait_drained(90), run.cloud.status()
        reader = WindowReader(run.target.dynamodb, run.cloud.outputs["windows_table"])
        read = {
            (row.window_start, row.group["room"]): {**row.values, "late": row.late}
            for row in reader.read("warmth")
        }
        rows = run.rows("SELECT * FROM warmth")
    asked = {(row.pop("window_start"), row.pop("room")): row for row in rows}
    assert sum(row["readings"] for row in asked.values()) == EVENTS
    for row in asked.values():
        row.pop("window_end")
        row.pop("complete")
    assert asked == read
