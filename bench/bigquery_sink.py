"""Rows per second from a Kinesis record to BigQuery's request body, one core, no network.

    python bench/bigquery_sink.py [--events 20000] [--rounds 3]

Beside it, on the same events: the floor (msgspec decodes the event into its class and encodes it again) and
the peer (json.loads, four lineage keys, google-cloud-bigquery's insert_rows_json over a session that answers
at once; it checks nothing). All get bytes that are decoded from base64, unless a line says otherwise. The
figures are processor time.
"""

import argparse
import base64
import gzip
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from pipeline import pipeline
from sluice.contract.fake import fake_events
from sluice.delivery import Accepted
from sluice.records import Record, records_of
from sluice.sinks.bigquery.inserts import HEAD, TAIL, Row
from sluice.sinks.bigquery.sink import BigQuerySink
from sluice.sinks.bigquery.transport import Transport

SHARD = "shardId-000000000000"
REQUEST_ROWS = 500
CONTRACT = pipeline.contract


class Unplugged:
    """A session of Google's client that takes every request and sends none."""

    is_mtls = False
    sent = 0

    def request(self, *, data: str | bytes = b"", **_: object) -> Any:
        """Count what would have been sent."""
        self.sent += len(data)
        return self

    status_code = 200
    headers: dict[str, str] = {"content-type": "application/json"}  # noqa: RUF012 - never changed
    content = b"{}"

    def json(self) -> dict[str, object]:
        """Answer that every row went in."""
        return {}


def kinesis_event(datas: Sequence[bytes]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "kinesis": {
                    "partitionKey": f"key{n}",
                    "sequenceNumber": str(49 * 10**54 + n),
                    "data": base64.b64encode(data).decode(),
                    "approximateArrivalTimestamp": 1_700_000_000.25 + n,
                },
                "eventID": f"{SHARD}:{49 * 10**54 + n}",
                "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/s/consumer/bigquery:1",
            }
            for n, data in enumerate(datas)
        ]
    }


def in_requests(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + REQUEST_ROWS] for start in range(0, len(items), REQUEST_ROWS)]


def sluice_rows(sink: BigQuerySink, records: Sequence[Record]) -> list[Row]:
    rows = []
    for record in records:
        event = CONTRACT.decode(record.data)
        rows.append(sink.prepare(Accepted(record, event, CONTRACT.type_of(event))))
    return rows


def bodies(rows: Sequence[Row]) -> list[bytes]:
    return [HEAD + b",".join([row.body for row in chunk]) + TAIL for chunk in in_requests(rows)]


def peer(client: Client, records: Sequence[Record]) -> None:
    for chunk in in_requests(records):
        rows, ids = [], []
        for record in chunk:
            row = json.loads(record.data)
            row["_event_id"] = record.fallback_id
            row["_arrived_at"] = record.arrived.isoformat()
            row["_shard"], row["_sequence"] = record.shard, record.position
            rows.append(row)
            ids.append(record.identity)
        client.insert_rows_json("project.raw.search", rows, row_ids=ids, skip_invalid_rows=True)


def floor(records: Sequence[Record]) -> None:
    decode = msgspec.json.Decoder(type_union()).decode
    encode = msgspec.json.Encoder().encode
    for record in records:
        encode(decode(record.data))


def type_union() -> Any:
    union: Any = None
    for kind in CONTRACT.types.values():
        union = kind.cls if union is None else union | kind.cls
    return union


def best(rounds: int, work: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    datas = [CONTRACT.encode(event) for event in fake_events(CONTRACT, seed=1, count=options.events)]
    random.Random(1).shuffle(datas)  # noqa: S311 - an order, no secret
    event = kinesis_event(datas)
    records = records_of(event)
    sink = BigQuerySink(CONTRACT, Transport("project", "raw", base_url="http://127.0.0.1:9"))
    anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call] # google-auth has no types
    session: Any = Unplugged()
    client = Client("project", credentials=anonymous, _http=session)
    rows = sluice_rows(sink, records)
    ready = bodies(rows)
    results = {
        "floor: msgspec decode + encode": lambda: floor(records),
        "sluice: decode, check, row, request body": lambda: bodies(sluice_rows(sink, records)),
        "sluice, from Lambda's event (base64)": lambda: bodies(sluice_rows(sink, records_of(event))),
        "sluice, from Lambda's event, gzip too": lambda: [
            gzip.compress(body, 1, mtime=0) for body in bodies(sluice_rows(sink, records_of(event)))
        ],
        "peer: json + insert_rows_json": lambda: peer(client, records),
    }
    mean = sum(map(len, datas)) / len(datas)
    squeezed = sum(len(gzip.compress(body, 1, mtime=0)) for body in ready) / sum(map(len, ready))
    print(f"{len(datas)} events of {mean:.0f} bytes on average, best of {options.rounds} rounds")
    seconds = {name: best(options.rounds, work) for name, work in results.items()}
    ours = seconds["sluice: decode, check, row, request body"]
    for name, taken in seconds.items():
        each = taken / len(datas)
        print(f"  {name:42} {1 / each:>9,.0f} rows/s {1e6 * each:>6.1f} us/row  x{taken / ours:.2f}")
    print(f"  gzip leaves {squeezed:.0%} of a request")


if __name__ == "__main__":
    main()
