"""Whatever lies in the table is read back whole, in order, and under the keys that everybody shares."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sluice.errors import EnvironmentProblem
from sluice.windows.items import Header, PartRef, StoredPart
from sluice.windows.keys import (
    PartKey,
    claim_key,
    current_key,
    day_key,
    definition_key,
    header_key,
    lane_key,
    redriven_lane,
    watermark_key,
)
from sluice.windows.store import WindowTable
from tests.unit.delivery.aws import Aws, Intercepted, running
from tests.unit.windows.aws import WINDOWS, create_windows

SHARD = "shardId-000000000000"
NOON = 1_431_864_000  # 2015-05-17T12:00:00Z


@pytest.fixture
def aws() -> Iterator[Aws]:
    with running() as found:
        create_windows(found.dynamodb)
        yield found


@pytest.fixture
def table(aws: Aws) -> WindowTable:
    return WindowTable(aws.dynamodb, WINDOWS)


def put(aws: Aws, item: dict[str, Any]) -> None:
    aws.dynamodb.put_item(TableName=WINDOWS, Item=item)


def part(start: int, number: int = 0, index: int = 0, lane: str = SHARD) -> StoredPart:
    return StoredPart(PartKey("views", "abc", start, lane, number, "nonce", index), b"%d" % start)


def put_parts(aws: Aws, *parts: StoredPart) -> None:
    for each in parts:
        put(aws, each.item(1))
        put(aws, day_key("views", each.key.pk.rpartition("#")[2]))


def header(number: int, **more: Any) -> Header:
    given: dict[str, Any] = {
        "lane": SHARD,
        "number": number,
        "segment": "nonce",
        "first": 10,
        "last": 20,
        "delivered": 3,
        "skipped": 2,
        "dead_lettered": 1,
        "parts": (PartRef("views", "abc", NOON, 2), PartRef("buys", "def", NOON - 60, 1)),
        "committed_at": datetime(2015, 5, 17, 12, tzinfo=UTC),
    }
    return Header(**{**given, **more})


def put_header(aws: Aws, one: Header) -> None:
    put(aws, {**header_key(one.lane, one.number), **one.item(1)})


def test_a_part_key_reads_back_what_was_written_also_for_a_lane_with_a_hash() -> None:
    for lane in (SHARD, redriven_lane(SHARD), "reconciled"):
        key = PartKey("page_views", "0123456789ab", NOON, lane, 7, "f00d", 12)
        assert key.pk == "window#page_views#2015-05-17"
        assert PartKey.of(key.pk, key.sk) == key


def test_windows_sort_by_their_start_in_the_sort_key() -> None:
    keys = [PartKey("m", "v", start, SHARD, 0, "s", 0).sk for start in range(NOON, NOON + 90_000, 907)]
    assert keys == sorted(keys)


def test_a_long_event_id_still_fits_a_key_and_stays_apart_from_others() -> None:
    long = claim_key("visit", "x" * 5000)["pk"]["S"]
    assert len(long) < 1024
    assert len({long, claim_key("visit", "x" * 5001)["pk"]["S"], claim_key("visit", long)["pk"]["S"]}) == 3


def test_parts_come_in_the_order_of_their_windows_over_days_and_only_those_asked_for(
    aws: Aws, table: WindowTable
) -> None:
    starts = [NOON + 43_200 * n for n in range(-3, 5)]
    put_parts(aws, *(part(start) for start in reversed(starts)))
    assert [found.key.window_start for found in table.parts("views")] == starts
    assert [found.data for found in table.parts("views", starts[2], starts[4])] == [
        b"%d" % start for start in starts[2:5]
    ]
    assert [found.key.window_start for found in table.parts("views", since=starts[5])] == starts[5:]
    assert [found.key.window_start for found in table.parts("views", until=starts[0])] == starts[:1]
    assert list(table.parts("view")) == []
    assert table.days("views", starts[1], starts[1]) == ["2015-05-16"]


def test_the_last_window_asked_for_comes_with_all_its_parts(aws: Aws, table: WindowTable) -> None:
    parts = [part(NOON, number, index) for number in range(3) for index in range(2)]
    put_parts(aws, *parts)
    assert list(table.parts("views", NOON, NOON)) == parts


def test_a_header_is_read_back_as_it_was_written(aws: Aws, table: WindowTable) -> None:
    refused = frozenset({"12", "13:4"})
    whole = header(3, through=1_431_864_000_000, refused=refused, lane=redriven_lane(SHARD))
    put_header(aws, whole)
    assert table.header(whole.lane, 3) == whole
    assert table.header(whole.lane, 4) is None


def test_headers_come_in_order_and_within_bounds(aws: Aws, table: WindowTable) -> None:
    for number in (10, 2, 0, 1, 9):
        put_header(aws, header(number))
    assert [found.number for found in table.headers(SHARD)] == [0, 1, 2, 9, 10]
    assert [found.number for found in table.headers(SHARD, 1, 10)] == [1, 2, 9]
    assert list(table.headers(SHARD, 3, 3)) == []
    assert set(table.headers_of([(SHARD, 9), (SHARD, 9), (SHARD, 8)])) == {(SHARD, 9)}


def test_a_header_names_all_its_parts(aws: Aws, table: WindowTable) -> None:
    parts = {part(NOON, 5, 0), part(NOON, 5, 1)}
    put_parts(aws, *parts)
    one = header(5, parts=(PartRef("views", "abc", NOON, 2),))
    assert set(table.read_parts(one.keys())) == parts


def test_more_keys_than_one_request_takes_are_all_read(aws: Aws, table: WindowTable) -> None:
    parts = [part(NOON, number) for number in range(230)]
    put_parts(aws, *parts)
    assert {found.key.number for found in table.read_parts(each.key for each in parts)} == set(range(230))


def test_keys_that_were_left_unread_are_asked_for_again_and_not_for_ever(aws: Aws) -> None:
    parts = [part(NOON, number) for number in range(30)]
    put_parts(aws, *parts)
    pauses: list[float] = []
    allowed = 10

    def around(name: str, call: Any, request: dict[str, Any]) -> Any:
        if name != "batch_get_item":
            return call()
        keys = request["RequestItems"][WINDOWS]["Keys"]
        request["RequestItems"][WINDOWS]["Keys"] = keys[:allowed] or keys[:1]
        answer = call()
        if not allowed:
            answer["Responses"] = {}
        answer["UnprocessedKeys"] = {WINDOWS: {"Keys": keys[allowed:]}} if keys[allowed:] else {}
        return answer

    table = WindowTable(cast("Any", Intercepted(aws.dynamodb, around)), WINDOWS, sleep=pauses.append)
    assert len(list(table.read_parts(each.key for each in parts))) == 30
    assert pauses == []
    allowed = 0
    with pytest.raises(EnvironmentProblem, match="throttled"):
        list(table.read_parts(each.key for each in parts))
    assert pauses == sorted(pauses)


def test_lanes_tell_how_far_they_are(aws: Aws, table: WindowTable) -> None:
    put(aws, {**lane_key("b"), "seen": {"S": "0042"}, "begun": {"S": "0001"}})
    put(aws, {**lane_key("a"), "number": {"N": "3"}, "mark": {"S": "0007"}, "through": {"N": "5"}})
    lanes = table.lanes()
    assert list(lanes) == ["a", "b"]
    assert (lanes["a"].number, lanes["a"].mark, lanes["a"].through) == (3, 7, 5)
    assert (lanes["b"].number, lanes["b"].mark, lanes["b"].seen, lanes["b"].begun) == (0, None, 42, 1)
    assert table.lane("a") == lanes["a"]
    assert table.lane("c") is None


def test_what_is_published_only_rises(table: WindowTable) -> None:
    assert (table.published().numbers, table.published().through) == ({}, None)
    table.publish(SHARD, 3)
    table.publish(SHARD, 2)
    table.publish_watermark(1000)
    table.publish_watermark(999)
    assert (table.published().numbers, table.published().through) == ({SHARD: 3}, 1000)


def test_without_a_watermark_there_is_none(aws: Aws, table: WindowTable) -> None:
    assert table.watermark() is None
    item = {"through": {"N": "7"}}
    put(aws, {**watermark_key(), **item, "taken_at": {"S": "2015-05-17T12:00:00+00:00"}})
    found = table.watermark()
    assert found is not None
    assert found.through == 7


def test_definitions_of_all_versions_are_kept_and_the_current_ones_are_known(
    aws: Aws, table: WindowTable
) -> None:
    assert (table.definitions(), table.current()) == ([], {})
    text = '{"name":"views","version":"%s","window":60,"lateness":0,"types":["visit"],"by":[],"measures":[]}'
    for version, written in (("new", "2015-05-18"), ("old", "2015-05-17")):
        item = {"definition": {"S": text % version}, "written_at": {"S": written}}
        put(aws, {**definition_key("views", version), **item})
    put(aws, {**current_key(), "current": {"M": {"views": {"S": "new"}}}})
    assert [found.version for found in table.definitions()] == ["old", "new"]
    assert table.current() == {"views": "new"}
