"""A version tells the newer state of an event from the older one, the same way wherever it is read."""

import types
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Annotated, Any, Literal

import duckdb
import pytest
import sqlglot

from sluice.contract import Contract, Event, field, iceberg, redshift, snowflake
from sluice.contract.bigquery import raw_view_sql
from sluice.contract.evolution import Severity, check
from sluice.contract.fake import fake_events
from sluice.contract.snapshot import read_snapshot, render, snapshot
from sluice.errors import ContractError

Count = Annotated[int, field("Which state of it", ge=0)]


class Level(IntEnum):
    ONE = 1


class Parcel(Event, type="parcel", id="number", time="sent_at", version="revision", cluster=["number"]):
    number: str
    sent_at: datetime
    revision: Count


class Offer(Event, type="offer", id="number", time="made_at", version="changed_at"):
    number: str
    made_at: datetime
    changed_at: datetime


class Note(Event, type="note", id="number", time="at"):
    number: str
    at: datetime


CONTRACT = Contract([Parcel, Offer, Note])
NOW = datetime(2026, 11, 1, 10, tzinfo=UTC)


def of(kind: str) -> Any:
    return CONTRACT.types[kind]


def test_a_version_is_a_number_that_is_never_negative_and_grows_with_the_state() -> None:
    parcel = of("parcel")
    assert parcel.version_column == "revision"
    assert parcel.event_version(Parcel(number="1", sent_at=NOW, revision=7)) == 7
    times = (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, tzinfo=UTC),
        NOW,
        NOW.replace(microsecond=1),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    )
    versions = [of("offer").event_version(Offer(number="1", made_at=NOW, changed_at=one)) for one in times]
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)
    assert versions[0] == 0
    assert versions[-1] < 9.2e18, "OpenSearch's most"


def test_a_type_without_versions_has_none() -> None:
    assert of("note").version_column is None
    assert of("note").event_version(Note(number="1", at=NOW)) is None


def test_a_column_that_python_cannot_name_may_be_the_version() -> None:
    class Odd(Event, type="odd", id="number", time="at", version="global_"):
        number: str
        at: datetime
        global_: Count

    kind = Contract([Odd]).types["odd"]
    assert (kind.version_field, kind.version_column) == ("global_", "global")
    assert "`global` DESC" in raw_view_sql(kind, "p", "d")
    assert kind.event_version(Odd(number="1", at=NOW, global_=3)) == 3


@pytest.mark.parametrize(
    ("annotation", "options", "words"),
    [
        (int, {}, "may be negative"),
        (Annotated[int, field(ge=-1)], {}, "may be negative"),
        (Annotated[int, field(gt=-2)], {}, "may be negative"),
        (Annotated[int, field(le=5)], {}, "write Annotated[int, field(..., ge=0)]"),
        (str, {}, "must be an int or datetime"),
        (float, {}, "must be an int or datetime"),
        (date, {}, "must be an int or datetime"),
        (list[Count], {}, "must be an int or datetime"),
        (Level, {}, "must be an int or datetime"),
        (Literal[1, 2], {}, "must be an int or datetime"),
        (Count, {"id": None}, "name its id, too"),
        (Count, {"version": "elsewhere"}, "is no field of the class"),
        (Count, {"version": "at"}, "is the event's time"),
        (Count, {"version": "number"}, "is the event's id"),
    ],
)
def test_a_field_that_cannot_be_a_version_is_refused_with_what_can(
    annotation: Any, options: dict[str, Any], words: str
) -> None:
    body = {"__annotations__": {"number": int, "at": datetime, "value": annotation}}
    head = {"type": "made", "id": "number", "time": "at", "version": "value"} | options
    with pytest.raises(ContractError, match="Made: ") as caught:
        types.new_class("Made", (Event,), head, lambda space: space.update(body))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "annotation", [Count, Annotated[int, field(gt=-1)], Annotated[int, field(ge=5)], datetime]
)
def test_an_int_that_is_never_negative_or_a_datetime_can_be_a_version(annotation: Any) -> None:
    body = {"__annotations__": {"number": int, "at": datetime, "value": annotation}}
    head = {"type": "made", "id": "number", "time": "at", "version": "value"}
    types.new_class("Made", (Event,), head, lambda space: space.update(body))


def test_an_optional_version_is_refused() -> None:
    body = {"__annotations__": {"number": int, "at": datetime, "value": Count}, "value": 1}
    head = {"type": "made", "id": "number", "time": "at", "version": "value"}
    with pytest.raises(ContractError, match="without a default"):
        types.new_class("Made", (Event,), head, lambda space: space.update(body))


def test_a_base_class_has_no_version() -> None:
    with pytest.raises(ContractError, match="give the event type's name"):
        types.new_class("Made", (Event,), {"version": "x"})


