"""What the ledger's table holds: one item for each piece of a shard that a sink settled, or has in hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Item = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB's own API writes it: {"first": {"S": "..."}}."""

SEQUENCE_DIGITS = 60
"""Sequence numbers have up to 57 digits today; padded they sort as text."""

REDRIVEN = "redriven"
"""Ends the lane of records that were driven into the sink again, one by one."""

DELIVERY = "*"
"""Stands for a suspect when the attempt was writing to the sink, not reading one record."""


def lane_of(sink: str, shard: str) -> str:
    """Return the table's partition key for one sink's way through one shard."""
    return f"{sink}#{shard}"


def redriven_lane(sink: str, shard: str) -> str:
    """Return the partition key under which redriven records of a shard are kept."""
    return f"{sink}#{shard}#{REDRIVEN}"


def padded(sequence: int) -> str:
    """Return a sequence number as the table's sort key holds it."""
    return f"{sequence:0{SEQUENCE_DIGITS}d}"


def first_of(item: Item) -> int:
    """Return the sequence number with which an item begins, be it within an aggregate."""
    return int(item["first"]["S"].partition(":")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of the ledger.

    A closed entry says what became of the records `first` to `last`. An open one is in hand: `last` is where
    the attempt under way, or the newest one, ends. `latency` counts settled records per bucket (see
    `latency_ms`) from arrival to the moment the books closed. `redriven` marks a record that came back
    from the dead letters; such an entry holds one record, and `position` is its sequence number with
    `:sub` for a record out of an aggregate.

    It counts events: a record each, but for `aggregated` ones that came in only `aggregates` records.
    """

    sink: str
    shard: str
    first: int
    last: int
    state: Literal["open", "closed"]
    delivered: int = 0
    dead_lettered: int = 0
    skipped: int = 0
    aggregates: int = 0
    aggregated: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)
    first_arrived: datetime | None = None
    last_arrived: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    attempts: int = 0
    redriven: bool = False
    position: str = ""

    @property
    def events(self) -> int:
        """How many events the entry settles."""
        return self.delivered + self.dead_lettered + self.skipped

    @property
    def surplus(self) -> int:
        """How many more events than records of the stream these are: an aggregate is one record of many."""
        return self.aggregated - self.aggregates

    @property
    def records(self) -> int:
        """How many records of the stream the entry settles."""
        return self.events - self.surplus


def entry_of(item: Item) -> Entry:
    """Return the entry that an item of the table holds."""
    lane = item["lane"]["S"].split("#")
    first, _, sub = item["first"]["S"].partition(":")
    closed = item.get("state", {}).get("S") == "closed"
    last = item["last"] if closed else item.get("open_last", item["first"])
    return Entry(
        sink=lane[0],
        shard=lane[1],
        first=int(first),
        last=int(last["S"].partition(":")[0]),
        state="closed" if closed else "open",
        delivered=_number(item, "delivered"),
        dead_lettered=_number(item, "dead_lettered"),
        skipped=_number(item, "skipped"),
        aggregates=_number(item, "aggregates"),
        aggregated=_number(item, "aggregated"),
        latency={int(bucket): int(n["N"]) for bucket, n in item.get("latency", {}).get("M", {}).items()},
        first_arrived=_moment(item, "first_arrived"),
        last_arrived=_moment(item, "last_arrived"),
        opened_at=_moment(item, "opened_at"),
        closed_at=_moment(item, "closed_at"),
        attempts=_number(item, "attempts"),
        redriven=lane[2:] == [REDRIVEN],
        position=f"{int(first)}:{sub}" if sub else str(int(first)),
    )


def closed_values(
    *,
    last: str,
    states: Mapping[str, int],
    latency: Mapping[int, int],
    arrived: tuple[float, float],
    packed: tuple[int, int],
    now: datetime,
    keep: timedelta,
) -> dict[str, Any]:
    """Return the attributes of a closed entry.

    `states` counts events by delivered, dead_lettered and skipped; `arrived` is when the first and the last
    one arrived, in epoch seconds; `packed` how many aggregates there were, and how many events they held.
    """
    aggregates, aggregated = packed
    return {
        "state": {"S": "closed"},
        "last": {"S": last},
        "delivered": {"N": str(states.get("delivered", 0))},
        "dead_lettered": {"N": str(states.get("dead_lettered", 0))},
        "skipped": {"N": str(states.get("skipped", 0))},
        "aggregates": {"N": str(aggregates)},
        "aggregated": {"N": str(aggregated)},
        "latency": {"M": {str(bucket): {"N": str(count)} for bucket, count in latency.items()}},
        "first_arrived": {"S": _iso(arrived[0])},
        "last_arrived": {"S": _iso(arrived[1])},
        "closed_at": {"S": now.isoformat()},
        "expires_at": {"N": str(int((now + keep).timestamp()))},
    }


def _iso(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()


def _number(item: Item, name: str) -> int:
    return int(item.get(name, {}).get("N", 0))


def _moment(item: Item, name: str) -> datetime | None:
    text = item.get(name, {}).get("S")
    return datetime.fromisoformat(text) if text else None
