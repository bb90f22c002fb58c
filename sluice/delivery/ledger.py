"""The delivery ledger in DynamoDB: written ahead of each attempt, closed for what an attempt settled.

Partition key `lane` is "<sink>#<shard>", sort key `first` the padded sequence number of the first record. All
writes are idempotent: a retry overwrites its own item. The function needs `dynamodb:Query` and
`dynamodb:UpdateItem`, nothing else.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sluice.deadline import Deadline
from sluice.delivery.calls import Unmet, call
from sluice.delivery.caution import ATTRIBUTES, Caution, caution_for
from sluice.delivery.entries import Item, closed_values, first_of, lane_of, padded, redriven_lane
from sluice.delivery.latency import histogram
from sluice.records import Record, packed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEIGHBOURS = 10
"""Items read before an attempt: the batch's own and those nearest before it. 10 of 400 bytes are 1 RCU."""

MANY = 1000
"""Items a page where that is not enough, as in a large batch over many small ones."""

_BEYOND = ";"
"""Sorts behind the `:sub` of every item that begins with the same sequence number."""

Settled = tuple[Record, str]
"""A record and its state: delivered, dead_lettered or skipped."""

Packed = Callable[[Iterable[Record]], tuple[int, int]]
"""Says how many aggregates records came out of, and how many of them did."""


@dataclass(slots=True)
class Opened:
    """An attempt that the ledger knows of, under the sort key `own`.

    `covered` are the closed intervals that reach into its batch.
    """

    lane: str
    own: str
    first: int
    last: int
    caution: Caution
    covered: tuple[tuple[int, int], ...]


