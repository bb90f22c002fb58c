"""What the search sink writes where: one document per event, and requests that stay within their limits."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Lock, Semaphore

import pytest

from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.sinks.opensearch.bulk import Limits
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.sink import SearchSink
from tests.unit.delivery.builders import SHARD, Time, sequence
from tests.unit.sinks.opensearch import stub_opensearch as search
from tests.unit.sinks.opensearch.events import AT, INDEX, accepted, deliver, ids, prepared
from tests.unit.sinks.opensearch.stub_opensearch import StubOpenSearch, error


def test_a_document_is_the_event_with_its_lineage(sink: SearchSink, stub: StubOpenSearch, time: Time) -> None:
    assert deliver(sink, time, [1], page='a"\n') == [DELIVERED]
    assert stub.indices[INDEX]["v1"] == {
        "type": "visit",
        "id": "v1",
        "at": AT,
        "page": 'a"\n',
        "_event_id": "v1",
        "_arrived_at": "2023-11-14T22:13:21.250000Z",
        "_shard": SHARD,
        "_sequence": sequence(1),
    }


def test_an_event_sent_twice_is_one_document_and_the_first_one(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    events = [prepared(sink, number, id="same", page=str(number)) for number in range(3)]
    assert sink.deliver(events, time.deadline(60)) == [DELIVERED] * 3
    assert sink.deliver([prepared(sink, 9, id="same", page="9")], time.deadline(60)) == [DELIVERED]
    assert {key: each["page"] for key, each in stub.indices[INDEX].items()} == {"same": "0"}
    assert len(stub.requests[0].actions) == 1


def test_when_the_first_of_an_id_is_refused_the_next_one_goes_in(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    refusal = error("mapper_parsing_exception", "failed to parse field [page] of type [long]")
    stub.judge = lambda document: (400, refusal) if document["page"] == "0" else None
    events = [prepared(sink, number, id="same", page=str(number)) for number in range(3)]
    first, *others = sink.deliver(events, time.deadline(60))
    assert isinstance(first, Rejected)
    assert others == [DELIVERED, DELIVERED]
    assert stub.indices[INDEX]["same"]["page"] == "1"


def test_a_repetition_does_not_overtake_the_first_one_that_has_to_come_again(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    stub.judge = lambda document: (503, error("x", "y")) if document["page"] == "0" else None
    events = [prepared(sink, number, id="same", page=str(number)) for number in range(2)]
    assert all(isinstance(each, Retry) for each in sink.deliver(events, time.deadline(5)))
    assert not stub.indices[INDEX]


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 1, 2], [2, 3, 3]])
def test_of_a_type_with_versions_the_highest_stays_in_whatever_order_they_come(
    sink: SearchSink, stub: StubOpenSearch, time: Time, order: list[int]
) -> None:
    events = [prepared(sink, n, type="order", id="o", revision=each) for n, each in enumerate(order)]
    assert sink.deliver(events, time.deadline(60)) == [DELIVERED] * 3
    assert stub.indices["test-order-2023.11"]["o"]["revision"] == 3
    assert sink.deliver(events[:1], time.deadline(60)) == [DELIVERED]
    assert stub.indices["test-order-2023.11"]["o"]["revision"] == 3


def test_an_event_without_an_id_is_named_by_its_record(sink: SearchSink) -> None:
    data = b'{"type":"ping","at":"2023-11-14T12:00:00Z"}'
    one = accepted(1)
    record = type(one.record)(one.record.stream, SHARD, sequence(1), "key", one.record.arrived_at, data)
    event = sink._contract.decode(data)
    operation = sink.prepare(type(one)(record, event, sink._contract.type_of(event)))
    assert not isinstance(operation, Rejected)
    assert operation.id == f"key:{sequence(1)}"


@pytest.mark.parametrize("long", ["x" * 513, "\u20ac" * 200])
def test_an_id_that_opensearch_would_not_take_is_hashed_and_still_the_events_own(
    sink: SearchSink, long: str
) -> None:
    one, same = prepared(sink, 1, id=long), prepared(sink, 2, id=long)
    assert one.id == same.id
    assert len(one.id) == 64
    assert json.loads(one.document)["_event_id"] == long
    assert prepared(sink, 3, id="x" * 512).id == "x" * 512


@pytest.mark.parametrize(
    ("at", "index"),
    [
        ("2023-11-14T12:00:00Z", "test-visit-2023.11"),
        ("2023-11-30T23:59:59.999999-02:00", "test-visit-2023.12"),
        ("2020-01-01T00:00:00Z", "test-visit-2020.01"),
        ("2019-12-31T23:59:59.999999Z", "test-visit-before-2020-01-01"),
        ("0001-01-01T00:00:00Z", "test-visit-before-2020-01-01"),
        ("2024-11-13T00:00:00Z", "test-visit-2024.11"),
    ],
)
def test_the_index_is_told_by_the_event_alone(sink: SearchSink, at: str, index: str) -> None:
    assert prepared(sink, 1, at=at).index == index


def test_an_event_from_the_far_future_makes_no_index(sink: SearchSink) -> None:
    refused = sink.prepare(accepted(1, at="2025-01-01T00:00:00Z"))
    assert isinstance(refused, Rejected)
    assert refused.field == "at"
    assert "clock" in refused.reason


@pytest.mark.parametrize(
    ("period", "name"), [("day", "p-t-2026.11.21"), ("month", "p-t-2026.11"), ("year", "p-t-2026")]
)
def test_indices_are_named_by_their_period_under_an_alias_and_a_pattern(period: str, name: str) -> None:
    indices = Indices("p", period, date(2020, 1, 1))  # type: ignore[arg-type] # the parameters are periods
    assert indices.name("T", datetime(2026, 11, 21, tzinfo=UTC)) == name
    assert indices.alias("T") == "p-t"
    assert indices.pattern("T") == "p-t-*"
    assert indices.everything == "p"


def test_a_tables_name_of_any_length_stays_within_what_an_index_may_be_called() -> None:
    indices = Indices("p" * 80)
    one, other = (indices.before("t" * 1000 + end) for end in "ab")
    assert one != other
    assert max(len(one), len(other)) <= 255


def test_requests_are_cut_by_documents(
    sink_with: Callable[[Limits], SearchSink], stub: StubOpenSearch, time: Time
) -> None:
    sink = sink_with(Limits(documents=3))
    assert deliver(sink, time, range(10)) == [DELIVERED] * 10
    assert sorted(len(request.actions) for request in stub.requests) == [1, 3, 3, 3]
    assert set(stub.indices[INDEX]) == ids(range(10))


def test_requests_are_cut_by_bytes_and_a_larger_event_goes_alone(
    sink_with: Callable[[Limits], SearchSink], stub: StubOpenSearch, time: Time
) -> None:
    sink = sink_with(Limits(bytes=4000))
    events = [prepared(sink, number, page="x" * (9000 if number == 5 else 1000)) for number in range(10)]
    assert sink.deliver(events, time.deadline(60)) == [DELIVERED] * 10
    assert all(request.size <= 4000 or len(request.actions) == 1 for request in stub.requests)
    assert len(stub.requests) == 5


@pytest.mark.parametrize("concurrency", [1, 3])
def test_never_more_requests_at_once_than_allowed(
    sink_with: Callable[[Limits], SearchSink], stub: StubOpenSearch, time: Time, concurrency: int
) -> None:
    lock, together, most = Lock(), 0, 0
    all_there = Semaphore(0)

    def watch(exchange: search.SearchExchange) -> None:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
            if together == concurrency:
                for _ in range(100):
                    all_there.release()
        assert all_there.acquire(timeout=10)
        search.fine(exchange)
        with lock:
            together -= 1

    stub.always = watch
    sink = sink_with(Limits(concurrency=concurrency, documents=1))
    assert deliver(sink, time, range(12)) == [DELIVERED] * 12
    assert most == concurrency


def test_only_statuses_and_errors_are_asked_for(sink: SearchSink, stub: StubOpenSearch, time: Time) -> None:
    deliver(sink, time, [1])
    (request,) = stub.requests
    assert "filter_path=errors%2Citems.%2A.status" in request.handler.path
    assert "timeout=5s" in request.handler.path
    assert request.headers["Content-Type"] == "application/x-ndjson"


def test_dead_letters_are_listed_elsewhere(sink: SearchSink, time: Time) -> None:
    assert sink.note([], time.deadline(1)) == {}
