"""The producer over a Kinesis that misbehaves: nothing is lost, and what comes twice is told downstream."""

import itertools
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
import urllib3
from botocore.config import Config

from sluice.local.state import read_state
from sluice.pipeline import load_pipeline
from sluice.producer import Producer
from sluice.producer.clients import CALL
from sluice.records.aggregate import is_aggregate, unpack
from tests.e2e.conftest import (
    SLUICE,
    WEB_REQUESTS,
    Running,
    document,
    local,
    of_sink,
    running,
    sluice,
    wait_until_settled,
)
from tests.e2e.faulty_kinesis import FaultyKinesis, faulty_kinesis

pytestmark = pytest.mark.e2e

EACH = 300
PIPELINE = load_pipeline(WEB_REQUESTS)
QUICK = {"aggregator": {"tumbling_window_seconds": 1}}
FAULTS = {
    "throttles 30 % of the records": ["throttle"] * 6,
    "answers 500": ["500", "503", "500"],
    "resets the connection": ["reset", "reset"],
    "resets it after the write": ["reset after", "reset after"],
    "answers too late": ["hang after"],
    "breaks off half-way through an answer": ["half", "half"],
    "does all of that": ["throttle", "500", "reset", "reset after", "half", "throttle"],
}
MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "ordered": {"ordered": True},
    "aggregated": {"aggregate": True, "max_aggregate_bytes": 4_000},
}
numbers = itertools.count()


@pytest.fixture(scope="module")
def plant() -> Iterator[Running]:
    with running(WEB_REQUESTS, shards=2, overrides=QUICK) as running_cloud:
        yield running_cloud


@pytest.fixture(scope="module")
def faulty(plant: Running) -> Iterator[FaultyKinesis]:
    assert plant.target.endpoints is not None
    with faulty_kinesis(plant.target.endpoints.aws_url) as server:
        yield server


def requests(count: int) -> list[tuple[str, bytes]]:
    now = datetime.now(UTC) - timedelta(minutes=5)
    ids = [f"produced-{next(numbers)}" for _ in range(count)]
    return [
        (
            each,
            msgspec.json.encode(
                {
                    "type": "web_request",
                    "request_id": each,
                    "client_ip": "192.0.2.1",
                    "requested_at": now,
                    "method": "GET",
                    "path": "/",
                    "protocol": "HTTP/1.1",
                    "status": 200,
                }
            ),
        )
        for each in ids
    ]


def through(faulty: FaultyKinesis, plant: Running, **options: Any) -> Producer:
    client = boto3.client(
        "kinesis",
        endpoint_url=faulty.url,
        region_name=plant.target.outputs.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
        config=CALL.merge(Config(read_timeout=0.5)),
    )
    return Producer(
        plant.target.outputs.stream_name, PIPELINE, client=client, max_batch_records=60, **options
    )


def in_stream(plant: Running) -> list[str]:
    """The ids of all events in the stream, shard by shard, as often as they are there."""
    kinesis, stream = plant.target.kinesis, plant.target.outputs.stream_name
    found: list[str] = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        cursor: str | None = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while cursor:
            page = kinesis.get_records(ShardIterator=cursor)
            for record in page["Records"]:
                data = record["Data"]
                datas = [user.data for user in unpack(data)] if is_aggregate(data) else [data]
                found += [msgspec.json.decode(each)["request_id"] for each in datas]
            cursor = page.get("NextShardIterator") if page["Records"] else None
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_kinesis_that_misbehaves_loses_nothing_and_downstream_each_event_is_there_once(
    plant: Running, faulty: FaultyKinesis, mode: str
) -> None:
    sent: list[str] = []
    for faults in FAULTS.values():
        faulty.faults = list(faults)
        events = requests(EACH)
        with through(faulty, plant, **MODES[mode]) as producer:
            receipts = [producer.put(data, key) for key, data in events]
            producer.flush()
            while faulty.faults:  # requests went out with so many events that there were few of them
                events += (more := requests(60))
                receipts += [producer.put(data, key) for key, data in more]
                producer.flush()
        assert all(receipt.result(0).sequence for receipt in receipts)
        assert producer.report.accepted == len(events)
        sent += [key for key, _ in events]
    there = [each for each in in_stream(plant) if each in set(sent)]
    assert set(there) == set(sent)
    assert len(there) > len(sent)  # what was written without an answer
    if mode == "ordered":
        places = {each: place for place, each in enumerate(sent)}
        assert sorted(dict.fromkeys(there), key=places.__getitem__) == sent
    books = plant.books()
    assert books.balanced, books.problems
    assert of_sink(books, "bigquery").dead_lettered == 0
    seen = [row["request_id"] for row in plant.rows("SELECT request_id FROM web_request")]
    assert len(seen) == len(set(seen))
    assert set(sent) <= set(seen)


