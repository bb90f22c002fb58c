"""Which event types there are, and which fields say when an event happened and which one it is."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.lines import open_input, read_lines
from tests.unit.discover.finding import TIME, Found, discover, discover_lines

DATA = Path(__file__).parents[2] / "data" / "web_requests.ndjson.gz"


def typed(*fields: dict[str, Any]) -> Found:
    return discover(*({"type": "order", **each} for each in fields))


def many(number: int = 40, /, **fields: Any) -> Found:
    """Events that are `number` seconds apart; a field that is a function is told the event's number."""
    return typed(
        *(
            {"at": moment(n), **{k: v(n) if callable(v) else v for k, v in fields.items()}}
            for n in range(number)
        )
    )


def moment(seconds: int) -> str:
    return (datetime(2026, 5, 17, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def test_the_web_requests_give_a_contract_that_accepts_all_of_them() -> None:
    with open_input(str(DATA)) as file:
        lines = [line for line in read_lines(file, "it") if line is not None]
    found = discover_lines(lines)
    assert (found.checked.accepted, found.checked.records) == (10_000, 10_000)
    assert (found.event.tag, found.event.id, found.event.time) == (
        "web_request",
        "request_id",
        "requested_at",
    )
    assert found.line("status") == "status: int"
    assert found.line("bytes") == "bytes: int | None = None"
    assert found.line("requested_at") == "requested_at: datetime"
    assert found.line("method") == "method: str"  # OPTIONS came once: there are others
    assert not found.event.must


def test_several_types_are_classes_of_their_own_most_frequent_first() -> None:
    events = [{"type": "page.view", "at": TIME, "path": "/"}] * 2 + [
        {"type": "Search", "at": TIME, "query": "x"}
    ]
    found = discover(*events)
    assert [(event.tag, event.count) for event in found.inferred.events] == [("page.view", 2), ("Search", 1)]
    assert 'class PageView(Event, type="page.view", table="page_view", time="at"):' in found.module
    assert found.module.endswith("pipeline = Pipeline(events=[PageView, Search])\n")
    assert found.accepts_all


def test_types_that_differ_little_get_classes_and_tables_that_differ() -> None:
    names = ("a-b", "a_b", "A.B", "dead_letters", "Event", "int")
    found = discover(*({"type": name, "at": TIME, "n": 1} for name in names))
    assert found.accepts_all
    assert found.checked.records == len(names)


@pytest.mark.parametrize("tag", ["event_type", "event", "kind", "name"])
def test_another_tag_is_taken_and_producers_are_told_what_to_send(tag: str) -> None:
    found = discover(*({tag: name, "at": TIME, "n": 1} for name in ("signup", "login") * 3))
    assert [event.tag for event in found.inferred.events] == ["signup", "login"]
    assert f"# must: no `type` tells event types apart; `{tag}` seems to" in found.module
    assert (found.checked.accepted, found.checked.once_mended) == (0, 6)


def test_without_any_tag_all_is_one_type_named_after_its_source() -> None:
    found = discover({"at": TIME, "n": 1}, {"at": TIME, "n": 2, "name": "Ada"}, fallback="2nd orders")
    assert found.event.tag == "event_2nd_orders"
    assert found.accepts_all  # of a single type they may lack it
    assert "with a second event type every event would have to have `type`" in found.inferred.unsure[0]
    assert "class Event2ndOrders(Event" in found.module


def test_a_name_with_many_values_is_no_tag() -> None:
    found = discover(*({"name": f"user {n}", "at": TIME} for n in range(40)))
    assert found.event.count == 40


def test_a_type_that_cannot_be_one_is_renamed_and_said() -> None:
    found = discover({"type": "2nd try!", "at": TIME}, {"type": "event_2nd_try", "at": TIME})
    assert {event.tag for event in found.inferred.events} == {"event_2nd_try", "event_2nd_try_2"}
    assert "the type `2nd try!` cannot be one" in found.module
    assert (found.checked.accepted, found.checked.refused.total) == (1, 1)


def test_records_without_the_tag_are_counted_as_refused() -> None:
    known = [{"type": kind, "at": TIME} for kind in ("a", "b", "b")]
    found = discover(*known, {"at": TIME}, {"type": 3, "at": TIME})
    assert found.inferred.must == (
        "`type`, which names the event's type, was missing: once",
        "`type`, which names the event's type, was no string: once",
    )
    assert (found.checked.accepted, found.checked.refused.total) == (3, 2)


def test_more_types_than_a_stream_has_are_not_kept() -> None:
    found = discover(*({"type": f"t{n}", "at": TIME} for n in range(60)))
    assert len(found.inferred.events) == 50
    assert "`type` had yet another value after 50: 10 times" in found.inferred.must


@pytest.mark.parametrize(
    ("fields", "chosen", "said"),
    [
        (("at",), "at", ""),
        (("updated_at", "created_at"), "created_at", "`created_at` was taken, and `updated_at` would do too"),
        (("received_at", "timestamp", "sent_at"), "timestamp", "`sent_at`, `received_at` would do too"),
        (("delivered_at",), "delivered_at", "`delivered_at`, for want of another"),
        (("happened_at", "time"), "happened_at", "`time` would do too"),
    ],
)
def test_the_event_time_is_the_timestamp_whose_name_says_so(
    fields: tuple[str, ...], chosen: str, said: str
) -> None:
    found = typed(*[dict.fromkeys(fields, TIME)] * 40)
    assert found.event.time == chosen
    assert said in " ".join(found.event.unsure)
    assert found.accepts_all


def test_a_date_will_do_when_there_is_no_timestamp() -> None:
    found = typed({"day": "2026-05-17"}, {"day": "2026-05-18"})
    assert (found.event.time, found.line("day")) == ("day", "day: date")
    assert found.accepts_all


def test_a_time_that_few_lack_is_taken_and_these_are_refused() -> None:
    found = typed(*[{"at": TIME}] * 9, {"at": None})
    assert found.line("at") == "at: datetime"
    assert "1 of 10 are refused as they lack it" in found.event.must[0]
    assert (found.checked.accepted, found.checked.refused.total) == (9, 1)


def test_without_a_time_producers_are_told_to_send_one() -> None:
    found = typed({"n": 1, "happened_at": "yesterday"}, {"n": 2, "happened_at": "today"})
    assert found.event.time == "happened_at_"
    assert found.checked.once_mended == 2
    counted = typed({"ts": 1_747_000_000}, {"ts": 1_747_000_001})
    assert "as RFC 3339 text: `ts` counts seconds; send `happened_at`" in counted.event.must[0]


@pytest.mark.parametrize("name", ["id", "order_id", "event_id", "uuid", "orderId", "number"])
def test_the_id_is_a_field_that_is_called_one_and_never_comes_twice(name: str) -> None:
    found = many(**{name: lambda n: f"o-{n}", "user_id": "u", "path": str})
    assert found.event.id == name
    assert not [note for note in found.event.unsure if "id" in note.split()]
    assert found.accepts_all


def test_the_surest_of_several_ids_is_taken_and_the_others_are_named() -> None:
    found = many(request_id=lambda n: f"r-{n}", id=lambda n: n)
    assert found.event.id == "id"
    assert "the id: `id` was taken, and `request_id` never came twice either" in found.event.unsure


@pytest.mark.parametrize(
    "fields",
    [
        {"session_id": lambda n: f"s-{n}"},  # many events have a session in common
        {"path": lambda n: f"/{n}"},  # no name of an id
        {"id": lambda n: None if n == 3 else str(n)},  # not always there
        {"id": lambda n: "" if n == 3 else str(n)},  # empty ones would count as one event
        {"id": lambda n: n + 0.5},
    ],
)
def test_what_may_not_be_an_id_is_none(fields: dict[str, Any]) -> None:
    found = many(**fields)
    assert found.event.id is None
    assert "no id: no field's name and values say that it is one" in " ".join(found.event.unsure)
    assert found.accepts_all


def test_an_id_that_two_events_share_is_none_and_that_is_said() -> None:
    found = many(id=lambda n: str(n % 39))
    assert found.event.id is None
    assert "no id: `id` would be it, but 1 of 40 have that of a different event" in found.event.unsure


def test_a_line_that_comes_twice_is_the_same_event() -> None:
    lines = [json.dumps({"type": "t", "at": moment(n), "id": n}).encode() for n in range(30)]
    found = discover_lines([*lines, *lines[:10]])
    assert found.event.id == "id"


def test_clustering_is_suggested_by_what_analysts_filter_on() -> None:
    found = many(
        200,
        id=str,
        status=lambda n: 200 + n % 3,
        username=lambda n: f"u{n}",
        path=lambda n: f"/{n}",
        size=lambda n: n * 100,
    )
    assert found.event.cluster == ("status", "username")
    assert found.accepts_all
    assert many(20, status=lambda n: n % 3).event.cluster == ()


def test_few_events_are_said_to_be_few() -> None:
    assert many(29).event.unsure[0] == (
        "seen 29 times: what is required here may be optional, and fields may be missing"
    )
    assert "seen" not in " ".join(many(30).event.unsure)
