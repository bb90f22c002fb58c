"""Aggregates in tumbling windows: counted event by event, read again from the stream, and in the books."""

from binascii import a2b_base64, b2a_base64
from typing import Any

import msgspec

from sluice.delivery.entries import entry_of
from sluice.records.aggregate import Aggregate
from tests.unit.windows.calls import SHARD, Bench, hit


def packed(*datas: bytes) -> bytes:
    aggregate = Aggregate()
    for data in datas:
        aggregate.add("key", data)
    return aggregate.encode()


def books(bench: Bench) -> list[Any]:
    items = bench.outside.dynamodb.tables["ledger"]
    return [entry_of(item) for (lane, _), item in sorted(items.items()) if lane == f"windows#{SHARD}"]


def test_events_out_of_aggregates_count_one_by_one_and_the_books_know_their_records() -> None:
    bench = Bench(
        hit("h0"), packed(*(hit(f"h{n}", page="b") for n in range(1, 6))), packed(hit("h6"), b"bad")
    )
    bench.close(bench.take([2], bench.take([0, 1])))

    assert bench.counts() == {"a": 2, "b": 5}
    (entry,) = books(bench)
    assert (entry.delivered, entry.dead_lettered, entry.events, entry.records) == (7, 1, 8, 3)
    (header,) = bench.headers()
    assert [position.endswith(":1") for position in header.refused] == [True]


def test_a_lost_state_is_recovered_out_of_aggregates_too() -> None:
    bench = Bench(packed(hit("h0"), hit("h1")), hit("h2"), packed(hit("h3"), hit("h4")))
    bench.take([0, 1])
    bench.restart()
    bench.close(bench.take([2]))

    assert bench.runtime.reports[-2].recovered == 3
    assert bench.counts() == {"a": 5}
    (entry,) = books(bench)
    assert (entry.events, entry.records) == (5, 3)


def test_a_state_from_before_aggregates_were_counted_is_taken_up() -> None:
    bench = Bench(hit("h0"), hit("h1"))
    state = bench.take([0])
    older = msgspec.msgpack.decode(a2b_base64(state["data"]))[:-1]
    bench.restart()
    data = b2a_base64(msgspec.msgpack.encode(older), newline=False).decode()
    bench.close(bench.take([1], {**state, "data": data}))

    assert bench.runtime.reports[-1].recovered == 0
    assert (bench.counts(), books(bench)[0].records) == ({"a": 2}, 2)
