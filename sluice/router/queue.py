"""A route's events as messages of an SQS queue.

Guarantee: at least once. A FIFO queue takes an event id once in five minutes, and keeps the events of a
partition key in order: a request never holds two of them, because SQS may take the second without the first.
So an aggregate of many events of one partition key may need more time than an invocation has, and Lambda
hands it over again as a whole: what of it was sent is remembered, and the next invocation goes on from there.

Limits of SQS (seen in 2026): 10 messages a request, 1 MiB for one message and for all of a request together,
attributes included; https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
Characters: tab, line ends, U+0020 to U+D7FF, U+E000 to U+FFFD and U+10000 to U+10FFFF; group and
deduplication ids have at most 128 letters, digits and marks of ASCII:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatchRequestEntry.html
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts, results_in_time
from sluice.delivery.calls import code_of
from sluice.delivery.outcomes import DELIVERED, Accepted, Outcome, Rejected, Retry
from sluice.records import Record

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        SendMessageBatchRequestEntryTypeDef,
        SendMessageBatchResultTypeDef,
    )

REQUEST_MESSAGES = 10
REQUEST_BYTES = 1024 * 1024
AT_ONCE = 8
"""Requests under way together."""

REMEMBERED_SECONDS = 300
"""As long as a FIFO queue itself remembers what it took."""

MOST_REMEMBERED = 50_000
"""Events; each takes about 400 bytes."""

OF_THE_MESSAGE = ("TooLong", "InvalidMessageContents")
"""Ends of codes by which SQS refuses what is in a request, not who sends it or when."""

_REFUSED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[!-~]{1,128}\Z")


NOT_YET = Retry("there was no time left to send it, or an earlier one of its partition key has to go first")


@dataclass(slots=True)
class Message:
    """One event on its way: `group` and `once_as` are what a FIFO queue orders and recognises it by.

    `part` names its record and what it holds, if that is out of an aggregate.
    """

    body: str
    attributes: dict[str, str]
    size: int
    group: str
    once_as: str
    part: str | None = None
    outcome: Outcome = NOT_YET


class _Sent:
    """Which parts of aggregates went out lately, so that a FIFO queue need not be sent them again."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def recall(self, messages: Sequence[Message], now: float) -> None:
        """Mark those that went out before as delivered."""
        for message in messages:
            at = self._at.get(message.part or "")
            if at is not None and now - at < REMEMBERED_SECONDS:
                message.outcome = DELIVERED

    def keep(self, messages: Sequence[Message], now: float) -> None:
        """Remember those that are delivered; the oldest are forgotten beyond the bound."""
        for message in messages:
            if message.part is not None and message.outcome == DELIVERED:
                self._at.pop(message.part, None)
                self._at[message.part] = now
        while len(self._at) > MOST_REMEMBERED:
            del self._at[next(iter(self._at))]


