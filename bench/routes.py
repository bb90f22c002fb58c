"""How soon 500 transactions have parted ways, and what deciding about one costs.

A local cloud of two shards with two pairs of routes over `amount >= 0` and `amount < 0`: one pair leads to
functions, one to streams of their own that the same functions read. 500 transactions, half of them negative,
are put at once; the time runs from the first put until both functions of a pair say that they have taken
their halves. Runtimes are warm but for the first run, which is left out. Mappings on the stream wait for a
batching window of 0 s, or of the 1 s that is the default; those on a route's own stream never wait.

Deciding: contract check and predicate for each record, beside a function written by hand that parses the JSON
and compares, without checking anything.

    python bench/routes.py [RUNS]        5 runs unless told
"""

import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sluice.cli.demonstration import target_of
from sluice.cli.target import Target
from sluice.delivery import SKIPPED, Accepted
from sluice.local.cloud import LocalCloud
from sluice.pipeline import Pipeline, load_pipeline
from sluice.producer import Producer
from sluice.records import Record
from sluice.router.sink import RouteSink
from sluice.router.taking import Taking

ROOT = Path(__file__).parents[1]
PIPELINE = ROOT / "tests" / "pipelines" / "routes.py"
COUNT = 500
MOST_SECONDS = 2.0
"""What both halves may take at most without a batching window."""

PATIENCE = 30.0
DIRECT = ("positive", "negative")
COPIES = ("positive_copy-transactions", "negative_copy-transactions")
MOST_TIMES = 3.0
"""Deciding, with everything checked, may cost so many times what the hand-written comparison does."""


def transactions(run: int) -> list[bytes]:
    """Return 500 transactions, every other one negative, under ids of their own."""
    at = datetime.now(UTC).isoformat()
    return [
        json.dumps(
            {"type": "transaction", "id": f"r{run}-{n}", "at": at, "amount": n + 1 if n % 2 else -n - 1}
        ).encode()
        for n in range(COUNT)
    ]


def taken(cloud: LocalCloud, sink: str) -> int:
    """Return how many events a function says it has taken so far."""
    total = 0
    for line in cloud.function_log(cloud.outputs["sinks"][sink]["function"]).splitlines():
        if "transactions taken" in line:
            total += int(json.loads(line)["count"])
    return total


def part_ways(cloud: LocalCloud, target: Target, run: int) -> dict[str, float]:
    """Put 500 transactions, and return the seconds until each pair has all of them."""
    before = {sink: taken(cloud, sink) for sink in (*DIRECT, *COPIES)}
    seconds: dict[str, float] = {}
    started = time.monotonic()
    with Producer(target.outputs.stream_name, client=target.producing) as producer:
        for place, record in enumerate(transactions(run)):
            producer.put_record(record, str(place))
    while len(seconds) < 2:
        for name, pair in (("functions", DIRECT), ("streams of their own", COPIES)):
            got = [taken(cloud, sink) - before[sink] for sink in pair]
            assert max(got) <= COUNT // 2, "an event was taken twice"
            if got == [COUNT // 2, COUNT // 2]:
                seconds.setdefault(name, time.monotonic() - started)
        assert time.monotonic() - started < PATIENCE, (run, seconds)
        time.sleep(0.01)
    return seconds


def parted(window: int | None, runs: int) -> dict[str, list[float]]:
    """Measure in a cloud whose routes wait so many seconds for a batch to fill; None: by default."""
    quick = {} if window is None else {"batching_window_seconds": window}
    routes: Mapping[str, Any] = dict.fromkeys((*DIRECT, "positive_copy", "negative_copy"), quick)
    found: dict[str, list[float]] = {}
    with LocalCloud(ROOT, PIPELINE, shards=2, overrides={"routes": routes}) as cloud:
        target = target_of(cloud, PIPELINE)
        for run in range(runs + 1):
            seconds = part_ways(cloud, target, run)
            assert cloud.wait_drained(PATIENCE)
            for name, each in seconds.items() if run else ():
                found.setdefault(name, []).append(each)
    return found


def deciding(pipeline: Pipeline) -> tuple[float, float]:
    """Return the microseconds that a record costs by hand, and with contract and predicate."""
    datas = transactions(0) * 20
    records = [Record("s", "shard", str(n), "k", 1.0, data) for n, data in enumerate(datas)]
    contract, route = pipeline.contract, pipeline.routes[0]
    sink = RouteSink(route.name, route, Taking(lambda _: None))
    kinds: Counter[bool] = Counter()

    def by_hand() -> None:
        for record in records:
            amount = json.loads(record.data, parse_float=Decimal).get("amount")
            kinds[amount is not None and amount >= 0] += 1

    def checked() -> None:
        for record in records:
            event = contract.decode(record.data)
            kinds[sink.prepare(Accepted(record, event, contract.type_of(event))) is not SKIPPED] += 1

    return best(by_hand, len(records)), best(checked, len(records))


def best(work: Callable[[], None], records: int) -> float:
    """Return the microseconds a record of the fastest of five runs."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times) / records * 1e6


def main() -> int:
    """Print both tables; fail when a floor is not held."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    out = Console()
    table = Table(title=f"500 transactions in both outputs, {runs} runs", title_justify="left")
    for title in ("to", "batching window", "median", "slowest"):
        table.add_column(title)
    medians = []
    for window in (None, 0):
        for name, seconds in parted(window, runs).items():
            median = statistics.median(seconds)
            table.add_row(
                name,
                "default" if window is None else f"{window} s",
                f"{median:.2f} s",
                f"{max(seconds):.2f} s",
            )
            medians.append(median)
    out.print(table)
    hand, checked = deciding(load_pipeline(PIPELINE))
    out.print(
        f"deciding about a record: {checked:.1f} µs with contract and predicate, {hand:.1f} µs by hand"
        f" ({checked / hand:.1f} times)"
    )
    good = max(medians) < MOST_SECONDS and checked / hand < MOST_TIMES
    out.print(f"floor: under {MOST_SECONDS:g} s and {MOST_TIMES:g} times: {'held' if good else 'NOT HELD'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
