"""The stream itself, read without a mapping: to find records again whose state was lost, and shards at rest.

Shares the five GetRecords a second of each shard with its standard consumers, and asks only when it has to.
"""

from binascii import b2a_base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts
from sluice.delivery.calls import code_of
from sluice.errors import DeliveryError
from sluice.records import Record, records_of
from sluice.windows.items import Lane

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

PAGE = 1000
"""Records read at once: as many as are counted before looking whether a segment has to be committed."""

EMPTY_PAGES = 20
"""GetRecords may answer nothing, many times over, where a shard has gaps; so many are followed at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one GetRecords: up to the shard's newest if `caught_up`, and the last if it `ended`."""

    records: list[dict[str, Any]]
    caught_up: bool
    ended: bool


class _Elsewhere(DeliveryError):  # noqa: N818 - what happened
    """Kinesis does not know the sequence number: the stream was replaced by another of its name."""


class Stream:
    """A stream by its name. All raise DeliveryError when Kinesis does not answer before the deadline.

    Needs `kinesis:ListShards`, `GetShardIterator` and `GetRecords`.
    """

    def __init__(self, client: "KinesisClient", name: str) -> None:
        self._client = client
        self._name = name

    def shards(self, deadline: Deadline) -> dict[str, bool]:
        """Return every shard that may still have records, and whether it is closed: nothing more arrives."""
        found: dict[str, bool] = {}
        request: dict[str, Any] = {"StreamName": self._name}
        while True:
            answer = self._call(self._client.list_shards, deadline, request)
            for shard in answer["Shards"]:
                found[shard["ShardId"]] = "EndingSequenceNumber" in shard["SequenceNumberRange"]
            if "NextToken" not in answer:
                return found
            request = {"NextToken": answer["NextToken"]}

    def at_rest(self, lane: Lane, deadline: Deadline) -> Page | None:
        """Return a page without records if the shard has none after the lane's mark; None if it may have."""
        for _, page in zip(range(EMPTY_PAGES), self._pages(lane, lane.mark, 1, deadline), strict=False):
            if page.records:
                return None
            if page.caught_up or page.ended:
                return page
        return None

    def between(
        self, lane: Lane, after: int | None, upto: int, deadline: Deadline
    ) -> Iterator[tuple[list[Record], bool]]:
        """Yield the shard's records after one sequence number, up to another and with it, page by page.

        Without `after` they come from the first that the lane ever had. The last page says True when it is
        certain that no more are to come: what is missing then has left the stream.
        """
        for page in self._pages(lane, after, PAGE, deadline):
            numbers = [int(entry["SequenceNumber"]) for entry in page.records]
            entries = [
                entry
                for entry, number in zip(page.records, numbers, strict=True)
                if number <= upto and (after is None or number > after)
            ]
            beyond = bool(numbers) and numbers[-1] > upto
            reached = bool(entries) and int(entries[-1]["SequenceNumber"]) == upto
            certain = beyond or reached or page.ended
            yield records_of({"Records": [self._entry(lane.lane, entry) for entry in entries]}), certain
            if certain or (page.caught_up and not page.records):
                return

    def _pages(self, lane: Lane, after: int | None, limit: int, deadline: Deadline) -> Iterator[Page]:
        start: dict[str, Any] = {"StreamName": self._name, "ShardId": lane.lane}
        if after is not None:
            start |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": str(after)}
        elif lane.begun is not None:
            start |= {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": str(lane.begun)}
        else:
            start |= {"ShardIteratorType": "TRIM_HORIZON"}
        iterator = self._iterator(start, deadline)
        while iterator:
            request = {"ShardIterator": iterator, "Limit": limit}
            answer = self._call(self._client.get_records, deadline, request)
            iterator = answer.get("NextShardIterator")
            yield Page(answer["Records"], answer.get("MillisBehindLatest", 0) == 0, iterator is None)

    def _iterator(self, start: dict[str, Any], deadline: Deadline) -> str:
        """Return where to begin; at the oldest record, where the stream that was meant has been replaced."""
        try:
            found = self._call(self._client.get_shard_iterator, deadline, start)
        except _Elsewhere:
            anew = {name: start[name] for name in ("StreamName", "ShardId")}
            anew["ShardIteratorType"] = "TRIM_HORIZON"
            found = self._call(self._client.get_shard_iterator, deadline, anew)
        iterator: str = found["ShardIterator"]
        return iterator

    def _entry(self, shard: str, found: dict[str, Any]) -> dict[str, Any]:
        """Return a record as Lambda's event holds it, so that it is read as any other."""
        return {
            "kinesis": {
                "sequenceNumber": found["SequenceNumber"],
                "partitionKey": found["PartitionKey"],
                "approximateArrivalTimestamp": found["ApproximateArrivalTimestamp"].timestamp(),
                "data": b2a_base64(found["Data"], newline=False).decode(),
            },
            "eventID": f"{shard}:{found['SequenceNumber']}",
            "eventSourceARN": f"arn:aws:kinesis:::stream/{self._name}",
        }

    def _call(self, operation: Callable[..., Any], deadline: Deadline, request: dict[str, Any]) -> Any:
        def once() -> Any:
            try:
                return operation(**request)
            except (BotoCoreError, ClientError, OSError) as error:
                if code_of(error) == "InvalidArgumentException":
                    raise _Elsewhere(f"the stream {self._name} refuses {request}") from error
                raise Again(code_of(error)) from error

        try:
            return attempts(deadline, first_pause=0.1, longest_pause=1.0)(once)
        except Again as error:
            raise DeliveryError(
                f"the stream {self._name} does not answer ({error.reason}): this is tried again; check the "
                "function's rights on it"
            ) from error
