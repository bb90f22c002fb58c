"""What readers of windows are given: committed segments alone, whole, merged, and no window too early."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest

from sluice.contract import Event, field
from sluice.errors import UsageError
from sluice.metrics import Count, CountDistinct, Mean, Metric, Quantiles, Sum
from sluice.windows.reader import WindowReader, WindowRow
from tests.unit.windows import planted
from tests.unit.windows.aws import WINDOWS, create_windows
from tests.unit.windows.planted import NOW, Planted


class Request(Event, type="request", id="id", time="at"):
    """A request."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    status: Annotated[int, field("Answer")]
    site: Annotated[str | None, field("Host")] = None
    bytes: Annotated[int | None, field("Size")] = None
    cost: Annotated[Decimal | None, field("Price", scale=2)] = None


def metric(**changes: Any) -> Metric:
    options: dict[str, Any] = {
        "events": [Request],
        "window": "15m",
        "by": ["status", "site"],
        "measures": {"count": Count(), "bytes": Sum("bytes")},
    } | changes
    return Metric("requests", **options)


REQUESTS = metric().definition
COUNT, BYTES = (measure.signature for measure in REQUESTS.measures)


def seen(*sizes: int) -> dict[str, Any]:
    return {COUNT: [None] * len(sizes), BYTES: sizes}


@pytest.fixture
def table() -> Iterator[Planted]:
    with planted.running() as running:
        running.define(REQUESTS)
        yield running


@pytest.fixture
def reader(table: Planted) -> WindowReader:
    return WindowReader(table.dynamodb, WINDOWS, days=30, now=lambda: NOW)


def told(rows: list[WindowRow]) -> list[tuple[Any, ...]]:
    return [
        (f"{row.window_start:%H:%M}", *row.group.values(), *row.values.values(), row.provisional)
        for row in rows
    ]


def test_segments_of_all_lanes_merge_by_window_and_group(table: Planted, reader: WindowReader) -> None:
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(1, 2), (404, None): seen(5)}))
    table.segment(
        "s2", (REQUESTS, "11:00", {(200, "a"): seen(10)}), (REQUESTS, "11:15", {(200, None): seen(7)})
    )
    table.segment("s1#redriven", (REQUESTS, "11:00", {(200, "a"): seen(100)}))
    table.complete("11:15")
    assert told(reader.read("requests")) == [
        ("11:00", 200, "a", 4, 113, False),
        ("11:00", 404, None, 1, 5, False),
        ("11:15", 200, None, 1, 7, True),
    ]


def test_an_attempt_that_never_committed_counts_nowhere(table: Planted, reader: WindowReader) -> None:
    window = (REQUESTS, "11:00")
    table.segment(
        "s1", (*window, {(200, "a"): seen(1)}), committed=False
    )  # crashed, and its number was taken anew
    table.segment("s1", (*window, {(200, "a"): seen(2)}))
    table.segment("s1", (*window, {(200, "a"): seen(4)}), committed=False)
    assert told(reader.read("requests")) == [("11:00", 200, "a", 1, 2, True)]


def test_a_segment_committed_while_one_reads_is_wholly_there_or_not_at_all(
    table: Planted, reader: WindowReader
) -> None:
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(1)}))
    windows = [(REQUESTS, f"11:{minute}", {(200, "a"): seen(2)}) for minute in ("00", "15")]
    follower = reader.follow()
    follower.refresh()
    table.segment("s1", *windows)  # between the lanes and the parts
    assert told(follower.read("requests")) == [("11:00", 200, "a", 1, 1, True)]
    assert follower.refresh()
    assert told(follower.read("requests")) == [
        ("11:00", 200, "a", 2, 3, True),
        ("11:15", 200, "a", 1, 2, True),
    ]


def test_a_follower_is_told_what_a_fresh_reader_is_told_and_reads_only_what_is_new(
    table: Planted, reader: WindowReader
) -> None:
    follower = reader.follow()
    for minute in ("00", "15", "00", "30", "45"):
        table.segment("s1", (REQUESTS, f"10:{minute}", {(200, "a"): seen(3), (int(minute), None): seen(1)}))
        table.segment("s2", (REQUESTS, f"11:{minute}", {(200, "a"): seen(4)}))
        assert follower.refresh()
        assert follower.read("requests") == reader.read("requests")
    assert not follower.refresh()
    calls: list[str] = []
    table.dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    table.segment("s2", (REQUESTS, "11:00", {(200, "a"): seen(9)}))
    calls.clear()
    follower.refresh()
    since = NOW - timedelta(hours=3)
    assert sum(row.values["bytes"] for row in follower.read("requests", since=since)) == 49
    # watermark, lanes, definitions, current; the new header, its part; which days there are
    assert calls == ["GetItem", "Query", "Query", "GetItem", "Query", "BatchGetItem", "Query"]


