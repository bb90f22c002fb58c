"""Committing a segment: its parts first, then in one transaction its header, the lane's mark and the ledger.

Parts carry a nonce that is new for each attempt, so an attempt that dies half-way leaves parts that no header
names. The transaction asks that the lane is where the aggregator found it: of two that add up the same
records, one commits, and the other learns that it did not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts
from sluice.delivery.calls import code_of, silent
from sluice.delivery.entries import closed_values, lane_of, padded
from sluice.errors import DeliveryError
from sluice.windows.gathered import NONE, Gathered
from sluice.windows.items import Header
from sluice.windows.keys import header_key, lane_key
from sluice.windows.writing import PartWriter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEADER_GRACE = timedelta(days=30)
"""How much longer than its parts a header is kept: parts without a header count for nothing."""


class NotCommitted(DeliveryError):  # noqa: N818 - what happened, not an error of the program
    """Some of these records are committed: by another invocation, or by this one, whose answer got lost."""


@dataclass(frozen=True, slots=True)
class Extra:
    """One more write of a segment's transaction; `on_conflict` is the error when its condition fails."""

    action: Mapping[str, Any]
    on_conflict: Exception


class Committer:
    """Commits segments. Every method raises DeliveryError when a table does not answer.

    Needs `dynamodb:PutItem` and `UpdateItem` on the table `windows`, `PutItem` on the ledger's.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        ledger: str,
        sink: str,
        *,
        parts: PartWriter,
        keep_books: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._table = table
        self._ledger = ledger
        self._sink = sink
        self._parts = parts
        self._keep_books = keep_books
        self._now = now

    def shard(self, shard: str, gathered: Gathered, through: int, deadline: Deadline) -> Header:
        """Commit the next segment of a shard's lane.

        `through` is in epoch milliseconds: all that arrived before is in this segment or an earlier one.

        Raises:
            NotCommitted: the lane is not where `gathered` began.
        """
        now = self._now()
        books = {
            "lane": {"S": lane_of(self._sink, shard)},
            "first": {"S": padded(gathered.first)},
            **closed_values(
                last=padded(gathered.last),
                states=gathered.states,
                latency=gathered.latency(now.timestamp()),
                arrived=(gathered.earliest / 1_000_000, gathered.latest / 1_000_000),
                packed=gathered.packed,
                now=now,
                keep=self._keep_books,
            ),
        }
        lane = _Move(
            put={"mark": {"S": padded(gathered.last)}, "through": {"N": str(through)}},
            was={"mark": None if gathered.prior == NONE else {"S": padded(gathered.prior)}},
        )
        entry = Extra({"Put": {"TableName": self._ledger, "Item": books}}, _raced(shard))
        header, expires_at = self._header(shard, gathered, through, deadline)
        self._commit(header, expires_at, lane, entry, deadline)
        return header

    def record(self, lane: str, gathered: Gathered, extra: Extra, deadline: Deadline) -> Header:
        """Commit the next segment of a lane without a mark: that of a single record.

        Raises:
            NotCommitted: the lane's number is not the one that `gathered` began with.
        """
        header, expires_at = self._header(lane, gathered, None, deadline)
        self._commit(header, expires_at, _Move(), extra, deadline)
        return header

    def _commit(
        self, header: Header, expires_at: int, move: "_Move", extra: Extra, deadline: Deadline
    ) -> None:
        item = {**header_key(header.lane, header.number), **header.item(expires_at)}
        place = {"TableName": self._table, "Key": lane_key(header.lane)}
        raced = _raced(header.lane)
        writes = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": item,
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
            {"Update": {**place, **move.update(header.number)}},
            extra.action,
        ]
        self._transact(writes, (raced, raced, extra.on_conflict), deadline)

    def _header(
        self, lane: str, gathered: Gathered, through: int | None, deadline: Deadline
    ) -> tuple[Header, int]:
        """Write the parts under a new nonce; return the header that makes them count, and when it expires."""
        segment = uuid4().hex[:16]
        refs, expires_at = self._parts.write(gathered.aggregates, lane, gathered.base, segment, deadline)
        header = Header(
            lane=lane,
            number=gathered.base,
            segment=segment,
            first=gathered.first,
            last=gathered.last,
            delivered=gathered.states["delivered"],
            skipped=gathered.states["skipped"],
            dead_lettered=gathered.states["dead_lettered"],
            parts=refs,
            committed_at=self._now(),
            through=through,
            refused=frozenset(gathered.refused),
        )
        return header, expires_at + int(HEADER_GRACE.total_seconds())

    def _transact(self, writes: list[Any], conflicts: tuple[Exception, ...], deadline: Deadline) -> None:
        """Write all or nothing; raises the conflict of the first write whose condition does not hold."""
        token = uuid4().hex

        def once() -> None:
            try:
                self._client.transact_write_items(TransactItems=writes, ClientRequestToken=token)
            except ClientError as error:
                reasons = error.response.get("CancellationReasons", [])
                for conflict, reason in zip(conflicts, reasons, strict=False):
                    if reason.get("Code") == "ConditionalCheckFailed":
                        raise conflict from error
                codes = [reason["Code"] for reason in reasons if reason.get("Code", "None") != "None"]
                raise Again(codes[0] if codes else code_of(error)) from error
            except (BotoCoreError, OSError) as error:
                raise Again(code_of(error)) from error

        try:
            attempts(deadline, first_pause=0.05, longest_pause=1.0)(once)
        except Again as error:
            raise silent(f"the table {self._table}", error.reason) from error


@dataclass(frozen=True, slots=True)
class _Move:
    """What a segment changes in its lane beside the number, and what was there before (None: nothing)."""

    put: Mapping[str, Any] = field(default_factory=dict)
    was: Mapping[str, Any] = field(default_factory=dict)

    def update(self, number: int) -> dict[str, Any]:
        """Return the transaction's update that follows `number` segments by one more."""
        put = {**self.put, "number": {"N": str(number + 1)}}
        was = {**self.was, "number": {"N": str(number)} if number else None}
        known = {f":was_{name}": value for name, value in was.items() if value is not None}
        return {
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in put),
            "ConditionExpression": " AND ".join(
                f"attribute_not_exists(#{name})" if value is None else f"#{name} = :was_{name}"
                for name, value in was.items()
            ),
            "ExpressionAttributeNames": {f"#{name}": name for name in put},
            "ExpressionAttributeValues": {**{f":{name}": value for name, value in put.items()}, **known},
        }


def _raced(lane: str) -> NotCommitted:
    return NotCommitted(
        f"{lane}: some of these records are committed already; the batch is retried, and what is counted is"
        " left out"
    )
