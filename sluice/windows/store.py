"""Reading the table `windows`: lanes, segments, parts, definitions, the watermark, and what is published.

How to read windows so that nothing is torn: the watermark first, then the lanes, then parts, then the headers
of the segments met. A part counts only if its number is below its lane's (then its segment was committed
when the lanes were read, and all parts of it were there) and if the header with its lane and number names
its segment. What attempts that never committed have left behind, no header names.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from sluice.errors import EnvironmentProblem
from sluice.metrics import Definition
from sluice.windows.items import Header, Item, Lane, Published, StoredPart, Watermark
from sluice.windows.keys import (
    LANES,
    METRICS,
    ONLY,
    PUBLISHED,
    WATERMARK,
    Key,
    PartKey,
    current_key,
    day_of,
    days_pk,
    header_key,
    lane_key,
    number_text,
    parts_pk,
    published_key,
    segments_pk,
    start_text,
    watermark_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_KEYS = 100
"""Of one BatchGetItem.
docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html (2026)."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0
"""Seconds to wait for keys that DynamoDB left unread for lack of throughput."""


class WindowTable:
    """The table `windows`, as readers need it.

    Needs `dynamodb:Query`, `GetItem` and `BatchGetItem`, and `UpdateItem` to note what is published. All
    reads are consistent and complete, however many pages they take; botocore's errors pass, and
    EnvironmentProblem says that the table is throttled.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.client = client
        self.name = table
        self._sleep = sleep

    def lanes(self) -> dict[str, Lane]:
        """Return every lane by its name."""
        return {item["sk"]["S"]: Lane.of(item) for item in self._query("pk = :pk", {":pk": LANES})}

    def lane(self, lane: str) -> Lane | None:
        """Return one lane, if it has been touched."""
        item = self._get(lane_key(lane))
        return Lane.of(item) if item else None

    def header(self, lane: str, number: int) -> Header | None:
        """Return one segment's header, if it is committed and has not expired."""
        item = self._get(header_key(lane, number))
        return Header.of(item) if item else None

    def headers(self, lane: str, start: int = 0, stop: int | None = None) -> Iterator[Header]:
        """Yield the headers of a lane's segments numbered `start` up to but without `stop`, in order.

        Those that have expired are missing.
        """
        if stop is not None and stop <= start:
            return
        last = number_text(stop - 1) if stop is not None else "9" * len(number_text(0))
        values = {":pk": segments_pk(lane), ":start": number_text(start), ":last": last}
        for item in self._query("pk = :pk AND sk BETWEEN :start AND :last", values):
            yield Header.of(item)

    def headers_of(self, segments: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Header]:
        """Return the headers of these (lane, number), as far as they are committed and have not expired."""
        items = self._batch(header_key(lane, number) for lane, number in dict.fromkeys(segments))
        headers = map(Header.of, items)
        return {(header.lane, header.number): header for header in headers}

    def days(self, metric: str, since: int | None = None, until: int | None = None) -> list[str]:
        """Return the UTC days (YYYY-MM-DD, rising) on which a metric has parts of windows.

        `since` and `until`, in epoch seconds, are the window starts that matter, both included.
        """
        first = "0000-00-00" if since is None else day_of(since)
        last = "9999-99-99" if until is None else day_of(until)
        values = {":pk": days_pk(metric), ":first": first, ":last": last}
        found = self._query("pk = :pk AND sk BETWEEN :first AND :last", values)
        return [item["sk"]["S"] for item in found]

    def parts(self, metric: str, since: int | None = None, until: int | None = None) -> Iterator[StoredPart]:
        """Yield the parts of the metric's windows that start from `since` to `until`, both in epoch seconds.

        In the order of the windows. Parts of all versions come, and those of attempts that never committed.
        """
        low = "0" if since is None else start_text(since)
        # "$" follows "#", which ends the window's start in the sort key
        high = "9999-99-99" if until is None else f"{start_text(until)}$"
        for day in self.days(metric, since, until):
            values = {":pk": parts_pk(metric, day), ":low": low, ":high": high}
            for item in self._query("pk = :pk AND sk BETWEEN :low AND :high", values):
                yield StoredPart.of(item)

    def read_parts(self, keys: Iterable[PartKey]) -> Iterator[StoredPart]:
        """Yield the parts with these keys, as `Header.keys` lists them; in no order, without expired ones."""
        for item in self._batch(key.key for key in keys):
            yield StoredPart.of(item)

    def watermark(self) -> Watermark | None:
        """Return the completeness watermark, once there is one."""
        item = self._get(watermark_key())
        return Watermark.of(item) if item else None

    def definitions(self) -> list[Definition]:
        """Return all metrics that ever ran, in all versions, by name and then by when they were written."""
        items = [item for item in self._query("pk = :pk", {":pk": METRICS}) if item["sk"]["S"] != ONLY]
        items.sort(key=lambda item: (item["sk"]["S"].partition("#")[0], item["written_at"]["S"]))
        return [Definition.parse(msgspec.json.decode(item["definition"]["S"])) for item in items]

    def current(self) -> dict[str, str]:
        """Return the version of each metric of the running pipeline, by name."""
        item = self._get(current_key()) or {"current": {"M": {}}}
        return {metric: version["S"] for metric, version in item["current"]["M"].items()}

    def published(self) -> Published:
        """Return how far BigQuery has everything."""
        through: int | None = None
        numbers: dict[str, int] = {}
        for item in self._query("pk = :pk", {":pk": PUBLISHED}):
            if item["sk"]["S"] == WATERMARK:
                through = int(item["through"]["N"])
            else:
                numbers[item["sk"]["S"]] = int(item["number"]["N"])
        return Published(numbers, through)

    def publish(self, lane: str, number: int) -> None:
        """Note that the first `number` segments of a lane are published; never takes anything back."""
        self._raise_to(published_key(lane), "number", number)

    def publish_watermark(self, through: int) -> None:
        """Note that a watermark, in epoch milliseconds, is published; never takes anything back."""
        self._raise_to(published_key(WATERMARK), "through", through)

    def _raise_to(self, at: Key, name: str, value: int) -> None:
        try:
            self.client.update_item(
                TableName=self.name,
                Key=at,
                UpdateExpression="SET #name = :value",
                ConditionExpression="attribute_not_exists(#name) OR #name < :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": {"N": str(value)}},
            )
        except ClientError as error:
            if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                raise

    def _get(self, at: Key) -> Item | None:
        return self.client.get_item(TableName=self.name, Key=at, ConsistentRead=True).get("Item")

    def _query(self, condition: str, values: Mapping[str, str]) -> Iterator[Item]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _batch(self, keys: Iterable[Key]) -> Iterator[Item]:
        waiting: list[Any] = list(keys)
        pause = 0.0
        while waiting:
            asked = waiting[:MOST_KEYS]
            answer = self.client.batch_get_item(
                RequestItems={self.name: {"Keys": asked, "ConsistentRead": True}}
            )
            yield from answer["Responses"].get(self.name, ())
            unread = answer.get("UnprocessedKeys", {}).get(self.name)
            left = unread["Keys"] if unread else []
            waiting = [*left, *waiting[MOST_KEYS:]]
            pause = self._pause(pause) if len(left) == len(asked) else 0.0

    def _pause(self, last: float) -> float:
        """Wait before asking again for keys of which none was read, each time twice as long."""
        pause = max(FIRST_PAUSE, 2 * last)
        if pause > LONGEST_PAUSE:
            raise EnvironmentProblem(
                f"the table {self.name} is throttled: it let nothing be read for seconds; try again later"
            )
        self._sleep(pause)
        return pause
