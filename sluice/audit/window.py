"""What lies in the time that is audited: entries of the ledger, and the few batches across its beginning."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sluice.audit.spans import Span
from sluice.delivery import Entry


@dataclass(frozen=True, slots=True)
class Window:
    """Everything that arrived from `since` on (None: ever), whole batches across it included.

    `late` counts the records of batches that the stream's metric may not tell of yet.
    """

    since: datetime | None
    spans: tuple[Span, ...]
    redriven: tuple[Entry, ...]
    across: tuple[Span, ...]
    late: int
    first_arrived: datetime | None
    last_closed: datetime | None

    def holds(self, shard: str, sequence: int, arrived: datetime) -> bool:
        """Whether a record belongs to what is audited."""
        return self.since is None or arrived >= self.since or self.across_it(shard, sequence)

    def across_it(self, shard: str, sequence: int) -> bool:
        """Whether a record lies in a batch that arrived in part before the window."""
        return any(span.shard == shard and span.first <= sequence <= span.last for span in self.across)


def window(entries: Iterable[Entry], since: datetime | None, told_until: datetime | None = None) -> Window:
    """Sort the ledger's entries into what is audited and what came before.

    `told_until` is the moment up to which the stream's metric is complete (None: it always is).
    """
    spans: list[Span] = []
    across: list[Span] = []
    redriven: list[Entry] = []
    arrivals: list[datetime] = []
    closings: list[datetime] = []
    late = 0
    for entry in entries:
        if entry.state != "closed":
            continue
        if since is not None and entry.last_arrived is not None and entry.last_arrived < since:
            continue
        if entry.redriven:
            redriven.append(entry)
            continue
        span = _span(entry)
        spans.append(span)
        if since is not None and entry.first_arrived is not None and entry.first_arrived < since:
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
    )


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
