"""The arithmetic of the books, without any cloud: evidence in, a balance and sentences out.

The books count events. The stream counts records, and an aggregate is one record of many events: so each
sink's books say how many more events than records they are about. What a filter drops no ledger knows of: a
filtered sink is held against the events that the stream's unfiltered sinks found in its records.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sluice.audit import differences
from sluice.audit.evidence import Evidence, FilteredOut
from sluice.audit.spans import Lettered, Settled, Span, keep_all, merge_latency, percentile, settle
from sluice.delivery import latency_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkBooks:
    """Where one sink's events are, and what does not agree, in sentences.

    `skipped` takes in what the mapping's filter dropped, which is also in `filtered`, `dead_lettered` what
    a Firehose could not deliver, which is also in `undelivered`. All of them came in
    `surplus` fewer records of the `stream`: an aggregate is one record of many events. `produced` are the
    records that the stream took in; `unaccounted` of them are in no state, or `overcounted` more are in one.
    `oldest` is when the one that has been in flight for longest arrived.
    """

    sink: str
    stream: str = ""
    delivered: int
    dead_lettered: int
    skipped: int
    in_flight: int
    filtered: int = 0
    undelivered: int = 0
    produced: int = 0
    unaccounted: int = 0
    overcounted: int = 0
    oldest: datetime | None = None
    surplus: int = 0
    redriven: int = 0
    duplicates: int = 0
    spans: tuple[Span, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """All events that are in some state."""
        return self.delivered + self.dead_lettered + self.skipped + self.in_flight

    @property
    def records(self) -> int:
        """The records of the stream that all these events came in."""
        return self.total - self.surplus

    def latency(self, share: float) -> float | None:
        """Return the milliseconds from arrival to settlement that this share (0 to 1) of its records kept."""
        bucket = percentile(merge_latency(self.spans), share)
        return None if bucket is None else round(latency_ms(bucket), 1)

    def document(self) -> dict[str, int | str]:
        """Return the sink's part of `audit --json`."""
        return {
            "delivered": self.delivered,
            "dead_lettered": self.dead_lettered,
            "undelivered": self.undelivered,
            "skipped": self.skipped,
            "filtered": self.filtered,
            "in_flight": self.in_flight,
            "events": self.total,
            "records": self.records,
            "stream": self.stream,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The whole balance: `produced` are the records that the pipeline's stream took in.

    `latency_ms` is from arrival in the stream to the closing of the record's batch.
    """

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
    end. Any count in between is exact for some moment of the reading; the first sink's decides.
    """
    return min(max(next((sink.records for sink in sinks), before), before), after)


def balance(
    evidence: Evidence, *, produced: tuple[int, int] | None = None, surplus: int | None = None
) -> SinkBooks:
    """Work out one sink's books.

    `produced` are the records that the stream took in, before and after the reading; None leaves them out of
    the comparison. `surplus` is how many more events they hold, as an unfiltered sink of the stream tells; a
    filtered one needs it.
    """
    settled = keep_all(evidence.spans) if evidence.parallel else settle(evidence.spans)
    problems = [differences.torn(evidence.sink, settled.torn)] if settled.torn else []
    state = add_up(evidence, settled)
    found = state.delivered if evidence.found is None else evidence.found
    # A batch in hand: its rows and letters are there before the ledger closes it.
    early_rows = found - state.delivered
    early_letters = 0 if evidence.letters is None else evidence.letters - state.lettered
    in_flight = evidence.behind
    if early_rows:
        if 0 < early_rows <= in_flight:
            in_flight -= early_rows
        else:
            problems.append(differences.sink_differs(evidence.sink, found, state.delivered))
    if early_letters and evidence.letters is not None:
        if 0 < early_letters <= in_flight:
            in_flight -= early_letters
            state.lettered += early_letters
        else:
            problems.append(differences.queue_differs(evidence.sink, evidence.letters, state.lettered))
    books = SinkBooks(
        sink=evidence.sink,
        stream=evidence.stream,
        delivered=found,
        dead_lettered=state.lettered + state.pointed,
        skipped=state.skipped,
        in_flight=in_flight,
        surplus=state.surplus + evidence.behind_surplus,
        redriven=state.redriven,
        duplicates=evidence.duplicates,
        spans=settled.spans,
        oldest=evidence.oldest,
        problems=tuple(problems),
    )
    if produced is not None:
        books = replace(books, produced=produced_between(*produced, [books]))
    if not evidence.behind_complete:
        return _and(books, differences.too_many_behind(evidence.sink, evidence.behind))
    if evidence.filtered is not None:
        return _filtered(books, evidence.filtered, produced, books.surplus if surplus is None else surplus)
    if produced is not None and not produced[0] <= books.records <= produced[1]:
        missing = produced[0] - books.records
        if evidence.lagging and missing > 0:
            note = differences.between(books.sink, missing)
            return replace(books, in_flight=books.in_flight + missing, notes=(note,))
        books = replace(
            books,
            unaccounted=max(produced[0] - books.records, 0),
            overcounted=max(books.records - produced[1], 0),
        )
        return _and(books, differences.total_differs(books.sink, books.records, produced))
    return books


def _filtered(
    books: SinkBooks, filtered: FilteredOut, produced: tuple[int, int] | None, surplus: int
) -> SinkBooks:
    """Add what the filter dropped, and take from what is in flight what it has dropped already.

    What lies after the last closed batch may all have been dropped: only the sum tells.
    """
    ahead = books.in_flight
    books = replace(
        books,
        skipped=books.skipped + filtered.events,
        filtered=filtered.events,
        surplus=surplus,
    )
    if produced is None:
        return books
    known = books.total - ahead
    least, most = produced[0] + surplus - known, produced[1] + surplus - known
    books = replace(books, in_flight=min(max(least, 0), ahead))
    missing = least - ahead if least > ahead else min(most, 0)
    events = produced[1] + surplus
    if filtered.doubt is not None:
        note = differences.filter_unsure(books.sink, filtered.doubt, missing, events)
        return replace(books, notes=(note,))
    # while aggregates arrive, what is known of them and of the stream is not of one moment
    moving = surplus > 0 and produced[0] != produced[1]
    if not missing or moving:
        return books
    books = replace(books, unaccounted=max(missing, 0), overcounted=max(-missing, 0))
    return _and(books, differences.filter_differs(books.sink, missing, events))


def _and(books: SinkBooks, problem: str) -> SinkBooks:
    return replace(books, problems=(*books.problems, problem))


@dataclass(slots=True)
class States:
    """How many events of a sink are where, by the ledger, Lambda's pointers and what was redriven since.

    They came in `surplus` fewer records. Of a batch that Lambda gave up on only the records are known.
    """

    delivered: int = 0
    lettered: int = 0
    pointed: int = 0
    skipped: int = 0
    surplus: int = 0
    redriven: int = 0


def add_up(evidence: Evidence, settled: Settled) -> States:
    """Add up the ledger, the batches that Lambda gave up on, and what a redrive moved since."""
    state = States(
        delivered=sum(span.delivered for span in settled.spans),
        lettered=sum(span.dead_lettered for span in settled.spans),
        skipped=sum(span.skipped for span in settled.spans),
        surplus=sum(span.surplus for span in settled.spans),
    )
    pointers = {
        (pointer.shard, pointer.first): pointer
        for pointer in evidence.pointers
        if evidence.parallel or not settled.cover.encloses(pointer.shard, pointer.first, pointer.last)
    }
    state.pointed = sum(pointer.count for pointer in pointers.values())
    letters = Lettered(settled.spans)
    seen: set[tuple[str, int]] = set()
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
        if (record.shard, record.sequence) in seen:
            state.surplus += 1  # another event of an aggregate: the record itself counts once
            continue
        seen.add((record.shard, record.sequence))
        if any(p.shard == record.shard and p.first <= record.sequence <= p.last for p in pointers.values()):
            state.pointed -= 1
    return state
