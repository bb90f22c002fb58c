"""Writing the parts of a segment: in few requests, several at once, until none is left unprocessed."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts
from sluice.delivery.calls import code_of, silent
from sluice.windows.aggregates import Aggregates
from sluice.windows.items import PartRef, StoredPart
from sluice.windows.keys import PartKey, day_key, day_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PART_BYTES = 350_000
"""Of a part's content; an item has at most 400 KB.
docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026)."""

PUTS = 25
PUT_BYTES = 4_000_000
"""Of one BatchWriteItem, which takes 16 MB, but has to be answered within a second.
docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html (2026)."""

DAY_SECONDS = 86_400

AT_ONCE = 8
"""BatchWriteItems under way together."""

LONGEST_WINDOW = 900
"""Seconds; a part expires by its window's start and this, so that all parts of a window expire together."""

GRACE = timedelta(days=2)
"""How much longer than readers show it a window is kept: a reader may be at it, and TTL deletes days late."""


class PartWriter:
    """Puts parts into the table `windows`; needs `dynamodb:BatchWriteItem`.

    `keep` is how long readers show a window. `at_once` requests are under way together; 1 makes them one
    after the other, without threads.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        keep: timedelta,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE,
    ) -> None:
        self._client = client
        self._table = table
        self._keep = keep
        self._now = now
        self._at_once = at_once
        self._workers: ThreadPoolExecutor | None = None
        self._listed: set[tuple[str, str]] = set()

    def write(
        self, aggregates: Aggregates, lane: str, number: int, segment: str, deadline: Deadline
    ) -> tuple[tuple[PartRef, ...], int]:
        """Put all parts, and list their days; return what a header lists, and when the last part expires.

        Raises DeliveryError when the table does not take them all before the deadline.
        """
        counts: dict[tuple[str, str, int], int] = {}
        items: list[dict[str, Any]] = []
        for part in aggregates.parts(PART_BYTES):
            window = (part.metric, part.version, part.window_start)
            counts[window] = counts.get(window, 0) + 1
            key = PartKey(*window, lane, number, segment, part.index)
            items.append(StoredPart(key, part.data).item(self._expiry(part.window_start)))
        days = {(metric, day_of(start)): start for metric, _, start in counts}
        fresh = {day: start for day, start in days.items() if day not in self._listed}
        self._write(items + [self._day(*day, start) for day, start in fresh.items()], deadline)
        self._listed |= fresh.keys()
        latest = max([int(self._now().timestamp()), *(start for _, _, start in counts)])
        return tuple(PartRef(*window, count) for window, count in counts.items()), self._expiry(latest)

    def _day(self, metric: str, day: str, start: int) -> dict[str, Any]:
        """Return the item that lists a day; it outlives the last window that starts on it."""
        expires = self._expiry(start) + DAY_SECONDS
        return {**day_key(metric, day), "expires_at": {"N": str(expires)}}

    def _expiry(self, window_start: int) -> int:
        return window_start + LONGEST_WINDOW + int((self._keep + GRACE).total_seconds())

    def _write(self, items: list[dict[str, Any]], deadline: Deadline) -> None:
        lots = list(_lots(items))
        if self._at_once == 1 or len(lots) < 2:  # noqa: PLR2004 - one request needs no thread
            for lot in lots:
                self._put(lot, deadline)
            return
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self._at_once, thread_name_prefix="parts")
        list(self._workers.map(lambda lot: self._put(lot, deadline), lots))

    def _put(self, lot: list[dict[str, Any]], deadline: Deadline) -> None:
        """Put up to 25 items; what DynamoDB leaves unprocessed is put again."""
        waiting: list[Any] = [{"PutRequest": {"Item": item}} for item in lot]
        try:
            for attempt in attempts(deadline, first_pause=0.05, longest_pause=1.0):
                with attempt:
                    _again_without(deadline)
                    try:
                        answer = self._client.batch_write_item(RequestItems={self._table: waiting})
                    except (BotoCoreError, ClientError, OSError) as error:
                        raise Again(code_of(error)) from error
                    waiting = answer.get("UnprocessedItems", {}).get(self._table, [])
                    _again_if(waiting)
        except Again as error:
            raise silent(f"the table {self._table}", error.reason) from error


def _lots(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Cut the items into what one request carries."""
    lot: list[dict[str, Any]] = []
    size = 0
    for item in items:
        more = len(item["data"]["B"]) if "data" in item else 0
        if lot and (len(lot) == PUTS or size + more > PUT_BYTES):
            yield lot
            lot, size = [], 0
        lot.append(item)
        size += more
    if lot:
        yield lot


def _again_without(deadline: Deadline) -> None:
    if not deadline.remaining():
        raise Again("no time left")


def _again_if(unprocessed: list[Any]) -> None:
    if unprocessed:
        raise Again("unprocessed items")
