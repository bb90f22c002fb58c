"""Listing leaves the queue as it was, names each letter once, and understands what Lambda writes."""

import json
from collections import deque
from datetime import UTC, datetime
from typing import Any, cast

from sluice.deadletters import BatchPointer, DeadLetter, DeadLetterQueue, Unreadable, hold, read_queue
from tests.unit.delivery.aws import BUCKET, Aws
from tests.unit.delivery.builders import CONSUMER_ARN, SHARD, STREAM_ARN, Time, record, sequence

POINTER = {
    "requestContext": {
        "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
        "functionArn": "arn:aws:lambda:eu-central-1:123456789012:function:bigquery-sink",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 3,
    },
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "version": "1.0",
    "timestamp": "2026-11-14T00:38:06.021Z",
    "KinesisBatchInfo": {
        "shardId": SHARD,
        "startSequenceNumber": sequence(1),
        "endSequenceNumber": sequence(9),
        "approximateArrivalOfFirstRecord": "2026-11-14T00:38:04.835Z",
        "approximateArrivalOfLastRecord": "2026-11-14T00:38:05.580Z",
        "batchSize": 9,
        "streamArn": STREAM_ARN,
    },
}


def letter(number: int, minute: int = 0) -> DeadLetter:
    return DeadLetter.of(
        record(number),
        sink="bigquery",
        kind="rejected",
        reason=f"as of {minute}",
        failed_at=datetime(2026, 11, 1, 0, minute, tzinfo=UTC),
    )


def send(aws: Aws, time: Time, *letters: DeadLetter) -> None:
    queue = DeadLetterQueue(lambda: aws.sqs, aws.queue_url, lambda: aws.s3, BUCKET)
    for one in letters:
        assert queue.send([one], time.deadline(5)) == {}


def waiting(aws: Aws) -> int:
    attributes = aws.sqs.get_queue_attributes(QueueUrl=aws.queue_url, AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def test_a_letter_that_was_sent_again_is_listed_once_as_it_was_last(aws: Aws, time: Time) -> None:
    send(aws, time, letter(1), letter(2), letter(1, minute=5), letter(1, minute=3))
    listed = {one.id: one for one in read_queue(aws.sqs, aws.queue_url, wait_seconds=0)}
    assert listed == {letter(1).id: letter(1, minute=5), letter(2).id: letter(2)}


def test_listing_takes_nothing_out_of_the_queue(aws: Aws, time: Time) -> None:
    send(aws, time, *(letter(number) for number in range(25)))
    first = read_queue(aws.sqs, aws.queue_url, wait_seconds=0)
    assert len(first) == 25
    assert waiting(aws) == 25
    assert len(read_queue(aws.sqs, aws.queue_url, wait_seconds=0)) == 25


def test_a_listing_without_payloads_keeps_none(aws: Aws, time: Time) -> None:
    send(aws, time, letter(1))
    (one,) = read_queue(aws.sqs, aws.queue_url, wait_seconds=0, payloads=False)
    assert isinstance(one, DeadLetter)
    assert (one.payload, one.size) == (None, len(record(1).data))


def test_deleting_removes_every_copy_and_leaves_the_rest(aws: Aws, time: Time) -> None:
    send(aws, time, *(letter(1, minute) for minute in range(12)), letter(2))
    with hold(aws.sqs, aws.queue_url, wait_seconds=0) as holding:
        assert holding.messages == 13
        assert holding.delete([held for held in holding.letters if held.letter.id == letter(1).id]) == []
    assert [one.id for one in read_queue(aws.sqs, aws.queue_url, wait_seconds=0)] == [letter(2).id]


def test_at_most_so_many_letters_are_held(aws: Aws, time: Time) -> None:
    send(aws, time, *(letter(number) for number in range(25)))
    assert 5 <= len(read_queue(aws.sqs, aws.queue_url, at_most=5, wait_seconds=0)) < 25


def test_lambdas_own_message_points_to_the_batch_it_gave_up(aws: Aws) -> None:
    aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=json.dumps(POINTER))
    (pointer,) = read_queue(aws.sqs, aws.queue_url, wait_seconds=0)
    assert pointer == BatchPointer(
        id=f"bigquery-sink/{SHARD}/{sequence(1)}-{sequence(9)}",
        function="bigquery-sink",
        condition="RetryAttemptsExhausted",
        stream="activity",
        shard=SHARD,
        first=sequence(1),
        last=sequence(9),
        count=9,
        attempts=3,
        arrived_at=datetime(2026, 11, 14, 0, 38, 4, 835000, tzinfo=UTC),
        last_arrived_at=datetime(2026, 11, 14, 0, 38, 5, 580000, tzinfo=UTC),
        failed_at=datetime(2026, 11, 14, 0, 38, 6, 21000, tzinfo=UTC),
    )


def test_a_pointer_of_a_consumers_mapping_names_the_stream(aws: Aws) -> None:
    body = {**POINTER, "KinesisBatchInfo": {**POINTER["KinesisBatchInfo"], "streamArn": CONSUMER_ARN}}  # type: ignore[dict-item] # a literal
    aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=json.dumps(body))
    (pointer,) = read_queue(aws.sqs, aws.queue_url, wait_seconds=0)
    assert isinstance(pointer, BatchPointer)
    assert pointer.stream == "activity"


def test_a_strangers_message_is_listed_and_stops_nothing(aws: Aws, time: Time) -> None:
    strangers = ["hello", "[]", "7", "{}", '{"version": 2}', '{"KinesisBatchInfo": {}}', "[" * 100_000]
    for body in strangers:
        aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=body)
    send(aws, time, letter(1))
    listed = read_queue(aws.sqs, aws.queue_url, wait_seconds=0)
    assert sorted(one.start for one in listed if isinstance(one, Unreadable)) == sorted(
        b[:200] for b in strangers
    )
    assert letter(1) in listed


class SlowQueue:
    """Many letters, and a clock: a message comes again when its hold is over."""

    def __init__(self, letters: int) -> None:
        self.now = 0.0
        self.calls = 0
        self.visible = deque((0.0, number) for number in range(letters))

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.visible))}}

    def receive_message(self, *, VisibilityTimeout: int, **_: Any) -> Any:  # noqa: N803 - boto3's name
        self.calls += 1
        self.now += 0.15
        messages = []
        while self.visible and self.visible[0][0] <= self.now and len(messages) < 10:
            _, number = self.visible.popleft()
            self.visible.append((self.now + VisibilityTimeout, number))
            name = str(number)
            messages.append({"MessageId": name, "Body": "{}", "ReceiptHandle": name})
        return {"Messages": messages}

    def change_message_visibility_batch(self, **_: Any) -> None:
        pass


def test_a_listing_ends_although_the_first_letters_could_come_again_before_the_last_were_read() -> None:
    queue = SlowQueue(10_000)
    with hold(cast("Any", queue), "") as holding:
        assert len(holding.letters) == 10_000
        assert queue.calls == 1_001
