"""A Firehose loses nothing: each record ends in a table or under the error prefix, or was meant to go."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.clock import FakeClock
from sluice.local.lake.declared import Firehose, firehose
from sluice.local.lake.destination import DeliveryError
from sluice.local.lake.engine import AT_ONCE, EVENT_BYTES, Delivery
from sluice.local.lake.event import Entry, Failed, Row, event
from sluice.local.lake.faults import Fault, Faults
from sluice.local.lake.source import KinesisSource
from sluice.local.lake.transform import Transformed
from sluice.local.mapping_types import Page, ShardInfo, SourceError, Start, StartKind, StreamRecord
from tests.unit.local_cloud import lake_servers

FIREHOSE = firehose(lake_servers.firehose())


class StubStream:
    """A stream in memory: shards with texts as records; sequence numbers are places from 1 on."""

    def __init__(self, **shards: list[bytes]) -> None:
        self.records = shards
        self.parents: dict[str, tuple[str, ...]] = {}
        self.closed: set[str] = set()
        self.refuses = 0

    def shards(self) -> list[ShardInfo]:
        return [ShardInfo(name, self.parents.get(name, ())) for name in self.records]

    def open(self, shard: str, start: Start) -> str:
        if start.kind is StartKind.LATEST:
            return str(len(self.records[shard]))
        return start.sequence or "0"

    def read(self, shard: str, cursor: str, limit: int) -> Page:
        if self.refuses:
            self.refuses -= 1
            raise SourceError("refused")
        records, place = self.records[shard], int(cursor)
        found = [
            StreamRecord(str(place + number + 1), 1.0, b64encode(data).decode(), "key")
            for number, data in enumerate(records[place : place + limit])
        ]
        end = place + len(found)
        ended = shard in self.closed and end == len(records)
        return Page(found, None if ended else str(end), 0 if end == len(records) else 5)


class StubTables:
    """One table that takes every row, or none for a while."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.commits = 0
        self.refuses = 0
        self.forgets = 0

    def prepare(self, rows: Sequence[Row]) -> tuple[list[Any], list[Failed]]:
        good = [row for row in rows if row.data != b"misfit"]
        bad = [
            Failed("iceberg-failed", row.entry, row.data, "c", "m", 1)
            for row in rows
            if row.data == b"misfit"
        ]
        return ([_StubCommit(self, good)] if good else []), bad


class _StubCommit:
    def __init__(self, tables: StubTables, rows: list[Row]) -> None:
        self.tables, self.rows = tables, rows

    def __call__(self) -> None:
        if self.tables.refuses:
            self.tables.refuses -= 1
            raise DeliveryError("refused")
        self.tables.rows += self.rows
        self.tables.commits += 1
        if self.tables.forgets:
            self.tables.forgets -= 1
            raise DeliveryError("forgotten")


