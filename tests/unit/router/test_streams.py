"""What goes on a route's own stream or into its Firehose."""

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.producer import Failure, Why, put_record_batch, put_records
from sluice.router.streams import FirehoseTarget, StreamTarget
from tests.unit.delivery.builders import Time
from tests.unit.router.bills import accepted, bill

PASSING = Failure(Why.PASSING, "ProvisionedThroughputExceededException", "Rate exceeded for shard")
SPOILT = Failure(Why.RECORD, "TooLarge", "data has 2,000,000 bytes")
DENIED = Failure(Why.DESTINATION, "AccessDeniedException")


def nothing(_records: Sequence[Any], _deadline: Deadline) -> list[Failure | None]:
    return []


def test_a_record_keeps_its_bytes_and_its_partition_key() -> None:
    data = b' {"type":"bill", "id":"b1","at":"2026-11-01T12:00:00Z", "note" :null}'
    assert StreamTarget(nothing).prepare(accepted(1, data)) == ("key1", data, None)


@pytest.mark.parametrize("target", [StreamTarget, FirehoseTarget])
def test_only_what_no_request_could_carry_is_a_dead_letter_and_the_rest_comes_again(
    target: Any, time: Time
) -> None:
    def put(_: Sequence[Any], deadline: Deadline) -> list[Failure | None]:
        assert deadline.remaining() == 5
        return [None, PASSING, SPOILT, DENIED]

    made = target(put)
    prepared = [made.prepare(accepted(number)) for number in range(4)]
    assert made.deliver(prepared, time.deadline(5)) == [
        DELIVERED,
        Retry("Rate exceeded for shard (ProvisionedThroughputExceededException)"),
        Rejected("data has 2,000,000 bytes (TooLarge)"),
        Retry("AccessDeniedException"),
    ]


def test_an_answer_that_does_not_come_is_not_waited_for_beyond_the_deadline(time: Time) -> None:
    answered = threading.Event()

    def put(records: Sequence[Any], _: Deadline) -> list[Failure | None]:
        answered.wait(30)
        return [None] * len(records)

    target = StreamTarget(put)
    outcomes = target.deliver([target.prepare(accepted(0))], time.deadline(0.01))
    answered.set()
    assert outcomes == [Retry("there was no answer in time")]


def test_a_record_that_a_target_never_takes_is_refused_before_it_spoils_a_request(time: Time) -> None:
    client: Any = None  # never asked
    large = accepted(1, bill(1, note="x" * (1 << 20)))
    stream = StreamTarget(lambda rows, _: put_records(client, "s", rows, remaining=lambda: 5.0))
    firehose = FirehoseTarget(lambda rows, _: put_record_batch(client, "f", rows, remaining=lambda: 5.0))
    for target in (stream, firehose):
        prepared: Any = [target.prepare(large)]
        (outcome,) = target.deliver(prepared, time.deadline(5))
        assert isinstance(outcome, Rejected)
        assert "bytes, at most" in outcome.reason


def test_an_event_is_one_line_however_it_was_written() -> None:
    data = bill(1, note="a\nb\rc")
    pretty = json.dumps(json.loads(data), indent=2).replace("\n", "\r\n").encode()
    line = FirehoseTarget(nothing).prepare(accepted(1, pretty))
    assert line.splitlines() == [line[:-1]]
    assert json.loads(line) == json.loads(data)