def test_after_a_failure_a_follower_has_what_it_had(
    table: Planted, reader: WindowReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = reader.follow()
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(1)}))
    follower.refresh()
    before = follower.read("requests")
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(2)}))
    with monkeypatch.context() as failing:
        failing.setattr("sluice.windows.store.WindowTable.read_parts", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            follower.refresh()
    assert follower.read("requests") == before
    with monkeypatch.context() as failing:
        failing.setattr("sluice.windows.merged.Merged.add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            follower.refresh()
    follower.refresh()
    assert told(follower.read("requests")) == [("11:00", 200, "a", 2, 3, True)]


def test_a_long_absence_and_a_small_memory_change_no_figure(
    table: Planted, reader: WindowReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = reader.follow(most_rows=1)
    monkeypatch.setattr("sluice.windows.follower.MOST_HEADERS", 2)
    for _ in range(4):
        table.segment(
            "s1", (REQUESTS, "11:00", {(200, "a"): seen(1)}), (REQUESTS, "09:00", {(1, "a"): seen(1)})
        )
        assert len(follower.read("requests")) in (0, 2)
    follower.refresh()
    assert follower.read("requests") == reader.read("requests")
    assert [row.values["count"] for row in reader.read("requests")] == [4, 4]


def test_a_window_is_provisional_until_the_watermark_passes_its_end_and_lateness(
    table: Planted, reader: WindowReader
) -> None:
    patient = metric(lateness="10m").definition
    assert patient.version == REQUESTS.version
    table.define(patient)
    table.segment("s1", (patient, "11:00", {(200, "a"): seen(1)}), late=1)
    for until, provisional in (("11:15", True), ("11:24", True), ("11:25", False)):
        table.complete(until)
        [row] = reader.read("requests")
        assert (row.provisional, row.late) == (provisional, 1)
    assert reader.watermark() == datetime(2026, 11, 20, 11, 25, tzinfo=UTC)


def test_windows_that_overlap_the_time_asked_for_are_given(table: Planted, reader: WindowReader) -> None:
    for time in ("00:00", "10:45", "11:00", "11:15", "11:30"):
        table.segment("s1", (REQUESTS, time, {(200, "a"): seen(1)}))

    def starts(since: str | None, until: str | None) -> list[str]:
        times = [
            None if each is None else NOW.replace(hour=int(each[:2]), minute=int(each[3:]))
            for each in (since, until)
        ]
        return [
            f"{row.window_start:%H:%M}" for row in reader.read("requests", since=times[0], until=times[1])
        ]

    assert starts("11:14", "11:16") == ["11:00", "11:15"]
    assert starts("11:15", "11:30") == ["11:15"]
    assert starts(None, "11:00") == ["00:00", "10:45"]
    assert starts("11:20", None) == ["11:15", "11:30"]
    assert starts("11:20", "11:10") == []


def test_expired_windows_are_hidden_all_at_once(table: Planted) -> None:
    table.segment(
        "s1", (REQUESTS, "11:00", {(200, "a"): seen(1)}), (REQUESTS, "11:15", {(200, "a"): seen(2)})
    )
    for days, minute, left in ((1, 14, 2), (1, 16, 1), (1, 31, 0)):
        later = NOW.replace(hour=11, minute=minute) + timedelta(days=days)
        reader = WindowReader(table.dynamodb, WINDOWS, days=1, now=lambda later=later: later)  # type: ignore[misc]
        assert len(reader.read("requests")) == left


def test_groups_are_picked_merged_over_and_put_together_over_time(
    table: Planted, reader: WindowReader
) -> None:
    table.segment("s1", (REQUESTS, "10:45", {(200, "a"): seen(1), (200, "b"): seen(2), (404, "a"): seen(4)}))
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(8), (500, None): seen(16)}))
    table.complete("11:15")

    def sizes(**asked: Any) -> list[tuple[Any, ...]]:
        return [(*row.group.values(), row.values["bytes"]) for row in reader.read("requests", **asked)]

    assert sizes(group={"site": "a"}) == [(200, "a", 1), (404, "a", 4), (200, "a", 8)]
    assert sizes(group={"site": None}) == [(500, None, 16)]
    assert sizes(group={"status": [404, 500]}) == [(404, "a", 4), (500, None, 16)]
    assert sizes(by=["status"]) == [(200, 3), (404, 4), (200, 8), (500, 16)]
    assert sizes(by=()) == [(7,), (24,)]
    assert sizes(step="all") == [(200, "a", 9), (200, "b", 2), (404, "a", 4), (500, None, 16)]
    assert sizes(step=3600, by=()) == [(7,), (24,)]
    assert sizes(step=7200, by=["site"], only={(200, "a"), (404, "a")}) == [("a", 13)]
    [whole] = reader.read("requests", step="all", by=())
    assert (f"{whole.window_start:%H:%M}", f"{whole.window_end:%H:%M}") == ("10:45", "11:15")
    assert not whole.provisional
    [step] = reader.read("requests", step=7200, by=())
    assert step.provisional  # 11:30 and 11:45 may still come


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"metric": "request"}, "request: no such metric; did you mean requests"),
        ({"metric": "zebra"}, "there are requests"),
        ({"group": {"statsu": 200}}, "did you mean status"),
        ({"by": ["size"]}, "size is no field that it is grouped by"),
        ({"step": 1000}, "give a multiple of its window of 900 s"),
        ({"version": "abc"}, f"no version abc; there are {REQUESTS.version}"),
    ],
)
def test_what_cannot_be_answered_is_said_with_what_can(
    asked: Mapping[str, Any], says: str, reader: WindowReader
) -> None:
    with pytest.raises(UsageError, match=says):
        reader.read(**({"metric": "requests"} | dict(asked)))


