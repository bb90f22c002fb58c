"""What went through the pipeline, by its ledger: throughput, latency, and where every record is."""

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.audit.books import add_up
from sluice.audit.evidence import Evidence, Redriven
from sluice.audit.spans import keep_all, percentile, settle
from sluice.audit.stream import begin, created_at, shards_of, taken_in
from sluice.audit.window import Window, window
from sluice.delivery import Entry, LedgerReader, latency_ms
from sluice.report.lanes import Lanes
from sluice.report.ranges import floor, step_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_kinesis import KinesisClient

SHARDS_SECONDS = 60
"""How long a list of shards is good for: a new one is rare, and empty at first."""

LATENCIES = (("p50", 0.5), ("p99", 0.99))


@dataclass(slots=True, kw_only=True)
class LedgerFlow:
    """Throughput, latency and balance.

    `sinks` says how many batches of a shard each sink works on at once. `longest` is how far back the ledger
    is read at most (None: to its beginning), `metric_lag` by how much the stream's own count may be late.
    Needs `dynamodb:Query`, `kinesis:ListShards`, `kinesis:DescribeStreamSummary` and
    `cloudwatch:GetMetricStatistics`; lets botocore's errors pass.
    """

    kinesis: "KinesisClient"
    cloudwatch: "CloudWatchClient"
    ledger: LedgerReader
    stream: str
    sinks: Mapping[str, int]
    longest: timedelta | None = None
    metric_lag: timedelta = timedelta()
    _lanes: Lanes = field(init=False)
    _shards: tuple[datetime, list[str]] | None = field(default=None, init=False)
    _created: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._lanes = Lanes(self.ledger)

    def answer(self, since: datetime | None, now: datetime) -> dict[str, Any]:
        """Return columns of throughput and latency per sink, and the balance."""
        with self._lock:
            self._created = self._created or created_at(self.kinesis, self.stream)
            wanted = max(since or self._created, self._created)
            if self.longest is not None:
                wanted = max(wanted, now - self.longest)
            wanted = begin(wanted, now)
            known = self._lanes.follow(self.sinks, self._listed(now), wanted)
            entries = {sink: self._lanes.entries(sink, known) for sink in self.sinks}
            step = step_of(1, (now - known).total_seconds())
            first = floor(known, step)
            times = range(first, floor(now, step) + step, step)
            return {
                "begin": times.start,
                "end": times.stop,
                "step": step,
                "asked": int(wanted.timestamp()),
                "sinks": [
                    {"sink": sink, **_columns(found, times)} for sink, found in sorted(entries.items())
                ],
                "balance": self._balance(known, now, entries),
            }

    def _listed(self, now: datetime) -> list[str]:
        if self._shards is None or now - self._shards[0] > timedelta(seconds=SHARDS_SECONDS):
            self._shards = now, shards_of(self.kinesis, self.stream)
        return self._shards[1]

    def _balance(
        self, known: datetime, now: datetime, entries: Mapping[str, Sequence[Entry]]
    ) -> dict[str, Any]:
        """Hold the ledger against the stream's own count, up to the minute that the count is complete for."""
        since = begin(known, now)
        if since < known:
            since += timedelta(minutes=1)
        until = datetime.fromtimestamp(floor(now - self.metric_lag, 60), UTC) if self.metric_lag else None
        if until is not None and until <= since:
            return {"since": int(since.timestamp()), "until": None, "produced": None, "sinks": []}
        last = now if until is None else until - timedelta(minutes=1)
        produced = taken_in(self.cloudwatch, self.stream, since, last)
        sinks = [
            self._sink(
                sink, [each for each in found if until is None or _arrived_by(each, until)], since, produced
            )
            for sink, found in sorted(entries.items())
        ]
        return {
            "since": int(since.timestamp()),
            "until": None if until is None else int(until.timestamp()),
            "produced": produced,
            "sinks": sinks,
        }

    def _sink(self, sink: str, entries: Sequence[Entry], since: datetime, produced: int) -> dict[str, Any]:
        seen: Window = window([*entries, *self._lanes.redriven(sink, since)], since)
        parallel = self.sinks[sink] > 1
        settled = keep_all(seen.spans) if parallel else settle(seen.spans)
        again = [Redriven(each.shard, each.first, _state(each)) for each in seen.redriven]
        evidence = Evidence(sink=sink, spans=seen.spans, found=0, parallel=parallel, redriven=again)
        state = add_up(evidence, settled)
        total = state.delivered + state.lettered + state.skipped - state.surplus
        across = sum(span.records for span in seen.across)
        return {
            "sink": sink,
            "delivered": state.delivered,
            "dead_lettered": state.lettered,
            "skipped": state.skipped,
            "in_flight": max(produced - total, 0),
            "surplus": max(total - produced - across, 0),
        }


def _columns(entries: Sequence[Entry], times: range) -> dict[str, Any]:
    """Return records a second and latencies by the moment at which their batch was closed."""
    settled = [0] * len(times)
    histograms: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for entry in entries:
        if entry.closed_at is None:
            continue
        place = (int(entry.closed_at.timestamp()) - times.start) // times.step
        if 0 <= place < len(settled):
            settled[place] += entry.events
            histograms[place].update(entry.latency)
    whole: Counter[int] = sum(histograms.values(), Counter())
    return {
        "records": sum(settled),
        "rate": [round(count / times.step, 3) for count in settled],
        **{
            name: [_latency(histograms.get(place), share) for place in range(len(settled))]
            for name, share in LATENCIES
        },
        "whole": {name: _latency(whole, share) for name, share in LATENCIES},
    }


def _latency(histogram: Mapping[int, int] | None, share: float) -> float | None:
    bucket = percentile(histogram, share) if histogram else None
    return None if bucket is None else round(latency_ms(bucket), 1)


def _arrived_by(entry: Entry, until: datetime) -> bool:
    return entry.last_arrived is not None and entry.last_arrived < until


def _state(entry: Entry) -> Any:
    if entry.delivered:
        return "delivered"
    return "dead_lettered" if entry.dead_lettered else "skipped"
