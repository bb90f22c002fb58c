"""Events a second into the local Kinesis, from a program's hands to the stream's confirmation.

    python bench/producer.py [--events 40000] [--rounds 3]

- floor: request bodies that are ready beforehand, over one kept connection: what the local server takes;
- peer: boto3's put_records, 500 at a time, one call after the other: no check, retry, receipt or bound;
- peer: aws-kinesis-agg packs aggregates of 50 KiB, and put_records sends them: it heeds no shards;
- Sluice: the same bytes, each with a receipt, retried record by record; `put`, which also checks each event
  against the contract; in order per key; and aggregated within shards.

The server takes one of the machine's cores, so figures with requests side by side need two. Each round runs
every way in turn; the best of each counts. The last column is processor time of this process alone.
"""

import argparse
import base64
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import urllib3
from aws_kinesis_agg.aggregator import RecordAggregator
from rich.console import Console
from rich.table import Table

from sluice.contract.fake import fake_events
from sluice.local.cloud_process import ChildProcess
from sluice.pipeline import load_pipeline
from sluice.producer import Producer
from sluice.producer.clients import CALL
from sluice.producer.wire import prepared

ROOT = Path(__file__).parents[1]
SHARDS = 4
REQUEST = 500
AGGREGATE = 51_200

Sent = list[tuple[str, bytes]]
Way = Callable[[Any, str, Sent], None]
numbers = itertools.count()


@contextmanager
def server() -> Iterator[str]:
    child = ChildProcess("sluice.local.aws", "--port", "0", name="the local AWS")
    try:
        yield f"http://127.0.0.1:{child.hear(60)['port']}"
    finally:
        child.close()
        child.wait()


def client(url: str, config: Any = None) -> Any:
    return boto3.client(
        "kinesis",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
        config=config,
    )


def chunks(sent: Sent) -> Iterator[Sent]:
    for start in range(0, len(sent), REQUEST):
        yield sent[start : start + REQUEST]


def plain(kinesis: Any, stream: str, sent: Sent) -> None:
    for chunk in chunks(sent):
        answer = kinesis.put_records(
            StreamName=stream, Records=[{"Data": data, "PartitionKey": key} for key, data in chunk]
        )
        assert answer["FailedRecordCount"] == 0


def kinesis_agg(kinesis: Any, stream: str, sent: Sent) -> None:
    aggregator = RecordAggregator(AGGREGATE)
    full = []
    for key, data in sent:
        record = aggregator.add_user_record(key, data)
        if record is not None:
            full.append(record.get_contents())
    last = aggregator.clear_and_get()
    if last is not None:
        full.append(last.get_contents())
    for start in range(0, len(full), 80):  # 80 of them are 4 MB
        kinesis.put_records(
            StreamName=stream,
            Records=[{"Data": data, "PartitionKey": key} for key, _, data in full[start : start + 80]],
        )


def sluice(**settings: Any) -> Way:
    def way(kinesis: Any, stream: str, sent: Sent) -> None:
        with Producer(stream, client=kinesis, **settings) as producer:
            for key, data in sent:
                producer.put_record(data, key)
        assert producer.report.accepted == len(sent)

    return way


def best(rounds: int, ways: dict[str, Callable[[str], None]], kinesis: Any) -> dict[str, tuple[float, float]]:
    """Return the least seconds of each way: on the clock, and of this process's processor time."""
    found: dict[str, tuple[float, float]] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            stream = f"bench-{next(numbers)}"
            kinesis.create_stream(StreamName=stream, ShardCount=SHARDS)
            begun, busy = time.perf_counter(), time.process_time()
            way(stream)
            took = time.perf_counter() - begun, time.process_time() - busy
            kinesis.delete_stream(StreamName=stream)
            before = found.get(name, took)
            found[name] = min(before[0], took[0]), min(before[1], took[1])
    return found


def floor(url: str, sent: Sent) -> Callable[[str], None]:
    headers = {
        "X-Amz-Target": "Kinesis_20131202.PutRecords",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/kinesis/aws4_request, ",
    }
    bodies = [
        json.dumps(
            [{"Data": base64.b64encode(data).decode(), "PartitionKey": key} for key, data in chunk]
        ).encode()
        for chunk in chunks(sent)
    ]
    pool = urllib3.PoolManager()

    def way(stream: str) -> None:
        for body in bodies:
            whole = b'{"StreamName":"%b","Records":%b}' % (stream.encode(), body)
            answer = pool.request("POST", url, body=whole, headers=headers)
            assert answer.status == 200

    return way


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pipeline = load_pipeline(ROOT / "pipeline.py")
    contract = pipeline.contract
    events = list(fake_events(contract, seed=1, count=arguments.events))
    sent = [(f"key-{place}", contract.encode(event)) for place, event in enumerate(events)]
    size = sum(len(data) for _, data in sent) / len(sent)

    def validated(stream: str) -> None:
        with Producer(stream, pipeline, client=bare) as producer:
            for event in events:
                producer.put(event)

    with server() as url:
        kinesis, bare = client(url), prepared(client(url, CALL))
        ways: dict[str, Callable[[str], None]] = {
            "floor: ready-made requests": floor(url, sent),
            "peer: boto3 put_records": lambda stream: plain(kinesis, stream, sent),
            "peer: aws-kinesis-agg + put_records": lambda stream: kinesis_agg(kinesis, stream, sent),
            "Producer.put_record": lambda stream: sluice()(bare, stream, sent),
            "Producer.put (checked)": validated,
            "Producer(ordered=True)": lambda stream: sluice(ordered=True)(bare, stream, sent),
            "Producer(aggregate=True)": lambda stream: sluice(aggregate=True)(bare, stream, sent),
            "Producer(aggregate, ordered)": lambda stream: sluice(aggregate=True, ordered=True)(
                bare, stream, sent
            ),
        }
        found = best(arguments.rounds, ways, kinesis)
    peers = {name: found[name][0] for name in found if name.startswith("peer")}
    boto, agg = peers.values()
    table = Table(title=f"{len(sent):,} events of {size:.0f} bytes, {SHARDS} shards, {os.cpu_count()} cores")
    for column in ("way", "events/s", "of boto3", "of kinesis-agg", "us of CPU an event"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, (seconds, busy) in found.items():
        table.add_row(
            name,
            f"{len(sent) / seconds:,.0f}",
            f"{boto / seconds:.2f}",
            f"{agg / seconds:.2f}",
            f"{busy / len(sent) * 1e6:.1f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
