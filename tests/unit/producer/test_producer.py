"""What a program sees of a producer: receipts, bounds of memory, what becomes of events that cannot go."""

import json
import os
import threading
from typing import Any, cast

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from sluice.contract import ContractViolation
from sluice.errors import BacklogFull, DeliveryError, EnvironmentProblem, Undelivered, Unsendable, UsageError
from sluice.pipeline import Pipeline
from sluice.producer import FirehoseProducer, Producer, Receipt, Report
from tests.unit.delivery.builders import CONTRACT, Ping, Visit, visit
from tests.unit.producer.services import Firehose, Stream, client_error

URL = "http://127.0.0.1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.producer.work.FIRST_PAUSE", 0.001)


def producer(stream: Any, **options: Any) -> Producer:
    return Producer("clicks", CONTRACT, client=stream, **({"linger": 0.001} | options))


def numbers(stream: Stream) -> list[int]:
    return sorted(int(data) for data in stream.accepted)


def put(target: Producer, count: int) -> list[Receipt]:
    return [target.put_record(b"%d" % number, f"key-{number}") for number in range(count)]


def test_a_receipt_tells_where_the_event_is() -> None:
    stream = Stream(shards=4)
    with producer(stream) as target:
        receipts = put(target, 100)
        places = [receipt.result(10) for receipt in receipts]
    assert len({place.sequence for place in places}) == 100
    assert {place.shard for place in places} == set(stream.shards)
    assert all(receipt.done() for receipt in receipts)
    assert target.report.accepted == 100


def test_only_the_records_that_failed_are_sent_again_and_counted() -> None:
    stream = Stream(lambda request, data: request < 4 and (int(data) + request) % 3 == 0)
    with producer(stream, in_flight=1) as target:
        put(target, 300)
    assert numbers(stream) == list(range(300))
    again = sum(map(len, stream.requests)) - 300
    report = target.report
    assert (report.retried, report.throttled, report.failed) == (again, again, 0)
    assert report.records == report.accepted == 300
    assert report.bytes == sum(len(f"key-{n}") + len(str(n)) for n in range(300))


@pytest.mark.parametrize(
    "broken",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("InternalFailure", 500),
        ConnectionClosedError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
    ],
)
@pytest.mark.parametrize("options", [{}, {"ordered": True}])
def test_a_request_that_fails_in_passing_is_sent_again(broken: Exception, options: dict[str, Any]) -> None:
    stream = Stream(lambda request, _data: broken if request in (1, 2) else False)
    with producer(stream, **options) as target:
        put(target, 20)
    assert numbers(stream) == list(range(20))
    assert target.report.failed == 2 - 2 * ("Throughput" in str(broken))  # throttles are counted as such


def test_requests_stay_within_the_limits_that_were_set() -> None:
    stream = Stream()
    with producer(stream, max_batch_records=10, max_batch_bytes=25) as target:
        put(target, 50)
    assert max(map(len, stream.requests)) <= 10
    assert max(sum(len(data) + 5 for data in request) for request in stream.requests) <= 30


def test_an_event_is_checked_before_anything_is_sent() -> None:
    stream = Stream()
    with producer(stream) as target:
        with pytest.raises(ContractViolation, match="id"):
            target.put(b'{"type": "visit"}')
        with pytest.raises(ContractViolation):
            target.put_many([visit(1), b"{}"])
        with pytest.raises(Unsendable, match="1,048,576"):
            target.put(visit(1, page="x" * 1_100_000))
        with pytest.raises(Unsendable, match="partition key"):
            target.put(visit(1), partition_key="")
    assert stream.requests == []
    assert target.report == Report()


@pytest.mark.parametrize("given", ["text", {"type": "visit"}, None])
def test_what_is_neither_an_event_nor_bytes_is_told_what_is_taken(given: Any) -> None:
    with (
        producer(Stream()) as target,
        pytest.raises(ContractViolation, match="is no event: give one of your"),
    ):
        target.put(given)


@pytest.mark.parametrize(
    ("stream", "contract", "said"),
    [("", CONTRACT, "names no stream"), ("events", "visit", "'visit' is no contract")],
)
def test_a_producer_of_nothing_is_refused_when_it_is_made(stream: str, contract: Any, said: str) -> None:
    for kind in (Producer, FirehoseProducer):
        with pytest.raises(UsageError, match=said):
            kind(stream, contract, region="eu-central-1")


