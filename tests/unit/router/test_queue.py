"""What a route's queue holds, and what is sent again."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws
from msgspec import structs

from sluice.delivery import DELIVERED, Accepted, Outcome, Rejected, Retry
from sluice.router.queue import REMEMBERED_SECONDS, REQUEST_BYTES, Message, QueueTarget
from tests.unit.delivery.aws import REGION
from tests.unit.delivery.builders import Time
from tests.unit.router.bills import PING, accepted, bill


class Queue:
    """A queue in moto whose requests are seen, and fail where `fail` says so."""

    def __init__(self, client: Any, *, fifo: bool) -> None:
        attributes = {"MaximumMessageSize": "1048576"} | ({"FifoQueue": "true"} if fifo else {})
        name = "bills.fifo" if fifo else "bills"
        self.client = client
        self.url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.target = QueueTarget(lambda: self, self.url, route="queued", fifo=fifo)  # type: ignore[arg-type, return-value]  # stands in for the client
        self.requests: list[list[dict[str, Any]]] = []
        self.fail: Any = lambda _entries: None

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803 - as boto3 has it
        self.requests.append(list(Entries))
        failed = self.fail(Entries) or []
        left = [entry for entry in Entries if entry["Id"] not in {each["Id"] for each in failed}]
        answer = self.client.send_message_batch(QueueUrl=QueueUrl, Entries=left) if left else {}
        return {"Successful": answer.get("Successful", []), "Failed": failed}

    def deliver(
        self, time: Time, datas: Sequence[bytes], keys: Sequence[str] | None = None
    ) -> Sequence[Outcome]:
        prepared = []
        for number, data in enumerate(datas):
            message = self.target.prepare(accepted(number, data, keys[number] if keys else None))
            assert isinstance(message, Message)
            prepared.append(message)
        return self.target.deliver(prepared, time.deadline(10))

    def held(self) -> list[Any]:
        found: list[Any] = []
        while messages := self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages"):
            for message in messages:
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.Session("test", "test", region_name=REGION).client("sqs")


@pytest.fixture
def queue(client: Any) -> Queue:
    return Queue(client, fifo=False)


@pytest.fixture
def fifo(client: Any) -> Queue:
    return Queue(client, fifo=True)


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "SendMessageBatch")


def test_a_message_is_the_events_json_and_says_where_it_is_from(queue: Queue, time: Time) -> None:
    assert queue.deliver(time, [bill(0, amount="1.50")]) == [DELIVERED]
    (message,) = queue.held()
    assert message["Body"].encode() == bill(0, amount="1.50")
    values = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert values == {"route": "queued", "type": "bill", "event_id": "b0"}


def test_many_events_go_out_ten_a_request(queue: Queue, time: Time) -> None:
    assert queue.deliver(time, [bill(number) for number in range(23)]) == [DELIVERED] * 23
    assert sorted(map(len, queue.requests)) == [3, 10, 10]
    assert {json.loads(each["Body"])["id"] for each in queue.held()} == {f"b{number}" for number in range(23)}


def test_large_events_share_a_request_up_to_its_bytes(queue: Queue, time: Time) -> None:
    assert queue.deliver(time, [bill(n, note="x" * 400_000) for n in range(3)]) == [DELIVERED] * 3
    assert sorted(map(len, queue.requests)) == [1, 2]


def test_an_event_that_no_message_holds_is_refused_with_both_sizes(queue: Queue) -> None:
    found = queue.target.prepare(accepted(0, bill(0, note="x" * REQUEST_BYTES)))
    assert isinstance(found, Rejected)
    assert re.search(r"1,048,\d+ bytes, and a queue takes 1,048,576", found.reason)
    just = queue.target.prepare(accepted(0, bill(0, note="é" * (REQUEST_BYTES // 2 - 200))))
    assert isinstance(just, Message)
    assert just.size <= REQUEST_BYTES


def test_characters_that_sqs_refuses_arrive_as_the_same_json(queue: Queue, time: Time) -> None:
    strange = "\ufffe\uffff \U0001fffe é \x7f"
    assert queue.deliver(time, [bill(0, note=strange, id="a\x00b\uffff")]) == [DELIVERED]
    (message,) = queue.held()
    assert "\ufffe" not in message["Body"]
    assert json.loads(message["Body"])["note"] == strange
    assert message["MessageAttributes"]["event_id"]["StringValue"] == "a\\u0000b\\uffff"


def test_only_what_was_not_taken_is_sent_again(queue: Queue, time: Time) -> None:
    def once(entries: Any) -> Any:
        queue.fail = lambda _: None
        return [{"Id": entries[1]["Id"], "Code": "InternalError", "SenderFault": False}]

    queue.fail = once
    assert queue.deliver(time, [bill(number) for number in range(3)]) == [DELIVERED] * 3
    assert [len(request) for request in queue.requests] == [3, 1]
    assert len(queue.held()) == 3


@pytest.mark.parametrize(
    "trouble",
    [refused("AccessDenied"), refused("RequestThrottled"), ReadTimeoutError(endpoint_url="http://sqs")],
)
def test_a_queue_that_does_not_answer_lets_events_come_again_within_the_time(
    queue: Queue, time: Time, trouble: Exception
) -> None:
    def fail(_: Any) -> None:
        raise trouble

    queue.fail = fail
    start = time.now
    outcomes = queue.deliver(time, [bill(0), bill(1)])
    assert [type(outcome) for outcome in outcomes] == [Retry, Retry]
    assert time.now - start <= 10


@pytest.mark.parametrize(
    "trouble",
    [
        refused("AWS.SimpleQueueService.BatchRequestTooLong"),
        refused("InvalidMessageContents"),
        refused("InvalidParameterValue", "Reason: Message must be shorter than 262144 bytes."),
    ],
)
def test_one_message_that_a_queue_refuses_takes_no_other_with_it(
    queue: Queue, time: Time, trouble: ClientError
) -> None:
    def fail(entries: Any) -> None:
        if any("bad" in entry["MessageBody"] for entry in entries):
            raise trouble

    queue.fail = fail
    outcomes = queue.deliver(time, [bill(0), bill(1, note="bad"), bill(2)])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Delivered", "Rejected", "Delivered"]
    assert len(queue.held()) == 2


def test_parameters_that_do_not_fit_the_queue_are_no_fault_of_the_events(queue: Queue, time: Time) -> None:
    def fail(_: Any) -> None:
        raise refused("InvalidParameterValue", "The queue should either have ContentBasedDeduplication")

    queue.fail = fail
    assert isinstance(queue.deliver(time, [bill(0)])[0], Retry)


def test_a_fifo_queue_knows_partition_keys_and_event_ids_whatever_they_look_like(
    fifo: Queue, time: Time
) -> None:
    datas = [bill(0), bill(0), bill(1, id="with space"), bill(2, id="x" * 200), PING]
    assert fifo.deliver(time, datas, ["a", "a", "é" * 100, "x" * 200, "p"]) == [DELIVERED] * 5
    entries = [entry for request in fifo.requests for entry in request]
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        assert all(re.fullmatch(r"[!-~]{1,128}", entry[name]) for entry in entries)
    assert len(fifo.held()) == 4, "the second of the same id is not taken"


def test_ids_are_the_same_only_within_a_type(fifo: Queue) -> None:
    one, two = fifo.target.prepare(accepted(0)), fifo.target.prepare(accepted(4, PING))
    assert isinstance(one, Message)
    assert isinstance(two, Message)
    assert one.once_as == "bill:b0"
    assert two.once_as.startswith("ping:key4:")


def test_an_event_never_overtakes_another_of_its_partition_key(fifo: Queue, time: Time) -> None:
    def fail(entries: Any) -> Any:
        bad = [entry for entry in entries if '"b2"' in entry["MessageBody"]]
        return [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in bad]

    fifo.fail = fail
    keys = ["a", "b", "a", "b", "a", "b"]
    outcomes = fifo.deliver(time, [bill(number) for number in range(6)], keys)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Delivered", "Delivered", "Retry", "Delivered", "Retry", "Delivered",
    ]  # fmt: skip
    assert all(len({entry["MessageGroupId"] for entry in one}) == len(one) for one in fifo.requests)
    by_group: dict[str, list[str]] = {"a": [], "b": []}
    for message in fifo.held():
        by_group[message["Attributes"]["MessageGroupId"]].append(json.loads(message["Body"])["id"])
    assert by_group == {"a": ["b0"], "b": ["b1", "b3", "b5"]}


def test_a_refused_message_does_not_hold_up_those_behind_it(fifo: Queue, time: Time) -> None:
    def fail(entries: Any) -> Any:
        bad = [entry for entry in entries if '"b0"' in entry["MessageBody"]]
        return [{"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": True} for entry in bad]

    fifo.fail = fail
    outcomes = fifo.deliver(time, [bill(0), bill(1)], ["a", "a"])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Rejected", "Delivered"]


def parts(fifo: Queue, events: int, first: int = 0) -> list[Message]:
    """An aggregate's events, all of one partition key, as they come with each attempt."""
    found = []
    for place, number in enumerate(range(first, events)):
        one = accepted(0, bill(number), "a")
        record = structs.replace(one.record, sub_sequence=place)
        message = fifo.target.prepare(Accepted(record, one.event, one.event_type))
        assert isinstance(message, Message)
        found.append(message)
    return found


