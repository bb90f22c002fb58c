"""Old events move to now as one: the newest happened now, and what lay an hour apart still does."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

from datetime import UTC, date, datetime, timedelta

from sluice.contract import Contract, Event, Nested
from sluice.contract.rebase import newest_time, rebase


class Stop(Nested):
    at: datetime
    name: str


class Trip(Event, type="trip", time="started_at"):
    started_at: datetime
    booked_on: date | None = None
    stops: list[Stop] = []
    last: Stop | None = None


class Day(Event, type="day", time="on"):
    on: date


CONTRACT = Contract([Trip, Day])
OLD = datetime(2015, 5, 17, 10, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def records(*events: Event) -> list[bytes]:
    return [CONTRACT.encode(event) for event in events]


def test_the_newest_event_happens_now_and_distances_stay() -> None:
    sent = records(
        Trip(started_at=OLD, booked_on=date(2015, 5, 1)),
        Trip(
            started_at=OLD - timedelta(hours=1),
            stops=[Stop(at=OLD + timedelta(minutes=5), name="a")],
            last=Stop(at=OLD, name="b"),
        ),
    )
    newest = newest_time(CONTRACT, sent)
    assert newest == OLD
    first, second = (CONTRACT.decode(data) for data in rebase(CONTRACT, sent, newest, now=NOW))
    assert isinstance(first, Trip)
    assert isinstance(second, Trip)
    assert first.started_at == NOW
    assert first.booked_on == date(2015, 5, 1) + (NOW - OLD).days * timedelta(days=1)
    assert second.started_at == NOW - timedelta(hours=1)
    assert second.stops == [Stop(at=NOW + timedelta(minutes=5), name="a")]
    assert second.last == Stop(at=NOW, name="b")


def test_days_move_by_whole_days() -> None:
    sent = records(Day(on=date(2015, 5, 17)), Day(on=date(2015, 5, 16)))
    moved = [CONTRACT.decode(data) for data in rebase(CONTRACT, sent, newest_time(CONTRACT, sent), now=NOW)]
    assert moved == [Day(on=date(2026, 3, 1)), Day(on=date(2026, 2, 28))]


def test_what_is_no_event_passes_as_it_is() -> None:
    rubbish = [b"", b"{", b"\xff", b'{"type":"trip"}']
    sent = [*rubbish, *records(Trip(started_at=OLD))]
    assert list(rebase(CONTRACT, sent, newest_time(CONTRACT, sent), now=NOW))[:4] == rubbish


def test_nothing_to_go_by_changes_nothing() -> None:
    assert newest_time(CONTRACT, [b"{", b""]) is None
    assert list(rebase(CONTRACT, [b"{"], None)) == [b"{"]


def test_a_time_that_would_leave_the_calendar_stays() -> None:
    sent = records(Trip(started_at=OLD, last=Stop(at=datetime(9999, 12, 1, tzinfo=UTC), name="far")))
    assert list(rebase(CONTRACT, sent, OLD, now=NOW)) == sent
