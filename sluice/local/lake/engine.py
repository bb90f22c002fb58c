"""One Firehose at work: read, buffer, transform, buffer, commit, note how far everything is dealt with.

At least once: what is in a buffer is lost when the Firehose restarts, and read again from the place up to
which everything lies in a table or under the error prefix. Buffers are as documented (developer guide,
"Understand data transformation flow", "Configure buffering hints", read 2026-11): whichever comes first of
size and age.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sluice.local.clock import Clock
from sluice.local.lake.declared import Firehose
from sluice.local.lake.destination import ICEBERG_FAILED, Commit, DeliveryError, Destination
from sluice.local.lake.event import PAYLOAD_BYTES, Entry, Failed, Row
from sluice.local.lake.faults import Faults
from sluice.local.lake.objects import Objects
from sluice.local.lake.source import Source
from sluice.local.mapping_types import SourceError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sluice.local.lake.transform import Transformed

AT_ONCE = 2
"""Invocations of one Firehose under way at a time: how many there are in the cloud is not documented."""

EVENT_BYTES = PAYLOAD_BYTES - 4096
MOST_WAITING = 16 * 1024 * 1024
"""Bytes in front of the transform above which nothing more is read."""

PAUSE_SECONDS, RETRY_SECONDS = 0.05, 1.0
COMMIT_FAILED = "Iceberg.CommitFailed"

Submit = Callable[[Sequence[Entry]], "Future[Transformed]"]


@dataclass(slots=True)
class Counts:
    """Events so far, repeats after a restart counted again."""

    read: int = 0
    handed_on: int = 0
    dropped: int = 0
    delivered: int = 0
    failed: int = 0
    commits: int = 0
    refusals: int = 0

    def copy(self) -> "Counts":
        """They as they are now."""
        return replace(self)


@dataclass(slots=True)
class _Held:
    """What has been transformed and is to be delivered together. `ends`: by shard, what it goes up to."""

    since: float
    size: int = 0
    rows: list[Row] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    records: int = 0


@dataclass(slots=True)
class _Delivering:
    """A delivery under way: what of it is still to be done."""

    held: _Held
    commits: deque[Commit] = field(default_factory=deque)
    prepared: bool = False
    first_failure: float | None = None
    not_before: float = 0.0


class Delivery:
    """A Firehose. Its parts never raise but for what they say; `step` is called by one thread."""

    def __init__(
        self,
        firehose: Firehose,
        *,
        source: Source,
        submit: Submit,
        destination: Destination,
        objects: Objects,
        faults: Faults,
        clock: Clock,
    ) -> None:
        self.firehose, self.counts, self.last_error = firehose, Counts(), ""
        self.settled = 0
        self.caught_up_at: float | None = None
        self.hurry_until = 0.0
        self._source, self._submit, self._destination = source, submit, destination
        self._objects, self._faults, self._clock = objects, faults, clock
        self._taken = 0  # records of the stream whose end was read
        self._tip: tuple[float, int] | None = None
        self._read_again = 0.0
        self._taken_at: deque[tuple[float, int]] = deque()
        self._forget()

    def step(self) -> float:
        """Do what is due; the seconds after which there may be more."""
        if self._faults.take("restart", self.firehose.name, "before"):
            self._restart()
        self._read()
        self._cut()
        self._collect()
        self._deliver()
        return PAUSE_SECONDS

    @property
    def age_seconds(self) -> float:
        """How long ago the oldest record was read that is not dealt with; 0 when all are."""
        while self._taken_at and self._taken_at[0][1] <= self.settled:
            self._taken_at.popleft()
        return self._clock.now() - self._taken_at[0][0] if self._taken_at else 0.0

    def behind_ms(self) -> int | None:
        """How far readings were behind their stream, at most, since this was asked; None without a stream."""
        return self._source.behind_ms()

    @property
    def buffered(self) -> int:
        """Events that were read and are not dealt with yet."""
        held = [self._held] if self._held else []
        held += [self._delivering.held] if self._delivering else []
        waiting = len(self._waiting) + sum(len(entries) for entries, _ in self._flight)
        return waiting + sum(len(one.rows) + len(one.failed) for one in held)

    def status(self) -> dict[str, Any]:
        """As `/status` has it."""
        return {
            "name": self.firehose.name,
            "source": self.firehose.stream or "direct",
            "destination": "iceberg",
            "function": self.firehose.function,
            "read": self.counts.read,
            "handed_on": self.counts.handed_on,
            "dropped": self.counts.dropped,
            "delivered": self.counts.delivered,
            "failed": self.counts.failed,
            "buffered": self.buffered,
            "settled": self.settled,
            "caught_up_at": self.caught_up_at,
            "last_error": self.last_error or None,
            "shards": [{"shard": name, "settled": place} for name, place in self._source.shards.items()],
        }

    def _forget(self) -> None:
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._waiting_since = 0.0
        self._flight: deque[tuple[list[Entry], Future[Transformed]]] = deque()
        self._held: _Held | None = None
        self._delivering: _Delivering | None = None

    def _restart(self) -> None:
        """Lose what is buffered; what was invoked meanwhile goes on, and nobody hears of it."""
        self._forget()
        self._source.rewind()
        self._taken = self.settled
        self._taken_at.clear()
        self._tip = None

    def _read(self) -> None:
        now = self._clock.now()
        if self._waiting_bytes >= MOST_WAITING or self._full or now < self._read_again:
            return
        try:
            reading = self._source.read()
        except SourceError as error:
            self.last_error, self._read_again = str(error), now + RETRY_SECONDS
            return
        if reading.entries and not self._waiting:
            self._waiting_since = now
        self._waiting.extend(reading.entries)
        self._waiting_bytes += sum(len(entry.data) for entry in reading.entries)
        self._taken += sum(entry.last for entry in reading.entries)
        self.counts.read += len(reading.entries)
        if reading.entries:
            self._taken_at.append((now, self._taken))
        if reading.at_tip and self._tip is None:
            self._tip = (now, self._taken)
        self._note_tip()

    def _note_tip(self) -> None:
        """Once all is dealt with that was there at a moment, the Firehose has caught up with that moment."""
        if self._tip and self.settled >= self._tip[1]:
            self.caught_up_at, self._tip = self._tip[0], None

    @property
    def _full(self) -> bool:
        """Whether a delivery that does not come to its end has a whole buffer waiting behind it."""
        return self._held is not None and self._held.size >= self.firehose.buffer_bytes

    @property
    def _hurried(self) -> bool:
        return self._clock.now() < self.hurry_until and self._tip is not None

    def _cut(self) -> None:
        """Hand buffered records to the transform, in events that an invocation can hold."""
        due = self._waiting_since + self.firehose.transform_seconds
        while self._waiting and len(self._flight) < AT_ONCE and not self._full:
            full = self._waiting_bytes >= self.firehose.transform_bytes
            if not (full or self._hurried or self._clock.now() >= due):
                return
            entries = [self._waiting.popleft()]
            size, room = len(entries[0].data), EVENT_BYTES - entries[0].event_bytes
            while self._waiting and size < self.firehose.transform_bytes:
                room -= self._waiting[0].event_bytes
                if room < 0:
                    break
                entries.append(self._waiting.popleft())
                size += len(entries[-1].data)
            self._waiting_bytes -= size
            self._flight.append((entries, self._submit(entries)))

    def _collect(self) -> None:
        """Take the transform's answers in the order of reading."""
        while self._flight and self._flight[0][1].done():
            entries, future = self._flight.popleft()
            answer = future.result()
            self.counts.handed_on += len(entries)
            self.counts.dropped += len(entries) - len(answer.rows) - len(answer.failed)
            self.last_error = answer.problem or self.last_error
            held = self._held = self._held or _Held(self._clock.now())
            held.rows += answer.rows
            held.failed += answer.failed
            held.size += sum(len(row.data) for row in answer.rows)
            ends = [entry for entry in entries if entry.last]
            held.ends |= {entry.shard: entry.sequence for entry in ends}
            held.records += len(ends)

    def _deliver(self) -> None:
        if self._delivering is None:
            if self._held is None or not self._due(self._held):
                return
            self._delivering, self._held = _Delivering(self._held), None
        work = self._delivering
        if self._clock.now() < work.not_before:
            return
        try:
            self._go_on(work)
        except DeliveryError as error:
            self.last_error = str(error)
            self.counts.refusals += 1
            self._put_off(work)
            return
        if self._faults.take("restart", self.firehose.name, "after"):
            self._restart()
            return
        self._delivering = None
        self._source.settle(work.held.ends)
        self.settled += work.held.records
        self._note_tip()

    def _due(self, held: _Held) -> bool:
        if held.size >= self.firehose.buffer_bytes or not (held.rows or held.failed):
            return True
        idle = not self._waiting and not self._flight
        return (self._hurried and idle) or self._clock.now() >= held.since + self.firehose.buffer_seconds

    def _go_on(self, work: _Delivering) -> None:
        """Do what is left of a delivery; raises `DeliveryError` when something is still left."""
        if not work.prepared:
            commits, failed = self._destination.prepare(work.held.rows)
            work.commits, work.prepared = deque(commits), True
            work.held.failed += failed
        while work.commits:
            work.commits[0]()
            self.counts.commits += 1
            self.counts.delivered += len(work.commits.popleft().rows)
        if work.held.failed:
            self._objects.write(work.held.failed)
            self.counts.failed += len(work.held.failed)
            work.held.failed = []

    def _put_off(self, work: _Delivering) -> None:
        """Try again in a while; when the time for that is over, rows go to the error prefix, however long."""
        now = self._clock.now()
        work.not_before = now + RETRY_SECONDS
        if work.first_failure is None:
            work.first_failure = now
        if work.commits and now - work.first_failure >= self.firehose.retry_seconds:
            attempts = int(self.firehose.retry_seconds / RETRY_SECONDS) + 1
            work.held.failed += [
                Failed(ICEBERG_FAILED, row.entry, row.data, COMMIT_FAILED, self.last_error, attempts)
                for commit in work.commits
                for row in commit.rows
            ]
            work.commits.clear()