def test_an_event_goes_by_its_id_and_one_without_by_its_content() -> None:
    stream = Stream()
    event = CONTRACT.decode(visit(7))
    assert isinstance(event, Visit)
    ping = Ping(at=event.at)
    with Producer("clicks", Pipeline(events=[Visit, Ping]), client=cast("Any", stream)) as target:
        target.put(event)
        target.put(visit(8), partition_key="mine")
        target.put_many([ping, ping, CONTRACT.decode(visit(9, id="x" * 300))])
    assert sorted(map(len, stream.keys)) == [2, 4, 20, 20, 20]
    assert {"v7", "mine"} < set(stream.keys)
    assert len(set(stream.keys)) == 4
    sent = {json.loads(data).get("id") for data in stream.accepted}
    assert sent == {"v7", "v8", None, "x" * 300}


def test_a_producer_without_a_contract_takes_bytes_alone() -> None:
    with Producer("clicks", client=cast("Any", Stream())) as target:
        with pytest.raises(UsageError, match="put_record"):
            target.put(visit(1))
        target.put_record(b"anything", "key")
    assert target.report.accepted == 1


class Held(Stream):
    """A stream that answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def put_records(self, **request: Any) -> Any:
        assert self.gate.wait(30)
        return super().put_records(**request)


@pytest.mark.parametrize("limit", [{"max_pending_records": 5}, {"max_pending_bytes": 5 * 71}])
def test_memory_is_bounded_and_put_says_so_or_waits(limit: dict[str, int]) -> None:
    stream = Held()
    with producer(stream, when_full="raise", **limit) as target:
        put(target, 5)
        with pytest.raises(BacklogFull, match="5 events"):
            target.put_record(b"5", "key-5")
        stream.gate.set()
        assert target.flush(10)
        target.put_record(b"5", "key-5")
    assert numbers(stream) == [0, 1, 2, 3, 4, 5]

    stream = Held()
    with producer(stream, **limit) as target:
        thread = threading.Thread(target=put, args=(target, 40))
        thread.start()
        while target.report.pending < 5:
            thread.join(0.001)
        thread.join(0.05)
        assert target.report.pending == 5
        stream.gate.set()
        thread.join(10)
    assert numbers(stream) == list(range(40))


def test_what_was_given_up_is_told_by_its_receipt_and_when_closing() -> None:
    stream = Stream(lambda _request, data: int(data) % 2)
    target = producer(stream, retry_for=0.02)
    receipts = put(target, 6)
    with pytest.raises(Undelivered, match=r"3 events were not delivered.*ProvisionedThroughput") as raised:
        target.close()
    assert "\n" not in str(raised.value)
    assert {receipt.data for receipt in raised.value.receipts} == {b"1", b"3", b"5"}
    with pytest.raises(DeliveryError, match=r"key-1.*Rate exceeded"):
        receipts[1].result()
    assert receipts[0].result().sequence
    assert (target.report.accepted, target.report.undelivered) == (3, 3)
    target.close()


def test_what_somebody_was_told_is_not_told_again() -> None:
    def refused(_request: int, _data: bytes) -> bool:
        return True

    taken: list[Receipt] = []
    with producer(Stream(refused), retry_for=0, on_failure=taken.extend) as target:
        put(target, 4)
    assert len(taken) == 4
    with producer(Stream(refused), retry_for=0) as target:
        for receipt in put(target, 2):
            with pytest.raises(DeliveryError):
                receipt.result(10)
    with producer(Stream(refused), retry_for=0) as target:
        put(target, 3)
        assert target.flush(10)
        while target.report.undelivered < 3:
            pass
        assert len(target.take_undelivered()) == 3


def test_a_callback_that_fails_takes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_receipts: list[Receipt]) -> None:
        raise LookupError("no such file")

    target = producer(Stream(lambda _request, _data: True), retry_for=0, on_failure=fails)
    put(target, 3)
    with pytest.raises(Undelivered, match="3 events"):
        target.close()
    assert "on_failure raised" in caplog.text


def test_events_that_nobody_takes_back_do_not_pile_up() -> None:
    target = producer(Stream(lambda _request, _data: True), retry_for=0, max_pending_records=3)
    held = None
    for number in range(1000):
        try:
            target.put_record(b"1", f"key-{number}")
        except Undelivered as error:
            held = error
            break
    assert held is not None
    assert len(target.take_undelivered()) <= 6
    target.close()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_stream_that_takes_nothing_is_said_at_once_and_all_events_are_handed_back(code: str) -> None:
    stream = Stream(lambda _request, _data: client_error(code))
    target = producer(stream, in_flight=1, max_batch_records=5)
    receipts = put(target, 3)
    with pytest.raises(DeliveryError, match=code):
        receipts[0].result(10)
    with pytest.raises(EnvironmentProblem, match=rf"clicks.*{code}"):
        put(target, 1)
    target.take_undelivered()
    target.close()
    assert len(stream.requests) == 1


def test_closing_with_a_time_limit_hands_back_what_is_not_confirmed() -> None:
    target = producer(Stream(lambda _request, _data: True), retry_for=1000)
    put(target, 3)
    with pytest.raises(Undelivered) as raised:
        target.close(0.05)
    assert len(raised.value.receipts) == 3


def test_an_error_of_the_program_is_not_hidden_by_what_could_not_be_sent() -> None:
    def fails() -> None:
        with producer(Stream(lambda _request, _data: True), retry_for=0) as target:
            put(target, 2)
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as raised:
        fails()
    assert "2 events were not delivered" in raised.value.__notes__[0]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # what Python 3.12 says, too
def test_a_closed_producer_and_one_of_another_process_say_so() -> None:
    target = producer(Stream())
    target.close()
    with pytest.raises(UsageError, match="closed"):
        put(target, 1)
    with producer(Stream()) as target:
        put(target, 1)
        child = os.fork()
        if child == 0:
            said = 0
            for use in (lambda: put(target, 1), lambda: target.report, target.take_undelivered):
                try:
                    use()
                except UsageError as error:
                    said += "make one in each process" in str(error)
            os._exit(said)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 3


def test_many_threads_may_put_at_once() -> None:
    stream = Stream()
    with producer(stream) as target:
        threads = [threading.Thread(target=put, args=(target, 200)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert numbers(stream) == sorted(list(range(200)) * 8)


def test_an_unexpected_error_of_the_client_hangs_nobody() -> None:
    target = producer(Stream(lambda _request, _data: AttributeError("odd")))
    receipt = put(target, 1)[0]
    with pytest.raises(DeliveryError, match="odd"):
        receipt.result(10)
    target.close()


@pytest.mark.parametrize(
    ("setting", "accepted"),
    [
        ({"linger": -1}, "0 to 60"),
        ({"max_batch_records": 501}, "1 to 500"),
        ({"max_batch_records": 1.5}, "whole numbers"),
        ({"rate": 0}, "0.001"),
        ({"retry_for": True}, "0 to"),
        ({"when_full": "drop"}, "block"),
        ({"lingr": 1}, "linger"),
    ],
)
def test_a_setting_that_is_none_is_refused_with_what_is_accepted(
    setting: dict[str, Any], accepted: str
) -> None:
    with pytest.raises(UsageError, match=accepted):
        Producer("clicks", client=cast("Any", Stream()), **setting)


def test_a_firehose_gets_json_lines_by_the_same_rules() -> None:
    firehose = Firehose(lambda request, data: request == 1 and b"v1" in data)
    with FirehoseProducer("clicks", CONTRACT, client=firehose, linger=0.001) as target:
        with pytest.raises(ContractViolation):
            target.put(b"{}")
        target.put_many([visit(1), visit(2)])
        receipt = target.put(CONTRACT.decode(visit(3)))
        target.put_record(b"raw")
        assert receipt.result(10).sequence.startswith("id-")
    assert all(data.endswith(b"\n") and data.count(b"\n") == 1 for data in firehose.accepted)
    assert len(firehose.accepted) == target.report.accepted == 4
    with pytest.raises(UsageError, match="no shards"):
        FirehoseProducer("clicks", client=firehose, ordered=True)