def test_every_view_puts_the_highest_version_before_the_first_arrival() -> None:
    for sql in (
        raw_view_sql(of("parcel"), "p", "d"),
        iceberg.view_sql(of("parcel"), "db"),
        redshift.view_ddl(of("parcel")),
        snowflake.view_ddl(of("parcel")),
    ):
        order = sql[sql.index("ORDER BY") :].lower()
        assert order.index("revision") < order.index("desc") < order.index("_arrived_at")
    for sql in (raw_view_sql(of("note"), "p", "d"), iceberg.view_sql(of("note"), "db")):
        assert "DESC" not in sql


ROWS = (
    ("a", "2026-11-01 10:00", 1, "2026-11-01 10:01", "7", "second version, first arrival"),
    ("a", "2026-11-01 10:00", 2, "2026-11-01 10:09", "8", "kept: the highest"),
    ("a", "2026-11-01 10:00", 2, "2026-11-01 10:09", "9", "the same, later in the shard"),
    ("b", "2026-11-01 10:00", 0, "2026-11-01 10:03", "7:10", "tenth of its aggregate"),
    ("b", "2026-11-01 10:00", 0, "2026-11-01 10:03", "7:2", "kept: second of its aggregate"),
    ("b", "2026-11-02 10:00", 0, "2026-11-01 10:04", "8", "kept: of another time"),
)


def test_the_lakes_view_keeps_one_state_of_each_event() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            'CREATE SCHEMA db; CREATE TABLE db.parcel (type VARCHAR, "number" VARCHAR, sent_at TIMESTAMP,'
            " revision BIGINT, _event_id VARCHAR, _arrived_at TIMESTAMP, _shard VARCHAR, _sequence VARCHAR)"
        )
        for number, sent, revision, arrived, sequence, why in ROWS:
            connection.execute(
                "INSERT INTO db.parcel VALUES (?, ?, ?, ?, ?, ?, 's', ?)",
                [why, number, sent, revision, number, arrived, sequence],
            )
        sql = sqlglot.transpile(iceberg.view_sql(of("parcel"), "db"), read="trino", write="duckdb")[0]
        kept = {row[0] for row in connection.execute(sql).fetchall()}
    assert kept == {row[-1] for row in ROWS if row[-1].startswith("kept")}


def test_the_snapshot_names_the_version_and_older_snapshots_have_none(tmp_path: Any) -> None:
    taken = snapshot(CONTRACT)
    assert taken["types"]["parcel"]["version"] == "revision"
    assert "version" not in taken["types"]["note"]
    path = tmp_path / "contract.lock.json"
    path.write_text(render(taken))
    assert read_snapshot(path) == taken


@pytest.mark.parametrize(
    ("old", "new", "severity", "words"),
    [
        (None, "count", Severity.NOTE, "count as version 1"),
        ("count", None, Severity.NOTE, "first state that arrived"),
        ("count", "changed", Severity.REFUSE, "could look older"),
    ],
)
def test_a_changed_version_says_what_happens_to_what_is_there(
    old: str | None, new: str | None, severity: Severity, words: str
) -> None:
    def taken(version: str | None) -> dict[str, Any]:
        fields = {"number": int, "at": datetime, "count": Count, "changed": datetime}
        head = {"type": "made", "id": "number", "time": "at", "version": version}
        body = {"__annotations__": fields}
        return snapshot(Contract([types.new_class("Made", (Event,), head, lambda space: space.update(body))]))

    (found,) = check(taken(old), taken(new))
    assert found.severity is severity
    assert f"from {old or 'none'} to {new or 'none'}" in found.what
    assert words in found.why
    assert bool(found.instead) == (severity is Severity.REFUSE)


class Few(Event, type="few", id="number", time="at", version="state"):
    number: str
    at: datetime
    state: Annotated[int, field(ge=0, lt=4, multiple_of=2)]


class Late(Event, type="late", id="number", time="at", version="changed_at"):
    number: str
    at: datetime
    changed_at: Annotated[datetime, field(examples=[datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)])]


@pytest.mark.parametrize("cls", [Parcel, Offer, Few, Late])
def test_fake_events_have_newer_states_wherever_there_is_room_for_one(cls: Any) -> None:
    contract = Contract([cls])
    (kind,) = contract.types.values()
    states: dict[tuple[Any, Any], list[Any]] = {}
    for event in fake_events(contract, seed=3, start=NOW, count=400):
        assert contract.decode(contract.encode(event)) == event
        states.setdefault((kind.event_id(event), kind.event_time(event)), []).append(
            kind.event_version(event)
        )
    assert len({number for number, _ in states}) == len(states), "all states of an event have its time"
    assert all(versions == sorted(set(versions)) for versions in states.values())
    newer = 400 - len(states)
    assert newer == 0 if cls is Late else newer > 20


def test_fake_states_come_again_from_the_same_seed() -> None:
    first, again = (list(fake_events(Contract([Parcel]), seed=5, start=NOW, count=60)) for _ in range(2))
    assert first == again
