"""Aggregates that are broken, hostile or strange: refused with their reason, in bounded memory."""

import hashlib
import subprocess
import sys
import tracemalloc

import pytest

from sluice.records.aggregate import MAGIC, MOST_RECORDS, Aggregate, AggregateError, is_aggregate, unpack

KEY_A = b"\x0a\x01a"
EMPTY_RECORD = b"\x1a\x04\x08\x00\x1a\x00"
"""Of partition key 0, without a byte of data."""


def framed(body: bytes) -> bytes:
    return MAGIC + body + hashlib.md5(body, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"type":"a"}', "not an aggregate: the magic number is missing"),
        (MAGIC, "an aggregate that ends after 4 bytes, before its checksum"),
        (MAGIC + bytes(16), "an aggregate whose checksum is wrong: it was cut off or changed on its way"),
        (framed(b""), "an aggregate that holds no records"),
        (framed(KEY_A), "an aggregate that holds no records"),
        (framed(b"\xff"), "an aggregate whose message is not valid protobuf"),
        (framed(KEY_A + b"\x1a\x05\x08\x00\x1a\x7fa"), "an aggregate whose message is not valid protobuf"),
        (
            framed(KEY_A + b"\x1a\x02\x08\x00"),
            "an aggregate with a record that lacks its data or its partition key",
        ),
        (framed(EMPTY_RECORD), "an aggregate with a record of partition key 0, of which its table has 0"),
        (
            framed(KEY_A + b"\x1a\x06\x08\x00\x10\x03\x1a\x00"),
            "an aggregate with a record of explicit hash key 3, of which its table has 0",
        ),
        (framed(b"\x0a\x01\xff" + EMPTY_RECORD), "an aggregate with a partition key that is not UTF-8"),
        (
            framed(b"\x0a\xac\x02" + b"k" * 300 + EMPTY_RECORD),
            "an aggregate with a partition key of 300 characters; at most 256 are accepted",
        ),
        (
            framed(KEY_A + b"\x12\x01x" + EMPTY_RECORD),
            "an aggregate with an explicit hash key that is no number below 2 to the 128",
        ),
    ],
)
def test_what_is_no_sound_aggregate_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(AggregateError) as refusal:
        unpack(data)

    assert refusal.value.reason == reason


def test_an_aggregate_of_a_million_records_is_refused_before_it_takes_memory() -> None:
    data = framed(KEY_A + EMPTY_RECORD * 1_000_000)

    tracemalloc.start()
    with pytest.raises(AggregateError, match="an aggregate of 1000000 records; 20000 at most are read"):
        unpack(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * len(data)


def test_an_aggregate_inside_an_aggregate_stays_packed() -> None:
    inner, outer = Aggregate(), Aggregate()
    inner.add("a", b"1")
    outer.add("b", inner.encode())

    (record,) = unpack(outer.encode())

    assert record.data == inner.encode()
    assert is_aggregate(record.data)


def test_tags_which_kpl_itself_does_not_use_yet_are_left_unread() -> None:
    tag = b"\x22\x05\x0a\x03tag"

    (record,) = unpack(framed(KEY_A + b"\x1a\x0b\x08\x00\x1a\x00" + tag))

    assert (record.partition_key, record.data) == ("a", b"")


@pytest.mark.parametrize(
    ("key", "hash_key", "reason"),
    [
        ("", None, "a partition key of 0 characters; Kinesis takes 1 to 256"),
        ("k" * 257, None, "a partition key of 257 characters; Kinesis takes 1 to 256"),
        ("k", "-1", "the explicit hash key '-1' is no decimal number below 2 to the 128"),
        ("k", str(2**128), f"the explicit hash key '{2**128}' is no decimal number below 2 to the 128"),
    ],
)
def test_keys_that_kinesis_would_not_take_are_refused_and_leave_no_trace(
    key: str, hash_key: str | None, reason: str
) -> None:
    aggregate = Aggregate()
    aggregate.add("a", b"1", "7")

    with pytest.raises(AggregateError) as refusal:
        aggregate.add(key, b"2", hash_key)

    assert refusal.value.reason == reason
    assert aggregate.size == len(aggregate.encode())
    assert [record.data for record in unpack(aggregate.encode())] == [b"1"]


def test_a_full_aggregate_takes_no_more() -> None:
    aggregate = Aggregate()
    for _ in range(MOST_RECORDS):
        aggregate.add("a", b"")

    with pytest.raises(AggregateError, match="begin another"):
        aggregate.add("a", b"")

    assert len(unpack(aggregate.encode())) == MOST_RECORDS


def test_protobuf_is_imported_with_the_first_aggregate_only() -> None:
    script = "import sys, sluice.records; assert not any(name.startswith('google') for name in sys.modules)"

    subprocess.run([sys.executable, "-c", script], check=True)
