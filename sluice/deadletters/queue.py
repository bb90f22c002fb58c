"""Sending dead letters: whole, in few requests, and never more than the invocation's time allows.

Limits of SQS (seen in 2026): 10 messages a batch, 1 MiB for one message and for all of a batch together,
attributes included. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadletters.letter import DeadLetter
from sluice.deadline import Again, Deadline, attempts, results_in_time

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH_MESSAGES = 10
BATCH_BYTES = 1024 * 1024
MESSAGE_BYTES = BATCH_BYTES - 1024
"""What a body may take: the rest is for the attributes' names, types and values."""

AT_ONCE = 8
"""Requests under way together: enough for ten thousand letters in a few seconds, no flood."""


OF_THE_MESSAGE = ("TooLong", "InvalidMessageContents", "InvalidParameterValue")
"""Error codes, or their ends, by which SQS refuses what is in a request and not who sends it or when."""


@dataclass(slots=True)
class _Sending:
    """One letter on its way: first whole, then, where the queue refuses that, with its payload in S3."""

    letter: DeadLetter
    body: str | None = None
    pointer: bool = False
    sent: bool = False
    hopeless: bool = False
    trouble: str = ""


@dataclass(slots=True)
class _Lot:
    letters: list[_Sending] = field(default_factory=list)
    size: int = 0


class DeadLetterQueue:
    """The queue that all sinks share, and the bucket for payloads that no message holds.

    The clients are made on first use: most invocations refuse nothing.
    """

    def __init__(
        self,
        sqs: "Callable[[], SQSClient]",
        queue_url: str,
        s3: "Callable[[], S3Client]",
        bucket: str,
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._s3 = s3
        self._bucket = bucket
        self._workers: ThreadPoolExecutor | None = None

    def send(self, letters: Sequence[DeadLetter], deadline: Deadline) -> dict[str, str]:
        """Send all; return the ids of those that are not known to be in the queue by the deadline, and why.

        A letter may be sent twice when an answer was lost; its id tells.
        """
        if not letters:
            return {}
        if self._workers is None:
            self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="dead-letters")
        failed = {letter.id: "no answer in time" for letter in letters}
        lots = [partial(self._send_lot, lot, deadline) for lot in _lots(letters)]
        for lot in results_in_time(self._workers, lots, deadline):
            for sending in lot:
                if sending.sent:
                    failed.pop(sending.letter.id, None)
                else:
                    failed[sending.letter.id] = sending.trouble
        return failed

    def _send_lot(self, lot: list[_Sending], deadline: Deadline) -> list[_Sending]:
        """Send until all are sent or hopeless, or time is up; return the lot."""
        try:
            for attempt in attempts(deadline):
                with attempt:
                    self._send_once(lot, deadline)
        except Again as error:
            for sending in lot:
                sending.trouble = sending.trouble or error.reason
        return lot

    def _send_once(self, lot: list[_Sending], deadline: Deadline) -> None:
        """Send what is neither sent nor hopeless; raises Again when some of it should be tried later."""
        while waiting := [each for each in lot if not each.sent and not each.hopeless]:
            if not deadline.remaining():
                raise Again("no time left")
            pointers = sum(sending.pointer for sending in waiting)
            try:
                self._write_bodies(waiting)
                self._attempt(waiting)
            except ClientError as error:
                code = error.response["Error"].get("Code", "unknown")
                if not code.endswith(OF_THE_MESSAGE):
                    raise Again(f"{error.operation_name} was refused with {code}") from error
                if len(waiting) > 1:
                    for sending in waiting:
                        self._send_lot([sending], deadline)
                    return
                _refused(waiting[0], code)
            except (BotoCoreError, OSError) as error:
                raise Again(f"no answer ({type(error).__name__})") from error
            if all(each.sent or each.hopeless for each in waiting):
                return
            if sum(sending.pointer for sending in waiting) == pointers:
                raise Again("the queue did not take it")

    def _write_bodies(self, lot: Iterable[_Sending]) -> None:
        for sending in lot:
            if sending.body is None and not sending.pointer:
                sending.body = sending.letter.message()
                if len(sending.body) > MESSAGE_BYTES:
                    sending.body, sending.pointer = None, True
            if sending.body is None:
                sending.body = self._stored(sending.letter).message()

    def _stored(self, letter: DeadLetter) -> DeadLetter:
        if letter.payload is None:
            return letter
        self._s3().put_object(Bucket=self._bucket, Key=letter.storage_key, Body=letter.payload)
        return letter.pointing_to(f"s3://{self._bucket}/{letter.storage_key}")

    def _attempt(self, lot: Sequence[_Sending]) -> None:
        answer = self._sqs().send_message_batch(
            QueueUrl=self._queue_url,
            Entries=[_entry(str(number), sending) for number, sending in enumerate(lot)],
        )
        for failure in answer.get("Failed", ()):
            sending = lot[int(failure["Id"])]
            sending.trouble = f"SendMessageBatch refused it with {failure['Code']}"
            if failure["SenderFault"]:
                _refused(sending, failure["Code"])
        for success in answer.get("Successful", ()):
            lot[int(success["Id"])].sent = True


def _refused(sending: _Sending, code: str) -> None:
    """The queue will not have it like this: next time without the payload, and after that not at all."""
    sending.trouble = f"SendMessageBatch refused it with {code}"
    sending.hopeless = sending.pointer
    sending.body, sending.pointer = None, True


def _entry(number: str, sending: _Sending) -> "SendMessageBatchRequestEntryTypeDef":
    return {
        "Id": number,
        "MessageBody": sending.body or "",
        "MessageAttributes": {
            "sink": {"DataType": "String", "StringValue": sending.letter.sink},
            "kind": {"DataType": "String", "StringValue": sending.letter.kind},
        },
    }


def _lots(letters: Sequence[DeadLetter]) -> Iterator[list[_Sending]]:
    """Cut the letters into what one request carries, without writing any message yet."""
    lot = _Lot()
    for letter in letters:
        size = _most_bytes(letter)
        if lot.letters and (len(lot.letters) == BATCH_MESSAGES or lot.size + size > BATCH_BYTES):
            yield lot.letters
            lot = _Lot()
        lot.letters.append(_Sending(letter))
        lot.size += size
    if lot.letters:
        yield lot.letters


def _most_bytes(letter: DeadLetter) -> int:
    """Return what the letter's message can take at most; JSON escapes a character in 12 bytes or less.

    A letter that needs S3 fills a lot: a bucket that does not answer holds up no other letter.
    """
    words = (letter.reason, letter.field or "", letter.type or "", letter.partition_key)
    around = 2048 + 12 * sum(map(len, words))
    whole = around + (len(letter.payload or b"") + 2) // 3 * 4
    return whole if whole <= MESSAGE_BYTES else BATCH_BYTES
