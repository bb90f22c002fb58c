"""The publisher: everything committed once, whatever fails, and a watermark only behind what it covers."""

import itertools
import json
from typing import Any

import pytest

from sluice.errors import DeliveryError
from sluice.metrics import Count, Metric, Sum
from sluice.publisher import publisher as module
from sluice.publisher.publisher import Publisher
from sluice.publisher.tables import SEGMENTS_TABLE, WATERMARKS_TABLE
from sluice.sinks.bigquery import writer
from sluice.sinks.bigquery.transport import Answer
from sluice.windows.store import WindowTable
from tests.unit.delivery.builders import Time
from tests.unit.publisher.test_views import Sale
from tests.unit.publisher.warehouse import PROJECT, RAW, Warehouse
from tests.unit.windows.aws import WINDOWS
from tests.unit.windows.planted import Groups, Planted

SALES = Metric(
    "sales", events=[Sale], window="15m", by=["shop"], measures={"count": Count(), "items": Sum("items")}
).definition
COUNT, ITEMS = (measure.signature for measure in SALES.measures)


def groups(*names: str) -> Groups:
    return {(name,): {COUNT: [None] * 2, ITEMS: [1, 2]} for name in names}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(autouse=True)
def _defined(table: Planted, warehouse: Warehouse) -> None:
    table.define(SALES)
    warehouse.view(SALES)


@pytest.fixture
def store(table: Planted) -> WindowTable:
    return WindowTable(table.dynamodb, WINDOWS)


def counts(warehouse: Warehouse) -> dict[tuple[int, str], int]:
    return {(row["window_start"].minute, row["shop"]): row["count"] for row in warehouse.rows("sales")}


def test_each_committed_segment_is_published_and_noted(
    table: Planted, warehouse: Warehouse, publisher: Publisher, store: WindowTable, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups("a")))
    table.segment("s1", (SALES, "11:00", groups("a", "b")), (SALES, "11:15", groups("a")))
    table.segment("s2", (SALES, "11:00", groups("a")))
    table.complete("11:15")
    report = publisher.publish(time.deadline(30))
    assert counts(warehouse) == {(0, "a"): 6, (0, "b"): 2, (15, "a"): 2}
    assert (report.segments, report.rows, report.refused) == (3, 5, 0)
    assert store.published().numbers == {"s1": 2, "s2": 1}
    assert [row["complete"] for row in warehouse.rows("sales") if row["window_start"].minute == 0] == [
        True
    ] * 2


def test_what_is_published_is_not_sent_again(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups("a")))
    table.complete("11:15")
    publisher.publish(time.deadline(30))
    warehouse.fault = lambda table, _: pytest.fail(f"a row of {table} was sent again")
    report = publisher.publish(time.deadline(30))
    assert (report.segments, report.rows, report.watermark) == (0, 0, None)


def test_parts_that_no_segment_names_are_not_published(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    crashed = table.segment("s1", (SALES, "11:00", groups("a", "b")), committed=False)
    again = table.segment("s1", (SALES, "11:00", groups("a")))
    assert crashed.number == again.number
    publisher.publish(time.deadline(30))
    assert counts(warehouse) == {(0, "a"): 2}


def test_a_group_in_several_parts_of_a_segment_is_merged(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups(*map(str, range(300)))), limit_bytes=400)
    publisher.publish(time.deadline(30))
    assert counts(warehouse) == {(0, str(number)): 2 for number in range(300)}
    assert len({row["part"] for row in warehouse.rows(SEGMENTS_TABLE, RAW)}) > 1


def test_rows_written_before_a_lost_answer_count_once(
    table: Planted, warehouse: Warehouse, publisher: Publisher, store: WindowTable, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups("a", "b")))
    lost = iter([True, False])

    def lose(name: str) -> bool:
        # As after a minute: BigQuery itself tells no copies apart any more.
        warehouse.server.catalog.table((PROJECT, RAW, name)).insert_ids.clear()
        return next(lost)

    warehouse.lost = lose
    publisher.publish(time.deadline(30))
    assert len(warehouse.rows(SEGMENTS_TABLE, RAW)) == 4
    assert counts(warehouse) == {(0, "a"): 2, (0, "b"): 2}
    assert store.published().numbers == {"s1": 1}


