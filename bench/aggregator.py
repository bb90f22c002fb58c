"""Events per second from JSON bytes to exact windows, on one core, the state handed on between batches.

    python bench/aggregator.py [--events 100000] [--groups 10,100,1000,10000] [--batch 2000]
                               [--most 1000000] [--rounds 3]

One metric: count and sum of a float, per minute and key, all from the same JSON bytes. What is measured:

  floor            Sluice's decoding and checking alone
  in memory        the same, and folded; nothing leaves the process before the end
  durable, warm    and after every batch the state is handed on as Lambda does (base64 within JSON), and still
                   found in memory, as in a Lambda that stays up; every 15 batches, which is 30 s of a full
                   shard, the parts to be stored are packed
  durable, cold    the same, but each batch unpacks the state that it is given
  whole            all that the function does between Lambda's event and its answer, its calls of AWS apart:
                   reading records, refusals, books and latencies, in pieces as the function takes them
  bytewax, msgspec bytewax's own tumbling windows; msgspec decodes into Sluice's class, without its checks
  bytewax, json    the same as its users write it: `json.loads`, a dict, `datetime.fromisoformat`

Bytewax runs without recovery: its state stays in memory, and its floats are added as they come. So `in
memory` is what compares with it like with like; the rows below it also survive the process, which its rows do
not. All figures are processor time, the best of some rounds.
"""

import argparse
import json
import random
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec

from sluice.contract import Event, field
from sluice.delivery.caution import Caution
from sluice.delivery.times import Times
from sluice.delivery.watchdog import unguarded
from sluice.metrics import Count, Metric, Sum
from sluice.pipeline import Pipeline
from sluice.windows.aggregates import Aggregates, Part
from sluice.windows.call import Call
from sluice.windows.gathered import Gathered
from sluice.windows.parts import decode_part
from sluice.windows.plan import Plan
from sluice.windows.recovery import PAGE
from sluice.windows.taking import Taker

if TYPE_CHECKING:
    from sluice.deadline import LambdaContext
    from sluice.delivery.letters import Letterbox
    from sluice.windows.claims import Claims

BATCH = 2_000
"""Records of a call, unless `--batch` says another number."""
START = datetime(2026, 1, 1, tzinfo=UTC)
SPACING = timedelta(milliseconds=1)
FLUSH = 15
"""Batches after which windows are stored and the state is empty again: 30 s of a shard of 1,000 records/s."""
PART_BYTES = 350_000
SEQUENCE = 49590338271490256608559692538361571095921575989136588898
FLOOR, FOLD, DURABLE = "floor: decode alone", "sluice, in memory", "sluice, durable, warm"
PEERS = "bytewax, msgspec", "bytewax, json"


class Sale(Event, type="sale", id="sale_id", time="sold_at"):
    """A sale in a shop."""

    sale_id: Annotated[str, field("Unique id of the sale", max_length=40)]
    sold_at: Annotated[datetime, field("When it was paid")]
    shop: Annotated[str, field("Where", max_length=40)]
    cashier: Annotated[str, field("By whom", max_length=40)]
    amount: Annotated[float, field("Total", ge=0)]
    items: Annotated[int, field("Pieces", ge=1)]
    member: Annotated[bool, field("Paid by a member")]


PIPELINE = Pipeline(
    events=[Sale],
    metrics=[
        Metric(
            "sales",
            events=[Sale],
            window="1m",
            by=["shop"],
            measures={"count": Count(), "amount": Sum("amount")},
            groups=10_000,
        )
    ],
)
PLAN = Plan(PIPELINE)


def batches(events: int, groups: int, batch: int = BATCH) -> Iterator[list[bytes]]:
    """The same events each time, made as they are needed."""
    rng = random.Random(groups)  # noqa: S311 - a reproducible choice
    for first in range(0, events, batch):
        yield [
            PIPELINE.contract.encode(
                Sale(
                    sale_id=f"sale-{number:012d}",
                    sold_at=START + SPACING * number,
                    shop=f"shop-{rng.randrange(groups):05d}",
                    cashier=f"cashier-{rng.randrange(50)}",
                    amount=round(rng.lognormvariate(3, 1), 2),
                    items=rng.randint(1, 9),
                    member=rng.random() < 0.3,
                )
            )
            for number in range(first, min(first + batch, events))
        ]


def floor(made: Iterator[list[bytes]]) -> float:
    decode, taken = PIPELINE.contract.decode, 0.0
    for batch in made:
        started = time.process_time()
        [decode(data) for data in batch]
        taken += time.process_time() - started
    return taken


