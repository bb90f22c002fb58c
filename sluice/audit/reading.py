"""Gathering the evidence: the ledger, the queue, the sinks and the streams, in that order."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sluice.audit import differences
from sluice.audit.books import Books, SinkBooks, balance, produced_between
from sluice.audit.evidence import Evidence, FilteredOut, Pointer, Redriven
from sluice.audit.handed import PATIENCE, Handed, balance_handed, look
from sluice.audit.indexed import against_others, documents_of
from sluice.audit.notes import later, waiting
from sluice.audit.overdue import with_overdue
from sluice.audit.segments import count_segments
from sluice.audit.sources import SinkSource, Sources
from sluice.audit.spans import marks, merge_latency, percentile
from sluice.audit.stream import Behind, begin, begin_after, behind, created_at, shards_since, taken_in
from sluice.audit.warehouse import Counted, count_tables
from sluice.audit.window import Window, window
from sluice.deadletters import BatchPointer, DeadLetter, Letter, Unreadable, read_queue
from sluice.delivery import Entry, LedgerReader, latency_ms
from sluice.windows.store import WindowTable

MADE_WITHIN = timedelta(minutes=1)
"""So long after it was there a Firehose begins to read at the latest."""

MOST_LETTERS = 50_000
"""Dead letters that are read one by one; beyond, the ledger's count stands alone."""


def read_books(sources: Sources, *, since: datetime | None = None, now: datetime | None = None) -> Books:
    """Read everything and work out the balance; `since` leaves out what arrived before.

    Takes nothing away anywhere: dead letters are held for a moment and let go. Lets the clients' errors pass.
    """
    now = now or datetime.now(UTC)
    if since is not None:
        since = begin(since, now)
    streams = _Streams(sources, since, now)
    passed = sources.filtered(since)
    ledger = LedgerReader(sources.dynamodb, sources.ledger_table)
    lag = timedelta(seconds=sources.metric_lag_seconds)
    begins = {
        sink: since
        if source.lake is None
        else streams.books_begin(sources.stream_of(sink), source.lake.begun())
        for sink, source in sources.sinks.items()
    }
    windows = {
        sink: window(
            ledger.read(sink, shards=streams.shards(sources.stream_of(sink)), since=begins[sink]),
            begins[sink],
            now - lag if lag else None,
        )
        for sink in sources.sinks
    }
    filtered = sources.filtered(since)
    letters = read_queue(
        sources.sqs,
        sources.queue_url,
        at_most=MOST_LETTERS,
        payloads=False,
        wait_seconds=sources.patience_seconds,
    )
    # All sinks before the streams: what a sink holds by now its stream has, so it is in flight at most.
    held = {sink: _held(sources, sink, seen) for sink, seen in windows.items()}
    evidence = {
        sink: replace(
            _evidence(
                sources, seen, held[sink], letters, passed.get(sink), complete=len(letters) < MOST_LETTERS
            ),
            filtered=filtered.get(sink),
        )
        for sink, seen in windows.items()
    }
    ripe = begin(now - PATIENCE, now)
    handed = {
        sink: with_overdue(
            source.lake,
            windows[sink],
            look(source.lake, windows[sink]),
            letters if len(letters) < MOST_LETTERS else None,
            sink=sink,
            ripe=ripe,
            produced=streams.until(sources.stream_of(sink), windows[sink].since, ripe),
        )
        for sink, source in sources.sinks.items()
        if source.lake is not None
    }
    streams.read_again()
    if lag:
        for sink, found in evidence.items():
            streams.allow(found.stream, windows[sink].late + found.behind - found.behind_surplus)
    sinks = against_others(
        _balanced(sources, streams, windows, evidence, handed),
        evidence,
        keeping=[
            sink for sink, found in evidence.items() if found.found is not None and _keeps(sources, sink)
        ],
    )
    produced = streams.produced(sources.stream)
    books = _books(sinks, windows, evidence, letters, stream=sources.stream, produced=produced)
    problems = tuple(_lost_on_the_way(sources, streams, windows, sinks, now - lag))
    notes = (*waiting(evidence.values(), sources, now), *later(begins, since), *books.notes)
    return replace(books, notes=notes, problems=problems)


