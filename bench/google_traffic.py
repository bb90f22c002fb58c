"""What a million real events cost on their way to Google, compressed and not: bytes, processor time, dollars.

The requests are the BigQuery sink's own, of 10, 100 and 500 rows; the events are 10,000 requests of a
web server (tests/data). Its peers are no compression and gzip's usual level.

    .venv/bin/python bench/google_traffic.py
"""

import gzip
import runpy
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sluice.delivery import Accepted
from sluice.planner.prices import usd
from sluice.records import Record
from sluice.sinks.bigquery.inserts import HEAD, TAIL
from sluice.sinks.bigquery.sink import BigQuerySink
from sluice.sinks.bigquery.transport import GZIP_FROM_BYTES, Transport

ROOT = Path(__file__).parents[1]
GIGABYTE = 1e9
MILLION = 1_000_000
OVERHEAD_BYTES = 700
"""Headers of a request (a token of Google's is some 400 bytes), of TLS and of TCP: about."""


def rows() -> list[bytes]:
    pipeline = runpy.run_path(str(ROOT / "tests" / "pipelines" / "web_requests.py"))["pipeline"]
    contract = pipeline.contract
    sink = BigQuerySink(contract, Transport("p", "d"))
    found = []
    with gzip.open(ROOT / "tests" / "data" / "web_requests.ndjson.gz") as lines:
        for number, line in enumerate(lines):
            record = Record(
                "events",
                "shardId-000000000000",
                str(49 * 10**54 + 7919 * number),
                "key",
                1.7e9 + number / 500,
                line,
            )
            event = contract.decode(line)
            found.append(sink.prepare(Accepted(record, event, contract.type_of(event))).body)
    return found


def bodies(given: Sequence[bytes], size: int) -> list[bytes]:
    return [HEAD + b",".join(given[at : at + size]) + TAIL for at in range(0, len(given), size)]


def as_sent(body: bytes) -> bytes:
    """What the transport sends: see Transport.insert_all."""
    return gzip.compress(body, compresslevel=1, mtime=0) if len(body) >= GZIP_FROM_BYTES else body


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda body: body,
    "gzip-1 (the sink's)": as_sent,
    "gzip-6": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}


def main() -> None:
    given = rows()
    print(f"{len(given):,} events, {sum(map(len, given)) / len(given):.0f} bytes a row")
    print("rows a request  way                   MB per million  of plain  us a row  $ per million")
    for size in (10, 100, 500):
        requests = bodies(given, size)
        plain = sum(map(len, requests))
        for name, way in WAYS.items():
            begun = time.process_time()
            sent = sum(len(way(body)) for body in requests)
            taken = time.process_time() - begun
            scale = MILLION / len(given)
            whole = (sent + OVERHEAD_BYTES * len(requests)) * scale
            cost = usd("transfer.out", whole / GIGABYTE)
            print(
                f"{size:>14}  {name:<20}  {sent * scale / 1e6:>14.0f}  {sent / plain:>8.0%}"
                f"  {taken / len(given) * 1e6:>8.1f}  {cost:>13.4f}"
            )


if __name__ == "__main__":
    main()
