"""Reading the queue without taking from it: letters are held for a while, then become visible again."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from sluice.deadletters.letter import BatchPointer, DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HOLD_SECONDS = 120
"""How long a listing keeps the letters from other readers, should it die before it lets go of them."""

LONGEST_HOLD_SECONDS = 43_200
"""What SQS takes as a visibility timeout (2026)."""

SLOWEST_READING = 25
"""Messages a second: a hold must not end before the last letter is read, or the reading would never end."""

WAIT_SECONDS = 1
"""Long polling asks every server of the queue, so that an empty answer means an empty queue."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that neither Sluice nor Lambda wrote; `start` is the beginning of its body."""

    id: str
    start: str


Letter = DeadLetter | BatchPointer | Unreadable


@dataclass(slots=True)
class Held:
    """One letter, with the receipt handles of every message that carries it."""

    letter: Letter
    receipts: list[str] = field(default_factory=list)


class Holding:
    """The letters that this reader holds, one per id; the newest message of an id counts."""

    def __init__(self, sqs: "SQSClient", queue_url: str, *, payloads: bool = True) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._payloads = payloads
        self._held: dict[str, Held] = {}
        self.messages = 0

    @property
    def letters(self) -> list[Held]:
        """What is held, in the order in which the queue gave it."""
        return list(self._held.values())

    def receive(self, *, at_most: int | None, hold_seconds: int, wait_seconds: int) -> None:
        """Receive until the queue is empty, or until `at_most` different letters are held."""
        hold_seconds = min(hold_seconds + self._waiting() // SLOWEST_READING, LONGEST_HOLD_SECONDS)
        while at_most is None or len(self._held) < at_most:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=hold_seconds,
                WaitTimeSeconds=wait_seconds,
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                self._take(message)

    def delete(self, held: Iterable[Held]) -> list[str]:
        """Remove every message of these letters; return the ids of those that are not gone whole."""
        remaining: list[str] = []
        for each in held:
            failed: list[str] = []
            for chunk in _tens(each.receipts):
                answer = self._sqs.delete_message_batch(
                    QueueUrl=self._queue_url,
                    Entries=[{"Id": str(n), "ReceiptHandle": receipt} for n, receipt in enumerate(chunk)],
                )
                failed += [chunk[int(failure["Id"])] for failure in answer.get("Failed", [])]
            each.receipts[:] = failed
            if failed:
                remaining.append(each.letter.id)
            else:
                self._held.pop(each.letter.id, None)
        return remaining

    def release(self) -> None:
        """Make everything that is still held visible to other readers at once."""
        receipts = [receipt for each in self._held.values() for receipt in each.receipts]
        for chunk in _tens(receipts):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for n, receipt in enumerate(chunk)
                ],
            )
        self._held.clear()

    def _waiting(self) -> int:
        """Return how many messages the queue says it has, more or less."""
        name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def _take(self, message: "MessageTypeDef") -> None:
        self.messages += 1
        letter = parse(message["MessageId"], message["Body"])
        if isinstance(letter, DeadLetter) and not self._payloads:
            letter = replace(letter, payload=None)
        held = self._held.setdefault(letter.id, Held(letter))
        held.letter = letter if _failed_at(letter) >= _failed_at(held.letter) else held.letter
        held.receipts.append(message["ReceiptHandle"])


@contextmanager
def hold(
    sqs: "SQSClient",
    queue_url: str,
    *,
    at_most: int | None = None,
    payloads: bool = True,
    hold_seconds: int = HOLD_SECONDS,
    wait_seconds: int = WAIT_SECONDS,
) -> Iterator[Holding]:
    """Hold the queue's letters, one per id, and let go of those not deleted in the end.

    `hold_seconds` is the SQS visibility timeout, made longer where there is much to read. Without `payloads`
    each letter drops its payload at once, so that listing many large ones takes little memory.
    """
    holding = Holding(sqs, queue_url, payloads=payloads)
    try:
        holding.receive(at_most=at_most, hold_seconds=hold_seconds, wait_seconds=wait_seconds)
        yield holding
    finally:
        holding.release()


def read_queue(
    sqs: "SQSClient",
    queue_url: str,
    *,
    at_most: int | None = None,
    payloads: bool = True,
    wait_seconds: int = WAIT_SECONDS,
) -> list[Letter]:
    """List the queue's letters, one per id, and leave all of them there."""
    with hold(sqs, queue_url, at_most=at_most, payloads=payloads, wait_seconds=wait_seconds) as holding:
        return [held.letter for held in holding.letters]


def payload_of(letter: DeadLetter, s3: "S3Client") -> bytes:
    """Return the record's data, fetched from S3 where the message only points to it."""
    if letter.payload is not None:
        return letter.payload
    bucket, _, key = (letter.payload_s3 or "").removeprefix("s3://").partition("/")
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def parse(message_id: str, body: str) -> Letter:
    """Return what a message of the queue says; never raises."""
    try:
        document: Any = json.loads(body)
        if "KinesisBatchInfo" in document:
            return BatchPointer.from_message(document)
        return DeadLetter.from_message(document)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return Unreadable(message_id, body[:200])


def _failed_at(letter: Letter) -> float:
    return 0.0 if isinstance(letter, Unreadable) else letter.failed_at.timestamp()


def _tens(receipts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(receipts), 10):
        yield receipts[start : start + 10]
