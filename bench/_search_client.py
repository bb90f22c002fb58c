"""One way to index batches, in a process of its own: prints the seconds of each, and its memory, as JSON.

Started by bench/search.py with a line on its input: {"way", "url", "events", "bytes", "concurrency",
"documents", "bulk_bytes"}. It says "ready" first and waits for another line, so that nothing but the batch is
measured.
"""

import base64
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any

import urllib3
from botocore.credentials import Credentials

from sluice.contract import Contract, Event, field
from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Accepted, Processor, Rejected, clients
from sluice.delivery.caution import Caution
from sluice.records import records_of
from sluice.sinks.opensearch.bulk import BulkWriter, Limits
from sluice.sinks.opensearch.connection import Cluster, connect
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.sink import SearchSink


class Page(Event, type="page", id="id", time="at"):
    """A page and its text."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    text: Annotated[str, field("What it says")]


CONTRACT = Contract([Page])
INDICES = Indices("bench")
KEYS = Credentials("AKIDEXAMPLE", "secret")
WORDS = [f"word{number:04x}" for number in range(5000)]


def lambda_event(events: int, size: int, seed: int) -> dict[str, Any]:
    """What Lambda hands over: events of about `size` bytes, base64."""
    chance = random.Random(seed)  # noqa: S311 - words, no secret
    records = []
    for number in range(events):
        event = {"type": "page", "id": f"{seed}-{number}", "at": "2026-11-21T12:00:00Z"}
        event["text"] = " ".join(chance.choices(WORDS, k=max(1, (size - 120) // 9)))
        records.append(
            {
                "kinesis": {
                    "partitionKey": str(number),
                    "sequenceNumber": str(49 * 10**54 + number),
                    "data": base64.b64encode(json.dumps(event).encode()).decode(),
                    "approximateArrivalTimestamp": datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp(),
                },
                "eventID": f"shardId-000000000000:{49 * 10**54 + number}",
                "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/s",
            }
        )
    return {"Records": records}


def client(url: str, connections: int) -> Any:
    secure = url.startswith("https")
    return connect(
        url, "es" if secure else None, credentials=KEYS, region="eu-central-1", connections=connections
    )


def ours(job: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    limits = Limits(concurrency=job["concurrency"], documents=job["documents"], bytes=job["bulk_bytes"])
    sink = SearchSink(CONTRACT, BulkWriter(Cluster(client(job["url"], limits.concurrency)), limits), INDICES)

    if job.get("whole"):
        return whole(sink)

    def run(event: dict[str, Any]) -> None:
        prepared = []
        for record in records_of(event):
            decoded = CONTRACT.decode(record.data)
            operation = sink.prepare(Accepted(record, decoded, CONTRACT.type_of(decoded)))
            assert not isinstance(operation, Rejected)
            prepared.append(operation)
        outcomes = sink.deliver(prepared, Deadline.after(300))
        assert outcomes == [DELIVERED] * len(prepared), outcomes[:3]

    return run


class Books:
    """A ledger that is always free, and takes no dead letters."""

    def open(self, *_: object) -> Any:
        return SimpleNamespace(caution=Caution())

    def close(self, *_: object) -> None: ...

    def send(self, letters: Any, _: object) -> Any:
        raise AssertionError(letters)


def whole(sink: SearchSink) -> Callable[[dict[str, Any]], None]:
    """All that a function does and holds, its AWS clients included; only the ledger is left out."""
    held = clients.dynamodb(), clients.sqs(), clients.s3()
    books: Any = Books()
    processor = Processor(CONTRACT, sink, books, books)

    def run(event: dict[str, Any]) -> None:
        assert all(held)
        again: dict[str, Any] = json.loads(json.dumps(event))  # Lambda's runtime reads each event from JSON
        assert processor(again, Time()) == {"batchItemFailures": []}

    return run


class Time:
    """Lambda's context: 20 s left."""

    def get_remaining_time_in_millis(self) -> int:
        return 20_000


def classic(job: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """One request a record, so many at a time, by the client's own `index`."""
    opensearch = client(job["url"], job["concurrency"])
    workers = ThreadPoolExecutor(job["concurrency"])

    def index(record: dict[str, Any]) -> None:
        document = json.loads(base64.b64decode(record["kinesis"]["data"]))
        opensearch.index(index="bench-page-2026.11", id=document["id"], body=document)

    def run(event: dict[str, Any]) -> None:
        list(workers.map(index, event["Records"]))

    return run


def floor(job: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """One bulk request whose body is made already, over bare urllib3: no client can take less."""
    http = urllib3.PoolManager()
    lines = []
    for record in lambda_event(job["events"], job["bytes"], 1)["Records"]:
        lines += [b'{"create":{"_index":"bench-page-2026.11"}}', base64.b64decode(record["kinesis"]["data"])]
    body = b"\n".join([*lines, b""])

    def run(_: dict[str, Any]) -> None:
        answer = http.request(
            "POST", job["url"] + "/_bulk", body=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status == 200

    return run


def main() -> None:
    job = json.loads(sys.stdin.readline())
    run = {"ours": ours, "classic": classic, "floor": floor}[job["way"]](job)
    seeds = job["seeds"]
    events: Iterator[dict[str, Any]] = (lambda_event(job["events"], job["bytes"], seed) for seed in seeds)
    if not job.get("whole"):
        events = iter(list(events))  # made beforehand: only the indexing is measured
    print("ready", flush=True)
    sys.stdin.readline()
    seconds = []
    for event in events:
        started = time.perf_counter()
        run(event)
        seconds.append(time.perf_counter() - started)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mib": most}), flush=True)


if __name__ == "__main__":
    main()