def test_a_single_key_stays_in_order_through_faults(plant: Running, faulty: FaultyKinesis) -> None:
    faulty.share = 0.3
    faulty.faults = []
    try:
        for mode in ({}, {"aggregate": True, "max_aggregate_bytes": 2_000}):
            events = requests(40 if not mode else EACH)
            with through(faulty, plant, ordered=True, linger=0.01, **mode) as producer:
                for _, data in events:
                    producer.put(data, "one key")
            mine = {key for key, _ in events}
            there = [each for each in in_stream(plant) if each in mine]
            assert list(dict.fromkeys(there)) == [key for key, _ in events]
    finally:
        faulty.share = 0.0


def test_a_reshard_while_aggregates_are_sent_loses_nothing(plant: Running, faulty: FaultyKinesis) -> None:
    kinesis, stream = plant.target.kinesis, plant.target.outputs.stream_name
    events = requests(3 * EACH)
    with through(faulty, plant, aggregate=True, ordered=True, linger=0.01) as producer:
        for place, (key, data) in enumerate(events):
            if place in (EACH, 2 * EACH):
                producer.flush()
                (first, *_) = [
                    shard
                    for shard in kinesis.list_shards(StreamName=stream)["Shards"]
                    if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
                ]
                span = first["HashKeyRange"]
                kinesis.split_shard(
                    StreamName=stream,
                    ShardToSplit=first["ShardId"],
                    NewStartingHashKey=str((int(span["StartingHashKey"]) + int(span["EndingHashKey"])) // 2),
                )
            producer.put(data, key)
    assert producer.report.accepted == len(events)
    assert {key for key, _ in events} <= set(in_stream(plant))
    books = plant.books()
    assert books.balanced, books.problems


def test_produce_packs_events_tells_figures_and_ends_well_with_ctrl_c(project: Path) -> None:
    with local(project):
        done = sluice(
            "produce", "--kpl", "--rate", "8000", "--fake", "4000", "--seed", "1", "--json", cwd=project
        )
        figures = document(done)
        assert done.returncode == 0
        assert (figures["accepted"], figures["undelivered"], figures["stopped"]) == (4000, 0, False)
        assert 0 < figures["records"] < 2000
        assert {"requests", "retried", "throttled", "failed_requests"} < set(figures)
        before = figures["records"]
        piping = subprocess.Popen(
            [str(SLUICE), "produce", "-", "--json"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert piping.stdin is not None
        piping.stdin.write("no event\n" * 30)
        piping.stdin.flush()
        state = read_state(project)
        assert state is not None
        patience = time.monotonic() + 60
        while sum(urllib3.request("GET", f"{state.aws_url}/_sluice/streams").json().values()) < before + 30:
            assert time.monotonic() < patience, "the events of the pipe never came"
            time.sleep(0.02)
        piping.send_signal(signal.SIGINT)
        out, err = piping.communicate(timeout=30)
        stopped = msgspec.json.decode(out)
        assert (piping.returncode, err) == (130, "stopped\n")
        assert (stopped["accepted"], stopped["no_events"], stopped["stopped"]) == (30, 30, True)
        books = wait_until_settled(project, produced=before + 30)
        assert books["balanced"], books
