"""The search sink against a cluster that misbehaves: nothing lost, doubled, or refused wrongly."""

import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Accepted, Rejected, Retry
from sluice.sinks.opensearch.bulk import Limits, Operation
from sluice.sinks.opensearch.sink import SearchSink
from tests.unit.delivery.builders import Time, record
from tests.unit.sinks import stub_server as http
from tests.unit.sinks.opensearch import stub_opensearch as search
from tests.unit.sinks.opensearch.events import CONTRACT, INDEX, deliver, ids, prepared
from tests.unit.sinks.opensearch.stub_opensearch import FULL, UNPARSED, StubOpenSearch, error

SHARDS = (
    "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [4]/[1] "
)
CLOSED = error("index_closed_exception", "closed")
BLOCKED = error("cluster_block_exception", "index [i] blocked by: [FORBIDDEN/8/index write (api)];")
NO_IDS = error("illegal_argument_exception", "Document ID is not supported in create/index operation request")
TEMPLATE = error("illegal_argument_exception", "no matching index template found for data stream [i]")


def cut_gzip(exchange: search.SearchExchange) -> None:
    packed = gzip.compress(json.dumps({"errors": False, "items": exchange.write()}).encode())
    exchange.answer(200, packed[: len(packed) // 2], Content_Encoding="gzip")


@pytest.mark.parametrize(
    "trouble",
    [
        search.status(500),
        search.status(
            503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered]"
        ),
        search.status(
            429, "circuit_breaking_exception", "[parent] Data too large, data for [<http_request>]"
        ),
        search.status(429, "rejected_execution_exception", Retry_After="1"),
        search.status(400, "index_closed_exception", "closed"),
        search.status(403, "security_exception", "no permissions for [indices:data/write/bulk]"),
        search.status(404, "index_not_found_exception"),
        http.raw(403, b'{"message":"The security token included in the request is expired"}'),
        http.raw(401, b"Unauthorized", "text/plain"),
        http.raw(429, b"429 Too Many Requests /_bulk", "text/plain"),
        http.html(502),
        http.html(400),
        http.raw(302, b""),
        http.raw(999, b""),
        cut_gzip,
        http.raw(500, b"\xff\xfe"),
        http.raw(400, b"{}"),
        http.raw(400, b"[]"),
        http.raw(200, b""),
        http.raw(200, b"[]"),
        http.raw(200, b"\xff"),
        http.raw(200, b'{"errors":false}'),
        http.raw(200, b'{"errors":false,"items":[]}'),
        http.raw(200, b'{"errors":false,"items":[{"create":{"status":201}}]}'),
        http.raw(200, b'{"items":[{"create":{}},{"create":{}},{"create":{}}]}'),
        http.raw(
            200, b'{"items":[{},{"create":{"status":201},"index":{"status":201}},{"create":{"status":201}}]}'
        ),
        http.raw(200, b'{"items":[7,7,7]}'),
        http.garbage,
        http.hang,
        http.hang_after_write,
        http.drop,
        http.drop_after_write,
        http.half_response,
        search.items({1: (429, FULL)}),
        search.items({0: (503, error("unavailable_shards_exception", "[i][0] primary shard is not active"))}),
        search.items(
            {0: (403, BLOCKED), 2: (429, error("cluster_block_exception", "flood-stage watermark"))}
        ),
        search.items({0: (400, CLOSED), 1: (404, error("index_not_found_exception", "no such index [i]"))}),
        search.items({2: (400, error("validation_exception", SHARDS + "maximum shards open;"))}),
        search.items({2: (400, error("illegal_argument_exception", SHARDS + "maximum normal shards open;"))}),
        search.items({1: (400, TEMPLATE)}),
        search.items({1: (400, error("never_seen_exception", "what"))}),
        search.items({1: (418, error("", ""))}),
    ],
)
def test_what_passes_loses_and_doubles_nothing(
    sink: SearchSink, stub: StubOpenSearch, time: Time, trouble: http.Behaviour
) -> None:
    stub.behave(trouble, trouble)
    assert deliver(sink, time, [1, 2, 3]) == [DELIVERED] * 3
    assert set(stub.indices[INDEX]) == ids([1, 2, 3])
    assert sorted(stub.writes) == sorted(ids([1, 2, 3]))


@pytest.mark.parametrize(
    "trouble",
    [
        search.status(500),
        search.status(403),
        search.status(429),
        http.drop,
        http.half_response,
        http.garbage,
        http.raw(200, b'{"items":[]}'),
        search.items({0: (400, CLOSED), 1: (400, CLOSED)}),
        search.items({0: (400, NO_IDS), 1: (400, NO_IDS)}),
        search.items({0: (400, error("never_seen", "x")), 1: (400, error("never_seen", "x"))}),
    ],
)
def test_what_lasts_goes_back_to_the_stream_before_the_deadline(
    sink: SearchSink, stub: StubOpenSearch, time: Time, trouble: http.Behaviour
) -> None:
    stub.always = trouble
    outcomes = deliver(sink, time, [1, 2], seconds=10)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert time.now <= 1010
    assert len(stub.requests) >= 3


def test_a_cluster_that_hangs_is_left_at_the_deadline(sink: SearchSink, stub: StubOpenSearch) -> None:
    stub.always = http.hang
    outcomes = sink.deliver([prepared(sink, 1)], Deadline.after(0.4))
    assert isinstance(outcomes[0], Retry)


def test_only_the_events_that_did_not_go_in_are_sent_again(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    stub.behave(search.items({1: (429, FULL), 3: (429, FULL)}))
    assert deliver(sink, time, range(5)) == [DELIVERED] * 5
    assert [len(request.actions) for request in stub.requests] == [5, 2]


def test_the_pause_that_the_cluster_asks_for_is_kept(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    stub.behave(search.status(429, Retry_After="7"))
    assert deliver(sink, time, [1]) == [DELIVERED]
    assert time.now >= 1007


IMMENSE = (
    'Document contains at least one immense term in field="page.keyword" (whose UTF8 encoding is longer than '
    "the max length 32766), all of which were skipped. The prefix of the first immense term is: '[115]...'"
)


@pytest.mark.parametrize(
    ("refusal", "field"),
    [
        (UNPARSED, "page"),
        (
            error("mapper_parsing_exception", "object mapping for [a.b] tried to parse field [b] as object"),
            "a.b",
        ),
        (error("mapper_parsing_exception", "failed to parse", "json_e_o_f_exception"), None),
        (
            error(
                "strict_dynamic_mapping_exception", "dynamic introduction of [z] within [_doc] is not allowed"
            ),
            "z",
        ),
        (error("illegal_argument_exception", IMMENSE, "max_bytes_length_exceeded_exception"), "page.keyword"),
        (
            error("mapper_parsing_exception", "failed to parse field [shards open] of type [long]"),
            "shards open",
        ),
    ],
)
def test_what_the_mapping_does_not_take_is_rejected_alone_with_its_field_and_without_its_value(
    sink: SearchSink, stub: StubOpenSearch, time: Time, refusal: dict[str, Any], field: str | None
) -> None:
    stub.judge = lambda document: (400, refusal) if document["page"] == "secret" else None
    events = [prepared(sink, number, page="secret" if number == 1 else "fine") for number in range(3)]
    one, bad, other = sink.deliver(events, time.deadline(60))
    assert (one, other) == (DELIVERED, DELIVERED)
    assert isinstance(bad, Rejected)
    assert bad.field == field
    assert "secret" not in bad.reason
    assert "115" not in bad.reason
    assert "v1" not in bad.reason
    assert len(stub.requests) == 1


def test_an_unknown_refusal_is_the_events_fault_where_its_index_takes_others(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    stub.judge = lambda document: (400, error("odd", "what")) if document["id"] == "v2" else None
    outcomes = deliver(sink, time, [1, 2, 3])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Delivered", "Rejected", "Delivered"]


def ping(sink: SearchSink, number: int) -> Operation:
    one = record(number, b'{"type":"ping","at":"2023-11-14T12:00:00Z"}')
    event = CONTRACT.decode(one.data)
    operation = sink.prepare(Accepted(one, event, CONTRACT.type_of(event)))
    assert isinstance(operation, Operation)
    return operation


def test_an_unknown_refusal_of_one_index_alone_is_not_the_events_fault(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    stub.judge = lambda document: (400, error("odd", "what")) if document["type"] == "ping" else None
    events = [prepared(sink, 1), ping(sink, 2)]
    visit, other = sink.deliver(events, time.deadline(30))
    assert visit == DELIVERED
    assert isinstance(other, Retry)


def spoiled(kind: str, code: int) -> http.Behaviour:
    """Refuse each request that holds v5, as a whole."""

    def behave(exchange: search.SearchExchange) -> None:
        if any(document["id"] == "v5" for document in exchange.documents):
            search.status(code, kind, "what")(exchange)
        else:
            search.fine(exchange)

    return behave


@pytest.mark.parametrize(("kind", "code"), [("parse_exception", 400), ("odd_exception", 400), ("large", 413)])
def test_the_event_that_a_whole_request_is_refused_for_is_found(
    sink: SearchSink, stub: StubOpenSearch, time: Time, kind: str, code: int
) -> None:
    stub.always = spoiled(kind, code)
    outcomes = deliver(sink, time, range(9))
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)] == [5]
    assert [n for n, outcome in enumerate(outcomes) if outcome == DELIVERED] == [0, 1, 2, 3, 4, 6, 7, 8]


def test_requests_that_are_all_refused_as_a_whole_reject_nothing(
    sink: SearchSink, stub: StubOpenSearch, time: Time
) -> None:
    stub.always = search.status(400, "action_request_validation_exception", "Validation Failed: 1: what")
    outcomes = deliver(sink, time, range(40))
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert len(stub.requests) < 40


def test_what_comes_after_a_failure_is_not_sent_in_vain(
    sink_with: Callable[[Limits], SearchSink], stub: StubOpenSearch, time: Time
) -> None:
    stub.always = search.status(500)
    sink = sink_with(Limits(concurrency=1, documents=1))
    outcomes = deliver(sink, time, range(50), seconds=5)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert {request.documents[0]["id"] for request in stub.requests} == {"v0"}


def test_neither_events_nor_failures_are_logged_by_the_client(
    sink: SearchSink, stub: StubOpenSearch, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.behave(http.drop, search.status(503))
    assert deliver(sink, time, [1], page="secret") == [DELIVERED]
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
