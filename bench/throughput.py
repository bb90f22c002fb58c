"""The whole pipeline on this machine: events a second from the first put to the last one settled, and memory.

In one run, over the same local servers and the same events:

- sluice: producer, stream, mapping, the sink's function with contract, ledger and dead letters, BigQuery;
  and, on the same cores, what the others do not do: the metrics of pipeline.py, counted and published;
- peer: the consumer one would write by hand: boto3's get_records, json, google-cloud-bigquery's
  insert_rows_json; no validation, no ledger, no dead letters, no retries;
- floor: what the local servers cost by themselves: PutRecords, GetRecords and ready-made insertAll bodies, in
  turn. The pipeline does these side by side, so it can be above the floor.

    python bench/throughput.py [EVENTS]        100,000 unless told
"""

import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil
import urllib3
from rich.console import Console
from rich.table import Table

from sluice.cli.demonstration import target_of
from sluice.cli.sending import send
from sluice.cli.target import Target
from sluice.contract import Contract
from sluice.contract.fake import fake_events
from sluice.local.cloud import LocalCloud
from sluice.pipeline import load_pipeline
from sluice.producer import Producer

ROOT = Path(__file__).parents[1]
SAMPLE_SECONDS = 0.5
COMPARED = 20_000
REQUEST = 500


class Memory:
    """The peak of what this process and all below it take together, in MB (shared pages counted once)."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, sum(map(_megabytes, _family())))


def _family() -> list[psutil.Process]:
    me = psutil.Process(os.getpid())
    return [me, *me.children(recursive=True)]


def _megabytes(process: psutil.Process) -> float:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return float(getattr(info, "pss", info.rss)) / 1e6


def records(contract: Contract, count: int) -> list[tuple[str, bytes]]:
    """Make `count` events of the default pipeline, each with its partition key."""
    events = fake_events(contract, seed=1, count=count)
    return [(str(place), contract.encode(event)) for place, event in enumerate(events)]


def pipeline_rate(cloud: LocalCloud, target: Target, sent: list[tuple[str, bytes]]) -> float:
    begun = time.perf_counter()
    send(Producer(target.outputs.stream_name, client=target.producing), iter(sent))
    if not cloud.wait_drained(60):
        raise SystemExit(f"the pipeline is stuck: {cloud.status()}")
    return len(sent) / (time.perf_counter() - begun)


def put_aside(target: Target, name: str, sent: list[tuple[str, bytes]]) -> float:
    """Put the records on a stream of their own that no mapping reads; returns the seconds it took."""
    target.kinesis.create_stream(StreamName=name, ShardCount=1)
    begun = time.perf_counter()
    send(Producer(name, client=target.producing), iter(sent))
    return time.perf_counter() - begun


def read(target: Target, name: str, count: int) -> Any:
    shard = target.kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = target.kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    seen = 0
    while seen < count:
        page = target.kinesis.get_records(ShardIterator=iterator, Limit=1000)
        seen += len(page["Records"])
        iterator = page["NextShardIterator"]
        yield from page["Records"]


def row(record: Any, event: dict[str, Any], number: int) -> dict[str, Any]:
    for name in ("filters", "experiments"):
        if event.get(name) is not None:
            event[name] = json.dumps(event[name])
    return {
        **event,
        "_event_id": str(number),
        "_arrived_at": record["ApproximateArrivalTimestamp"].isoformat(),
        "_shard": "peer",
        "_sequence": record["SequenceNumber"],
    }


def peer_rate(target: Target, sent: list[tuple[str, bytes]]) -> float:
    seconds = put_aside(target, "peer", sent)
    begun = time.perf_counter()
    waiting: dict[str, list[dict[str, Any]]] = {}
    for number, record in enumerate(read(target, "peer", len(sent))):
        event = json.loads(record["Data"])
        rows = waiting.setdefault(event["type"], [])
        rows.append(row(record, event, number))
        if len(rows) == REQUEST:
            insert(target, event["type"], rows)
            rows.clear()
    for table, rows in waiting.items():
        insert(target, table, rows)
    return len(sent) / (seconds + time.perf_counter() - begun)


def insert(target: Target, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    outputs = target.outputs
    errors = target.bigquery.insert_rows_json(
        f"{outputs.bigquery_project}.{outputs.bigquery_dataset}.{table}", rows
    )
    if errors:
        raise SystemExit(f"the peer's rows are refused: {errors[0]}")


def floor_rate(target: Target, bigquery_url: str, contract: Contract, sent: list[tuple[str, bytes]]) -> float:
    seconds = put_aside(target, "floor", sent)
    outputs = target.outputs
    bodies = []
    decoded = [(contract.decode(data), str(number)) for number, (_, data) in enumerate(sent)]
    decoded.sort(key=lambda each: contract.type_of(each[0]).table)
    for table, group in itertools.groupby(decoded, key=lambda each: contract.type_of(each[0]).table):
        every = list(group)
        for start in range(0, len(every), REQUEST):
            rows = [
                {
                    "insertId": f"floor-{number}",
                    "json": {
                        **msgspec.json.decode(contract.encode_row(event)),
                        "_event_id": number,
                        "_arrived_at": "2026-01-01T00:00:00Z",
                        "_shard": "floor",
                        "_sequence": number,
                    },
                }
                for event, number in every[start : start + REQUEST]
            ]
            bodies.append((table, msgspec.json.encode({"rows": rows})))
    pool = urllib3.PoolManager()
    dataset = f"projects/{outputs.bigquery_project}/datasets/{outputs.bigquery_dataset}"
    tables = f"{bigquery_url}/bigquery/v2/{dataset}/tables"
    begun = time.perf_counter()
    for _ in read(target, "floor", len(sent)):
        pass
    for table, body in bodies:
        answer = pool.request(
            "POST", f"{tables}/{table}/insertAll", body=body, headers={"Content-Type": "application/json"}
        )
        if answer.status != 200 or b"insertErrors" in answer.data:
            raise SystemExit(f"the floor's rows are refused: {answer.data[:300]!r}")
    return len(sent) / (seconds + time.perf_counter() - begun)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    pipeline = ROOT / "pipeline.py"
    contract = load_pipeline(pipeline).contract
    sent = records(contract, count)
    size = sum(len(data) for _, data in sent) / len(sent)
    some = sent[:COMPARED]
    with LocalCloud(ROOT, pipeline) as cloud:
        target = target_of(cloud, pipeline)
        with Memory() as memory:
            rate = pipeline_rate(cloud, target, sent)
        peer = peer_rate(target, some)
        floor = floor_rate(target, cloud.endpoints.bigquery_url, contract, some)
    table = Table(title=f"{count:,} events of {size:.0f} bytes, {os.cpu_count()} cores")
    table.add_column("way")
    table.add_column("events/s", justify="right")
    table.add_column("of the floor", justify="right")
    for way, figure in (("sluice, all of it", rate), ("a loop by hand", peer), ("the servers alone", floor)):
        table.add_row(way, f"{figure:,.0f}", f"{figure / floor:.2f}")
    console = Console()
    console.print(table)
    console.print(f"sluice / peer: {rate / peer:.2f}; peak memory of all processes: {memory.peak:,.0f} MB")


if __name__ == "__main__":
    main()