@pytest.mark.parametrize("status", [503, 404, 403])
def test_a_sick_bigquery_raises_and_nothing_is_noted(
    table: Planted,
    warehouse: Warehouse,
    publisher: Publisher,
    store: WindowTable,
    status: int,
) -> None:
    time = Time()
    table.segment("s1", (SALES, "11:00", groups("a")))
    table.complete("11:15")
    warehouse.fault = lambda *_: Answer(status, b"")
    with pytest.raises(DeliveryError, match="BigQuery did not take 1 of 1 rows"):
        publisher.publish(time.deadline(5))
    assert store.published().numbers == {}
    assert warehouse.rows(WATERMARKS_TABLE, RAW) == []
    warehouse.fault = lambda *_: None
    publisher.publish(time.deadline(5))
    assert counts(warehouse) == {(0, "a"): 2}
    assert store.published().through is not None


def test_a_failure_in_between_costs_only_what_came_after_it(
    table: Planted,
    warehouse: Warehouse,
    publisher: Publisher,
    store: WindowTable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time()
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    for _ in range(4):
        table.segment("s1", (SALES, "11:00", groups("a", "b", "c")))
    asked = itertools.count()
    warehouse.fault = lambda *_: Answer(503, b"") if next(asked) >= 4 else None
    with pytest.raises(DeliveryError):
        publisher.publish(time.deadline(1))
    assert store.published().numbers == {"s1": 2}
    warehouse.fault = lambda *_: None
    publisher.publish(time.deadline(5))
    assert counts(warehouse) == {(0, name): 8 for name in "abc"}


def test_once_time_is_up_no_other_lane_is_begun(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    for lane in ("s1", "s2", "s3"):
        table.segment(lane, (SALES, "11:00", groups(lane)))
    asked: list[str] = []

    def hang(_: str, body: bytes) -> Answer:
        asked.append(json.loads(body)["rows"][0]["json"]["lane"])
        time.sleep(10)
        return Answer(503, b"")

    warehouse.fault = hang
    with pytest.raises(DeliveryError, match="BigQuery did not take"):
        publisher.publish(time.deadline(5))
    assert set(asked) == {"s1"}


def test_a_lane_with_an_unreadable_part_does_not_hold_up_the_others(
    table: Planted, warehouse: Warehouse, publisher: Publisher, store: WindowTable, time: Time
) -> None:
    header = table.segment("s1", (SALES, "11:00", groups("a")))
    (key,) = header.keys()
    table.dynamodb.update_item(
        TableName=WINDOWS,
        Key=key.key,
        UpdateExpression="SET #d = :d",
        ExpressionAttributeNames={"#d": "data"},
        ExpressionAttributeValues={":d": {"B": b"garbage"}},
    )
    table.segment("s2", (SALES, "11:00", groups("b")))
    table.complete("11:15")
    with pytest.raises(DeliveryError, match="a stored window cannot be read"):
        publisher.publish(time.deadline(30))
    assert counts(warehouse) == {(0, "b"): 2}
    assert store.published().numbers == {"s2": 1}
    assert store.published().through is None


def test_a_row_that_bigquery_refuses_for_good_is_told_and_holds_up_nothing(
    table: Planted, warehouse: Warehouse, publisher: Publisher, store: WindowTable, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups("bad", "good")))

    def refuse(_: str, body: bytes) -> Answer | None:
        rows = json.loads(body)["rows"]
        at = [index for index, row in enumerate(rows) if "bad" in row["json"]["group_key"]]
        warehouse.fault = lambda *_: None
        error = {"reason": "invalid", "message": "too far in the past", "location": "window_start"}
        good = [row for row in rows if "bad" not in row["json"]["group_key"]]
        warehouse.insert_all(SEGMENTS_TABLE, json.dumps({"rows": good}).encode(), time.deadline(1))
        return Answer(
            200, json.dumps({"insertErrors": [{"index": i, "errors": [error]} for i in at]}).encode()
        )

    warehouse.fault = refuse
    report = publisher.publish(time.deadline(30))
    assert (report.rows, report.refused) == (1, 1)
    assert "too far in the past" in report.reason
    assert counts(warehouse) == {(0, "good"): 2}
    assert store.published().numbers == {"s1": 1}


def test_the_watermark_waits_for_what_it_covers(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups("a")))
    table.complete("11:15")

    def no_segments(name: str, _: bytes) -> Answer | None:
        return Answer(503, b"") if name == SEGMENTS_TABLE else None

    warehouse.fault = no_segments
    with pytest.raises(DeliveryError):
        publisher.publish(time.deadline(1))
    assert warehouse.rows(WATERMARKS_TABLE, RAW) == []


