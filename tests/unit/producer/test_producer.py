from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from sluice.errors import DeliveryError, EnvironmentProblem
from sluice.producer import Pace, Producer, Tally


class Stream:
    """A stream that refuses what `refuse` tells it to, and remembers what it accepted."""

    def __init__(self, refuse: Any = None) -> None:
        self.accepted: list[bytes] = []
        self.requests: list[list[bytes]] = []
        self._refuse = refuse or (lambda _request, _data: False)

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # boto3's names
        assert StreamName == "clicks"
        self.requests.append([record["Data"] for record in Records])
        results: list[dict[str, str]] = []
        for record in Records:
            refused = self._refuse(len(self.requests), record["Data"])
            if isinstance(refused, Exception):
                raise refused
            if refused:
                results.append(
                    {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}
                )
            else:
                self.accepted.append(record["Data"])
                results.append({"SequenceNumber": str(len(self.accepted)), "ShardId": "shardId-0"})
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedRecordCount": failed, "Records": results}


def producer(stream: Stream, **settings: Any) -> Producer:
    return Producer(stream, "clicks", sleep=lambda _seconds: None, **settings)  # type: ignore[arg-type]  # a stand-in client


def numbered(count: int) -> list[tuple[str, bytes]]:
    return [(f"key-{n}", str(n).encode()) for n in range(count)]


def test_every_record_is_accepted_once_and_counted() -> None:
    stream = Stream()
    tally = producer(stream).send(numbered(1234))
    assert Counter(stream.accepted) == Counter(data for _, data in numbered(1234))
    assert (tally.accepted, tally.refused, tally.retried) == (1234, 0, 0)
    assert tally.bytes == sum(len(key) + len(data) for key, data in numbered(1234))


def test_only_the_records_that_failed_are_sent_again() -> None:
    stream = Stream(lambda request, data: request < 4 and (int(data) + request) % 3 == 0)
    tally = producer(stream, in_flight=1).send(numbered(300))
    assert sorted(stream.accepted) == sorted(data for _, data in numbered(300))
    assert tally.accepted == 300
    assert tally.retried == sum(map(len, stream.requests)) - 300 > 0


@pytest.mark.parametrize(
    "broken",
    [
        ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutRecords"),
        ClientError({"Error": {"Code": "InternalFailure"}}, "PutRecords"),
        ConnectionClosedError(endpoint_url="http://127.0.0.1"),
    ],
)
def test_a_request_that_fails_as_a_whole_is_sent_again(broken: Exception) -> None:
    stream = Stream(lambda request, _data: broken if request == 1 else False)
    assert producer(stream, in_flight=1).send(numbered(10)).accepted == 10
    assert len(stream.requests) == 2


def test_a_stream_that_stays_throttled_is_said_in_one_line() -> None:
    with pytest.raises(DeliveryError, match=r"ProvisionedThroughputExceeded.*--rate") as raised:
        producer(Stream(lambda _request, _data: True), give_up_seconds=0).send(numbered(3))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "broken",
    [
        ClientError(
            {"Error": {"Code": "ResourceNotFoundException", "Message": "no such stream"}}, "PutRecords"
        ),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
    ],
)
def test_a_missing_stream_is_no_reason_to_wait(broken: Exception) -> None:
    stream = Stream(lambda _request, _data: broken)
    with pytest.raises(EnvironmentProblem, match="clicks"):
        producer(stream, in_flight=1).send(numbered(2000))
    assert len(stream.requests) == 1


def test_a_record_too_large_for_any_stream_is_counted_and_the_others_go_on() -> None:
    stream = Stream()
    tally = producer(stream).send([("a", b"1"), ("b", bytes(2_000_000)), ("c", b"3")])
    assert (tally.accepted, tally.refused) == (2, 1)
    assert sorted(stream.accepted) == [b"1", b"3"]


def test_progress_is_told_while_sending() -> None:
    seen: list[int] = []
    producer(Stream()).send(numbered(1500), on_progress=lambda tally: seen.append(tally.accepted))
    assert seen == [500, 1000, 1500]


def test_an_empty_flow_sends_nothing() -> None:
    stream = Stream()
    assert producer(stream).send([]) == Tally()
    assert stream.requests == []


def test_a_rate_is_kept_over_the_whole_flow() -> None:
    clock = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    stream = Stream()
    producer(stream, pace=Pace(100, now=lambda: clock[0], sleep=sleep)).send(numbered(500))
    assert max(map(len, stream.requests)) == 25
    assert clock[0] == pytest.approx(4.75)  # the last quarter second's records go out at its start


def test_time_lost_to_a_slow_stream_is_not_caught_up_by_a_burst() -> None:
    clock = [0.0]
    slept: list[float] = []
    pace = Pace(10, now=lambda: clock[0], sleep=slept.append)
    pace.wait_for(10)
    clock[0] = 60.0
    pace.wait_for(10)
    clock[0] = 60.5
    pace.wait_for(10)
    assert slept == [0.5]
