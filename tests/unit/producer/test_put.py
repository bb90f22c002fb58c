"""Records that a function passes on: each has an answer of its own, within the time that is left."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, NoCredentialsError

from sluice.producer import Failure, Why, put_record_batch, put_records
from sluice.producer.destinations import MAX_FIREHOSE_RECORD_BYTES, MAX_FIREHOSE_REQUEST_BYTES, MOST_CUTS
from tests.unit.delivery.builders import Time
from tests.unit.producer.services import Firehose, Stream, client_error, numbered

Rows = Sequence[tuple[str, bytes, str | None]]


def put(stream: Stream, rows: Rows, *, seconds: float = 10.0, in_flight: int = 1) -> list[Failure | None]:
    time = Time()
    deadline = time.deadline(seconds)
    return put_records(
        cast("Any", stream),
        "clicks",
        rows,
        remaining=deadline.remaining,
        in_flight=in_flight,
        sleep=time.sleep,
    )


def whys(answers: Sequence[Failure | None]) -> list[Why | None]:
    return [None if answer is None else answer.why for answer in answers]


@pytest.mark.parametrize("in_flight", [1, 3])
def test_every_record_is_placed_once_and_answered_in_order(in_flight: int) -> None:
    stream = Stream()
    assert put(stream, numbered(1234), in_flight=in_flight) == [None] * 1234
    assert sorted(stream.accepted) == sorted(data for _, data, _ in numbered(1234))
    assert max(map(len, stream.requests)) == 500


def test_only_the_records_that_failed_are_sent_again() -> None:
    stream = Stream(lambda request, data: request < 4 and (int(data) + request) % 3 == 0)
    assert put(stream, numbered(300)) == [None] * 300
    assert sorted(stream.accepted) == sorted(data for _, data, _ in numbered(300))
    assert list(map(len, stream.requests)) == sorted(map(len, stream.requests), reverse=True)


@pytest.mark.parametrize(
    "broken",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("InternalFailure", 500),
        client_error("502", 502),
        ConnectionClosedError(endpoint_url="http://127.0.0.1"),
        EndpointConnectionError(endpoint_url="http://127.0.0.1"),
    ],
)
def test_a_request_that_fails_in_passing_is_sent_again(broken: Exception) -> None:
    stream = Stream(lambda request, _data: broken if request == 1 else False)
    assert put(stream, numbered(3)) == [None] * 3
    assert len(stream.requests) == 2


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (client_error("AccessDeniedException", 400, "not authorized"), "not authorized (AccessDenied"),
        (client_error("ResourceNotFoundException"), "ResourceNotFoundException"),
        (NoCredentialsError(), "NoCredentialsError"),
    ],
)
def test_a_stream_that_takes_nothing_is_told_apart_and_not_asked_again(broken: Exception, says: str) -> None:
    stream = Stream(lambda _request, _data: broken)
    answers = put(stream, numbered(3))
    assert whys(answers) == [Why.DESTINATION] * 3
    assert says in cast("Failure", answers[0]).reason
    assert len(stream.requests) == 1


def test_nothing_goes_on_beyond_the_time_that_is_left() -> None:
    stream = Stream(lambda _request, data: int(data) % 2)
    answers = put(stream, numbered(4), seconds=8)
    assert whys(answers) == [None, Why.PASSING, None, Why.PASSING]
    assert cast("Failure", answers[1]).throttled
    assert len(stream.requests) > 3
    late = Stream()
    assert whys(put(late, numbered(2), seconds=0)) == [Why.PASSING] * 2
    assert late.requests == []


def test_records_that_no_request_can_carry_are_refused_and_the_others_go_on() -> None:
    stream = Stream()
    rows: Rows = [
        ("a", b"1", None),
        ("b", bytes(2_000_000), None),
        ("", b"3", None),
        ("k" * 257, b"4", None),
        ("\ud800", b"5", None),
        ("c", b"6", "-1"),
        ("c", b"7", str(2**128)),
        ("d", b"8", str(2**128 - 1)),
    ]
    assert whys(put(stream, rows)) == [None, *[Why.RECORD] * 6, None]
    assert stream.accepted == [b"1", b"8"]


def test_a_record_that_spoils_its_request_is_found_and_the_others_arrive() -> None:
    stream = Stream(lambda _request, data: client_error("ValidationException") if data == b"77" else False)
    answers = put(stream, numbered(500))
    assert [index for index, answer in enumerate(answers) if answer] == [77]
    assert cast("Failure", answers[77]).why is Why.RECORD
    assert len(stream.accepted) == 499


def test_a_stream_that_finds_every_request_invalid_is_not_asked_for_ever() -> None:
    stream = Stream(lambda _request, _data: client_error("InvalidArgumentException"))
    answers = put(stream, numbered(500))
    assert None not in answers
    assert len(stream.requests) < 2 * MOST_CUTS + 2


@pytest.mark.parametrize("answer", [{}, {"Records": []}, {"Records": [{}]}])
def test_an_answer_that_makes_no_sense_is_no_answer(answer: Any) -> None:
    class Odd(Stream):
        def put_records(self, **request: Any) -> Any:
            found = super().put_records(**request)
            return answer if len(self.requests) == 1 else found

    stream = Odd()
    assert put(stream, numbered(2)) == [None, None]


def test_a_firehose_has_the_same_rules_and_its_own_limits() -> None:
    time = Time()
    firehose = Firehose(lambda request, data: request == 1 and data.startswith(b"1"))
    datas = [*(str(n).encode() for n in range(20)), bytes(MAX_FIREHOSE_RECORD_BYTES + 1)]
    answers = put_record_batch(
        firehose, "clicks", datas, remaining=time.deadline(10).remaining, sleep=time.sleep
    )
    assert whys(answers) == [None] * 20 + [Why.RECORD]
    assert sorted(firehose.accepted) == sorted(datas[:20])
    assert list(map(len, firehose.requests)) == [20, 11]


def test_requests_to_a_firehose_stay_below_its_limit() -> None:
    time = Time()
    firehose = Firehose()
    datas = [bytes(MAX_FIREHOSE_RECORD_BYTES)] * 9
    put_record_batch(firehose, "clicks", datas, remaining=time.deadline(10).remaining, in_flight=1)
    assert sum(map(len, firehose.requests)) == 9
    assert max(sum(map(len, request)) for request in firehose.requests) <= MAX_FIREHOSE_REQUEST_BYTES