class StubObjects:
    """An error prefix that takes everything, or nothing for a while."""

    def __init__(self) -> None:
        self.lines: list[Failed] = []
        self.refuses = 0

    def write(self, failed: Sequence[Failed]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise DeliveryError("refused")
        self.lines += failed


class Scene:
    """A Firehose over stubs, in simulated time. Records say what the transform makes of them."""

    def __init__(self, stream: StubStream, declared: Firehose = FIREHOSE, *, begin: bool = False) -> None:
        self.stream, self.clock, self.faults = stream, FakeClock(), Faults()
        self.tables, self.objects = StubTables(), StubObjects()
        self.events: list[list[Entry]] = []
        self.under_way: list[Callable[[], None]] = []
        self.holds_back = False
        self.source = KinesisSource(stream, self.clock)
        if begin:
            self.source.begin()
        else:  # as if the records had come since
            held, stream.records = stream.records, {name: [] for name in stream.records}
            self.source.begin()
            stream.records = held
        self.delivery = Delivery(
            declared,
            source=self.source,
            submit=self._submit,
            destination=self.tables,
            objects=self.objects,
            faults=self.faults,
            clock=self.clock,
        )

    def _submit(self, entries: Sequence[Entry]) -> "Future[Transformed]":
        future: Future[Transformed] = Future()
        self.events.append(list(entries))

        def end() -> None:
            rows = [Row(one, one.data) for one in entries if one.data not in (b"dropped", b"failed")]
            failed = [
                Failed("processing-failed", one, one.data, "c", "m", 1)
                for one in entries
                if one.data == b"failed"
            ]
            future.set_result(Transformed(rows, failed))

        self.under_way.append(end)
        if not self.holds_back:
            self.answer()
        return future

    def answer(self) -> None:
        """Let invocations that are under way end."""
        for end in self.under_way:
            end()
        self.under_way.clear()

    def run(self, steps: int = 40, seconds: float = 0.2, *, hurry: bool = True) -> None:
        """Let time pass."""
        for _ in range(steps):
            if hurry:
                self.delivery.hurry_until = self.clock.now() + 1
            self.delivery.step()
            self.clock.advance(seconds)

    def taken(self) -> list[bytes]:
        """What lies in the table."""
        return [row.data for row in self.tables.rows]


def test_every_record_ends_in_the_table_or_under_the_error_prefix_or_was_dropped() -> None:
    scene = Scene(StubStream(a=[b"1", b"dropped", b"failed"], b=[b"misfit", b"2"]))
    scene.run()
    assert sorted(scene.taken()) == [b"1", b"2"]
    assert sorted((one.kind, one.data) for one in scene.objects.lines) == [
        ("iceberg-failed", b"misfit"),
        ("processing-failed", b"failed"),
    ]
    status = scene.delivery.status()
    assert (status["read"], status["delivered"], status["failed"], status["dropped"]) == (5, 2, 2, 1)
    assert (status["settled"], status["buffered"]) == (5, 0)
    assert scene.source.shards == {"a": "3", "b": "2"}


def test_reading_begins_with_what_comes_after_the_firehose_was_made() -> None:
    scene = Scene(StubStream(a=[b"before"]), begin=True)
    scene.stream.records["a"].append(b"after")
    scene.run()
    assert scene.taken() == [b"after"]


def test_records_wait_for_size_or_age_in_both_buffers_unless_somebody_waits() -> None:
    scene = Scene(StubStream(a=[b"1"]))
    scene.run(1, hurry=False)
    assert not scene.events
    scene.run(1, FIREHOSE.transform_seconds, hurry=False)
    scene.run(1, hurry=False)
    assert scene.events
    assert not scene.tables.rows
    assert scene.delivery.buffered == 1
    scene.run(2, FIREHOSE.buffer_seconds, hurry=False)
    assert scene.taken() == [b"1"]


def test_an_event_is_never_larger_than_an_invocation_takes_and_two_run_at_once() -> None:
    declared = _with(transform_bytes=64 * 1024 * 1024)
    scene = Scene(
        StubStream(a=[b"x" * 100 for _ in range(2000)] + [b"y" * 3_000_000 for _ in range(4)]), declared
    )
    scene.holds_back = True
    scene.run(4)
    assert len(scene.events) == AT_ONCE
    for _ in range(8):
        scene.answer()
        scene.run(2)
    assert len(scene.taken()) == 2004
    assert all(len(event(declared, one)) <= EVENT_BYTES for one in scene.events)


def test_a_restart_loses_what_is_buffered_and_reads_it_again() -> None:
    scene = Scene(StubStream(a=[b"1", b"2"]))
    scene.run(1, hurry=False)
    scene.faults.add(Fault(kind="restart", when="before"))
    scene.run()
    assert scene.taken() == [b"1", b"2"]
    assert scene.delivery.settled == 2


def test_a_crash_between_commit_and_checkpoint_delivers_twice_and_loses_nothing() -> None:
    scene = Scene(StubStream(a=[b"1", b"2"]))
    scene.faults.add(Fault(kind="restart", when="after"))
    scene.run()
    assert scene.taken() == [b"1", b"2", b"1", b"2"]
    assert (scene.delivery.settled, scene.source.shards) == (2, {"a": "2"})


def test_a_table_that_refuses_is_tried_again_and_then_its_rows_go_to_the_error_prefix() -> None:
    scene = Scene(StubStream(a=[b"1"]))
    scene.tables.refuses = 3
    scene.run(20, 0.5)
    assert scene.taken() == [b"1"]
    scene.stream.records["a"].append(b"2")
    scene.tables.refuses = 1000
    scene.run(60, 0.5)
    assert [(one.kind, one.data) for one in scene.objects.lines] == [("iceberg-failed", b"2")]
    assert scene.delivery.settled == 2


def test_an_error_prefix_that_refuses_holds_everything_back_and_loses_nothing() -> None:
    scene = Scene(StubStream(a=[b"failed", b"1"]))
    scene.objects.refuses = 100
    scene.run(60, 1)
    assert scene.delivery.settled == 0
    scene.objects.refuses = 0
    scene.run()
    assert ([one.data for one in scene.objects.lines], scene.delivery.settled) == ([b"failed"], 2)


def test_a_stream_that_refuses_is_asked_again_a_second_later() -> None:
    scene = Scene(StubStream(a=[b"1"]))
    scene.stream.refuses = 2
    scene.run()
    assert scene.taken() == [b"1"]
    assert scene.delivery.status()["last_error"] == "refused"


def test_children_of_a_shard_are_read_after_it_and_from_their_first_record() -> None:
    scene = Scene(StubStream(a=[b"1"]))
    scene.stream.records |= {"b": [b"2"], "c": [b"3"]}
    scene.stream.parents |= {"b": ("a",), "c": ("a",)}
    scene.stream.closed.add("a")
    scene.run()
    assert sorted(scene.taken()) == [b"1", b"2", b"3"]
    assert scene.taken()[0] == b"1"


def test_it_has_caught_up_with_a_moment_only_when_all_that_was_there_is_dealt_with() -> None:
    scene = Scene(StubStream(a=[b"1"]))
    scene.holds_back = True
    began = scene.clock.now()
    scene.run(5)
    assert scene.delivery.status()["caught_up_at"] is None
    scene.answer()
    scene.run(2)
    assert scene.delivery.status()["caught_up_at"] >= began


def _with(**more: Any) -> Firehose:
    return msgspec.structs.replace(FIREHOSE, **more)


KINDS = st.sampled_from([b"dropped", b"failed", b"misfit", b"row"])
TROUBLE = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["restart-before", "restart-after", "table", "unknown", "objects"]),
    )
)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), KINDS), max_size=30),
    TROUBLE,
    st.sampled_from([12, FIREHOSE.transform_bytes]),
)
def test_whatever_fails_nothing_is_lost_and_what_is_settled_lies_somewhere(
    records: list[tuple[bool, bytes]], trouble: list[tuple[int, str]], size: int
) -> None:
    shards: dict[str, list[bytes]] = {"a": [], "b": []}
    for number, (first, kind) in enumerate(records):
        shards["a" if first else "b"].append(b"%b" % kind if kind != b"row" else b"row %d" % number)
    scene = Scene(StubStream(**shards), _with(transform_bytes=size))
    for step in range(31):
        for when, what in trouble:
            if when == step:
                _let_happen(scene, what)
        scene.run(1)
    scene.faults.clear()
    scene.run(80)
    wanted = [data for shard in shards.values() for data in shard]
    assert {data for data in wanted if data.startswith(b"row")} <= set(scene.taken())
    lines = [(one.entry.shard, one.entry.sequence) for one in scene.objects.lines]
    for name, shard in shards.items():
        for place, data in enumerate(shard, 1):
            assert ((name, str(place)) in lines) == (data in (b"failed", b"misfit"))
    assert scene.delivery.settled == len(wanted)
    assert scene.delivery.buffered == 0


def _let_happen(scene: Scene, kind: str) -> None:
    if kind.startswith("restart"):
        scene.faults.add(Fault(kind="restart", when=kind.removeprefix("restart-")))
    elif kind == "table":
        scene.tables.refuses += 1
    elif kind == "unknown":
        scene.tables.forgets += 1
    else:
        scene.objects.refuses += 1