class Ledger:
    """The books of one sink.

    `disjoint` says that a shard's batches come one after another (parallelization 1). Then a record that a
    closed item covers is settled, and no later item counts it again, however the batches were cut anew. At a
    higher parallelization the batches of a shard interleave: items overlap, and their counts add up.

    `process` names the runtime, afresh for each: an attempt of one's own that never ended in the books was no
    crash, since one is still there. The ledger had fallen silent.

    `cut_aggregates` is for a source that takes aggregates apart by itself and may hand their events over in
    several batches: a batch can begin within one, and each counts the events beyond an aggregate's first.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        sink: str,
        *,
        keep: timedelta,
        disjoint: bool = False,
        cut_aggregates: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        process: str | None = None,
    ) -> None:
        self._client = client
        self._table = table
        self._sink = sink
        self._keep = keep
        self._disjoint = disjoint
        self._packed = _beyond_the_first if cut_aggregates else packed
        self._now = now
        self._process = process or uuid4().hex

    def open(
        self, shard: str, first: int, last: int, deadline: Deadline, *, sub: int | None = None
    ) -> Opened:
        """Write down that an attempt at the records `first` to `last` begins, and learn of earlier ones.

        `sub` is the first record's place in its aggregate, where a batch can begin within one.

        Raises DeliveryError when the ledger does not answer: without it nothing may be handled.
        """
        lane = lane_of(self._sink, shard)
        items = self._reaching(lane, first, last, deadline)
        own = padded(first) + (f":{sub}" if sub else "")
        caution = caution_for(items, first, self._process, own=own, disjoint=self._disjoint)
        opened = Opened(lane, own, first, last, caution, tuple(_closed(items, first)))
        now = self._now()
        self._update(
            lane,
            own,
            deadline,
            put={
                "open_last": {"S": padded(last)},
                "opened_at": {"S": now.isoformat()},
                "process": {"S": self._process},
                "expires_at": {"N": str(int((now + self._keep).timestamp()))},
                **opened.caution.values(),
            },
            drop=("suspect", *(name for name in ATTRIBUTES if name not in opened.caution.values())),
            also="#state = if_not_exists(#state, :open), #attempts = if_not_exists(#attempts, :none) + :one",
            names=("state", "attempts"),
            given={":open": {"S": "open"}, ":none": {"N": "0"}, ":one": {"N": "1"}},
        )
        return opened

    def mark(self, opened: Opened, suspect: str, deadline: Deadline) -> None:
        """Name the record, or DELIVERY, that is to blame if this attempt never ends. Raises DeliveryError."""
        self._update(opened.lane, opened.own, deadline, put={"suspect": {"S": suspect}})

    def close(self, opened: Opened, settled: Sequence[Settled], read: int, deadline: Deadline) -> None:
        """Enter what became of the batch's first records, and end the attempt.

        `settled` lies below the lowest failure and may be empty; `read` is the last sequence number that was
        read without harm (-1: none). Raises DeliveryError when that cannot be written down.
        """
        runs = list(_uncovered(settled, opened.covered)) if self._disjoint else [settled] if settled else []
        settled_to = int(settled[-1][0].sequence) if settled else -1
        caution = opened.caution.after(read=read, settled=settled_to)
        own = opened.own
        ended = False
        for run in reversed(runs):
            first = padded(int(run[0][0].sequence)) if self._disjoint else own
            ended = self._close_run(opened.lane, first, run, caution if first == own else None, deadline)
            ended = ended and first == own
        if not ended:
            covered = any(first <= opened.first <= last for first, last in opened.covered)
            # an attempt inside another item's interval leaves no item of its own behind
            drop = ("state",) if self._disjoint and covered and not _own_item(opened) else ()
            self._update(opened.lane, own, deadline, put=caution.values(), drop=(*_ended(caution), *drop))

    def redriven(self, settled: Sequence[Settled], deadline: Deadline) -> None:
        """Enter records that came back from the dead letters, each by itself; the newest redrive counts."""
        now = self._now()
        for record, state in settled:
            counts = dict.fromkeys(("delivered", "dead_lettered", "skipped"), 0) | {state: 1}
            sub = "" if record.sub_sequence is None else f":{record.sub_sequence}"
            first = padded(int(record.sequence)) + sub
            self._update(
                redriven_lane(self._sink, record.shard),
                first,
                deadline,
                put={
                    **self._closing(first, [(record, state)], now, packed),
                    **{name: {"N": str(count)} for name, count in counts.items()},
                },
            )

    def _close_run(
        self, lane: str, first: str, run: Sequence[Settled], ends: Caution | None, deadline: Deadline
    ) -> bool:
        """Close one item; return False when the item already covers more than `run`, and then leave it."""
        last = padded(int(run[-1][0].sequence))
        try:
            self._update(
                lane,
                first,
                deadline,
                put={
                    **self._closing(last, run, self._now(), self._packed),
                    **(ends.values() if ends else {}),
                },
                drop=_ended(ends) if ends else (),
                unless="attribute_not_exists(#last) OR #last <= :last",
            )
        except Unmet:
            return False
        return True

    def _closing(self, last: str, run: Sequence[Settled], now: datetime, packed: "Packed") -> dict[str, Any]:
        arrivals = [record.arrived_at for record, _ in run]
        return closed_values(
            last=last,
            states=Counter(state for _, state in run),
            latency=histogram(arrivals, now.timestamp()),
            arrived=(min(arrivals), max(arrivals)),
            packed=packed(record for record, _ in run),
            now=now,
            keep=self._keep,
        )

    def _reaching(self, lane: str, first: int, last: int, deadline: Deadline) -> list[Item]:
        """Return the lane's items that begin at or before `last`, back to the closed one before the batch."""
        items: list[Item] = []
        start: Mapping[str, Any] | None = None
        limit = NEIGHBOURS
        while True:
            page = self._call(
                self._client.query,
                deadline,
                TableName=self._table,
                KeyConditionExpression="#lane = :lane AND #first <= :last",
                ExpressionAttributeNames={"#lane": "lane", "#first": "first"},
                ExpressionAttributeValues={":lane": {"S": lane}, ":last": {"S": padded(last) + _BEYOND}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
                **({"ExclusiveStartKey": start} if start else {}),
            )
            items += page["Items"]
            start, limit = page.get("LastEvaluatedKey"), MANY
            if start is None or any(_is_closed(item) and first_of(item) <= first for item in items):
                return items

    def _update(
        self,
        lane: str,
        first: str,
        deadline: Deadline,
        *,
        put: Mapping[str, Any],
        drop: Iterable[str] = (),
        also: str = "",
        names: Iterable[str] = (),
        given: Mapping[str, Any] | None = None,
        unless: str = "",
    ) -> None:
        """Set `put`, remove `drop`; every name gets a placeholder because DynamoDB reserves many words."""
        sets = ", ".join(filter(None, [*(f"#{name} = :{name}" for name in put), also]))
        drops = ", ".join(f"#{name}" for name in drop)
        expression = (f"SET {sets} " if sets else "") + (f"REMOVE {drops}" if drops else "")
        values = {**{f":{name}": value for name, value in put.items()}, **(given or {})}
        self._call(
            self._client.update_item,
            deadline,
            TableName=self._table,
            Key={"lane": {"S": lane}, "first": {"S": first}},
            UpdateExpression=expression,
            ExpressionAttributeNames={f"#{name}": name for name in (*put, *drop, *names)},
            **({"ExpressionAttributeValues": values} if values else {}),
            **({"ConditionExpression": unless} if unless else {}),
        )

    def _call(self, operation: Callable[..., Any], deadline: Deadline, **request: Any) -> Any:
        return call(operation, deadline, what=f"the delivery ledger {self._table}", **request)


def _ended(caution: Caution) -> tuple[str, ...]:
    return ("attempts", "suspect", *(name for name in ATTRIBUTES if name not in caution.values()))


def _is_closed(item: Item) -> bool:
    return bool(item.get("state", {}).get("S") == "closed")


def _closed(items: Iterable[Item], first: int) -> Iterator[tuple[int, int]]:
    for item in items:
        if _is_closed(item) and int(item["last"]["S"]) >= first:
            yield first_of(item), int(item["last"]["S"])


def _own_item(opened: Opened) -> bool:
    return any(first == opened.first for first, _ in opened.covered)


def _uncovered(settled: Sequence[Settled], covered: Sequence[tuple[int, int]]) -> Iterator[list[Settled]]:
    """Cut the settled records into runs between the intervals that are closed already."""
    firsts = sorted(first for first, _ in covered)
    lasts = list(accumulate((last for _, last in sorted(covered)), max))
    run: list[Settled] = []
    for each in settled:
        sequence = int(each[0].sequence)
        at = bisect_right(firsts, sequence) - 1
        if at >= 0 and sequence <= lasts[at]:
            if run:
                yield run
            run = []
        else:
            run.append(each)
    if run:
        yield run


def _beyond_the_first(records: Iterable[Record]) -> tuple[int, int]:
    """Count the events beyond the first of their aggregate: so many more are events than records."""
    return 0, sum(bool(record.sub_sequence) for record in records)
