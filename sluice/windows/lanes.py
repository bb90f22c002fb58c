"""The lanes' items as the aggregator writes them: attempts that begin, suspects, attempts that end.

One write opens an attempt, and none closes it when it ends well: the state that Lambda hands to the next
call, or the mark, proves that. `seen` only rises and `begun` only falls, so that no record that was ever
handed over can be missed, whatever Lambda redelivers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sluice.deadline import Deadline
from sluice.delivery.calls import Unmet, call
from sluice.delivery.caution import ATTRIBUTES, Caution, caution_for
from sluice.delivery.entries import padded
from sluice.errors import DeliveryError
from sluice.windows.items import Item
from sluice.windows.keys import lane_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_RACES = 5
"""Times that another mapping at work on the same shard may get in between."""


class Lanes:
    """Writes lanes. Every method raises DeliveryError when the table does not answer.

    `process` names the runtime: an attempt of one's own was no crash, since one is still there.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, *, process: str, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._table = table
        self._process = process
        self._now = now

    def read(self, lane: str, deadline: Deadline) -> Item:
        """Return the lane's item; empty when there is none."""
        answer = call(
            self._client.get_item,
            deadline,
            what=self._what,
            TableName=self._table,
            Key=lane_key(lane),
            ConsistentRead=True,
        )
        return answer.get("Item") or {}

    def open(self, lane: str, first: int, last: int, deadline: Deadline) -> Item:
        """Write down that an attempt at the records `first` to `last` begins; return the item as it was."""
        try:
            return self._open(
                lane,
                deadline,
                begun="if_not_exists(#begun, :begun)",
                condition="(attribute_not_exists(#seen) OR #seen <= :seen)"
                " AND (attribute_not_exists(#begun) OR #begun <= :begun)",
                sequences={":begun": first, ":seen": last},
            )
        except Unmet:
            pass
        for _ in range(MOST_RACES):
            before = self.read(lane, deadline)
            seen, begun = int(before["seen"]["S"]), int(before["begun"]["S"])
            known = {":was_begun": begun, ":was_seen": seen}
            try:
                return self._open(
                    lane,
                    deadline,
                    begun=":begun",
                    condition="#seen = :was_seen AND #begun = :was_begun",
                    sequences={":begun": min(first, begun), ":seen": max(last, seen), **known},
                )
            except Unmet:
                continue
        raise DeliveryError(
            f"{lane}: several mappings hand over its records at once, so this batch is retried; delete all "
            "mappings from the stream to the aggregator but one"
        )

    def beware(self, lane: str, caution: Caution, deadline: Deadline) -> None:
        """Write down how carefully the attempt that was just opened goes, and that it has no suspect yet."""
        self._update(lane, caution.values(), ("suspect", *_absent(caution)), deadline)

    def mark(self, lane: str, suspect: str, deadline: Deadline) -> None:
        """Name the record, or DELIVERY, that is to blame if the attempt never ends."""
        self._update(lane, {"suspect": {"S": suspect}}, (), deadline)

    def end(self, lane: str, caution: Caution, deadline: Deadline) -> None:
        """Write down that the attempt has ended, and what the next one has to know."""
        self._update(lane, caution.values(), ("attempts", "suspect", *_absent(caution)), deadline)

    def caution(self, item: Item, first: int) -> Caution:
        """Return how to handle the records from `first` on, given the lane's item from before the attempt."""
        known = {**item, "open_last": item["seen"]} if "seen" in item else item
        return caution_for([known], first, self._process, disjoint=True)

    def _update(self, lane: str, put: Item, drop: tuple[str, ...], deadline: Deadline) -> None:
        sets = ", ".join(f"#{name} = :{name}" for name in put)
        drops = ", ".join(f"#{name}" for name in drop)
        call(
            self._client.update_item,
            deadline,
            what=self._what,
            TableName=self._table,
            Key=lane_key(lane),
            UpdateExpression=(f"SET {sets} " if sets else "") + (f"REMOVE {drops}" if drops else ""),
            ExpressionAttributeNames={f"#{name}": name for name in (*put, *drop)},
            **(
                {"ExpressionAttributeValues": {f":{name}": value for name, value in put.items()}}
                if put
                else {}
            ),
        )

    def _open(
        self, lane: str, deadline: Deadline, *, begun: str, condition: str, sequences: dict[str, int]
    ) -> Item:
        names = {
            "seen": "seen",
            "begun": "begun",
            "process": "process",
            "now": "opened_at",
            "attempts": "attempts",
        }
        answer = call(
            self._client.update_item,
            deadline,
            what=self._what,
            TableName=self._table,
            Key=lane_key(lane),
            UpdateExpression=(
                f"SET #seen = :seen, #begun = {begun}, #process = :process, #now = :now,"
                " #attempts = if_not_exists(#attempts, :none) + :one"
            ),
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{short}": name for short, name in names.items()},
            ExpressionAttributeValues={
                ":process": {"S": self._process},
                ":now": {"S": self._now().isoformat()},
                ":none": {"N": "0"},
                ":one": {"N": "1"},
                **{name: {"S": padded(sequence)} for name, sequence in sequences.items()},
            },
            ReturnValues="ALL_OLD",
        )
        return answer.get("Attributes") or {}

    @property
    def _what(self) -> str:
        return f"the table {self._table}"


def _absent(caution: Caution) -> tuple[str, ...]:
    return tuple(name for name in ATTRIBUTES if name not in caution.values())