def in_memory(made: Iterator[list[bytes]]) -> float:
    decode, taken, events = PIPELINE.contract.decode, 0.0, 0
    aggregates = Aggregates(PLAN)
    for batch in made:
        events += len(batch)
        started = time.process_time()
        for data in batch:
            aggregates.add(decode(data), 0.0)
        taken += time.process_time() - started
    started = time.process_time()
    parts = aggregates.parts(PART_BYTES)
    taken += time.process_time() - started
    check(parts, events)
    return taken


def durable(made: Iterator[list[bytes]], *, warm: bool) -> float:
    decode, taken = PIPELINE.contract.decode, 0.0
    aggregates, kept, state = Aggregates(PLAN), "", json.dumps({"state": ""})
    parts: list[Part] = []
    events = 0
    for number, batch in enumerate(made, 1):
        events += len(batch)
        started = time.process_time()
        given = json.loads(state)["state"]
        if given and not (warm and given == kept):
            aggregates = Aggregates.unpack(PLAN, a2b_base64(given))
        for event in [decode(one) for one in batch]:
            aggregates.add(event, 0.0)
        kept = b2a_base64(aggregates.pack(), newline=False).decode()
        state = json.dumps({"state": kept})
        if number % FLUSH == 0:
            parts += aggregates.parts(PART_BYTES)
            aggregates, state = Aggregates(PLAN), json.dumps({"state": ""})
        taken += time.process_time() - started
    started = time.process_time()
    parts += aggregates.parts(PART_BYTES)
    taken += time.process_time() - started
    check(parts, events)
    return taken


def whole(made: Iterator[list[bytes]]) -> float:
    """The function's own work; a queue and claims are not needed by good events that may come twice."""
    taker = Taker(
        contract=PIPELINE.contract,
        plan=PLAN,
        claims=cast("Claims", None),
        letterbox=cast("Letterbox", None),
        sink="windows",
        keep=timedelta(days=400),
        watchdog=unguarded,
        now=lambda: START,
    )
    context = cast("LambdaContext", SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000))
    taken, events = 0.0, 0
    parts: list[Part] = []
    gathered = Gathered(base=0, prior=-1, aggregates=Aggregates(PLAN))
    for number, batch in enumerate(made, 1):
        invocation = lambda_event(batch, events)
        events += len(batch)
        started = time.process_time()
        times = Times.of(context, time.monotonic, time.sleep)
        records = Call.of(invocation).records
        for at in range(0, len(records), PAGE):
            taker.take(gathered, records[at : at + PAGE], Caution(), lambda _suspect, _deadline: None, times)
            if gathered.full:
                parts += gathered.aggregates.parts(PART_BYTES)
                gathered = Gathered(base=0, prior=-1, aggregates=Aggregates(PLAN))
        json.dumps({"state": gathered.state()})
        if number % FLUSH == 0:
            parts += gathered.aggregates.parts(PART_BYTES)
            gathered = Gathered(base=0, prior=-1, aggregates=Aggregates(PLAN))
        taken += time.process_time() - started
    check(parts + gathered.aggregates.parts(PART_BYTES), events)
    return taken


def lambda_event(batch: list[bytes], first: int) -> dict[str, Any]:
    records = [
        {
            "kinesis": {
                "partitionKey": "key",
                "sequenceNumber": str(SEQUENCE + first + number),
                "approximateArrivalTimestamp": (START + SPACING * (first + number)).timestamp(),
                "data": b2a_base64(data, newline=False).decode(),
            },
            "eventID": f"shardId-000000000000:{SEQUENCE + first + number}",
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/bench",
        }
        for number, data in enumerate(batch)
    ]
    window = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:30Z"}
    return {"Records": records, "shardId": "shardId-000000000000", "window": window}


def check(parts: list[Part], events: int) -> None:
    """Every event is in one of the parts."""
    contents = [decode_part(part.data) for part in parts]
    count = contents[0].signatures.index("count")
    assert sum(row[count] for content in contents for _, row in content.rows) == events


