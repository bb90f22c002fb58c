"""What Lambda gives up, as its messages arrive in the probe's queue."""

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_sqs import SQSClient

_MOST_AT_ONCE: Final = 10


class GivenUp:
    """Messages of the queue, taken out of it for good. Safe to use from several threads."""

    def __init__(self, client: "SQSClient", queue_url: str, wait_seconds: int) -> None:
        self._client, self._url, self._wait = client, queue_url, wait_seconds
        self._lock = Lock()
        self._messages: list[dict[str, Any]] = []

    def about(self, sequences: "Iterable[int]") -> list[dict[str, Any]]:
        """Return the messages, in their order, whose range has any of these sequence numbers."""
        wanted = sorted(sequences)
        with self._lock:
            self._take()
            return [each for each in self._messages if any(map(_range(each).__contains__, wanted))]

    def drain(self) -> None:
        """Take everything out of the queue."""
        with self._lock:
            while self._take():
                pass

    def _take(self) -> int:
        answer = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=_MOST_AT_ONCE, WaitTimeSeconds=self._wait
        )
        found = answer.get("Messages", [])
        for message in found:
            try:
                self._messages.append(json.loads(message["Body"]))
            except ValueError:
                self._messages.append({"body": message["Body"]})
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return len(found)


def _range(message: dict[str, Any]) -> range:
    """Return the sequence numbers of a message; none where it says nothing of that kind."""
    info = message.get("KinesisBatchInfo") or {}
    try:
        return range(int(info["startSequenceNumber"]), int(info["endSequenceNumber"]) + 1)
    except (KeyError, TypeError, ValueError):
        return range(0)
