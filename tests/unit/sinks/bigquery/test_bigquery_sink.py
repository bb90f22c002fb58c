"""What the BigQuery sink writes, and how it cuts it into requests."""

import json
from collections.abc import Sequence

import pytest

from sluice.contract.bigquery import DEAD_LETTER_SCHEMA
from sluice.deadletters import DeadLetter
from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.sinks.bigquery import writer
from sluice.sinks.bigquery.sink import NOTE_SECONDS, BigQuerySink
from sluice.sinks.bigquery.writer import insert_id
from tests.unit.delivery.builders import SHARD, Time, record, sequence, visit
from tests.unit.sinks.bigquery import stub_bigquery as bq
from tests.unit.sinks.bigquery.rows import accepted, deliver, expected, ids, rows_of
from tests.unit.sinks.bigquery.stub_bigquery import StubBigQuery


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
    assert set(listed) == {f"bigquery/{SHARD}/{sequence(n)}#contract" for n in (1, 2)}
    row = listed[f"bigquery/{SHARD}/{sequence(1)}#contract"]
    assert set(row) == {column["name"] for column in DEAD_LETTER_SCHEMA}
    assert (row["kind"], row["size"], row["arrived_at"]) == ("contract", 6, record(1).arrived.isoformat())


def test_a_list_that_bigquery_does_not_take_names_what_is_missing_and_costs_little_time(
    sink: BigQuerySink, stub: StubBigQuery, time: Time
) -> None:
    stub.always = bq.status(404, "Not found: Table p:raw.dead_letters", "notFound")
    missing = sink.note(letters([1, 2]), time.deadline(60))
    assert set(missing) == {letter.id for letter in letters([1, 2])}
    assert "404" in missing[letters([1])[0].id]
    assert time.now <= 1000 + NOTE_SECONDS


def test_a_sick_table_does_not_stop_the_others(sink: BigQuerySink, stub: StubBigQuery, time: Time) -> None:
    stub.always = lambda exchange: (bq.status(500) if exchange.table == "visit" else bq.fine)(exchange)
    ping = json.dumps({"type": "ping", "at": "2026-11-01T12:00:00Z"}).encode()
    rows = [sink.prepare(accepted(1, ping)), *rows_of(sink, [2]), sink.prepare(accepted(3, ping))]
    outcomes = sink.deliver(rows, time.deadline(10))
    assert (outcomes[0], type(outcomes[1]), outcomes[2]) == (DELIVERED, Retry, DELIVERED)


def test_requests_behind_a_failed_one_are_not_sent_in_vain(
    sink: BigQuerySink, stub: StubBigQuery, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "REQUEST_ROWS", 1)
    stub.always = bq.status(500)
    outcomes = deliver(sink, time, range(100), seconds=0.5)
    assert all(isinstance(outcome, Retry) for outcome in outcomes)
    assert len({row["insertId"] for exchange in stub.requests for row in exchange.rows}) < 100


def test_a_long_identity_is_hashed_to_what_bigquery_takes_and_stays_the_same() -> None:
    long = "s" * 129
    assert len(insert_id(long)) == 64
    assert insert_id(long) == insert_id(long) != insert_id("s" * 130)
    assert insert_id("s" * 128) == "s" * 128