def test_a_watermark_that_bigquery_does_not_take_comes_again(
    table: Planted, warehouse: Warehouse, publisher: Publisher, store: WindowTable, time: Time
) -> None:
    table.complete("11:15")
    warehouse.fault = lambda *_: Answer(503, b"")
    with pytest.raises(DeliveryError, match="did not take the watermark"):
        publisher.publish(time.deadline(1))
    assert store.published().through is None
    warehouse.fault = lambda *_: None
    publisher.publish(time.deadline(1))
    (row,) = warehouse.rows(WATERMARKS_TABLE, RAW)
    assert row["watermark"].isoformat() == "2026-11-20T11:15:00+00:00"


def test_segments_that_have_expired_publish_nothing_and_hold_up_nothing(
    table: Planted, warehouse: Warehouse, publisher: Publisher, store: WindowTable, time: Time
) -> None:
    old = table.segment("s1", (SALES, "11:00", groups("a")))
    half = table.segment("s1", (SALES, "11:00", groups("b")), (SALES, "11:15", groups("b")))
    table.segment("s1", (SALES, "11:30", groups("c")))
    gone = [{"pk": {"S": "segments#s1"}, "sk": {"S": f"{old.number:012d}"}}, half.keys()[0].key]
    for key in gone:
        table.dynamodb.delete_item(TableName=WINDOWS, Key=key)
    publisher.publish(time.deadline(30))
    assert counts(warehouse) == {(15, "b"): 2, (30, "c"): 2}
    assert store.published().numbers == {"s1": 3}


def test_corrections_are_published_like_any_segment(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups("a")))
    table.segment("reconciled", (SALES, "11:00", groups("a")))
    table.segment("s1#redriven", (SALES, "11:00", groups("a")))
    publisher.publish(time.deadline(30))
    assert counts(warehouse) == {(0, "a"): 6}


def test_many_groups_go_out_in_requests_of_500_rows(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    table.segment("s1", (SALES, "11:00", groups(*map(str, range(1200)))))
    sizes: list[int] = []

    def measure(_: str, body: bytes) -> Answer | None:
        sizes.append(len(json.loads(body)["rows"]))
        return None

    warehouse.fault = measure
    publisher.publish(time.deadline(30))
    assert sorted(sizes) == [200, writer.REQUEST_ROWS, writer.REQUEST_ROWS]
    assert len(counts(warehouse)) == 1200


def test_a_window_without_its_definition_is_published_without_an_end(
    table: Planted, warehouse: Warehouse, publisher: Publisher, time: Time
) -> None:
    unknown = Metric("other", events=[Sale], window="5m", measures={"count": Count()}).definition
    seen: dict[tuple[Any, ...], dict[str, list[Any]]] = {(): {COUNT: [None]}}
    table.segment("s1", (unknown, "11:00", seen))
    publisher.publish(time.deadline(30))
    assert [row["window_end"] for row in warehouse.rows(SEGMENTS_TABLE, RAW)] == [None]