def bytewax(
    datas: list[bytes],
    decode: Callable[[bytes], Any],
    key: Callable[[Any], str],
    happened: Callable[[Any], datetime],
    amount: Callable[[Any], float],
) -> float:
    from bytewax import operators as op  # noqa: PLC0415 - not there on every Python
    from bytewax.dataflow import Dataflow  # noqa: PLC0415 - same
    from bytewax.operators import windowing as win  # noqa: PLC0415 - same
    from bytewax.testing import TestingSink, TestingSource, run_main  # noqa: PLC0415 - same

    flow = Dataflow("sales")
    out: list[tuple[str, tuple[int, tuple[int, float]]]] = []
    stream = op.map("decode", op.input("in", flow, TestingSource(datas, batch_size=BATCH)), decode)
    keyed = op.key_on("key", stream, key)
    summed = win.fold_window(
        "sum",
        keyed,
        win.EventClock(happened, wait_for_system_duration=timedelta(seconds=10)),
        win.TumblingWindower(length=timedelta(minutes=1), align_to=START),
        lambda: (0, 0.0),
        lambda sums, sale: (sums[0] + 1, sums[1] + amount(sale)),
        lambda one, other: (one[0] + other[0], one[1] + other[1]),
    )
    op.output("out", summed.down, TestingSink(out))
    started = time.process_time()
    run_main(flow)  # type: ignore[no-untyped-call] # bytewax types it not
    taken = time.process_time() - started
    assert sum(count for _, (_, (count, _)) in out) == len(datas)
    return taken


def best(rounds: int, events: int, work: Callable[[], float]) -> float:
    """Microseconds an event."""
    return min(work() for _ in range(rounds)) / events * 1e6


def with_msgspec(datas: list[bytes]) -> float:
    decode = msgspec.json.Decoder(Sale).decode
    return bytewax(datas, decode, lambda one: one.shop, lambda one: one.sold_at, lambda one: one.amount)


def with_json(datas: list[bytes]) -> float:
    return bytewax(
        datas,
        json.loads,
        lambda one: one["shop"],
        lambda one: datetime.fromisoformat(one["sold_at"]),
        lambda one: one["amount"],
    )


def compare(events: int, groups: int, batch: int, rounds: int) -> dict[str, float]:
    made = list(batches(events, groups, batch))
    flat = [data for batch in made for data in batch]
    taken = {
        FLOOR: best(rounds, events, lambda: floor(iter(made))),
        FOLD: best(rounds, events, lambda: in_memory(iter(made))),
        DURABLE: best(rounds, events, lambda: durable(iter(made), warm=True)),
        "sluice, durable, cold": best(rounds, events, lambda: durable(iter(made), warm=False)),
        "sluice, whole": best(rounds, events, lambda: whole(iter(made))),
    }
    peers = {}
    if find_spec("bytewax"):
        works = (lambda: with_msgspec(flat)), (lambda: with_json(flat))
        peers = {name: best(rounds, events, work) for name, work in zip(PEERS, works, strict=True)}
    size = sum(map(len, flat)) / events
    print(f"{events:,} events of {size:.0f} bytes, {groups:,} groups, batches of {batch:,}")
    for name, micros in (taken | peers).items():
        ratios = "".join(f"   {peer / micros:>5.1f} x {one}" for one, peer in peers.items())
        shown = ratios if name.startswith("sluice") else ""
        print(f"  {name:22} {1e6 / micros:>10,.0f} events/s {micros:>6.2f} us{shown}")
    return taken


def growing(most: int, rounds: int) -> None:
    """The same at 1,000 groups, from 1,000 events on."""
    by_events = []
    for events in (10**power for power in range(3, len(str(most)))):
        again = rounds if events < 1_000_000 else 1
        micros = best(again, events, lambda: durable(batches(events, 1_000), warm=True))  # noqa: B023 - called at once
        print(f"{events:>9,} events, 1,000 groups: {1e6 / micros:>10,.0f} events/s {micros:>6.2f} us")
        by_events.append(micros)
    if len(by_events) > 1:
        print(f"most events against fewest: {by_events[-1] / by_events[0]:.2f} x the time an event")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--groups", default="10,100,1000,10000")
    parser.add_argument("--batch", type=int, default=BATCH, help="records of a call; Lambda's most is 10,000")
    parser.add_argument(
        "--most", type=int, default=1_000_000, help="events of the longest run, 1,000 or more"
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not find_spec("bytewax"):
        print("bytewax is not installed (it has no wheels for Python 3.13 and later): no peer")
    by_groups = [
        compare(options.events, int(one), options.batch, options.rounds) for one in options.groups.split(",")
    ]
    for name in by_groups[0]:
        growth = by_groups[-1][name] / by_groups[0][name]
        print(f"most groups against fewest: {growth:.2f} x the time an event, {name}")
    growing(options.most, options.rounds)


if __name__ == "__main__":
    main()