def test_nothing_counted_yet_is_said(reader: WindowReader, table: Planted) -> None:
    assert reader.read("requests") == []
    assert reader.watermark() is None
    table.dynamodb.delete_table(TableName=WINDOWS)
    create_windows(table.dynamodb)
    assert reader.metrics() == []
    with pytest.raises(UsageError, match="nothing has been counted yet"):
        reader.read("requests")


def test_versions_of_a_changed_metric_never_mix(table: Planted, reader: WindowReader) -> None:
    by_status = metric(by=["status"]).definition
    table.define(by_status)
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(1)}), (by_status, "11:00", {(200,): seen(2)}))
    assert [row.values["bytes"] for row in reader.read("requests")] == [2]
    rows = reader.read("requests", version="all")
    assert {row.version: row.values["bytes"] for row in rows} == {REQUESTS.version: 1, by_status.version: 2}
    assert [row.values["bytes"] for row in reader.read("requests", version=REQUESTS.version)] == [1]
    assert [(known.definition, known.current, known.removed) for known in reader.metrics()] == [
        (REQUESTS, False, False),
        (by_status, True, False),
    ]
    table.define(current={"requests": REQUESTS.version})  # changed back
    assert [row.values["bytes"] for row in reader.read("requests")] == [1]
    table.define(current={})
    assert all(known.removed for known in reader.metrics())
    assert len(reader.read("requests")) == 1


def test_a_measure_added_while_a_window_was_open_has_no_figure_there(
    table: Planted, reader: WindowReader
) -> None:
    wider = metric(
        groups=100,
        measures={
            "count": Count(),
            "bytes": Sum("bytes"),
            "cost": Sum("cost"),
            "mean": Mean("bytes"),
            "people": CountDistinct("site"),
            "sizes": Quantiles("bytes", (0.5,)),
        },
    ).definition
    assert wider.version == REQUESTS.version
    table.define(wider)
    values: dict[str, Any] = {
        measure.signature: [1]
        for measure in wider.measures
        if measure.measure in ("count", "sum", "quantiles")
    }
    values |= {measure.signature: [Decimal("0.10")] for measure in wider.measures if measure.name == "cost"}
    values |= {measure.signature: ["a"] for measure in wider.measures if measure.name == "people"}
    table.segment("s1", (REQUESTS, "11:00", {(200, "a"): seen(1)}), signatures=[COUNT, BYTES])
    table.segment("s1", (wider, "11:00", {(200, "a"): values, (200, "b"): values}))
    first, second = reader.read("requests")
    assert first.values["count"] == 2
    assert [first.values[name] for name in ("cost", "people", "sizes")] == [None] * 3
    assert second.values["cost"] == Decimal("0.1")
    assert second.values["people"] == 1
    assert second.values["sizes"] == {"p50": 1.0}


def test_a_window_of_thousands_of_groups_comes_in_many_parts_and_pages(
    table: Planted, reader: WindowReader
) -> None:
    groups = {(number, f"site-{number:06d}" * 3): seen(number) for number in range(3000)}
    header = table.segment("s1", (REQUESTS, "11:00", groups), limit_bytes=2_000)
    assert header.parts[0].count > 10
    rows = reader.read("requests")
    assert [row.values["bytes"] for row in rows] == list(range(3000))
