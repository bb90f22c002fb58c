"""The BigQuery sink against a server that misbehaves at the level of HTTP: nothing lost, nothing doubled."""

import pytest

from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.sinks.bigquery.sink import BigQuerySink
from sluice.sinks.bigquery.transport import Transport
from tests.unit.delivery.builders import CONTRACT, Time
from tests.unit.sinks.bigquery import stub_bigquery as bq
from tests.unit.sinks.bigquery.rows import INVALID, STOPPED, deliver, expected, ids, rows_of
from tests.unit.sinks.bigquery.stub_bigquery import StubBigQuery

pytestmark = pytest.mark.usefixtures("_impatient")


@pytest.mark.parametrize(
    "trouble",
    [
        bq.status(500),
        bq.status(503, "Visibility check was unavailable"),
        bq.status(429, "slow down", "rateLimitExceeded"),
        bq.status(403, "Quota exceeded", "quotaExceeded"),
        bq.status(403, "Access Denied", "accessDenied"),
        bq.status(404, "Not found: Table", "notFound"),
        bq.status(401, "Request had invalid authentication credentials", "authError"),
        bq.status(400, "resources exceeded", "resourcesExceeded"),
        bq.status(408),
        bq.status(418, "what"),
        bq.status(302),
        bq.html(502),
        bq.html(400),
        bq.raw(500, b""),
        bq.raw(400, b'{"error": 7}'),
        bq.raw(400, b"[]"),
        bq.raw(200, b"[]"),
        bq.raw(200, b'{"insertErrors": 7}'),
        bq.raw(200, b'{"insertErrors": [7]}'),
        bq.raw(200, b'{"insertErrors": [{"errors": []}]}'),
        bq.raw(200, b'{"insertErrors": [{"index": 99, "errors": []}]}'),
        bq.raw(200, b'{"insertErrors": [{"index": -1, "errors": []}]}'),
        bq.raw(200, b'{"insertErrors": [{"index": "x", "errors": []}]}'),
        bq.raw(200, b""),
        bq.garbage,
        bq.hang,
        bq.hang_after_write,
        bq.drop,
        bq.drop_after_write,
        bq.half_response,
        bq.row_errors({1: [{"reason": "backendError", "message": "try again"}]}),
        bq.row_errors({1: [{"reason": "timeout"}], 0: [{"reason": "internalError"}]}),
        bq.row_errors({0: [{"reason": "invalid", "location": "page", "message": "no such field: page."}]}),
        bq.row_errors({0: [{"reason": "invalid", "message": "Missing required field: Msg_0.page."}]}),
        bq.row_errors({0: [STOPPED], 1: [STOPPED], 2: [STOPPED]}),
        bq.row_errors({2: []}),
        bq.row_errors({2: [{"reason": "neverSeen"}]}),
    ],
)
def test_what_passes_loses_and_doubles_nothing(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, trouble: bq.Behaviour
) -> None:
    stub.behave(trouble, trouble)
    assert deliver(sink, time, [1, 2, 3]) == [DELIVERED] * 3
    assert ids(stub) == expected([1, 2, 3])


@pytest.mark.parametrize(
    "trouble",
    [bq.status(500), bq.status(404), bq.status(403), bq.drop, bq.half_response, bq.garbage, bq.html(503)],
)
def test_what_lasts_goes_back_to_the_stream_before_the_deadline(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, trouble: bq.Behaviour
) -> None:
    stub.always = trouble
    outcomes = deliver(sink, time, [1, 2], seconds=10)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert time.now <= 1010
    assert len(stub.requests) > 3


def test_a_server_that_hangs_is_left_at_the_deadline(stub: StubBigQuery) -> None:
    stub.always = bq.hang
    sink = BigQuerySink(CONTRACT, Transport("project", "raw", base_url=stub.url))
    deadline = Deadline.after(0.5)
    outcomes = sink.deliver(rows_of(sink, range(1200)), deadline)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)


def test_a_wait_that_the_server_asks_for_is_kept(sink: BigQuerySink, stub: StubBigQuery, time: Time) -> None:
    stub.behave(bq.status(429, "slow down", Retry_After="7"))
    assert deliver(sink, time, [1]) == [DELIVERED]
    assert time.now >= 1007


