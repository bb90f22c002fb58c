"""For any metric, events and cuts into segments, the view in BigQuery answers what the reader does."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contract import Event, field
from sluice.deadline import Deadline
from sluice.metrics import (
    Count,
    CountDistinct,
    Max,
    Mean,
    Measure,
    Metric,
    Min,
    Quantiles,
    Sum,
    TopK,
    Variance,
)
from sluice.publisher.publisher import Publisher
from sluice.sinks.bigquery.writer import Writer
from sluice.windows.keys import published_key
from sluice.windows.reader import WindowReader
from sluice.windows.store import WindowTable
from tests.unit.publisher.warehouse import PROJECT, RAW, Warehouse
from tests.unit.windows import planted
from tests.unit.windows.aws import WINDOWS, create_windows
from tests.unit.windows.planted import NOW, Planted

EXACT_FLOAT = 2**-46
"""Smaller ones may have bits beyond the 98th, where BIGNUMERIC ends."""


class Reading(Event, type="reading", id="id", time="at"):
    """A reading with a field of each kind."""

    id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    text: Annotated[str | None, field("Text")] = None
    whole: Annotated[int | None, field("Whole number")] = None
    price: Annotated[Decimal | None, field("NUMERIC", scale=9)] = None
    fine: Annotated[Decimal | None, field("BIGNUMERIC", bignumeric=True, scale=18)] = None
    real: Annotated[float | None, field("Float")] = None
    yes: Annotated[bool | None, field("Whether")] = None
    day: Annotated[date | None, field("Day")] = None


moments = st.datetimes(timezones=st.just(UTC))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    "whole": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "price": st.decimals(-(10**12), 10**12, places=9) | st.decimals(-3, 3, places=1),
    "fine": st.decimals(-(10**18), 10**18, places=18),
    "real": st.floats(-1e12, 1e12).filter(lambda value: not 0 < abs(value) < EXACT_FLOAT),
    "yes": st.booleans(),
    "day": st.dates(date(1, 1, 1)),
    "at": moments,
}
NUMBERS = ("whole", "price", "fine", "real")
MAKERS: dict[str, tuple[Callable[[str], Measure], Sequence[str]]] = {
    "sum": (Sum, NUMBERS),
    "mean": (Mean, NUMBERS),
    "variance": (Variance, NUMBERS),
    "min": (Min, (*NUMBERS, "day", "at")),
    "max": (Max, (*NUMBERS, "day", "at")),
    "distinct": (CountDistinct, ("text", "whole", "price", "yes", "day", "at")),
    "quantiles": (lambda path: Quantiles(path, (0, 0.25, 0.999)), ("price", "real", "whole")),
    "topk": (lambda path: TopK(path, 3), ("text", "whole")),
}
measures = st.sampled_from([(word, path) for word, (_, paths) in MAKERS.items() for path in paths])
TIMES = ("11:00", "11:15")


@dataclass
class World:
    """A table of windows and a warehouse, made once: emptied before each example."""

    table: Planted
    warehouse: Warehouse

    def empty(self) -> None:
        self.table.dynamodb.delete_table(TableName=WINDOWS)
        create_windows(self.table.dynamodb)
        self.table.numbers.clear()
        for each in self.warehouse.server.catalog.tables(PROJECT, RAW):
            each.insert_ids.clear()
            self.warehouse.server.store.run(f"DELETE FROM {each.store_name}")  # noqa: S608 - the server's own name

    def publish(self) -> None:
        writer = Writer(self.warehouse)  # type: ignore[arg-type] # stands in for the transport
        store = WindowTable(self.table.dynamodb, WINDOWS)
        Publisher(store, writer, now=lambda: NOW).publish(Deadline.after(60))

    def forget(self) -> None:
        """Lose the note of what is published, and BigQuery's memory of what was sent."""
        for lane in self.table.numbers:
            self.table.dynamodb.delete_item(TableName=WINDOWS, Key=published_key(lane))
        for each in self.warehouse.server.catalog.tables(PROJECT, RAW):
            each.insert_ids.clear()


@pytest.fixture
def world() -> Iterator[World]:
    warehouse = Warehouse()
    with planted.running() as table:
        yield World(table, warehouse)
    warehouse.server.store.close()


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    chosen = draw(st.lists(measures, min_size=1, max_size=4, unique=True))
    by = draw(
        st.lists(
            st.sampled_from(["text", "whole", "price", "fine", "yes", "day", "at"]), unique=True, max_size=3
        )
    )
    named = {f"m{index}_{word}": MAKERS[word][0](path) for index, (word, path) in enumerate(chosen)}
    return Metric(
        "readings", events=[Reading], window="15m", by=by, measures={"count": Count(), **named}, groups=5
    )


def draw_segments(data: st.DataObject, metric: Metric, table: Planted) -> None:
    definition = metric.definition
    key = st.tuples(*(st.none() | VALUES[group.path] for group in definition.by))
    groups = data.draw(st.lists(key, min_size=1, max_size=4, unique=True))
    for lane in data.draw(st.lists(st.sampled_from(["s1", "s2", "s1#redriven"]), min_size=1, max_size=4)):
        windows = []
        for time in data.draw(st.lists(st.sampled_from(TIMES), min_size=1, unique=True)):
            seen = {
                group: {
                    each.signature: data.draw(
                        st.lists(VALUES[each.path] if each.path else st.none(), max_size=6)
                    )
                    for each in definition.measures
                }
                for group in data.draw(st.lists(st.sampled_from(groups), min_size=1, unique=True))
            }
            windows.append((definition, time, seen))
        late, limit = data.draw(st.integers(0, 3)), data.draw(st.sampled_from([3_000, 300_000]))
        table.segment(lane, *windows, late=late, limit_bytes=limit)


@given(metric=metrics(), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_view_answers_what_the_reader_does(world: World, metric: Metric, data: st.DataObject) -> None:
    world.empty()
    world.table.define(metric.definition)
    draw_segments(data, metric, world.table)
    if data.draw(st.booleans()):
        world.table.complete(data.draw(st.sampled_from([*TIMES, "11:20", "11:30"])))
    world.publish()
    if data.draw(st.booleans()):
        world.forget()
        world.publish()
    world.warehouse.view(metric.definition)
    assert_same(metric, world.warehouse.rows("readings"), read(world.table, metric))


def read(table: Planted, metric: Metric) -> list[dict[str, Any]]:
    reader = WindowReader(table.dynamodb, WINDOWS, days=3650, now=lambda: NOW)
    return [
        {
            "window_start": row.window_start,
            "window_end": row.window_start + timedelta(minutes=15),
            **row.group,
            **row.values,
            "late": row.late,
            "complete": not row.provisional,
        }
        for row in reader.read(metric.name)
    ]


def assert_same(metric: Metric, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    names = ["window_start", *(group.name for group in metric.by)]

    def key(row: dict[str, Any]) -> str:
        return repr(
            [row[name] if not isinstance(row[name], Decimal) else +row[name].normalize() for name in names]
        )

    found, expected = sorted(found, key=key), sorted(expected, key=key)
    loose = {each.name for each in metric.definition.measures if each.measure == "variance"}
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert set(one) == set(other)
        for name, value in one.items():
            if name in loose and value is not None and other[name] is not None:
                assert math.isclose(value, other[name], rel_tol=1e-9, abs_tol=1e-30), name
            else:
                assert value == other[name], name
