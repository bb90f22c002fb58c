"""The books of a Firehose that came later than its stream, or that lost something among much traffic."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sluice.audit.books import Books
from sluice.audit.handed import Lake
from sluice.audit.reading import read_books
from sluice.audit.sources import SinkSource
from tests.unit.audit import plant as plants

NOW = datetime(2026, 11, 20, 12, 0, 40, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Metric:
    """CloudWatch, with what the stream took in minute by minute."""

    taken_in: Mapping[datetime, int]

    def get_metric_statistics(self, *, StartTime: datetime, EndTime: datetime, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's names
        points = [count for moment, count in self.taken_in.items() if StartTime <= moment < EndTime]
        return {"Datapoints": [{"Sum": float(count)} for count in points]}


@contextmanager
def audited(
    taken_in: Mapping[datetime, int], rows: Mapping[datetime, int], begun: datetime, returned: int = 0
) -> Iterator[Books]:
    """The books of the last six hours, with `rows` in the lake by when they arrived.

    `returned` were redriven a moment ago.
    """

    def count(since: datetime | None, until: datetime | None) -> int:
        return sum(
            number
            for arrived, number in rows.items()
            if (since is None or arrived >= since) and (until is None or arrived < until)
        )

    lake = Lake(undelivered=list, begun=lambda: begun, count=count, returned=lambda _: returned)
    with plants.running(shards=1) as plant:
        sources = replace(
            plant.sources,
            cloudwatch=Metric(taken_in),  # type: ignore[arg-type]  # as much of it as is asked
            sinks={"lake": SinkSource(function="lake", parallelization=2, keeps=False, lake=lake)},
        )
        yield read_books(sources, since=NOW - 6 * HOUR, now=NOW)


def test_what_a_stream_took_in_before_its_firehose_began_is_neither_on_its_way_nor_lost() -> None:
    minute = NOW.replace(second=0) - 4 * HOUR
    begun = minute + timedelta(seconds=20)
    taken_in = {minute - HOUR: 30, minute: 10, minute + MINUTE: 10, minute + HOUR: 20}
    rows = {begun: 4, minute + MINUTE: 10, minute + HOUR: 20}
    with audited(taken_in, rows, begun) as books:
        (lake,) = books.sinks
        assert (lake.delivered, lake.in_flight, books.sentences) == (20, 0, [])
        assert any("lake: its books begin at 2026-11-20 08:02 UTC" in note for note in books.notes)


def test_rows_of_a_firehose_before_this_one_are_no_records_too_many() -> None:
    begun = NOW - 4 * HOUR
    minute = begun.replace(second=0)
    taken_in = {minute - HOUR: 30, minute + HOUR: 20}
    with audited(taken_in, {minute - HOUR: 30, minute + HOUR: 20}, begun) as books:
        (lake,) = books.sinks
        assert (lake.delivered, lake.in_flight, books.sentences) == (20, 0, [])


def test_the_books_of_a_firehose_as_old_as_its_stream_hold_everything() -> None:
    begun = NOW - 4 * HOUR
    arrived = begun.replace(second=0)
    with audited({arrived: 30}, {arrived: 30}, begun) as books:
        (lake,) = books.sinks
        assert (lake.delivered, lake.in_flight, books.sentences) == (30, 0, [])
        assert not any("books begin" in note for note in books.notes)


def test_what_was_lost_is_said_however_much_is_on_its_way_behind_it() -> None:
    begun = NOW - 5 * HOUR
    arrived = begun.replace(second=0)
    taken_in = {arrived: 30, arrived + MINUTE: 30, NOW - HOUR: 1_000}
    with audited(taken_in, {arrived: 30, arrived + MINUTE: 27, NOW - HOUR: 900}, begun) as books:
        (lake,) = books.sinks
        assert (lake.delivered, lake.in_flight) == (957, 103)
        (sentence,) = books.sentences
        assert sentence.startswith("lake: 3 records that arrived more than 2.5 hours ago are in no state")


def test_what_was_redriven_a_moment_ago_is_on_its_way_again() -> None:
    begun = NOW - 5 * HOUR
    arrived = begun.replace(second=0)
    with audited({arrived: 30, NOW - HOUR: 9}, {arrived: 27, NOW - HOUR: 9}, begun, returned=3) as books:
        assert books.sentences == []
