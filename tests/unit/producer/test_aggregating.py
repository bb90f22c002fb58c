"""Order and aggregates: what a producer keeps together, and what it warns of."""

from typing import Any

import pytest

from sluice.errors import EnvironmentProblem
from sluice.producer import Producer, Receipt
from sluice.records.aggregate import is_aggregate, unpack
from tests.unit.producer.services import Stream, client_error


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.producer.work.FIRST_PAUSE", 0.001)


def producer(stream: Any, **options: Any) -> Producer:
    return Producer("clicks", client=stream, **({"linger": 0.001} | options))


def put(target: Producer, count: int) -> list[Receipt]:
    return [target.put_record(b"%d" % number, f"key-{number}") for number in range(count)]


def test_order_is_kept_for_each_key_when_asked_for() -> None:
    stream = Stream(lambda request, data: (request * 7 + int(data)) % 5 == 0)
    with producer(stream, ordered=True) as target:
        for number in range(400):
            target.put_record(b"%d" % number, f"key-{number % 9}")
    for key in range(9):
        mine = [int(data) for data in stream.accepted if int(data) % 9 == key]
        assert mine == list(range(key, 400, 9))


def test_aggregates_hold_many_events_of_one_shard_each() -> None:
    stream = Stream(shards=4)
    with producer(stream, aggregate=True, linger=5) as target:
        receipts = put(target, 1000)
        assert target.flush(10)
        places = [receipt.result() for receipt in receipts]
    assert target.report.accepted == 1000
    assert target.report.records == len(stream.accepted) == 4
    found = [record for data in stream.accepted for record in unpack(data)]
    assert sorted(int(record.data) for record in found) == list(range(1000))
    for number, place in enumerate(places):
        record = unpack(stream.accepted[int(place.sequence) - 1])[place.sub_sequence or 0]
        assert (int(record.data), record.partition_key) == (number, f"key-{number}")


def test_an_event_alone_is_not_wrapped_up() -> None:
    stream = Stream()
    with producer(stream, aggregate=True) as target:
        place = target.put_record(b"1", "key").result(10)
    assert (stream.accepted, stream.keys, place.sub_sequence) == ([b"1"], ["key"], None)


def test_aggregates_stay_as_large_as_they_may_be() -> None:
    stream = Stream()
    with producer(stream, aggregate=True, linger=1, max_aggregate_bytes=2_000) as target:
        for number in range(200):
            target.put_record(b"x" * 100, f"key-{number}")
    assert all(len(data) <= 2_000 for data in stream.accepted)
    assert sum(is_aggregate(data) for data in stream.accepted) >= 10


@pytest.mark.parametrize("mode", ["aggregate", "ordered"])
def test_a_stream_that_ignores_keys_is_warned_of(mode: str) -> None:
    stream = Stream(shards=3)
    stream.strategy = "AUTO"
    target = producer(stream, **{mode: True})
    with pytest.warns(RuntimeWarning, match="AUTO"):
        target.put_record(b"0", "key")
    target.close()
    assert stream.accepted == [b"0"]


def test_shards_that_may_not_be_listed_are_said() -> None:
    class Secret(Stream):
        def list_shards(self, **_: Any) -> Any:
            raise client_error("AccessDeniedException")

    target = producer(Secret(), aggregate=True)
    with pytest.raises(EnvironmentProblem, match="kinesis:ListShards"):
        target.put_record(b"0", "key")
    target.close()
