"""Ledger entries as intervals of sequence numbers, and which of them count.

A retry overwrites its own entry. A mapping that was created anew reads the stream again and cuts other
batches: then several entries speak about the same records, and the newest account of each record counts.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One closed ledger entry: what became of a shard's records `first` to `last`, both included.

    It counts events, `surplus` more than there are records: an aggregate is one record of many events.
    `closed_at` is epoch seconds, `arrived` when its first and its last record arrived in the stream.
    `latency` counts events per bucket of the ledger's histogram.
    """

    shard: str
    first: int
    last: int
    delivered: int = 0
    dead_lettered: int = 0
    skipped: int = 0
    surplus: int = 0
    closed_at: float = 0.0
    arrived: tuple[datetime, datetime] | None = None
    latency: Mapping[int, int] = field(default_factory=dict, hash=False)

    @property
    def records(self) -> int:
        """How many records of the stream the span accounts for."""
        return self.delivered + self.dead_lettered + self.skipped - self.surplus


class Cover:
    """Disjoint intervals per shard, looked up by bisection."""

    def __init__(self) -> None:
        self._firsts: defaultdict[str, list[int]] = defaultdict(list)
        self._lasts: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, shard: str, first: int, last: int) -> None:
        """Take in an interval that overlaps none that is there."""
        at = bisect_left(self._firsts[shard], first)
        self._firsts[shard].insert(at, first)
        self._lasts[shard].insert(at, last)

    def covers(self, shard: str, sequence: int) -> bool:
        """Whether an interval takes in `sequence`."""
        at = bisect_right(self._firsts[shard], sequence) - 1
        return at >= 0 and sequence <= self._lasts[shard][at]

    def touches(self, shard: str, first: int, last: int) -> bool:
        """Whether an interval shares a sequence number with `first` to `last`."""
        at = bisect_right(self._firsts[shard], last) - 1
        return at >= 0 and self._lasts[shard][at] >= first

    def encloses(self, shard: str, first: int, last: int) -> bool:
        """Whether both ends are covered: what lies between two neighbours is no record's number."""
        return self.covers(shard, first) and self.covers(shard, last)


class Lettered:
    """The dead letters that spans speak of, to be taken away one by one."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans: defaultdict[str, list[Span]] = defaultdict(list)
        self._left: dict[tuple[str, int], int] = {}
        for span in sorted(spans, key=lambda span: span.first):
            if span.dead_lettered:
                self._spans[span.shard].append(span)
                self._left[span.shard, span.first] = span.dead_lettered

    def take(self, shard: str, sequence: int) -> bool:
        """Take the letter of a record; False when no span around it has one left."""
        spans = self._spans[shard]
        at = bisect_right(spans, sequence, key=lambda span: span.first)
        for span in map(spans.__getitem__, range(at - 1, -1, -1)):
            if span.last >= sequence and self._left[shard, span.first]:
                self._left[shard, span.first] -= 1
                return True
        return False


@dataclass(frozen=True, slots=True)
class Settled:
    """The spans that count, none of them overlapping; what they cover; those that could not be told apart."""

    spans: tuple[Span, ...]
    cover: Cover
    torn: tuple[Span, ...] = ()


def settle(spans: Iterable[Span]) -> Settled:
    """Choose the newest account of every record.

    A span that newer ones enclose is superseded. One that newer ones overlap only in part is *torn*: how
    many of its records they took over cannot be told, so it does not count and is reported.
    """
    cover = Cover()
    counting: list[Span] = []
    torn: list[Span] = []
    for span in sorted(spans, key=lambda span: span.closed_at, reverse=True):
        if not cover.touches(span.shard, span.first, span.last):
            cover.add(span.shard, span.first, span.last)
            counting.append(span)
        elif not cover.encloses(span.shard, span.first, span.last):
            torn.append(span)
    return Settled(tuple(counting), cover, tuple(torn))


def keep_all(spans: Iterable[Span]) -> Settled:
    """Count every span: a mapping that works on several batches of a shard at once cuts interleaved ones."""
    cover = Cover()
    counting = sorted(spans, key=lambda span: (span.shard, span.first))
    for shard, group in groupby(counting, key=lambda span: span.shard):
        union: list[tuple[int, int]] = []
        for span in group:
            if union and span.first <= union[-1][1]:
                union[-1] = (union[-1][0], max(union[-1][1], span.last))
            else:
                union.append((span.first, span.last))
        for first, last in union:
            cover.add(shard, first, last)
    return Settled(tuple(counting), cover)


def marks(intervals: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return per shard the highest of the given last sequence numbers: what lies after it is in flight."""
    highest: dict[str, int] = {}
    for shard, last in intervals:
        highest[shard] = max(last, highest.get(shard, last))
    return highest


def merge_latency(spans: Sequence[Span]) -> dict[int, int]:
    """Add up the spans' histograms."""
    merged: defaultdict[int, int] = defaultdict(int)
    for span in spans:
        for bucket, count in span.latency.items():
            merged[bucket] += count
    return dict(merged)


def percentile(histogram: Mapping[int, int], share: float) -> int | None:
    """Return the bucket in which the given share (0 to 1) of all records is reached; None for no records."""
    total = sum(histogram.values())
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if histogram[bucket] and seen >= share * total:
            return bucket
    return None
