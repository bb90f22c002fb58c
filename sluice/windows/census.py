"""The census: how far every shard is counted, and so which windows are complete.

The completeness watermark is a moment: all that arrived before, in any shard, is in committed segments. It is
taken after each commit from what the lanes say, and once a minute also by asking the stream about shards
at rest, which no call would ever tell of.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.deadline import Deadline
from sluice.delivery.calls import Unmet, call
from sluice.delivery.entries import padded
from sluice.windows.commit import HEADER_GRACE
from sluice.windows.counting import AHEAD
from sluice.windows.items import Lane
from sluice.windows.keys import lane_key, watermark_key
from sluice.windows.recovery import Stream
from sluice.windows.store import WindowTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LISTED_MS = 250
"""A record in a shard that was not listed arrived after the listing, less this: clocks may differ."""

AT_REST_MS = 5_000
"""A record that GetRecords did not give arrived after it was asked, less this."""

STALE_MS = 10_000
"""A lane that is further behind is worth asking the stream about."""

LANE_GRACE = AHEAD + HEADER_GRACE
"""How much longer than windows the lane of an ended shard is kept: its last window may lie that far ahead."""


class Census:
    """Takes the watermark. Needs `dynamodb:Query` and `UpdateItem` on the table `windows`.

    `keep` is how long windows are kept.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        stream: Stream,
        *,
        keep: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._table = table
        self._windows = WindowTable(client, table)
        self._stream = stream
        self._keep = keep
        self._now = now

    def take(self, deadline: Deadline, *, ask: bool) -> int | None:
        """Advance the watermark and return it, in epoch milliseconds; None when it cannot be told yet.

        The stream is asked about closed shards, whose end no call tells of, and with `ask` also about others
        that no call has told of for a while. Raises DeliveryError when the stream or the table does not
        answer.
        """
        asked_at, shards = self._list(deadline)
        lanes = call(self._windows.lanes, deadline, what=f"the table {self._table}")
        silent = [
            lane
            for lane in (lanes.get(shard, Lane(shard)) for shard in shards)
            if not lane.ended
            if shards[lane.lane] or (ask and (lane.through or 0) < asked_at - STALE_MS)
        ]
        for lane in sorted(silent, key=lambda lane: lane.through or 0):
            if not deadline.remaining():
                break  # those asked first were furthest behind: the next census asks the others
            lanes[lane.lane] = self._at_rest(lane, asked_at, deadline)
        through = _least(shards, lanes, asked_at)
        if through == asked_at - LISTED_MS:
            # only a shard that was not listed holds it back, mostly from the end of a window: look once more
            deadline.sleep(LISTED_MS / 1000)
            asked_at, shards = self._list(deadline)
            through = _least(shards, lanes, asked_at)
        if through is not None:
            self._write(through, deadline)
        return through

    def _list(self, deadline: Deadline) -> tuple[int, dict[str, bool]]:
        """Return when all shards were listed, in epoch milliseconds, and which of them are closed."""
        return int(self._now().timestamp() * 1000), self._stream.shards(deadline)

    def _at_rest(self, lane: Lane, asked_at: int, deadline: Deadline) -> Lane:
        """Return the lane, further on if its shard has nothing that is not committed."""
        if lane.in_hand(asked_at):
            return lane
        page = self._stream.at_rest(lane, deadline)
        if page is None:
            return lane
        through = max(asked_at - AT_REST_MS, lane.through or 0)
        put: dict[str, Any] = {"through": {"N": str(through)}}
        if page.ended:
            expires = int((self._now() + self._keep + LANE_GRACE).timestamp())
            put |= {"ended": {"BOOL": True}, "expires_at": {"N": str(expires)}}
        known = {
            "number": {"N": str(lane.number)} if lane.number else None,
            "mark": None if lane.mark is None else {"S": padded(lane.mark)},
        }
        values = {**put, **{f"was_{name}": value for name, value in known.items() if value is not None}}
        try:
            call(
                self._client.update_item,
                deadline,
                what=f"the table {self._table}",
                TableName=self._table,
                Key=lane_key(lane.lane),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in put),
                ConditionExpression=" AND ".join(
                    f"attribute_not_exists(#{name})" if value is None else f"#{name} = :was_{name}"
                    for name, value in known.items()
                ),
                ExpressionAttributeNames={f"#{name}": name for name in (*put, *known)},
                ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
            )
        except Unmet:
            return lane  # a call has committed meanwhile, and says itself how far it came
        return replace(lane, through=through, ended=page.ended)

    def _write(self, through: int, deadline: Deadline) -> None:
        with suppress(Unmet):  # another census was further on already
            call(
                self._client.update_item,
                deadline,
                what=f"the table {self._table}",
                TableName=self._table,
                Key=watermark_key(),
                UpdateExpression="SET #through = :through, #taken = :taken",
                ConditionExpression="attribute_not_exists(#through) OR #through < :through",
                ExpressionAttributeNames={"#through": "through", "#taken": "taken_at"},
                ExpressionAttributeValues={
                    ":through": {"N": str(through)},
                    ":taken": {"S": self._now().isoformat()},
                },
            )


def _least(shards: Mapping[str, bool], lanes: Mapping[str, Lane], asked_at: int) -> int | None:
    """Return up to when all shards are committed, in epoch milliseconds; None if one cannot tell."""
    throughs = [asked_at - LISTED_MS]
    for shard, closed in shards.items():
        lane = lanes.get(shard, Lane(shard))
        if lane.ended and closed:  # a list that still has it open is old, and may lack those that follow it
            continue
        if lane.through is None:
            return None
        throughs.append(lane.through)
    return min(throughs)
