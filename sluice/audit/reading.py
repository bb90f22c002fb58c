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
from sluice.audit.stream import Behind, begin, behind, shards_of, waiting_since
from sluice.audit.streams import Streams
from sluice.audit.warehouse import Counted, count_tables
from sluice.audit.window import Window, window
from sluice.deadletters import BatchPointer, DeadLetter, Letter, Unreadable, read_queue
from sluice.delivery import Entry, LedgerReader, latency_ms
from sluice.windows.store import WindowTable

MOST_LETTERS = 50_000
"""Dead letters that are read one by one; beyond, the ledger's count stands alone."""


def read_books(
    sources: Sources,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    now: datetime | None = None,
) -> Books:
    """Read everything and work out the balance; `since` leaves out what arrived before.

    `until` leaves out what arrived from then on: for `sources` whose sinks' own contents are not counted.

    Takes nothing away anywhere: dead letters are held for a moment and let go. Lets the clients' errors pass.
    """
    now = now or datetime.now(UTC)
    if since is not None:
        since = begin(since, now)
    if until is not None:
        until = begin(until, now)
    streams = Streams(sources, since, now, until)
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
            until,
        )
        for sink in sources.sinks
    }
    filtered = sources.filtered(since)
    letters = _letters(sources)
    complete = sources.queue_url is not None and len(letters) < MOST_LETTERS
    # All sinks before the streams: what a sink holds by now its stream has, so it is in flight at most.
    held = {sink: _held(sources, sink, seen) for sink, seen in windows.items()}
    evidence = {
        sink: replace(
            _evidence(sources, seen, held[sink], letters, passed.get(sink), complete=complete, until=until),
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
            letters if complete else None,
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


def _balanced(
    sources: Sources,
    streams: Streams,
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
        across += sum(pointer.count for pointer in evidence[sink].pointers if pointer.cut)
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
    streams: Streams,
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


def _letters(sources: Sources) -> list[Letter]:
    if sources.queue_url is None:
        return []
    return read_queue(
        sources.sqs,
        sources.queue_url,
        at_most=MOST_LETTERS,
        payloads=False,
        wait_seconds=sources.patience_seconds,
    )


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
    until: datetime | None,
) -> Evidence:
    """Add the dead letters to what a sink holds, and what its stream has still for it."""
    sink, source = held.sink, sources.sinks[held.sink]
    own = [letter for letter in letters if isinstance(letter, DeadLetter) and letter.sink == sink]
    pointers = [
        Pointer(
            letter.shard,
            int(letter.first),
            int(letter.last),
            letter.count,
            cut=seen.cuts(letter.arrived_at, letter.last_arrived_at),
        )
        for letter in letters
        if isinstance(letter, BatchPointer) and letter.function == source.function
        if seen.reaches(letter.arrived_at, letter.last_arrived_at)
    ]
    after = marks(
        list(seen.marks.items())
        + [(pointer.shard, pointer.last) for pointer in pointers]
        + [(entry.shard, entry.last) for entry in seen.redriven]
        + list(passed.passed.items() if passed else ())
    )
    stream = sources.stream_of(sink)
    ahead = (
        behind(
            sources.kinesis,
            stream,
            after,
            since=seen.since,
            until=until,
            most=sources.most_behind,
            passed=seen.passed,
        )
        if source.lake is None
        else Behind(0, 0, complete=True)  # what a Firehose has read, it tells nobody
    )
    oldest = ahead.oldest
    if until is not None and passed is not None:
        oldest = None  # what a filter dropped leaves no mark, and seems to wait
    elif until is not None and source.lake is None:
        oldest = _oldest(sources, held.sink, [*after, *seen.passed], until, oldest)
    return replace(
        held,
        stream=stream,
        behind=ahead.events,
        behind_surplus=ahead.events - ahead.records,
        behind_complete=ahead.complete,
        oldest=oldest,
        parallel=source.parallelization > 1,
        lagging=until is not None
        and source.parallelization > 1
        and (ahead.records > 0 or sources.lagging(sink)),
        letters=sum(seen.holds(each.shard, int(each.sequence), each.arrived_at) for each in own)
        if complete
        else None,
        pointers=pointers,
        redriven=[Redriven(entry.shard, entry.first, _state(entry)) for entry in seen.redriven],
    )


def _oldest(
    sources: Sources, sink: str, known: Iterable[str], until: datetime, oldest: datetime | None
) -> datetime | None:
    """Look, in shards of which the time audited holds no batch, for a record that waits from before it."""
    stream, ledger = sources.stream_of(sink), LedgerReader(sources.dynamodb, sources.ledger_table)
    for shard in set(shards_of(sources.kinesis, stream)) - set(known):
        arrived = waiting_since(sources.kinesis, stream, shard, ledger.newest(sink, shard), until)
        oldest = min(filter(None, [oldest, arrived]), default=None)
    return oldest


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
