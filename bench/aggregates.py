"""KPL aggregates packed and unpacked a second, on one core, beside AWS's own Python library.

    python bench/aggregates.py [--events 20000] [--rounds 5]

Each aggregate holds as many events as 50 KiB do, KPL's default. The floor is the checksum of the same bytes.
Also measured is what a function pays for a batch of Lambda: from the event's base64 to records, with
aggregates and without. All figures are processor time, the best of some rounds.
"""

import argparse
import base64
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records

from sluice.records import records_of
from sluice.records.aggregate import Aggregate, unpack

AGGREGATE_BYTES = 50 * 1024


def entry(number: int, data: bytes) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "outer",
            "sequenceNumber": str(10**55 + number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 1_700_000_000.0,
        },
        "eventID": f"shardId-000000000000:{10**55 + number}",
        "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/events",
    }


def packed(events: Sequence[bytes]) -> list[bytes]:
    found, aggregate = [], Aggregate()
    for number, data in enumerate(events):
        key = f"user-{number}"
        if aggregate.size_with(key, data) > AGGREGATE_BYTES and len(aggregate):
            found.append(aggregate.encode())
            aggregate = Aggregate()
        aggregate.add(key, data)
    return [*found, aggregate.encode()]


def packed_by_aws(events: Sequence[bytes]) -> list[bytes]:
    aggregator = RecordAggregator(AGGREGATE_BYTES)
    full = [aggregator.add_user_record(f"user-{number}", data) for number, data in enumerate(events)]
    return [each.get_contents()[2] for each in [*full, aggregator.clear_and_get()] if each is not None]


def best(work: Callable[[], Any], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def measure(size: int, count: int, rounds: int) -> None:
    events = [b"x" * size for _ in range(count)]
    aggregates = packed(events)
    entries = [entry(number, data) for number, data in enumerate(aggregates)]
    plain = [entry(number, data) for number, data in enumerate(events)]
    assert sum(len(unpack(data)) for data in aggregates) == count
    rows: list[tuple[str, Callable[[], Any]]] = [
        ("pack, Sluice", lambda: packed(events)),
        ("pack, aws-kinesis-agg", lambda: packed_by_aws(events)),
        ("floor: the checksum", lambda: [hashlib.md5(data).digest() for data in aggregates]),  # noqa: S324 - the format's
        ("unpack, Sluice", lambda: [unpack(data) for data in aggregates]),
        ("event to records, Sluice", lambda: records_of({"Records": entries})),
        ("event to records, aws-kinesis-agg", lambda: deaggregate_records(entries)),
        ("event to records, not aggregated", lambda: records_of({"Records": plain})),
    ]
    print(f"\n{count:,} events of {size} bytes in {len(aggregates):,} aggregates")
    for name, work in rows:
        seconds = best(work, rounds)
        print(f"  {name:<36} {count / seconds:>12,.0f} events/s   {1e6 * seconds / count:6.2f} us each")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for size in (100, 1000):
        measure(size, options.events, options.rounds)


if __name__ == "__main__":
    main()
