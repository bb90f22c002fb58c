"""Events packed into aggregates of the Kinesis Producer Library, each within one shard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluice.producer.destinations import MAX_RECORD_BYTES
from sluice.producer.receipts import Parcel
from sluice.producer.shards import hash_of
from sluice.records.aggregate import MOST_RECORDS, Aggregate

if TYPE_CHECKING:
    from sluice.producer.receipts import Receipt
    from sluice.producer.shards import Shards


@dataclass(slots=True)
class _Open:
    """An aggregate that takes more; `first_hash` is where its first event belongs, in its shard's range."""

    since: float
    first_hash: int
    aggregate: Aggregate = field(default_factory=Aggregate)
    receipts: list[Receipt] = field(default_factory=list)


class Packer:
    """One open aggregate per shard. Times are seconds of the caller's clock."""

    def __init__(self, shards: Shards, *, max_bytes: int, linger: float, ordered: bool) -> None:
        self.shards = shards
        self._max_bytes = max_bytes
        self._linger = linger
        self._ordered = ordered
        self._open: dict[str, _Open] = {}  # oldest first

    @property
    def empty(self) -> bool:
        """Whether no aggregate is open."""
        return not self._open

    def add(self, receipt: Receipt, now: float) -> Parcel | None:
        """Pack an event, and return the aggregate that was too full for it, if any."""
        hashed = place_of(receipt)
        shard = self.shards.of(hashed)
        found = self._open.get(shard)
        full = None
        if found is None or not self._joined(found, receipt):
            full = None if found is None else self._seal(shard)
            found = self._open[shard] = _Open(now, hashed)
            found.aggregate.add(receipt.key, receipt.data, receipt.hash_key)
        found.receipts.append(receipt)
        return full

    def _joined(self, found: _Open, receipt: Receipt) -> bool:
        """Add an event to an aggregate if it fits in."""
        return len(found.receipts) < MOST_RECORDS and found.aggregate.add(
            receipt.key, receipt.data, receipt.hash_key, self._max_bytes
        )

    def due(self, now: float, *, all_at_once: bool) -> list[Parcel]:
        """Return the aggregates that have waited long enough."""
        over = [
            shard for shard, each in self._open.items() if all_at_once or each.since + self._linger <= now
        ]
        return [self._seal(shard) for shard in over]

    def next_at(self) -> float | None:
        """Return when the oldest open aggregate is due."""
        return next((each.since + self._linger for each in self._open.values()), None)

    def clear(self) -> list[Receipt]:
        """Take the events of all open aggregates out."""
        found = [receipt for each in self._open.values() for receipt in each.receipts]
        self._open.clear()
        return found

    def _seal(self, shard: str) -> Parcel:
        """Close an aggregate. One event alone travels as it is, as with KPL: it would only grow.

        Where order matters it does so only when it would grow too large.

        The outer hash key is the first event's, which lies in the shard. The outer partition key decides
        which of a mapping's parallel batches the record joins: where order matters, a shard has but one.
        """
        found = self._open.pop(shard)
        first = found.receipts[0]
        alone = len(found.receipts) == 1
        key = shard if self._ordered else first.key
        if alone and (not self._ordered or found.aggregate.size + len(key.encode()) > MAX_RECORD_BYTES):
            row = (first.key, first.data, first.hash_key)
            size = len(first.data) + len(first.key.encode())
        else:
            row = (key, found.aggregate.encode(), str(found.first_hash))
            size = len(row[1]) + len(key.encode())
        return Parcel(
            row,
            size,
            found.receipts,
            queued=found.since,
            lane=shard if self._ordered else None,
            shard=shard or None,
            version=self.shards.version,
        )


def place_of(receipt: Receipt) -> int:
    """Return where an event belongs between 0 and 2**128."""
    return hash_of(receipt.key) if receipt.hash_key is None else int(receipt.hash_key)
