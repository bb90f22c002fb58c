"""Dead letters reach the queue whole, in few requests, within the time: or are named as failed."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Event
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from sluice.deadletters import DeadLetter, DeadLetterQueue, payload_of, read_queue
from sluice.deadletters.queue import AT_ONCE, BATCH_BYTES
from sluice.deadline import Deadline
from tests.unit.delivery.aws import BUCKET, Aws, Intercepted, refusal
from tests.unit.delivery.builders import Time, record

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Around = Callable[[str, Callable[[], Any], dict[str, Any]], Any]


def letter(number: int, data: bytes = b"\xff poison", **more: Any) -> DeadLetter:
    details: dict[str, Any] = {"kind": "contract", "reason": "the record is not JSON", **more}
    return DeadLetter.of(record(number, data), sink="bigquery", failed_at=NOW, **details)


def queue_of(aws: Aws, sqs: Around | None = None, s3: Around | None = None) -> DeadLetterQueue:
    return DeadLetterQueue(
        lambda: Intercepted(aws.sqs, sqs) if sqs else aws.sqs,  # type: ignore[arg-type,return-value] # stands in
        aws.queue_url,
        lambda: Intercepted(aws.s3, s3) if s3 else aws.s3,  # type: ignore[arg-type,return-value] # stands in
        BUCKET,
    )


def in_queue(aws: Aws) -> dict[str, DeadLetter]:
    letters = read_queue(aws.sqs, aws.queue_url, wait_seconds=0)
    return {one.id: one for one in letters if isinstance(one, DeadLetter)}


def test_what_is_sent_is_read_back_whole(aws: Aws, time: Time) -> None:
    sent = [
        letter(1, bytes(range(256)), field="page", type="visit"),
        letter(2, b"", reason="two\nlines, \x00 and \ufffe and é"),
    ]
    assert queue_of(aws).send(sent, time.deadline(5)) == {}
    assert in_queue(aws) == {one.id: one for one in sent}


def test_a_message_says_its_sink_and_kind_without_being_opened(aws: Aws, time: Time) -> None:
    queue_of(aws).send([letter(1)], time.deadline(5))
    (message,) = aws.sqs.receive_message(QueueUrl=aws.queue_url, MessageAttributeNames=["All"])["Messages"]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"sink": "bigquery", "kind": "contract"}
    assert message["Body"].isascii()
    assert json.loads(message["Body"])["version"] == 1


def test_nothing_to_send_makes_no_client(time: Time) -> None:
    def fail() -> Any:
        raise AssertionError

    assert DeadLetterQueue(fail, "url", fail, "bucket").send([], time.deadline(5)) == {}


def test_a_payload_larger_than_a_message_goes_to_s3_whole(aws: Aws, time: Time) -> None:
    data = b"x" * 1024 * 1024
    assert queue_of(aws).send([letter(1, data), letter(2)], time.deadline(5)) == {}
    found = in_queue(aws)
    large = found[letter(1).id]
    assert large.payload is None
    assert large.payload_s3 == f"s3://{BUCKET}/{letter(1).storage_key}"
    assert payload_of(large, aws.s3) == data
    assert payload_of(found[letter(2).id], aws.s3) == b"\xff poison"


def test_requests_hold_at_most_ten_messages_and_one_mebibyte(aws: Aws, time: Time) -> None:
    requests: list[dict[str, Any]] = []

    def watch(_name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        requests.append(request)
        return call()

    letters = [letter(number, b"x" * 300_000 if number % 2 else b"y") for number in range(45)]
    assert queue_of(aws, watch).send(letters, time.deadline(5)) == {}
    sizes = [sum(len(entry["MessageBody"]) for entry in request["Entries"]) for request in requests]
    assert max(len(request["Entries"]) for request in requests) <= 10
    assert max(sizes) < BATCH_BYTES
    assert set(in_queue(aws)) == {one.id for one in letters}


def test_a_flood_of_poison_is_sent_a_few_requests_at_a_time(aws: Aws, time: Time) -> None:
    """Each request waits until as many as allowed are under way: more would show, fewer would hang."""
    together = Barrier(AT_ONCE, timeout=30)
    under_way: list[int] = []
    most: list[int] = []

    def watch(_name: str, _call: Callable[[], Any], request: dict[str, Any]) -> Any:
        under_way.append(1)
        most.append(len(under_way))
        together.wait()
        under_way.pop()
        together.wait()
        return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]]}

    letters = [letter(number) for number in range(10_000)]
    assert queue_of(aws, watch).send(letters, time.deadline(60)) == {}
    assert max(most) == AT_ONCE


def failing(times: int, error: Exception, *, after: bool = False) -> Around:
    left = [times]

    def around(_name: str, call: Callable[[], Any], _request: dict[str, Any]) -> Any:
        if left[0]:
            left[0] -= 1
            if after:
                call()
            raise error
        return call()

    return around


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "error",
    [refusal("RequestThrottled"), refusal("InternalError"), ConnectTimeoutError(endpoint_url="x"), OSError()],
)
def test_a_queue_that_fails_in_passing_gets_every_letter(
    aws: Aws, time: Time, error: Exception, *, after: bool
) -> None:
    letters = [letter(number) for number in range(7)]
    assert queue_of(aws, failing(3, error, after=after)).send(letters, time.deadline(30)) == {}
    assert set(in_queue(aws)) == {one.id for one in letters}


def test_a_queue_that_stays_down_gives_back_every_id_by_the_deadline(aws: Aws, time: Time) -> None:
    letters = [letter(number) for number in range(25)]
    failed = queue_of(aws, failing(10**9, refusal())).send(letters, time.deadline(3))
    assert set(failed) == {one.id for one in letters}
    assert time.now <= 1003


def test_a_queue_that_hangs_is_left_at_the_deadline(aws: Aws) -> None:
    over = Event()

    def hang(_name: str, _call: Callable[[], Any], _request: dict[str, Any]) -> Any:
        over.wait()
        raise refusal()

    letters = [letter(number) for number in range(200)]
    failed = queue_of(aws, hang).send(letters, Deadline.after(0.2))
    over.set()
    assert set(failed) == {one.id for one in letters}


def test_only_the_letters_that_the_queue_did_not_take_are_sent_again(aws: Aws, time: Time) -> None:
    tries: Counter[str] = Counter()

    def around(_name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        bodies = {entry["Id"]: json.loads(entry["MessageBody"])["id"] for entry in request["Entries"]}
        tries.update(bodies.values())
        answer = call()
        unlucky = [
            each
            for each in answer["Successful"]
            if bodies[each["Id"]] == letter(3).id and tries[letter(3).id] < 3
        ]
        return {
            "Successful": [each for each in answer["Successful"] if each not in unlucky],
            "Failed": [{"Id": each["Id"], "SenderFault": False, "Code": "InternalError"} for each in unlucky],
        }

    letters = [letter(number) for number in range(5)]
    assert queue_of(aws, around).send(letters, time.deadline(30)) == {}
    assert tries == {one.id: 3 if one == letter(3) else 1 for one in letters}


def test_a_letter_that_the_answer_does_not_mention_counts_as_failed(aws: Aws, time: Time) -> None:
    queue = queue_of(aws, lambda _name, _call, _request: {})
    assert queue.send([letter(1)], time.deadline(2)) == {letter(1).id: "the queue did not take it"}


@pytest.mark.parametrize("how", ["entry", "request"])
def test_a_letter_that_the_queue_refuses_for_good_goes_to_s3_with_a_pointer(
    aws: Aws, time: Time, how: str
) -> None:
    """As when the queue's own limit is set below SQS's."""

    def around(_name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        large = [entry for entry in request["Entries"] if len(entry["MessageBody"]) > 2000]
        if large and how == "request":
            raise refusal("AWS.SimpleQueueService.BatchRequestTooLong")
        if large:
            request["Entries"] = [entry for entry in request["Entries"] if entry not in large]
            answer = call() if request["Entries"] else {}
            refused = [
                {"Id": entry["Id"], "SenderFault": True, "Code": "InvalidParameterValue"} for entry in large
            ]
            return {"Successful": answer.get("Successful", []), "Failed": refused}
        return call()

    letters = [letter(1), letter(2, b"x" * 3000), letter(3)]
    assert queue_of(aws, around).send(letters, time.deadline(30)) == {}
    found = in_queue(aws)
    assert set(found) == {one.id for one in letters}
    assert found[letter(2).id].payload_s3 is not None
    assert payload_of(found[letter(2).id], aws.s3) == b"x" * 3000
    assert found[letter(1).id].payload == b"\xff poison"


def test_a_letter_refused_even_as_a_pointer_is_named_and_holds_up_no_other(aws: Aws, time: Time) -> None:
    def around(_name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        if any(letter(2).id in entry["MessageBody"] for entry in request["Entries"]):
            raise refusal("InvalidMessageContents")
        return call()

    letters = [letter(1), letter(2), letter(3)]
    assert queue_of(aws, around).send(letters, time.deadline(30)) == {
        letter(2).id: "SendMessageBatch refused it with InvalidMessageContents"
    }
    assert set(in_queue(aws)) == {letter(1).id, letter(3).id}


def test_a_bucket_that_fails_holds_up_only_what_needs_it(aws: Aws, time: Time) -> None:
    large = letter(2, b"x" * 1024 * 1024)
    letters = [letter(1), large, letter(3)]
    failed = queue_of(aws, s3=failing(10**9, refusal("AccessDenied", "PutObject"))).send(
        letters, time.deadline(3)
    )
    assert failed == {large.id: "PutObject was refused with AccessDenied"}
    assert set(in_queue(aws)) == {letter(1).id, letter(3).id}


def test_a_reason_of_a_megabyte_is_cut() -> None:
    assert len(letter(1, reason="x" * 10**6, field="y" * 10**6).message()) < 10_000