def test_a_wait_beyond_the_deadline_is_not_begun(sink: BigQuerySink, stub: StubBigQuery, time: Time) -> None:
    stub.behave(bq.status(503, Retry_After="3600"))
    assert isinstance(deliver(sink, time, [1])[0], Retry)
    assert time.now == 1000


def test_an_invalid_row_is_refused_with_bigquerys_words_and_the_others_go_in(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.judge = lambda row: [INVALID] if row["json"]["id"] == "v2" else []
    outcomes = deliver(sink, time, [1, 2, 3])
    assert outcomes == [DELIVERED, Rejected("BigQuery refused the row: bad value", "page"), DELIVERED]
    assert ids(stub) == expected([1, 3])
    assert len(stub.requests) == 1


def test_stopped_rows_are_sent_again_at_once_without_the_invalid_one(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.behave(bq.row_errors({0: [STOPPED], 1: [STOPPED, INVALID], 2: [STOPPED]}))
    outcomes = deliver(sink, time, [1, 2, 3])
    assert [type(outcome) for outcome in outcomes] == [type(DELIVERED), Rejected, type(DELIVERED)]
    assert ids(stub) == expected([1, 3])
    assert time.now == 1000


def test_rows_that_are_stopped_for_no_row_in_sight_are_sent_again_with_pauses_until_the_deadline(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.judge = lambda _row: [STOPPED]
    outcomes = deliver(sink, time, [1, 2], seconds=5)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert 1000 < time.now <= 1005


def test_a_new_column_that_bigquery_does_not_see_yet_never_costs_a_row(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.judge = lambda _row: [{"reason": "invalid", "location": "page", "message": "no such field: page."}]
    outcomes = deliver(sink, time, [1, 2], seconds=5)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)


def test_a_row_refused_for_an_unknown_reason_is_its_own_fault_when_others_go_in(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.judge = lambda row: [{"reason": "odd", "message": "hm"}] if row["json"]["id"] == "v2" else []
    assert deliver(sink, time, [1, 2, 3]) == [DELIVERED, Rejected("BigQuery refused the row: hm"), DELIVERED]


def test_rows_that_are_all_refused_for_an_unknown_reason_come_again(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.judge = lambda _row: [{"reason": "odd", "message": "hm"}]
    assert all(isinstance(outcome, Retry) for outcome in deliver(sink, time, [1, 2, 3]))


def too_large_from(rows: int, refusal: bq.Behaviour) -> bq.Behaviour:
    return lambda exchange: (refusal if len(exchange.rows) >= rows else bq.fine)(exchange)


@pytest.mark.parametrize(
    "refusal",
    [bq.html(413), bq.status(413), bq.status(400, "Request payload size exceeds the limit: 10485760 bytes.")],
)
def test_a_request_that_is_too_large_is_cut(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, refusal: bq.Behaviour
) -> None:
    stub.always = too_large_from(3, refusal)
    assert set(deliver(sink, time, range(10))) == {DELIVERED}
    assert ids(stub) == expected(range(10))


def test_a_single_row_that_is_too_large_is_refused_alone(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    def behave(exchange: bq.BigQueryExchange) -> None:
        large = any(row["json"]["id"] == "v3" for row in exchange.rows)
        (bq.html(413) if large else bq.fine)(exchange)

    stub.always = behave
    outcomes = deliver(sink, time, range(5))
    assert [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Rejected)] == [3]
    assert ids(stub) == expected([0, 1, 2, 4])


@pytest.mark.parametrize("message", ["Invalid JSON payload received.", "Something is wrong with it"])
def test_one_row_that_spoils_its_request_is_found(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, message: str
) -> None:
    def behave(exchange: bq.BigQueryExchange) -> None:
        spoilt = any(row["json"]["id"] == "v0" for row in exchange.rows)
        (bq.status(400, message, "invalid") if spoilt else bq.fine)(exchange)

    stub.always = behave
    outcomes = deliver(sink, time, range(20))
    assert isinstance(outcomes[0], Rejected)
    assert set(outcomes[1:]) == {DELIVERED}


def test_a_table_that_refuses_every_request_holds_its_rows_back_and_is_not_hammered(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.always = bq.status(400, "Streaming is not allowed here", "invalid")
    outcomes = deliver(sink, time, range(500))
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert len(stub.requests) < 50