class _Streams:
    """What each stream took in, before and after the reading, in records."""

    def __init__(self, sources: Sources, since: datetime | None, now: datetime) -> None:
        self._sources = sources
        self.begun = since
        self._now = now
        into = (sink.into for sink in sources.sinks.values() if sink.into)
        names = dict.fromkeys([sources.stream, *map(sources.stream_of, sources.sinks), *into])
        self._begun = {name: since or created_at(sources.kinesis, name) for name in names}
        self._before = {name: self._taken_in(name, now) for name in names}
        self._shards = {name: shards_since(sources.kinesis, name, since, now) for name in names}
        self._after = self._before
        self._more: dict[str, int] = {}

    def read_again(self) -> None:
        self._after = {name: self._taken_in(name, datetime.now(UTC)) for name in self._before}

    def allow(self, name: str, records: int) -> None:
        """Expect that the metric may not tell of so many records yet."""
        self._more[name] = max(records, self._more.get(name, 0))

    def books_begin(self, name: str, begun: datetime) -> datetime | None:
        """From which arrival on a Firehose's books can balance: it was there `begun`, and began at LATEST.

        What a stream took in while it was being made may be on either side, and the metric counts whole
        minutes: where the stream flowed already, the books begin with a minute after that.
        """
        whole = begin(begun, self._now)
        if whole <= self._begun[name] or not self.produced(name)[0] - self._taken_in(name, self._now, whole):
            return self.begun
        return begin_after(begun + MADE_WITHIN, self._now)

    def since(self, name: str, moment: datetime | None) -> tuple[int, int]:
        """What a stream took in from a moment on, if that is later than what is audited."""
        if moment is None or moment <= self._begun[name]:
            return self.produced(name)
        earlier = self._before[name] - self._taken_in(name, self._now, moment)
        before, after = self.produced(name)
        return max(before - earlier, 0), max(after - earlier, 0)

    def until(self, name: str, since: datetime | None, moment: datetime) -> int:
        """What a stream took in before a moment, from another on."""
        return self.since(name, since)[0] - self.since(name, moment)[0]

    def lately(self, name: str) -> int:
        """What a stream took in that a Firehose may still hold."""
        return self.since(name, self._now - PATIENCE)[1]

    def shards(self, name: str) -> list[str] | None:
        return self._shards[name]

    def produced(self, name: str) -> tuple[int, int]:
        return self._before[name], self._after[name] + self._more.get(name, 0)

    def _taken_in(self, name: str, now: datetime, begun: datetime | None = None) -> int:
        return taken_in(self._sources.cloudwatch, name, begun or self._begun[name], now)


def _balanced(
    sources: Sources,
    streams: _Streams,
    windows: Mapping[str, Window],
    evidence: Mapping[str, Evidence],
    handed: Mapping[str, Handed],
) -> tuple[SinkBooks, ...]:
    """Work out each sink's books: unfiltered ones first, which tell how many events the records hold."""
    found: dict[str, SinkBooks] = {}
    surplus: dict[str, int] = {}
    for sink in sorted(evidence, key=lambda sink: evidence[sink].filtered is not None or sink in handed):
        stream = sources.stream_of(sink)
        across = sum(span.records for span in windows[sink].across)
        if sink in handed:
            before, after = streams.since(stream, windows[sink].since)
            found[sink] = balance_handed(
                evidence[sink],
                handed[sink],
                produced=(before, after + across),
                lately=streams.lately(stream),
                surplus=surplus.get(stream) if windows[sink].since == streams.begun else None,
            )
            continue
        before, after = streams.produced(stream)
        after += across
        found[sink] = balance(evidence[sink], produced=(before, after), surplus=surplus.get(stream))
        if evidence[sink].filtered is None:
            surplus[stream] = max(found[sink].surplus, surplus.get(stream, 0))
    return tuple(found[sink] for sink in evidence)


def _lost_on_the_way(
    sources: Sources,
    streams: _Streams,
    windows: Mapping[str, Window],
    sinks: Iterable[SinkBooks],
    told_until: datetime,
) -> Iterator[str]:
    """Say which routes delivered more into their own stream than it took in, where its metric can tell."""
    for books in sinks:
        into = sources.sinks[books.sink].into
        closed = windows[books.sink].last_closed
        if into is None or closed is None or (sources.metric_lag_seconds and closed >= told_until):
            continue
        _, taken = streams.produced(into)
        if taken < books.delivered:
            yield differences.stream_differs(books.sink, books.delivered, into, taken)


