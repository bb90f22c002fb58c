"""What the aggregator does when the world outside is slow, stale, replaced or partly gone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from sluice.errors import DeliveryError
from sluice.windows.aggregates import Aggregates, Part
from sluice.windows.census import AT_REST_MS
from sluice.windows.claims import Claims
from sluice.windows.writing import PartWriter
from tests.property.aggregator_rig import AFTER
from tests.property.fake_kinesis import Arrival, Shard
from tests.unit.delivery.builders import Time
from tests.unit.windows.calls import SHARD, START, Bench, hit

HOUR = 3_600_000
MOMENT = datetime(2026, 11, 20, tzinfo=UTC)


def test_an_old_list_of_shards_completes_nothing_that_arrives_in_a_shard_it_lacks() -> None:
    bench = Bench(hit("h0"))
    bench.close(bench.take([0]))
    bench.shard.closed = START + 20_000
    bench.kinesis.shards.append(Shard("s1", START + 20_000, arrivals=[Arrival(9, START + 20_500, hit("h1"))]))
    bench.kinesis.now, bench.kinesis.list_age = START + 21_000, 2000
    for later in (0, 500):
        bench.kinesis.now += later
        watermark = bench.census()
        assert watermark is not None
        assert watermark <= START + 20_500
    assert bench.table.lanes()[SHARD].ended


def test_records_that_left_the_stream_while_lambda_holds_them_hold_the_watermark_back() -> None:
    bench = Bench(hit("h0"))
    state = bench.take([0])
    (record,) = bench.shard.arrivals
    bench.shard.arrivals.clear()
    bench.kinesis.now = START + 23 * HOUR
    assert bench.census() is None
    bench.shard.arrivals.append(record)
    event = bench.event([], state, isFinalInvokeForWindow=True)
    bench.shard.arrivals.clear()
    bench.runtime.invoke(event)
    assert bench.counts() == {"a": 1}
    assert bench.census() == bench.kinesis.now - AT_REST_MS


def test_records_that_are_lost_for_good_hold_the_watermark_back_for_a_day() -> None:
    bench = Bench(hit("h0"))
    bench.take([0])
    bench.shard.arrivals.clear()
    bench.kinesis.now = START + 25 * HOUR
    assert bench.census() == bench.kinesis.now - AT_REST_MS


def test_a_stream_that_was_replaced_by_another_of_its_name_is_counted_from_its_first_record() -> None:
    bench = Bench(hit("h0"), hit("h1"))
    bench.close(bench.take([0]))
    bench.take([1])
    bench.add(hit("h2"), hit("h3"))
    del bench.shard.arrivals[:2]
    bench.kinesis.born = int(bench.shard.arrivals[0].sequence)
    bench.census()
    state = bench.restart().invoke(bench.event([0]))["state"]
    assert bench.runtime.reports[-1].lost
    bench.close(bench.take([1], state))
    assert bench.counts() == {"a": 3}


def test_the_lane_of_a_shard_that_has_ended_expires_after_all_that_it_may_have_counted() -> None:
    bench = Bench(hit("h0"))
    bench.close(bench.take([0]))
    assert "expires_at" not in bench.lane()
    bench.shard.closed = START + 20_000
    bench.kinesis.now = START + 60_000
    bench.census()
    assert int(bench.lane()["expires_at"]["N"]) > START / 1000 + (400 + 366 + 30) * 86_400


def test_a_process_of_an_older_deployment_does_not_have_the_last_word_on_what_is_counted() -> None:
    bench = Bench(hit("h0"))
    new = bench.restart(of=AFTER)
    bench.take([0])
    running = bench.table.current()
    bench.restart().invoke({"source": "aws.events"})
    assert bench.table.current() != running
    new.invoke({"source": "aws.events"})
    assert bench.table.current() == running


class Slow:
    """A table that takes a second for each answer, or, if it is `silent`, has none after that."""

    def __init__(self, time: Time, *, silent: bool) -> None:
        self._time = time
        self._silent = silent

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            self._time.now += 1.0
            if self._silent:
                raise TimeoutError
            return {}

        return call


def test_claims_that_get_no_answers_end_with_the_time_that_there_is() -> None:
    time = Time()
    claims = Claims(
        cast("Any", Slow(time, silent=True)), "claims", keep=timedelta(days=8), now=lambda: MOMENT, at_once=1
    )
    started = time.now
    found, reason = claims.winners([(f"hit#h{n}", f"s0/{n}") for n in range(2000)], time.deadline(10))
    assert (found, reason) == ({}, "TimeoutError")
    assert time.now - started <= 11


class Wide:
    """Aggregates of a thousand windows."""

    def parts(self, limit_bytes: int) -> list[Part]:
        return [Part("stays", "0" * 12, 10 * n, 0, b"x" * min(limit_bytes, 10_000), 1) for n in range(1000)]


def test_parts_that_cannot_be_written_end_with_the_time_that_there_is() -> None:
    time = Time()
    writer = PartWriter(
        cast("Any", Slow(time, silent=False)),
        "windows",
        keep=timedelta(days=1),
        now=lambda: MOMENT,
        at_once=1,
    )
    started = time.now
    with pytest.raises(DeliveryError, match="the table windows does not answer"):
        writer.write(cast("Aggregates", Wide()), SHARD, 0, "nonce", time.deadline(10))
    assert time.now - started <= 11