class QueueTarget:
    """Sends each event's JSON, with the attributes `route`, `type` and `event_id`.

    The client is made on first use: most invocations of a quiet route send nothing.
    """

    def __init__(self, sqs: "Callable[[], SQSClient]", url: str, *, route: str, fifo: bool) -> None:
        self._sqs = sqs
        self._url = url
        self._route = route
        self._fifo = fifo
        self._sent = _Sent()
        self._workers: ThreadPoolExecutor | None = None

    def prepare(self, accepted: Accepted) -> Message | Rejected:
        """Write the message; characters that SQS refuses are escaped as in JSON."""
        body = accepted.record.data.decode()
        if not body.isascii():
            body = _REFUSED.sub(_escaped, body)
        kind, event_id = accepted.event_type.name, accepted.event_id
        attributes = {"route": self._route, "type": kind, "event_id": _REFUSED.sub(_escaped, event_id)}
        size = len(body.encode()) + sum(
            len(name) + len("String") + len(value.encode()) for name, value in attributes.items()
        )
        if size > REQUEST_BYTES:
            return Rejected(f"its message would have {size:,} bytes, and a queue takes {REQUEST_BYTES:,}")
        record = accepted.record
        group, once_as = _named(record.partition_key), _named(f"{kind}:{event_id}")
        return Message(body, attributes, size, group, once_as, _part(record) if self._fifo else None)

    def deliver(self, prepared: Sequence[Message], deadline: Deadline) -> Sequence[Outcome]:
        """Send all messages, several requests at once, until the deadline."""
        if self._fifo:
            self._send_in_order(prepared, deadline)
        else:
            self._send(prepared, deadline)
        return [message.outcome for message in prepared]

    def _send_in_order(self, prepared: Sequence[Message], deadline: Deadline) -> None:
        """Send the first message of each group, then the second: none overtakes one that comes again."""
        self._sent.recall(prepared, deadline.clock())
        stuck: set[str] = set()
        for wave in _waves(message for message in prepared if isinstance(message.outcome, Retry)):
            ready = [message for message in wave if message.group not in stuck]
            self._send(ready, deadline)
            stuck.update(each.group for each in ready if isinstance(each.outcome, Retry))
        self._sent.keep(prepared, deadline.clock())

    def _send(self, messages: Sequence[Message], deadline: Deadline) -> None:
        if not messages:
            return
        sqs = self._sqs()
        if self._workers is None:
            self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="queue")
        lots = [partial(self._send_lot, sqs, lot, deadline) for lot in _lots(messages)]
        results_in_time(self._workers, lots, deadline)

    def _send_lot(self, sqs: "SQSClient", lot: Sequence[Message], deadline: Deadline) -> None:
        """Send until every message's outcome is final, or time is up."""
        try:
            for attempt in attempts(deadline):
                with attempt:
                    self._send_once(sqs, lot, deadline)
        except Again as error:
            for message in lot:
                if isinstance(message.outcome, Retry):
                    message.outcome = Retry(error.reason)

    def _send_once(self, sqs: "SQSClient", lot: Sequence[Message], deadline: Deadline) -> None:
        """Send what has no final outcome yet; raises Again when some of it should be tried later."""
        waiting = [message for message in lot if isinstance(message.outcome, Retry)]
        if not deadline.remaining():
            raise Again("no time was left to send it")
        try:
            answer = sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[self._entry(str(number), message) for number, message in enumerate(waiting)],
            )
        except ClientError as error:
            code = _code_of_the_message(error.response["Error"])
            if code is None:
                raise Again(f"SendMessageBatch was refused with {code_of(error)}") from error
            if len(waiting) == 1:
                waiting[0].outcome = Rejected(f"the queue refuses its message with {code}")
                return
            for message in waiting:
                self._send_lot(sqs, [message], deadline)
        except (BotoCoreError, OSError) as error:
            raise Again(f"SQS gave no answer ({type(error).__name__})") from error
        else:
            _settle(waiting, answer)

    def _entry(self, number: str, message: Message) -> "SendMessageBatchRequestEntryTypeDef":
        entry: SendMessageBatchRequestEntryTypeDef = {
            "Id": number,
            "MessageBody": message.body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in message.attributes.items()
            },
        }
        if self._fifo:
            entry["MessageGroupId"], entry["MessageDeduplicationId"] = message.group, message.once_as
        return entry


def _settle(sent: Sequence[Message], answer: "SendMessageBatchResultTypeDef") -> None:
    """Enter what SQS answered for each message; raises Again when one should be sent again."""
    for success in answer.get("Successful", ()):
        sent[int(success["Id"])].outcome = DELIVERED
    again = None
    for failure in answer.get("Failed", ()):
        code = _code_of_the_message(failure)
        if code is None:
            again = failure["Code"]
        else:
            sent[int(failure["Id"])].outcome = Rejected(f"the queue refuses its message with {code}")
    if again is not None:
        raise Again(f"SendMessageBatch refused it with {again}")


def _code_of_the_message(error: Mapping[str, Any]) -> str | None:
    """Return the code if SQS refuses, for good, what the message holds; None if it is something else."""
    code: str = error.get("Code", "")
    too_long = "InvalidParameterValue" in code and "shorter than" in error.get("Message", "")
    return code if too_long or code.endswith(OF_THE_MESSAGE) else None


def _waves(messages: Iterable[Message]) -> list[list[Message]]:
    """Cut the messages so that none holds two of a group: first the first of each, then the second."""
    waves: list[list[Message]] = []
    seen: defaultdict[str, int] = defaultdict(int)
    for message in messages:
        turn = seen[message.group]
        seen[message.group] = turn + 1
        if turn == len(waves):
            waves.append([])
        waves[turn].append(message)
    return waves


def _lots(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Cut the messages into what one request carries."""
    lot: list[Message] = []
    size = 0
    for message in messages:
        if lot and (len(lot) == REQUEST_MESSAGES or size + message.size > REQUEST_BYTES):
            yield lot
            lot, size = [], 0
        lot.append(message)
        size += message.size
    if lot:
        yield lot


def _named(name: str) -> str:
    """Return the name, or a hash where SQS takes no such name for a group or a message."""
    return name if _NAME.match(name) else sha256(name.encode()).hexdigest()


def _part(record: Record) -> str | None:
    """Name what came out of an aggregate; a mapping whose filter changes may number the parts anew."""
    if record.sub_sequence is None:
        return None
    return f"{record.identity}/{sha256(record.data).hexdigest()}"


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
