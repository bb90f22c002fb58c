"""The ledger followed: each entry is read once, then only what is new; far back only piece by piece."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from sluice.delivery import Entry, LedgerReader

AGAIN = 16
"""Newest entries of a lane that are read again: batches in hand then may be closed by now."""

AT_ONCE = 4_000
"""Entries of a lane that one look goes further back."""

MOST = 50_000
"""Entries of a lane that are kept; older ones are left out, and the page says from when on it tells."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Lane:
    """One sink's way through one shard; `reached` is from when on it is known without gap."""

    reader: LedgerReader
    sink: str
    shard: str
    entries: dict[int, Entry] = field(default_factory=dict)
    reached: datetime | None = None

    def follow(self, since: datetime | None) -> None:
        """Read what is new, then back to `since`, or one piece of the way."""
        since = since or LONG_AGO
        if self.entries:
            newest = sorted(self.entries)[-AGAIN:][0]
            self._keep(self.reader.lane(self.sink, self.shard, after=newest - 1))
        if not self.entries or self.reached is None or self.reached > since:
            oldest = min(self.entries, default=None)
            piece = list(islice(self.reader.lane(self.sink, self.shard, before=oldest), AT_ONCE))
            self._keep(iter(piece))
            self.reached = self._reached(piece)
        self._forget()

    def _reached(self, piece: list[Entry]) -> datetime:
        if len(piece) < AT_ONCE:
            return LONG_AGO
        return piece[-1].first_arrived or LONG_AGO

    def _keep(self, entries: Iterator[Entry]) -> None:
        self.entries.update({entry.first: entry for entry in entries})

    def _forget(self) -> None:
        if len(self.entries) <= MOST:
            return
        for first in sorted(self.entries)[: len(self.entries) - MOST]:
            forgotten = self.entries.pop(first)
            last = forgotten.last_arrived or LONG_AGO
            self.reached = max(self.reached or last, last)


class Lanes:
    """All lanes of all sinks."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader
        self._lanes: dict[tuple[str, str], Lane] = {}

    def follow(self, sinks: Mapping[str, object], shards: list[str], since: datetime | None) -> datetime:
        """Read on; return from when on every lane is known, `since` at the earliest."""
        wanted = [(sink, shard) for sink in sinks for shard in shards]
        for key in wanted:
            self._lanes.setdefault(key, Lane(self._reader, *key)).follow(since)
        for key in self._lanes.keys() - set(wanted):
            del self._lanes[key]
        reached = [lane.reached or LONG_AGO for lane in self._lanes.values()]
        return max([since or LONG_AGO, *reached])

    def entries(self, sink: str, since: datetime) -> list[Entry]:
        """Return the sink's closed entries with records that arrived from `since` on."""
        return [
            entry
            for (name, _), lane in self._lanes.items()
            if name == sink
            for entry in lane.entries.values()
            if entry.state == "closed" and entry.last_arrived is not None and entry.last_arrived >= since
        ]

    def redriven(self, sink: str, since: datetime) -> list[Entry]:
        """Return the records that were driven into the sink again, of those that arrived from `since` on."""
        shards = {shard for name, shard in self._lanes if name == sink}
        found = [entry for shard in sorted(shards) for entry in self._reader.lane(sink, shard, redriven=True)]
        return [
            entry
            for entry in found
            if entry.state == "closed" and entry.last_arrived is not None and entry.last_arrived >= since
        ]
