"""How long after its end a window is there: in DynamoDB, complete, and in an analyst's SQL.

A local cloud of two shards under steady traffic, with windows of 5 s and the flush of 5 s that dev gets. Of
each window, from its end (by the clock that the events carry):

- committed: the last segment with a part of it is in DynamoDB, by the segment's own time (windows with events
  that came in after their end are left out: those are in a later segment);
- complete: a reader polling the table sees that all which arrived before its end is counted;
- in BigQuery: a query of the metric's view gives its final figures, and complete.

Lambda hands records over up to a batching window (1 s) late; that is in the figures. The readers' own polls
are 0.1 s (DynamoDB) and 0.25 s (BigQuery) apart.

    python bench/window_delay.py [SECONDS]        70 seconds of traffic unless told
"""

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.cloud import bigquery
from rich.console import Console
from rich.table import Table

from sluice.cli.demonstration import target_of
from sluice.cli.target import Target
from sluice.local.cloud import LocalCloud
from sluice.producer import Producer
from sluice.windows.reader import WindowReader
from sluice.windows.store import WindowTable

ROOT = Path(__file__).parents[1]
WINDOW = 5
BATCH, PAUSE = 40, 0.1
"""Events put at once, and seconds between: 400 a second."""

SETTLE_SECONDS = 30
PIPELINE = f'''"""Readings."""

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


pipeline = Pipeline(
    events=[Reading],
    metrics=[
        Metric(
            "warmth",
            events=[Reading],
            window="{WINDOW}s",
            by=["sensor"],
            measures={{"count": Count(), "sum": Sum("celsius")}},
        )
    ],
)
'''
VIEW = """
SELECT UNIX_SECONDS(window_start) AS start, LOGICAL_AND(complete) AS complete, SUM(`count`) AS n
FROM warmth GROUP BY start
"""

Times = dict[int, float]
"""When something was first seen of a window, in epoch seconds, by the window's start."""


def send(target: Target, over: threading.Event, sent: dict[int, int]) -> None:
    """Put readings until it is over, and count them by window."""
    producer = Producer(target.outputs.stream_name, client=target.producing)
    number = 0
    while not over.wait(PAUSE):
        now = time.time()
        moment = datetime.fromtimestamp(now, UTC).isoformat()
        batch = [
            {
                "type": "reading",
                "reading_id": f"r{number + n}",
                "measured_at": moment,
                "celsius": n / 7,
                "sensor": f"s{n % 8}",
            }
            for n in range(BATCH)
        ]
        number += BATCH
        for reading in batch:
            producer.put_record(json.dumps(reading).encode(), str(reading["reading_id"]))
        producer.flush()
        start = int(now) // WINDOW * WINDOW
        sent[start] = sent.get(start, 0) + BATCH


def watch(over: threading.Event, pause: float, look: Callable[[], None]) -> threading.Thread:
    """Look again and again, in a thread of its own."""

    def go_on() -> None:
        while not over.wait(pause):
            look()

    thread = threading.Thread(target=go_on)
    thread.start()
    return thread


def measure(target: Target, seconds: float) -> tuple[dict[str, Times], dict[int, int]]:
    """Return when each window was seen in which state, and how many events were put into it."""
    table = WindowTable(target.dynamodb, str(target.outputs.windows_table))
    views = f"{target.outputs.bigquery_project}.{target.outputs.bigquery_views_dataset}"
    config = bigquery.QueryJobConfig(default_dataset=views)
    complete: Times = {}
    queried: Times = {}
    known: Times = {}
    sent: dict[int, int] = {}

    def look_at_watermark() -> None:
        watermark = table.watermark()
        now = time.time()
        for start in list(sent):
            if watermark is not None and watermark.through >= (start + WINDOW) * 1000:
                complete.setdefault(start, now)

    def look_at_view() -> None:
        rows = [dict(row) for row in target.bigquery.query_and_wait(VIEW, job_config=config)]
        now = time.time()
        for row in rows:
            if row["start"] in sent and row["start"] + WINDOW <= now and row["n"] == sent[row["start"]]:
                known.setdefault(row["start"], now)
                if row["complete"]:
                    queried.setdefault(row["start"], now)

    over, sending_over = threading.Event(), threading.Event()
    threads = [watch(over, 0.1, look_at_watermark), watch(over, 0.25, look_at_view)]
    sender = threading.Thread(target=send, args=(target, sending_over, sent))
    sender.start()
    time.sleep(seconds)
    sending_over.set()
    sender.join()
    whole = {start: count for start, count in sent.items() if start + WINDOW <= time.time()}
    patience = time.monotonic() + SETTLE_SECONDS
    while not whole.keys() <= queried.keys() and time.monotonic() < patience:
        time.sleep(0.1)
    over.set()
    for thread in threads:
        thread.join()
    found = {
        "committed": committed(table),
        "complete": complete,
        "final figures in BigQuery": known,
        "complete in BigQuery": queried,
    }
    return found, whole


def committed(table: WindowTable) -> Times:
    """Return when the last segment of each window was committed."""
    times: Times = {}
    for lane in table.lanes().values():
        for header in table.headers(lane.lane, 0, lane.number):
            for part in header.parts:
                before = times.get(part.window_start, 0.0)
                times[part.window_start] = max(before, header.committed_at.timestamp())
    return times


def punctual(target: Target, sent: dict[int, int]) -> list[int]:
    """Return the windows without an event that came in after their end, which none can be there for.

    Holds the windows against what was put, too: figures of a run that loses something mean nothing.
    """
    reader = WindowReader(target.dynamodb, str(target.outputs.windows_table))
    counted: dict[int, int] = {}
    late: set[int] = set()
    for row in reader.read("warmth"):
        start = int(row.window_start.timestamp())
        counted[start] = counted.get(start, 0) + row.values["count"]
        if row.late:
            late.add(start)
    assert {start: counted.get(start) for start in sent} == sent
    return sorted(sent.keys() - late)


def share(values: Sequence[float], part: float) -> float:
    """Return the smallest value that at least so large a part of all does not exceed."""
    return sorted(values)[max(0, -int(-part * len(values) // 1) - 1)]


def report(found: dict[str, Times], windows: Sequence[int]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for column in ("seconds after a window's end", "p50", "p99", "most", "windows"):
        shown.add_column(column, justify="left" if column.startswith("seconds") else "right")
    for name, times in found.items():
        delays = [times[start] - start - WINDOW for start in windows if start in times]
        figures: list[Any] = [statistics.median(delays), share(delays, 0.99), max(delays)] if delays else []
        shown.add_row(name, *(f"{figure:.2f}" for figure in figures), f"{len(delays)} of {len(windows)}")
    return shown


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 70.0
    with TemporaryDirectory() as folder:
        pipeline = Path(folder) / "readings.py"
        pipeline.write_text(PIPELINE)
        with LocalCloud(ROOT, pipeline, shards=2) as cloud:
            target = target_of(cloud, pipeline)
            found, sent = measure(target, seconds)
            assert cloud.wait_drained(60), cloud.status()
            windows = punctual(target, sent)
    console = Console()
    # the first window began before the functions were warm
    console.print(report(found, [start for start in windows if start != min(sent)]))
    if late := len(sent) - len(windows):
        console.print(f"{late} of {len(sent)} windows left out: events came in after their end.")


if __name__ == "__main__":
    main()