def _held(sources: Sources, sink: str, seen: Window) -> Evidence:
    """Count what the sink itself holds."""
    source = sources.sinks[sink]
    counted = _counted(sources, source, seen)
    documents, notes = documents_of(sink, source.documents, seen.since)
    return Evidence(
        sink=sink,
        spans=seen.spans,
        found=counted.records if counted else None,
        duplicates=counted.duplicates if counted else 0,
        documents=documents,
        # A document keeps the arrival of the first record of its id, a row has its own: so a part of them
        # cannot be compared.
        ids=counted.ids if counted and seen.since is None else None,
        notes=notes,
    )


def _evidence(
    sources: Sources,
    seen: Window,
    held: Evidence,
    letters: Iterable[Letter],
    passed: FilteredOut | None,
    *,
    complete: bool,
) -> Evidence:
    """Add the dead letters to what a sink holds, and what its stream has still for it."""
    sink, source = held.sink, sources.sinks[held.sink]
    own = [letter for letter in letters if isinstance(letter, DeadLetter) and letter.sink == sink]
    pointers = [
        Pointer(letter.shard, int(letter.first), int(letter.last), letter.count)
        for letter in letters
        if isinstance(letter, BatchPointer) and letter.function == source.function
        if seen.holds(letter.shard, int(letter.first), letter.arrived_at)
    ]
    after = marks(
        [(span.shard, span.last) for span in seen.spans]
        + [(pointer.shard, pointer.last) for pointer in pointers]
        + [(entry.shard, entry.last) for entry in seen.redriven]
        + list(passed.passed.items() if passed else ())
    )
    stream = sources.stream_of(sink)
    ahead = (
        behind(sources.kinesis, stream, after, since=seen.since)
        if source.lake is None
        else Behind(0, 0, complete=True)  # what a Firehose has read, it tells nobody
    )
    return replace(
        held,
        stream=stream,
        behind=ahead.events,
        behind_surplus=ahead.events - ahead.records,
        behind_complete=ahead.complete,
        oldest=ahead.oldest,
        parallel=source.parallelization > 1,
        letters=sum(seen.holds(each.shard, int(each.sequence), each.arrived_at) for each in own)
        if complete
        else None,
        pointers=pointers,
        redriven=[Redriven(entry.shard, entry.first, _state(entry)) for entry in seen.redriven],
    )


def _keeps(sources: Sources, sink: str) -> bool:
    return sources.sinks[sink].keeps and sources.sinks[sink].windows_table is None


def _counted(sources: Sources, source: SinkSource, seen: Window) -> Counted | None:
    if source.windows_table is not None:
        records = count_segments(WindowTable(sources.dynamodb, source.windows_table), seen)
        return Counted(records, records)
    if not source.keeps:
        return None
    return count_tables(sources.bigquery, sources.dataset, since=seen.since, across=seen.across)


def _state(entry: Entry) -> Literal["delivered", "dead_lettered", "skipped"]:
    if entry.delivered:
        return "delivered"
    return "dead_lettered" if entry.dead_lettered else "skipped"


def _books(
    sinks: tuple[SinkBooks, ...],
    windows: Mapping[str, Window],
    evidence: Mapping[str, Evidence],
    letters: list[Letter],
    *,
    stream: str,
    produced: tuple[int, int],
) -> Books:
    histogram = merge_latency([span for sink in sinks for span in sink.spans])
    medians = [percentile(histogram, share) for share in (0.5, 0.99)]
    firsts = [seen.first_arrived for seen in windows.values() if seen.first_arrived]
    lasts = [seen.last_closed for seen in windows.values() if seen.last_closed]
    elapsed = max(lasts) - min(firsts) if firsts and lasts else timedelta()
    strange = sum(isinstance(letter, Unreadable) for letter in letters)
    return Books(
        produced=produced_between(*produced, [sink for sink in sinks if sink.stream == stream]),
        sinks=sinks,
        dead_letters=sum(
            sink.dead_lettered
            if evidence[sink.sink].letters is None
            else _letters_of(evidence[sink.sink]) + sink.undelivered
            for sink in sinks
        ),
        elapsed_seconds=max(elapsed.total_seconds(), 0.0),
        p50=None if medians[0] is None else round(latency_ms(medians[0]), 1),
        p99=None if medians[1] is None else round(latency_ms(medians[1]), 1),
        notes=(
            *(note for sink in sinks for note in (*sink.notes, *evidence[sink.sink].notes)),
            *(
                [f"the dead-letter queue holds {strange} messages that neither Sluice nor Lambda wrote"]
                if strange
                else []
            ),
        ),
    )


def _letters_of(evidence: Evidence) -> int:
    return (evidence.letters or 0) + sum(pointer.count for pointer in evidence.pointers)
