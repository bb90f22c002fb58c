"""Time shared out, processes ended, latencies merged, ledgers read."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from sluice.deadline import Again, attempts
from sluice.delivery import LedgerReader, latency_ms
from sluice.delivery.latency import bucket_of, histogram
from sluice.delivery.times import Times
from sluice.delivery.watchdog import ending_the_process, unguarded
from tests.unit.delivery.aws import TABLE, Aws
from tests.unit.delivery.builders import SHARD, Context, Time, batch, event_of, record, visit
from tests.unit.delivery.rig import NOW, Rig


@pytest.mark.parametrize("seconds", [900.0, 20.0, 6.0, 1.0])
def test_each_stage_ends_before_the_next_and_all_before_lambda_would_kill(seconds: float) -> None:
    time = Time()
    times = Times.of(Context(seconds), time.clock, time.sleep)
    ends = [
        times.reading.ends_at,
        times.sink.ends_at,
        times.letters.ends_at,
        times.books.ends_at,
        1000 + seconds,
    ]
    assert ends == sorted(set(ends))
    assert times.reading.ends_at > 1000 + seconds / 2


def test_time_in_reserve_is_time_nobody_else_uses(time: Time) -> None:
    deadline = time.deadline(10)
    time.sleep(4)
    assert (deadline.remaining(), deadline.earlier(2).remaining(), deadline.earlier(9).remaining()) == (
        6,
        4,
        0,
    )


def test_attempts_go_on_with_pauses_until_there_is_no_room(time: Time) -> None:
    tries: list[float] = []

    def fail() -> None:
        tries.append(time.now)
        raise Again("busy")

    with pytest.raises(Again, match="busy"):
        attempts(time.deadline(10), first_pause=0.1, longest_pause=1.0)(fail)
    pauses = [after - before for before, after in pairwise(tries)]
    assert len(tries) > 8
    assert max(pauses) <= 1.0
    assert time.now < 1010


def test_an_attempt_that_succeeds_is_the_last(time: Time) -> None:
    answers = iter([Again("busy"), None])

    def once() -> str:
        if error := next(answers):
            raise error
        return "done"

    assert attempts(time.deadline(10))(once) == "done"


HANG = """
import re, sys
from sluice.delivery.watchdog import ending_the_process
with ending_the_process(0.3):
    {hang}
"""


@pytest.mark.parametrize("hang", ["while True: pass", "re.match('(a+)+$', 'a' * 64 + 'b')"])
def test_a_process_that_hangs_is_ended_even_within_c_code_and_says_where(hang: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANG.format(hang=hang)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert "line 5" in ended.stderr


def test_a_process_that_is_quick_enough_lives_on() -> None:
    code = HANG.format(hang="pass") + "\nimport time; time.sleep(0.6); print('alive')"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60) == "alive\n"


def test_a_watchdog_is_called_off_by_an_exception_too() -> None:
    code = """
import time
from sluice.delivery.watchdog import ending_the_process
try:
    with ending_the_process(0.3):
        raise KeyError
except KeyError:
    time.sleep(0.6)
    print("alive")
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60) == "alive\n"
    with unguarded(0.0):
        pass
    with ending_the_process(60):
        pass


@pytest.mark.parametrize("milliseconds", [1, 2, 10, 75, 999, 3_600_000])
def test_a_bucket_is_within_a_tenth_of_the_latency(milliseconds: float) -> None:
    longest = latency_ms(bucket_of(milliseconds))
    assert milliseconds <= longest * 1.000001 <= milliseconds * 1.0906


def test_a_clock_that_runs_ahead_makes_no_negative_latency() -> None:
    assert histogram([100.0, 101.5], now=100.5) == {bucket_of(500): 1, bucket_of(1): 1}


def test_the_ledger_is_read_by_sink_shard_and_time(aws: Aws) -> None:
    rig = Rig(aws)
    other = "shardId-000000000001"
    rig.invoke(batch([visit(0)]))
    rig.invoke(event_of([record(5, shard=other)]))
    reader = LedgerReader(aws.dynamodb, TABLE)
    assert {entry.shard for entry in reader.read("bigquery")} == {SHARD, other} == reader.lanes("bigquery")
    assert [entry.shard for entry in reader.read("bigquery", shards=[other])] == [other]
    assert list(reader.read("big")) == []
    last = record(5).arrived
    assert [entry.shard for entry in reader.read("bigquery", since=last)] == [other]
    assert list(reader.read("bigquery", since=last + timedelta(seconds=1))) == []


def test_a_lane_is_read_no_further_back_than_asked_for(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.delivery.books.PAGE", 2)
    for hour in range(12):
        late = msgspec.structs.replace(record(hour), arrived_at=record(0).arrived_at + 3600 * hour)
        Rig(aws).invoke(event_of([late]))
    calls: list[str] = []
    aws.dynamodb.meta.events.register("before-call.dynamodb.Query", lambda **_: calls.append("Query"))
    reader = LedgerReader(aws.dynamodb, TABLE)
    found = list(reader.read("bigquery", shards=[SHARD], since=record(0).arrived + timedelta(hours=9)))
    assert [entry.last_arrived for entry in found] == [
        record(0).arrived + timedelta(hours=hour) for hour in (11, 10, 9)
    ]
    assert len(calls) == 3  # two pages of the lane, and the one of what was redriven


def test_an_entry_expires_with_the_ledgers_days(aws: Aws) -> None:
    Rig(aws).invoke(batch([visit(0)]))
    (item,) = aws.dynamodb.scan(TableName=TABLE)["Items"]
    assert int(item["expires_at"]["N"]) == int((NOW + timedelta(days=7)).timestamp())
    assert datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC) > NOW
