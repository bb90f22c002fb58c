"""What lies in the time that is audited: entries of the ledger, and the few batches across its beginning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sluice.audit.spans import Span
from sluice.delivery import Entry


@dataclass(frozen=True, slots=True)
class Window:
    """Everything that arrived from `since` on (None: ever), whole batches across it included.

    `late` counts the records of batches that the stream's metric may not tell of yet. `marks` are the highest
    sequence numbers of shards, also of batches beyond the time audited; `passed` are shards of which such a
    batch is settled.
    """

    since: datetime | None
    spans: tuple[Span, ...]
    redriven: tuple[Entry, ...]
    across: tuple[Span, ...]
    late: int
    first_arrived: datetime | None
    last_closed: datetime | None
    marks: Mapping[str, int] = field(default_factory=dict)
    passed: frozenset[str] = frozenset()
    until: datetime | None = None

    def holds(self, shard: str, sequence: int, arrived: datetime) -> bool:
        """Whether a record belongs to what is audited."""
        return self.reaches(arrived, arrived) or self.across_it(shard, sequence)

    def reaches(self, first: datetime, last: datetime) -> bool:
        """Whether something of a batch that arrived from `first` to `last` belongs to what is audited."""
        return (self.since is None or last >= self.since) and (self.until is None or first < self.until)

    def cuts(self, first: datetime, last: datetime) -> bool:
        """Whether only a part of such a batch does."""
        return any(moment is not None and first < moment <= last for moment in (self.since, self.until))

    def across_it(self, shard: str, sequence: int) -> bool:
        """Whether a record lies in a batch that arrived in part before the window."""
        return any(span.shard == shard and span.first <= sequence <= span.last for span in self.across)


def window(
    entries: Iterable[Entry],
    since: datetime | None,
    told_until: datetime | None = None,
    until: datetime | None = None,
) -> Window:
    """Sort the ledger's entries into what is audited and what came before.

    `told_until` is the moment up to which the stream's metric is complete (None: it always is). What arrived
    from `until` on is not audited.
    """
    spans: list[Span] = []
    across: list[Span] = []
    redriven: list[Entry] = []
    arrivals: list[datetime] = []
    closings: list[datetime] = []
    late = 0
    beyond = _Beyond(until)
    for entry in entries:
        if entry.state != "closed" or _ended(entry, since) or not beyond.leaves(entry):
            continue
        if entry.redriven:
            redriven.append(entry)
            continue
        span = _span(entry)
        spans.append(span)
        if _across(entry, since) or _across(entry, until):
            across.append(span)
        if told_until is not None and entry.last_arrived is not None and entry.last_arrived >= told_until:
            late += entry.records
        if entry.first_arrived:
            arrivals.append(entry.first_arrived)
        if entry.closed_at:
            closings.append(entry.closed_at)
    return Window(
        since,
        tuple(spans),
        tuple(redriven),
        tuple(across),
        late,
        min(arrivals, default=None),
        max(closings, default=None),
        beyond.marks,
        frozenset(beyond.passed),
        until,
    )


class _Beyond:
    """What the entries say of each shard, also those of the time from `until` on."""

    def __init__(self, until: datetime | None) -> None:
        self._until = until
        self.marks: dict[str, int] = {}
        self.passed: set[str] = set()

    def leaves(self, entry: Entry) -> bool:
        """Take note of an entry; return whether it is audited."""
        if not entry.redriven:
            self.marks[entry.shard] = max(entry.last, self.marks.get(entry.shard, entry.last))
            if self._until and entry.last_arrived and entry.last_arrived >= self._until:
                self.passed.add(entry.shard)
        return self._until is None or entry.first_arrived is None or entry.first_arrived < self._until


def _ended(entry: Entry, moment: datetime | None) -> bool:
    """Whether a batch arrived before a moment as a whole, as far as both are known."""
    return moment is not None and entry.last_arrived is not None and entry.last_arrived < moment


def _across(entry: Entry, moment: datetime | None) -> bool:
    """Whether a batch arrived in part before a moment, and in part from then on."""
    if moment is None or entry.first_arrived is None or entry.last_arrived is None:
        return False
    return entry.first_arrived < moment <= entry.last_arrived


def _span(entry: Entry) -> Span:
    return Span(
        shard=entry.shard,
        first=entry.first,
        last=entry.last,
        delivered=entry.delivered,
        dead_lettered=entry.dead_lettered,
        skipped=entry.skipped,
        surplus=entry.surplus,
        closed_at=entry.closed_at.timestamp() if entry.closed_at else 0.0,
        arrived=(entry.first_arrived, entry.last_arrived)
        if entry.first_arrived and entry.last_arrived
        else None,
        latency=entry.latency,
    )
