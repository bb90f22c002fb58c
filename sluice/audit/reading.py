"""Gathering the evidence: the ledger, the queue, the sinks and the stream, in that order."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sluice.audit.books import (
    Books,
    Evidence,
    Pointer,
    Redriven,
    SinkBooks,
    balance,
    produced_between,
)
from sluice.audit.segments import count_segments
from sluice.audit.spans import marks, merge_latency, percentile
from sluice.audit.stream import begin, behind, created_at, shards_since, taken_in
from sluice.audit.warehouse import Counted, count_tables
from sluice.audit.window import Window, window
from sluice.deadletters import BatchPointer, DeadLetter, Letter, Unreadable, read_queue
from sluice.delivery import Entry, LedgerReader, latency_ms
from sluice.windows.store import WindowTable

if TYPE_CHECKING:
    from google.cloud import bigquery
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient

LAGGING = timedelta(minutes=1)
"""In flight for longer, a record waits for something other than its turn."""

MOST_LETTERS = 50_000
"""Dead letters that are read one by one; beyond, the ledger's count stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSource:
    """One sink: its function's name, and how many batches of a shard run at once.

    `windows_table` is where a sink holds its records that counts them into windows instead of keeping rows.
    """

    function: str
    parallelization: int = 1
    windows_table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the evidence lies.

    `patience_seconds` is SQS's long polling: an empty answer then is the end. The stream's metric may be
    `metric_lag_seconds` late; what arrived since may exceed it.
    """

    kinesis: "KinesisClient"
    cloudwatch: "CloudWatchClient"
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    bigquery: "bigquery.Client"
    stream: str
    ledger_table: str
    queue_url: str
    dataset: str
    sinks: Mapping[str, SinkSource]
    patience_seconds: int = 1
    metric_lag_seconds: int = 0


def read_books(sources: Sources, *, since: datetime | None = None, now: datetime | None = None) -> Books:
    """Read everything and work out the balance; `since` leaves out what arrived before.

    Takes nothing away anywhere: dead letters are held for a moment and let go. Lets the clients' errors pass.
    """
    now = now or datetime.now(UTC)
    if since is not None:
        since = begin(since, now)
    begun = since or created_at(sources.kinesis, sources.stream)
    before = taken_in(sources.cloudwatch, sources.stream, begun, now)
    shards = shards_since(sources.kinesis, sources.stream, since, now)
    ledger = LedgerReader(sources.dynamodb, sources.ledger_table)
    lag = timedelta(seconds=sources.metric_lag_seconds)
    windows = {
        sink: window(ledger.read(sink, shards=shards, since=since), since, now - lag if lag else None)
        for sink in sources.sinks
    }
    letters = read_queue(
        sources.sqs,
        sources.queue_url,
        at_most=MOST_LETTERS,
        payloads=False,
        wait_seconds=sources.patience_seconds,
    )
    evidence = {
        sink: _evidence(sources, sink, seen, letters, complete=len(letters) < MOST_LETTERS)
        for sink, seen in windows.items()
    }
    after = taken_in(sources.cloudwatch, sources.stream, begun, datetime.now(UTC))
    if lag:
        after += max((windows[sink].late + found.behind for sink, found in evidence.items()), default=0)
    sinks = tuple(
        balance(found, produced=(before, after + sum(span.records for span in windows[sink].across)))
        for sink, found in evidence.items()
    )
    books = _books(sinks, windows, evidence, letters, produced=(before, after))
    return replace(books, notes=(*_waiting(evidence.values(), sources, now), *books.notes))


def _evidence(
    sources: Sources, sink: str, seen: Window, letters: Iterable[Letter], *, complete: bool
) -> Evidence:
    source = sources.sinks[sink]
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
    )
    ahead = behind(sources.kinesis, sources.stream, after, since=seen.since)
    counted = _counted(sources, source, seen)
    return Evidence(
        sink=sink,
        spans=seen.spans,
        found=counted.records,
        duplicates=counted.duplicates,
        behind=ahead.records,
        behind_complete=ahead.complete,
        oldest=ahead.oldest,
        parallel=source.parallelization > 1,
        letters=sum(seen.holds(each.shard, int(each.sequence), each.arrived_at) for each in own)
        if complete
        else None,
        pointers=pointers,
        redriven=[Redriven(entry.shard, entry.first, _state(entry)) for entry in seen.redriven],
    )


def _counted(sources: Sources, source: SinkSource, seen: Window) -> Counted:
    if source.windows_table is None:
        return count_tables(sources.bigquery, sources.dataset, since=seen.since, across=seen.across)
    records = count_segments(WindowTable(sources.dynamodb, source.windows_table), seen)
    return Counted(records, records)


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
    produced: tuple[int, int],
) -> Books:
    histogram = merge_latency([span for sink in sinks for span in sink.spans])
    medians = [percentile(histogram, share) for share in (0.5, 0.99)]
    firsts = [seen.first_arrived for seen in windows.values() if seen.first_arrived]
    lasts = [seen.last_closed for seen in windows.values() if seen.last_closed]
    elapsed = max(lasts) - min(firsts) if firsts and lasts else timedelta()
    strange = sum(isinstance(letter, Unreadable) for letter in letters)
    return Books(
        produced=produced_between(*produced, sinks),
        sinks=sinks,
        dead_letters=sum(
            sink.dead_lettered if evidence[sink.sink].letters is None else _letters_of(evidence[sink.sink])
            for sink in sinks
        ),
        elapsed_seconds=max(elapsed.total_seconds(), 0.0),
        p50=None if medians[0] is None else round(latency_ms(medians[0]), 1),
        p99=None if medians[1] is None else round(latency_ms(medians[1]), 1),
        notes=(f"the dead-letter queue holds {strange} messages that neither Sluice nor Lambda wrote",)
        if strange
        else (),
    )


def _waiting(evidence: Iterable[Evidence], sources: Sources, now: datetime) -> Iterator[str]:
    """Say of each sink that lags since when, and where its reason is written."""
    for found in evidence:
        if found.oldest is not None and now - found.oldest >= LAGGING:
            yield (
                f"{found.sink}: the oldest record in flight has waited {_span(now - found.oldest)}; the log"
                f" of {sources.sinks[found.sink].function} says why records go back to the stream"
            )


def _span(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - then hours read better


def _letters_of(evidence: Evidence) -> int:
    return (evidence.letters or 0) + sum(pointer.count for pointer in evidence.pointers)
