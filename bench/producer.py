"""What a producer costs, and how fast it is: from a program's hands to the local Kinesis's confirmation.

    python bench/producer.py [--events 20000] [--rounds 7]

- floor: request bodies that are ready beforehand, over one kept connection: what the local server takes;
- peer: boto3's put_records, 500 records a call, one after the other, and in four threads: no check, retry,
  receipt or bound;
- peer: aws-kinesis-agg packs aggregates of 50 KiB, and put_records sends them: it heeds no shards;
- Sluice: the same bytes, each with a receipt, retried record by record; by a prepared client, and by one that
  is only given; `put`, which also checks each event against the contract; in order per key; and aggregated
  within shards.

Every round runs every way, each time in another order. Figures are medians over the rounds; ratios are taken
within a round first, so that a machine that slows down slows both. Processor time is this process's alone;
the clock also depends on what else runs, and the server takes one of the machine's cores.
"""

import argparse
import base64
import gc
import itertools
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
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
Way = Callable[[str], None]
"""Puts everything on the stream of that name."""
Took = tuple[float, float]
"""Seconds on the clock, and of this process's processor time."""

BOTO, THREADED, AGG = "boto3 put_records", "boto3, four threads", "aws-kinesis-agg + put_records"
PEERS = {
    "put_record": THREADED,
    "put_record, client as given": THREADED,
    "put (checked)": THREADED,
    "ordered=True": THREADED,
    "aggregate=True": AGG,
    "aggregate, ordered": AGG,
}
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


def plain(kinesis: Any, sent: Sent, stream: str) -> None:
    for chunk in chunks(sent):
        _put(kinesis, stream, chunk)


def threaded(kinesis: Any, sent: Sent, stream: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(partial(_put, kinesis, stream), chunks(sent)):
            pass


def _put(kinesis: Any, stream: str, sent: Sent) -> None:
    answer = kinesis.put_records(
        StreamName=stream, Records=[{"Data": data, "PartitionKey": key} for key, data in sent]
    )
    assert answer["FailedRecordCount"] == 0


def kinesis_agg(kinesis: Any, sent: Sent, stream: str) -> None:
    aggregator = RecordAggregator(AGGREGATE)
    full = [aggregator.add_user_record(key, data) for key, data in sent]
    packed = [each.get_contents() for each in [*full, aggregator.clear_and_get()] if each is not None]
    for start in range(0, len(packed), 80):  # 80 of them are 4 MB
        _put(kinesis, stream, [(key, data) for key, _, data in packed[start : start + 80]])


def sluice(kinesis: Any, sent: Sent, stream: str, **settings: Any) -> None:
    with Producer(stream, client=kinesis, **settings) as producer:
        for key, data in sent:
            producer.put_record(data, key)
    assert producer.report.accepted == len(sent)


def checked(kinesis: Any, pipeline: Any, events: list[Any], stream: str) -> None:
    with Producer(stream, pipeline, client=kinesis) as producer:
        for event in events:
            producer.put(event)
    assert producer.report.accepted == len(events)


def measured(rounds: int, ways: dict[str, Way], kinesis: Any) -> list[dict[str, Took]]:
    """Return what each way took in each round, after one that does not count."""
    found: list[dict[str, Took]] = []
    order = deque(ways)
    for _ in range(rounds + 1):
        took: dict[str, Took] = {}
        for name in order:
            stream = f"bench-{next(numbers)}"
            kinesis.create_stream(StreamName=stream, ShardCount=SHARDS)
            begun, busy = time.perf_counter(), time.process_time()
            ways[name](stream)
            took[name] = time.perf_counter() - begun, time.process_time() - busy
            kinesis.delete_stream(StreamName=stream)
        found.append(took)
        order.rotate(3)
    return found[1:]


def floor(url: str, sent: Sent) -> Way:
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
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    pipeline = load_pipeline(ROOT / "pipeline.py")
    contract = pipeline.contract
    events = list(fake_events(contract, seed=1, count=arguments.events))
    sent = [(f"key-{place}", contract.encode(event)) for place, event in enumerate(events)]
    gc.collect()
    gc.freeze()  # the collector's walks through what this program holds are no way's cost
    with server() as url:
        kinesis, given, quick = client(url), client(url, CALL), prepared(client(url, CALL))
        ways: dict[str, Way] = {
            "floor: ready-made requests": floor(url, sent),
            BOTO: partial(plain, kinesis, sent),
            THREADED: partial(threaded, kinesis, sent),
            AGG: partial(kinesis_agg, kinesis, sent),
            "put_record": partial(sluice, quick, sent),
            "put_record, client as given": partial(sluice, given, sent),
            "put (checked)": partial(checked, quick, pipeline, events),
            "ordered=True": partial(sluice, quick, sent, ordered=True),
            "aggregate=True": partial(sluice, quick, sent, aggregate=True),
            "aggregate, ordered": partial(sluice, quick, sent, aggregate=True, ordered=True),
        }
        found = measured(arguments.rounds, ways, kinesis)
    size = sum(len(data) for _, data in sent) / len(sent)
    title = f"{len(sent):,} events of {size:.0f} bytes, {SHARDS} shards, {os.cpu_count()} cores"
    show(title, list(ways), found, len(sent))


def show(title: str, names: list[str], found: list[dict[str, Took]], events: int) -> None:
    floor_name = names[0]
    table = Table(title=title, caption="speeds: above 1 is faster or cheaper than the peer")
    for column in ("way", "us of CPU an event", "CPU: of peer", "x floor", "events/s", "clock: of peer"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name in names:
        cpu = median(took[name][1] for took in found) / events * 1e6
        row = [name, f"{cpu:.1f}", "", "", "", ""]
        row[3] = f"{median(took[name][1] / took[floor_name][1] for took in found):.1f}"
        row[4] = f"{events / median(took[name][0] for took in found):,.0f}"
        if name in PEERS:
            peer = PEERS[name]
            row[2] = f"{median(took[peer][1] / took[name][1] for took in found):.2f}"
            row[5] = f"{median(took[peer][0] / took[name][0] for took in found):.2f}"
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
