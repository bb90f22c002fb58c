"""A destination that takes nothing is told of in the log, now and then."""

import pytest

from sluice.producer.failures import Failure, Why
from sluice.producer.trouble import Trouble

DOWN = Failure(Why.PASSING, "EndpointConnectionError", "could not connect")


def test_a_destination_that_takes_nothing_is_told_of_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("stream events")
    for second in range(70):
        trouble.note([DOWN, DOWN], float(second))
    assert caplog.messages == [
        f"stream events has taken nothing for {seconds} s: could not connect (EndpointConnectionError);"
        " records are kept and tried again"
        for seconds in (5, 35, 65)
    ]
    caplog.clear()
    trouble.note([DOWN, "placed"], 70.0)
    trouble.note([DOWN], 71.0)
    assert caplog.messages == ["stream events takes records again"]


def test_throttles_between_records_that_are_taken_are_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("stream events")
    for second in range(100):
        trouble.note([DOWN] if second % 4 else [DOWN, "placed"], float(second))
    assert not caplog.messages