def test_an_aggregate_that_takes_longer_than_an_invocation_goes_on_where_it_was(
    fifo: Queue, time: Time
) -> None:
    fifo.fail = lambda _entries: time.sleep(1)
    for done in (5, 10, 12):
        outcomes = fifo.target.deliver(parts(fifo, 12), time.deadline(5))
        assert [outcome == DELIVERED for outcome in outcomes] == [True] * done + [False] * (12 - done)
    assert len(fifo.requests) == 12
    assert [json.loads(each["Body"])["id"] for each in fifo.held()] == [f"b{number}" for number in range(12)]


def test_what_is_replayed_later_is_sent_again(fifo: Queue, time: Time) -> None:
    for _ in range(2):
        assert fifo.target.deliver(parts(fifo, 3), time.deadline(5)) == [DELIVERED] * 3
        time.sleep(REMEMBERED_SECONDS)
    assert len(fifo.requests) == 6


def test_parts_that_a_changed_filter_numbers_anew_are_not_taken_for_others(fifo: Queue, time: Time) -> None:
    fifo.fail = lambda _entries: time.sleep(1)
    fifo.target.deliver(parts(fifo, 4, first=2), time.deadline(1))
    fifo.target.deliver(parts(fifo, 4, first=1), time.deadline(10))
    assert [json.loads(each["Body"])["id"] for each in fifo.held()] == ["b2", "b1", "b3"]
