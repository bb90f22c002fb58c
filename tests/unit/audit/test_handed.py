"""The books of what a Firehose feeds, and of a search index: nothing lost is called on its way for long."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.audit.books import SinkBooks
from sluice.audit.evidence import Evidence, Redriven
from sluice.audit.handed import Handed, Lake, Place, balance_handed, look
from sluice.audit.indexed import against_others, documents_of
from sluice.audit.spans import Span
from sluice.audit.window import Window
from sluice.deadletters.undelivered import UNKNOWN_SHARD
from sluice.errors import EnvironmentProblem

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


def evidence(
    delivered: int, dead_lettered: int = 0, letters: int | None = None, surplus: int = 0
) -> Evidence:
    span = Span(shard="s", first=1, last=9, delivered=delivered, dead_lettered=dead_lettered, surplus=surplus)
    return Evidence(
        sink="lake",
        stream="events",
        spans=[span],
        found=None,
        parallel=True,
        letters=dead_lettered if letters is None else letters,
    )


def handed(found: int | None, **more: Any) -> Handed:
    return Handed(found=found, **more)


def books(
    seen: Evidence, what: Handed, *, produced: int, lately: int = 10_000, after: int | None = None
) -> SinkBooks:
    return balance_handed(seen, what, produced=(produced, after or produced), lately=lately)


def test_what_is_in_the_lake_is_delivered_and_the_rest_has_its_letter() -> None:
    found = books(evidence(95, 5), handed(95), produced=100)
    assert (found.delivered, found.dead_lettered, found.in_flight, found.problems) == (95, 5, 0, ())


def test_what_lies_under_the_error_prefix_is_dead_lettered() -> None:
    found = books(evidence(95, 5), handed(90, undelivered=5, booked=5), produced=100)
    assert (found.delivered, found.dead_lettered, found.undelivered) == (90, 10, 5)
    assert (found.in_flight, found.problems) == (0, ())


def test_what_a_firehose_buffers_is_in_flight_and_said_so() -> None:
    found = books(evidence(60), handed(40), produced=100)
    assert (found.delivered, found.in_flight, found.problems) == (40, 60, ())
    assert found.notes == ("lake: 20 of its records in flight wait in Firehose's buffers",)


def test_what_came_too_long_ago_to_be_on_its_way_is_lost_and_said_so() -> None:
    found = books(evidence(100), handed(97), produced=100, lately=2)
    (problem,) = found.problems
    assert problem.startswith("lake: 1 of the 100 records that the stream accepted are in no state")


def test_more_rows_than_the_stream_ever_took_in_are_said() -> None:
    (problem,) = books(evidence(100), handed(103), produced=100).problems
    assert problem.startswith("lake: 3 records more are accounted for than the stream's 100")


def test_records_out_of_aggregates_that_nobody_booked_are_no_records_too_many() -> None:
    """The function failed at them: they lie under the error prefix without their places."""
    seen, what = evidence(60, surplus=54), handed(60, undelivered=40, booked=40)
    assert books(seen, what, produced=10).problems
    found = balance_handed(seen, what, produced=(10, 10), lately=0, surplus=90)
    assert (found.records, found.in_flight, found.problems) == (10, 0, ())
    assert balance_handed(seen, what, produced=(10, 10), lately=0, surplus=70).problems


def test_records_without_a_place_that_came_by_twice_are_said_and_are_no_difference() -> None:
    seen = replace(evidence(60), redriven=[Redriven(UNKNOWN_SHARD, n, "delivered") for n in range(10)])
    for found in (
        books(evidence(60), handed(60, undelivered=10), produced=60),
        books(seen, handed(70), produced=60),
    ):
        assert found.problems == ()
        assert found.notes[0].startswith("lake: more records are accounted for than the stream took in: the")
    assert books(seen, handed(71), produced=60).problems
    assert books(evidence(60), handed(60, undelivered=10, booked=10), produced=60).problems


def test_rows_that_came_while_the_books_were_read_are_no_problem() -> None:
    found = books(evidence(100), handed(103), produced=100, after=105)
    assert (found.delivered, found.produced, found.problems) == (103, 103, ())


def test_a_ledger_that_counted_a_batch_twice_loses_and_invents_nothing() -> None:
    """A Firehose that starts again may hand on in other batches what it handed on before."""
    found = books(evidence(130), handed(100), produced=100)
    assert (found.delivered, found.in_flight, found.problems, found.notes) == (100, 0, (), ())


def test_events_of_aggregates_are_more_than_their_records() -> None:
    found = books(evidence(100, surplus=90), handed(100), produced=10)
    assert (found.delivered, found.records, found.in_flight, found.problems) == (100, 10, 0, ())


def test_a_destination_that_cannot_be_counted_goes_by_the_ledger() -> None:
    found = books(evidence(95), handed(None, undelivered=5, booked=5), produced=100)
    assert (found.delivered, found.dead_lettered, found.in_flight) == (90, 5, 5)


def test_a_letter_that_was_deleted_is_missed() -> None:
    found = books(evidence(95, 5, letters=3), handed(95), produced=100, lately=0)
    assert (found.dead_lettered, found.in_flight) == (3, 2)
    assert "2 of the 100 records that the stream accepted are in no state" in found.problems[0]


def test_a_destination_that_cannot_be_counted_may_have_had_records_twice() -> None:
    found = books(evidence(130), handed(None), produced=100)
    assert (found.delivered, found.problems) == (130, ())
    assert "handed some on twice" in found.notes[0]


@dataclass(frozen=True)
class Line:
    shard: str | None
    sequence: str | None
    arrived_at: datetime | None = NOW
    booked: bool = True


def test_a_record_that_lies_in_both_places_counts_as_delivered_and_one_twice_there_once() -> None:
    lines = [
        Line("s", "1"),
        Line("s", "1"),
        Line("s", "2", booked=False),
        Line("s", "3"),
        Line(None, None),
        Line("s", "4", NOW - timedelta(days=1)),
    ]
    counted: list[datetime | None] = []

    def among(places: Iterable[Place]) -> set[Place]:
        return {("s", "3")} & set(places)

    def count(since: datetime | None, until: datetime | None) -> int:
        assert until is None
        counted.append(since)
        return 7

    lake = Lake(undelivered=lambda: lines, begun=lambda: NOW, count=count, among=among)
    since = NOW - timedelta(hours=1)
    found = look(lake, Window(since, (), (), (), 0, None, None))
    assert (found.found, found.undelivered, found.booked, found.broken) == (7, 2, 1, 1)
    assert counted == [since]


def test_a_lake_or_an_index_that_cannot_be_asked_from_here_is_said_and_stops_nothing() -> None:
    def away(_: datetime | None, __: datetime | None = None) -> int:
        raise EnvironmentProblem("OpenSearch at stack prod does not count: no answer")

    lake = Lake(undelivered=list, begun=lambda: NOW, count=away)
    found = books(evidence(95, 5), look(lake, Window(None, (), (), (), 0, None, None)), produced=100)
    assert (found.delivered, found.dead_lettered, found.problems) == (95, 5, ())
    assert found.notes[0].startswith("lake: its rows are not counted, the ledger alone speaks: OpenSearch")
    documents, (note,) = documents_of("search", away, None)
    assert documents is None
    assert note.startswith("search: its documents are not compared: OpenSearch at stack prod")


def sink(name: str, **more: int) -> SinkBooks:
    states: dict[str, Any] = {"delivered": 100, "dead_lettered": 0, "skipped": 0, "in_flight": 0, **more}
    return SinkBooks(sink=name, stream="events", **states)


def against(documents: int, search: SinkBooks, rows: SinkBooks, ids: int | None = 95) -> SinkBooks:
    seen = {
        "bigquery": Evidence(sink="bigquery", spans=(), found=rows.delivered, ids=ids),
        "search": Evidence(sink="search", spans=(), found=None, documents=documents),
    }
    _, found = against_others([rows, search], seen, keeping=["bigquery"])
    return found


def test_an_index_with_one_document_per_event_balances_and_tells_its_duplicates() -> None:
    found = against(95, sink("search"), sink("bigquery", duplicates=5))
    assert (found.problems, found.duplicates) == ((), 5)


def test_ids_that_are_used_again_with_another_time_are_fewer_documents_and_no_loss() -> None:
    assert against(93, sink("search"), sink("bigquery", duplicates=5), ids=93).problems == ()


def test_a_part_of_the_rows_is_not_held_against_a_part_of_the_documents() -> None:
    assert against(90, sink("search"), sink("bigquery", duplicates=5), ids=None).problems == ()


@pytest.mark.parametrize(
    ("documents", "search", "words"),
    [
        (101, {}, "the index holds 101 documents, the ledger says 100 events delivered"),
        (93, {}, "the index lacks 2 of the 95 distinct ids that bigquery holds"),
        (93, {"delivered": 98, "dead_lettered": 2}, None),
        (90, {"delivered": 95, "in_flight": 5}, None),
    ],
)
def test_an_index_lacks_no_more_than_it_refused_or_has_before_it(
    documents: int, search: dict[str, int], words: str | None
) -> None:
    problems = against(documents, sink("search", **search), sink("bigquery", duplicates=5)).problems
    assert [words in problem for problem in problems if words] == ([True] if words else [])
