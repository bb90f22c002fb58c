"""The log that holds a shard's records."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.aws_log import SEGMENT_BYTES, RecordLog, SegmentStore


def entry(number: int, size: int = 20) -> bytes:
    return json.dumps({"n": number, "pad": "x" * size}).encode()


def numbers(text: bytes) -> list[int]:
    return [record["n"] for record in json.loads(b"[" + text + b"]")]


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.integers(0, 400_000), max_size=60),
    memory=st.sampled_from([0, SEGMENT_BYTES, 10 * SEGMENT_BYTES]),
    limit=st.integers(1, 25),
    most=st.sampled_from([1, 500_000, 10**9]),
)
def test_every_record_is_read_once_in_order_from_memory_and_from_disk(
    sizes: list[int], memory: int, limit: int, most: int
) -> None:
    store = SegmentStore(memory)
    log = RecordLog(store, 10**50)
    for number, size in enumerate(sizes):
        log.append(entry(number, size), float(number))
    got: list[int] = []
    position = 0
    while position < log.stop:
        page = log.read(position, limit, most)
        found = numbers(page.text)
        assert len(found) == page.count
        assert 1 <= page.count <= limit
        assert page.count == 1 or len(page.text) <= most
        got += found
        position = page.next_position
    assert got == list(range(len(sizes)))
    assert log.read(log.stop, limit, most).text == b""
    store.close()


@pytest.mark.parametrize("most", [1, 900_000, 2_700_000, 13 * 1024 * 1024])
def test_a_read_that_ends_for_its_size_within_a_segment_goes_on_there(most: int) -> None:
    log = RecordLog(SegmentStore(10**9), 0)
    for number in range(200):
        log.append(entry(number, 133_000), float(number))
    got: list[int] = []
    position = 0
    while position < log.stop:
        page = log.read(position, 10_000, most)
        assert page.count == 1 or len(page.text) <= most
        position = page.next_position
        got += numbers(page.text)
    assert got == list(range(200))


def test_what_does_not_fit_in_memory_is_read_back_whole_and_its_room_used_again() -> None:
    store = SegmentStore(0)
    log = RecordLog(store, 0)
    for number in range(60):
        log.append(entry(number, 500_000), float(number))
    assert store._slots >= 5
    slots = store._slots
    log.expire(40.0)
    assert log.start > 0
    for number in range(60, 80):
        log.append(entry(number, 500_000), float(number))
    assert store._slots == slots
    assert numbers(log.read(log.start, 10_000, 10**9).text) == list(range(log.start, 80))
    store.close()


def test_expired_records_are_gone_and_readers_go_on_with_what_is_kept() -> None:
    log = RecordLog(SegmentStore(10**9), 0)
    for number in range(10):
        log.append(entry(number), float(number))
    log.expire(9.5)
    assert log.start == log.stop == 10
    log.append(entry(10), 11.0)
    assert numbers(log.read(0, 10, 10**6).text) == [10]


def test_positions_follow_sequence_numbers_and_times() -> None:
    log = RecordLog(SegmentStore(10**9), 10**50)
    for number in range(5):
        log.append(entry(number), 100.0 + number)
    assert [log.position(log.sequence(place)) for place in range(5)] == list(range(5))
    assert log.position(log.sequence(2) + 1) == 3
    assert log.position(0) == 0
    assert [log.at_time(moment) for moment in (0, 100, 101.5, 104, 105)] == [0, 0, 2, 4, 5]


def test_a_reader_is_told_how_far_behind_it_is() -> None:
    log = RecordLog(SegmentStore(10**9), 0)
    for number in range(5):
        log.append(entry(number), 100.0 + number)
    assert log.read(0, 2, 10**6).behind_seconds == 3.0
    assert log.read(0, 5, 10**6).behind_seconds == 0.0
