"""The BigQuery sink against a server that misbehaves at the level of HTTP: nothing lost, nothing doubled."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sluice.contract.bigquery import DEAD_LETTER_SCHEMA
from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Accepted, Outcome, Rejected, Retry
from sluice.sinks import bigquery, transport
from sluice.sinks.bigquery import BigQuerySink, insert_id
from sluice.sinks.inserts import Row
from sluice.sinks.transport import Transport
from tests.unit.delivery.builders import CONTRACT, SHARD, Time, record, sequence, visit
from tests.unit.sinks import stub_bigquery as bq
from tests.unit.sinks.stub_bigquery import StubBigQuery


def accepted(number: int, data: bytes | None = None) -> Accepted:
    one = record(number, data)
    event = CONTRACT.decode(one.data)
    kind = CONTRACT.type_of(event)
    return Accepted(one, event, kind, kind.event_id(event) or one.fallback_id)


def rows_of(sink: BigQuerySink, numbers: Sequence[int], **more: Any) -> list[Row]:
    return [sink.prepare(accepted(number, visit(number, **more))) for number in numbers]


@pytest.fixture
def sink(stub: StubBigQuery) -> BigQuerySink:
    return BigQuerySink(CONTRACT, Transport("project", "raw", base_url=stub.url))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_READ_SECONDS", 0.3)


def deliver(
    sink: BigQuerySink, time: Time, numbers: Sequence[int], seconds: float = 60.0
) -> Sequence[Outcome]:
    return sink.deliver(rows_of(sink, numbers), time.deadline(seconds))


def ids(stub: StubBigQuery, table: str = "visit") -> set[str]:
    return set(stub.rows[table])


def expected(numbers: Sequence[int]) -> set[str]:
    return {f"{SHARD}/{sequence(number)}" for number in numbers}


INVALID = {"reason": "invalid", "location": "page", "message": "bad value"}
STOPPED = {"reason": "stopped", "location": "", "message": ""}


def test_a_row_carries_the_event_and_where_it_came_from(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    assert deliver(sink, time, [3]) == [DELIVERED]
    assert stub.rows["visit"][f"{SHARD}/{sequence(3)}"] == {
        "type": "visit",
        "id": "v3",
        "at": "2026-11-01T12:00:00Z",
        "page": None,
        "_event_id": "v3",
        "_arrived_at": "2023-11-14T22:13:23.250000Z",
        "_shard": SHARD,
        "_sequence": sequence(3),
    }


def test_an_event_id_with_quotes_and_control_characters_stays_one_value(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    hostile = 'v"},{"x":"\\\u0001é'
    row = sink.prepare(accepted(1, visit(1, id=hostile)))
    assert sink.deliver([row], time.deadline(5)) == [DELIVERED]
    (written,) = stub.rows["visit"].values()
    assert written["_event_id"] == hostile
    assert written["id"] == hostile


def test_a_type_without_an_id_falls_back_to_partition_key_and_sequence_number(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    data = json.dumps({"type": "ping", "at": "2026-11-01T12:00:00Z"}).encode()
    sink.deliver([sink.prepare(accepted(4, data))], time.deadline(5))
    (written,) = stub.rows["ping"].values()
    assert written["_event_id"] == f"key1:{sequence(4)}"


def test_requests_ask_to_skip_invalid_rows_and_large_ones_are_compressed(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    deliver(sink, time, [1])
    deliver(sink, time, range(2, 60))
    small, large = stub.requests
    assert small.document["skipInvalidRows"] is True
    assert (small.compressed, large.compressed) == (False, True)


def test_a_request_has_at_most_500_rows_and_9_megabytes(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    assert set(deliver(sink, time, range(1201))) == {DELIVERED}
    assert sorted(len(exchange.rows) for exchange in stub.requests) == [201, 500, 500]
    stub.requests.clear()
    large = rows_of(sink, range(2000, 2020), page="p" * 900_000)
    assert set(sink.deliver(large, time.deadline(60))) == {DELIVERED}
    assert len(stub.requests) == 3
    assert all(exchange.size <= 9_000_100 for exchange in stub.requests)
    assert ids(stub) == expected([*range(1201), *range(2000, 2020)])


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


BOUNDS = (
    "Value {} for field at of the table p:raw.visit is outside the allowed bounds. "
    "You can only stream to date range within 1825 days in the past and 366 days in the future."
)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (BOUNDS.format(1431857100000000), BOUNDS.format("…")),
        (
            "Cannot convert value to integer (bad value): secret",
            "Cannot convert value to integer (bad value): …",
        ),
        ("Could not parse 'secret stuff' as a timestamp", "Could not parse … as a timestamp"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_bigquerys_words_are_kept_without_what_the_row_carries(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, said: str, shown: str
) -> None:
    stub.judge = lambda _row: [{"reason": "invalid", "location": "at", "message": said}]
    assert deliver(sink, time, [1]) == [Rejected(f"BigQuery refused the row: {shown}", "at")]


def letters(numbers: Sequence[int]) -> list[DeadLetter]:
    return [
        DeadLetter.of(
            record(number, b"secret"),
            sink="bigquery",
            kind="contract",
            reason="no JSON",
            failed_at=record(9).arrived,
        )
        for number in numbers
    ]


def test_dead_letters_are_listed_without_their_payload_once_each(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    assert sink.note(letters([1, 2]), time.deadline(5)) == {}
    assert sink.note(letters([2]), time.deadline(5)) == {}
    listed = stub.rows["dead_letters"]
    assert set(listed) == {f"bigquery/{SHARD}/{sequence(n)}" for n in (1, 2)}
    row = listed[f"bigquery/{SHARD}/{sequence(1)}"]
    assert set(row) == {column["name"] for column in DEAD_LETTER_SCHEMA}
    assert (row["kind"], row["size"], row["arrived_at"]) == ("contract", 6, record(1).arrived.isoformat())


def test_a_list_that_bigquery_does_not_take_names_what_is_missing_and_costs_little_time(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.always = bq.status(404, "Not found: Table p:raw.dead_letters", "notFound")
    missing = sink.note(letters([1, 2]), time.deadline(60))
    assert set(missing) == {letter.id for letter in letters([1, 2])}
    assert "404" in missing[letters([1])[0].id]
    assert time.now <= 1000 + bigquery.NOTE_SECONDS


def test_stopped_rows_are_sent_again_at_once_without_the_invalid_one(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.behave(bq.row_errors({0: [STOPPED], 1: [STOPPED, INVALID], 2: [STOPPED]}))
    outcomes = deliver(sink, time, [1, 2, 3])
    assert [type(outcome) for outcome in outcomes] == [type(DELIVERED), Rejected, type(DELIVERED)]
    assert ids(stub) == expected([1, 3])
    assert time.now == 1000


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
    def behave(exchange: bq.Exchange) -> None:
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
    def behave(exchange: bq.Exchange) -> None:
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


def test_a_sick_table_does_not_stop_the_others(sink: BigQuerySink, stub: StubBigQuery, time: Time) -> None:
    stub.always = lambda exchange: (bq.status(500) if exchange.table == "visit" else bq.fine)(exchange)
    ping = json.dumps({"type": "ping", "at": "2026-11-01T12:00:00Z"}).encode()
    rows = [sink.prepare(accepted(1, ping)), *rows_of(sink, [2]), sink.prepare(accepted(3, ping))]
    outcomes = sink.deliver(rows, time.deadline(10))
    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (DELIVERED, Retry, DELIVERED)


def test_requests_behind_a_failed_one_are_not_sent_in_vain(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigquery, "REQUEST_ROWS", 1)
    stub.always = bq.status(500)
    outcomes = deliver(sink, time, range(100), seconds=0.5)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert len({row["insertId"] for exchange in stub.requests for row in exchange.rows}) < 100


def test_a_long_identity_is_hashed_to_what_bigquery_takes_and_stays_the_same() -> None:
    long = "s" * 129
    assert len(insert_id(long)) == 64
    assert insert_id(long) == insert_id(long) != insert_id("s" * 130)
    assert insert_id("s" * 128) == "s" * 128
