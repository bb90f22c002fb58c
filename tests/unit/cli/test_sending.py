"""A flow of records through a producer: what is told, and how it ends."""

import signal
from collections.abc import Iterator
from typing import Any, cast

import pytest

from sluice.cli.sending import LiveFigures, send
from sluice.errors import EnvironmentProblem
from sluice.producer import Producer, Report
from tests.unit.producer.services import Stream, client_error


def producer(stream: Stream, **options: Any) -> Producer:
    return Producer("clicks", client=cast("Any", stream), linger=0, **options)


def flow(count: int) -> Iterator[tuple[str, bytes] | None]:
    for number in range(count):
        yield f"key-{number}", b"%d" % number
        yield None


def test_all_is_sent_and_what_no_stream_takes_is_counted_with_the_reason() -> None:
    stream = Stream()
    sent = send(producer(stream), [*flow(3), ("big", bytes(2_000_000)), ("", b"4")])
    assert sorted(stream.accepted) == [b"0", b"1", b"2"]
    assert (sent.report.accepted, sent.refused, sent.stopped, sent.problem) == (3, 2, False, None)
    assert "1,048,576" in sent.why


def test_records_that_are_given_up_are_told_with_the_reason() -> None:
    sent = send(producer(Stream(lambda _request, data: data == b"1"), retry_for=0), flow(3))
    assert (sent.report.accepted, sent.report.undelivered) == (2, 1)
    assert "Rate exceeded" in (sent.problem or "")


def test_a_stream_that_ends_half_way_says_how_much_it_had_taken() -> None:
    stream = Stream(
        lambda request, _data: client_error("ResourceNotFoundException") if request > 3 else False
    )
    with pytest.raises(EnvironmentProblem, match=r"ResourceNotFound.*records had been accepted before"):
        send(producer(stream, in_flight=1, max_batch_records=10, max_pending_records=20), flow(1000))
    assert len(stream.accepted) == 30


def test_ctrl_c_sends_the_record_in_hand_and_tells_what_became_of_all() -> None:
    def stopped() -> Iterator[tuple[str, bytes]]:
        yield "a", b"0"
        yield "b", b"1"
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it would wait for the next record of a slow pipe here")

    stream = Stream()
    before = signal.getsignal(signal.SIGINT)
    sent = send(producer(stream), stopped())
    assert (sent.stopped, sent.report.accepted) == (True, 2)
    assert signal.getsignal(signal.SIGINT) is before


def test_live_figures_tell_the_rate_of_the_last_seconds_and_what_went_again() -> None:
    clock = [0.0]
    figures = LiveFigures(10_000, now=lambda: clock[0])
    for second in range(1, 9):
        clock[0] = second
        shown = figures.note(Report(accepted=min(second, 4) * 1000, retried=3, throttled=2, failed=1))
    assert shown == "4,000 of 10,000 · 0/s · 2 throttled · 3 retried · 1 request failed"
    assert LiveFigures(None, now=lambda: 0.0).note(Report(accepted=5)) == "5"
