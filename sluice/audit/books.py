"""The arithmetic of the books, without any cloud: evidence in, a balance and sentences out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sluice.audit.spans import Lettered, Settled, Span, keep_all, merge_latency, percentile, settle
from sluice.delivery import latency_ms


@dataclass(frozen=True, slots=True)
class Pointer:
    """A batch that Lambda gave up on: `count` records of a shard, from `first` to `last`."""

    shard: str
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one record when it was redriven last."""

    shard: str
    sequence: int
    state: Literal["delivered", "dead_lettered", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found out about one sink.

    `found` counts the records in the sink itself, `letters` the distinct dead letters in the queue (None if
    there were too many to read), `behind` the stream's records after the last closed batch of each shard
    (`behind_complete` is False when they were too many to count), `oldest` when the first of those arrived.
    `parallel` says that the mapping works on several batches of a shard at once: their intervals interleave.
    """

    sink: str
    spans: Sequence[Span]
    found: int
    duplicates: int = 0
    behind: int = 0
    behind_complete: bool = True
    oldest: datetime | None = None
    parallel: bool = False
    letters: int | None = None
    pointers: Sequence[Pointer] = ()
    redriven: Sequence[Redriven] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkBooks:
    """Where one sink's records are, and what does not agree, in sentences."""

    sink: str
    delivered: int
    dead_lettered: int
    skipped: int
    in_flight: int
    redriven: int = 0
    duplicates: int = 0
    spans: tuple[Span, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All records that are in some state."""
        return self.delivered + self.dead_lettered + self.skipped + self.in_flight

    def latency(self, share: float) -> float | None:
        """Return the milliseconds from arrival to settlement that this share (0 to 1) of its records kept."""
        bucket = percentile(merge_latency(self.spans), share)
        return None if bucket is None else round(latency_ms(bucket), 1)

    def document(self) -> dict[str, int]:
        """Return the sink's part of `audit --json`."""
        return {
            "delivered": self.delivered,
            "dead_lettered": self.dead_lettered,
            "skipped": self.skipped,
            "in_flight": self.in_flight,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The whole balance. `latency_ms` is from arrival in the stream to the closing of the record's batch."""

    produced: int
    sinks: tuple[SinkBooks, ...]
    dead_letters: int
    elapsed_seconds: float
    p50: float | None = None
    p99: float | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether every accepted record is in exactly one state, in every sink, as far as anyone can see."""
        return not self.problems and not any(sink.problems for sink in self.sinks)

    @property
    def duplicates(self) -> int:
        """Records that a sink holds beyond one per event."""
        return max((sink.duplicates for sink in self.sinks), default=0)

    @property
    def in_flight(self) -> int:
        """The most records that any sink has still before it."""
        return max((sink.in_flight for sink in self.sinks), default=0)

    @property
    def sentences(self) -> list[str]:
        """All that does not agree."""
        return [*self.problems, *(problem for sink in self.sinks for problem in sink.problems)]

    def document(self) -> dict[str, Any]:
        """Return the document that `demo --json` and `audit --json` print."""
        return {
            "produced": self.produced,
            "sinks": {sink.sink: sink.document() for sink in self.sinks},
            "dead_letters": self.dead_letters,
            "duplicates": self.duplicates,
            "balanced": self.balanced,
            "elapsed_seconds": round(self.elapsed_seconds, 3),
            "latency_ms": {"p50": self.p50, "p99": self.p99},
        }


def produced_between(before: int, after: int, sinks: Iterable[SinkBooks]) -> int:
    """Choose the count of produced records that the books are held against.

    Records may arrive while the books are read: `before` and `after` are the stream's own figure at either
    end. Any total in between is exact for some moment of the reading; the first sink's total decides.
    """
    return min(max(next((sink.total for sink in sinks), before), before), after)


def balance(evidence: Evidence, *, produced: tuple[int, int] | None = None) -> SinkBooks:
    """Work out one sink's books.

    `produced` is the stream's own figure before and after the reading; None leaves it out of the comparison.
    """
    settled = keep_all(evidence.spans) if evidence.parallel else settle(evidence.spans)
    problems = [_torn(evidence.sink, settled.torn)] if settled.torn else []
    state = add_up(evidence, settled)
    # A batch in hand: its rows and letters are there before the ledger closes it.
    early_rows = evidence.found - state.delivered
    early_letters = 0 if evidence.letters is None else evidence.letters - state.lettered
    in_flight = evidence.behind
    if early_rows:
        if 0 < early_rows <= in_flight:
            in_flight -= early_rows
        else:
            problems.append(_sink_differs(evidence.sink, evidence.found, state.delivered))
    if early_letters and evidence.letters is not None:
        if 0 < early_letters <= in_flight:
            in_flight -= early_letters
            state.lettered += early_letters
        else:
            problems.append(_queue_differs(evidence.sink, evidence.letters, state.lettered))
    books = SinkBooks(
        sink=evidence.sink,
        delivered=evidence.found,
        dead_lettered=state.lettered + state.pointed,
        skipped=state.skipped,
        in_flight=in_flight,
        redriven=state.redriven,
        duplicates=evidence.duplicates,
        spans=settled.spans,
    )
    if not evidence.behind_complete:
        problems.append(
            f"{evidence.sink}: more than {evidence.behind} records are in flight, too many to count: "
            "audit again when it has caught up"
        )
    elif produced is not None and not produced[0] <= books.total <= produced[1]:
        problems.append(_total_differs(books, produced))
    return replace(books, problems=tuple(problems))


@dataclass(slots=True)
class States:
    """How many records of a sink are where, by the ledger, Lambda's pointers and what was redriven since."""

    delivered: int = 0
    lettered: int = 0
    pointed: int = 0
    skipped: int = 0
    redriven: int = 0


def add_up(evidence: Evidence, settled: Settled) -> States:
    """Add up the ledger, the batches that Lambda gave up on, and what a redrive moved since."""
    state = States(
        delivered=sum(span.delivered for span in settled.spans),
        lettered=sum(span.dead_lettered for span in settled.spans),
        skipped=sum(span.skipped for span in settled.spans),
    )
    pointers = {
        (pointer.shard, pointer.first): pointer
        for pointer in evidence.pointers
        if evidence.parallel or not settled.cover.encloses(pointer.shard, pointer.first, pointer.last)
    }
    state.pointed = sum(pointer.count for pointer in pointers.values())
    letters = Lettered(settled.spans)
    for record in evidence.redriven:
        state.redriven += record.state != "dead_lettered"
        if settled.cover.covers(record.shard, record.sequence):
            # a record that an attempt refused, and a later one delivered, had a letter that no batch counts
            if record.state != "dead_lettered" and letters.take(record.shard, record.sequence):
                state.lettered -= 1
                state.delivered += record.state == "delivered"
                state.skipped += record.state == "skipped"
            continue
        state.delivered += record.state == "delivered"
        state.skipped += record.state == "skipped"
        state.lettered += record.state == "dead_lettered"
        if any(p.shard == record.shard and p.first <= record.sequence <= p.last for p in pointers.values()):
            state.pointed -= 1
    return state


def _torn(sink: str, torn: tuple[Span, ...]) -> str:
    shards = ", ".join(sorted({span.shard for span in torn}))
    records = sum(span.records for span in torn)
    return (
        f"{sink}: {len(torn)} batches of {shards} ({records} records) overlap newer ones in part, as after a "
        "mapping was created anew; wait until it has read past them, then audit again"
    )


def _sink_differs(sink: str, found: int, ledger: int) -> str:
    if found < ledger:
        return (
            f"{sink}: the ledger says {ledger} delivered, the sink holds {found}: {ledger - found} records "
            "were removed from it (an expired partition, a deletion) or lost"
        )
    return (
        f"{sink}: the sink holds {found} records, the ledger says {ledger} delivered: {found - ledger} were "
        "written by an invocation that never closed its books, or by something else"
    )


def _queue_differs(sink: str, letters: int, ledger: int) -> str:
    if letters < ledger:
        return (
            f"{sink}: the ledger says {ledger} dead-lettered, the queue holds {letters}: {ledger - letters} "
            "dead letters were deleted, have expired, or are held by another reader"
        )
    return (
        f"{sink}: the queue holds {letters} dead letters, the ledger says {ledger}: {letters - ledger} come "
        "from before the time that was audited, or from an invocation that never closed its books"
    )


def _total_differs(books: SinkBooks, produced: tuple[int, int]) -> str:
    if books.total < produced[0]:
        return (
            f"{books.sink}: {produced[0] - books.total} of the {produced[0]} records that the stream "
            "accepted are in no state: not in the sink, not dead-lettered, not skipped, not in flight"
        )
    return (
        f"{books.sink}: {books.total - produced[1]} records more are accounted for than the stream's "
        f"{produced[1]}: its metric is some minutes late, or leaves out what arrived before the time audited"
    )
