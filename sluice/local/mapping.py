"""A Lambda event-source mapping on a Kinesis or DynamoDB stream, as a machine that only decides.

A driver asks `next_work(now)` what to do, does it (`mapping_runner` with threads, `mapping_simulation` in
simulated time), and hands each result back. Per shard records are delivered in order, per partition key when
the parallelization factor is above 1; every record is delivered at least once or reported to the on-failure
destination.

Where Lambda's behaviour is not documented this one is chosen: retries wait 1 s, doubling to 30 s; a partial
response without bisect consumes a retry; records past the age limit leave a batch from its head. Other
settings apply once what is under way has come to its end: nothing is delivered again for that, retries are
counted afresh, and a tumbling window of another length begins after the open one has ended early.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sluice.local.mapping_filter import NOTHING, RecordFilter, Tally
from sluice.local.mapping_lane import Lane
from sluice.local.mapping_shard import Checkpoint, Shard
from sluice.local.mapping_types import (
    Invocation,
    Invoke,
    ListShards,
    MappingConfig,
    Open,
    Page,
    Read,
    Report,
    ShardInfo,
    SourceError,
    Start,
    StartKind,
    StreamRecord,
    Work,
)


class Mapping:
    """The state of one mapping. Not safe for several threads: its driver calls it from one."""

    def __init__(self, config: MappingConfig) -> None:
        self.config = config
        self._filter = RecordFilter(config) if config.filters else None
        self._wanted: MappingConfig | None = None
        self._enabled = config.enabled
        self._retired = NOTHING
        self._shards: dict[str, Shard] = {}
        self._finished: set[str] = set()
        self._settled_before = 0
        self._listed = False
        self._listing = False
        self._enabling = False
        self._list_again: float | None = 0.0

    def next_work(self, now: float) -> list[Work]:
        """Everything that can be started now. Each piece must be answered exactly once."""
        work: list[Work] = []
        if self._wanted is not None:
            work = self._last_work(now)
            if work or not self._settle(self._wanted, now):
                return work
        if not self._enabled:
            return work
        if self._list_again is not None and now >= self._list_again:
            self._list_again = None
            self._listing = True
            work.append(ListShards())
        for shard in self._shards.values():
            work.extend(self._shard_work(shard, now))
        return work

    def wake_at(self) -> float | None:
        """When to ask again if nothing is answered before (epoch seconds); None: only an answer can help."""
        if not self._enabled:
            return None
        if self._wanted is not None:
            ending = [lane for shard in self._shards.values() for lane in shard.lanes if lane.window]
            return min((moment for lane in ending if (moment := lane.wake_at()) is not None), default=None)
        moments = [self._list_again] if self._list_again is not None else []
        for shard in self._shards.values():
            moments += [moment for lane in shard.lanes if (moment := lane.wake_at()) is not None]
            if shard.waiting or shard.read_to_end or not self._may_read(shard):
                continue
            if shard.room(self.config):
                moments.append(shard.not_before)
        return min(moments, default=None)

    def listed(self, shards: list[ShardInfo] | SourceError, now: float) -> None:
        """Answer to `ListShards`."""
        self._listing = self._enabling = False
        if isinstance(shards, SourceError):
            self._list_again = now + self.config.retry_read_seconds
            return
        start = Start(StartKind.TRIM_HORIZON) if self._listed else self.config.start
        known = {info.id for info in shards}
        for info in shards:
            if info.id not in self._shards and info.id not in self._finished:
                self._shards[info.id] = Shard(info, start, self._lanes(info.id), first_start=start)
        self._finished &= known
        self._listed = True

    def opened(self, work: Open, cursor: str | SourceError, now: float) -> None:
        """Answer to `Open`."""
        shard = self._current(work)
        if shard is None:
            return
        shard.waiting = False
        if isinstance(cursor, SourceError):
            shard.error = str(cursor)
            shard.not_before = now + self.config.retry_read_seconds
        else:
            shard.cursor = cursor

    def read(self, work: Read, page: Page | SourceError, now: float) -> None:
        """Answer to `Read`."""
        shard = self._current(work)
        if shard is None:
            return
        shard.waiting = False
        if isinstance(page, SourceError):
            shard.error = str(page)
            shard.not_before = now + self.config.retry_read_seconds
            if shard.last_read is not None:
                shard.cursor = None
                shard.start = Start(StartKind.AFTER_SEQUENCE_NUMBER, sequence=shard.last_read)
            return
        shard.error = ""
        shard.cursor = page.cursor
        shard.behind_ms = page.behind_ms
        self._take(shard, page.records, now)
        if page.records:
            shard.last_read = page.records[-1].sequence
            shard.counted += len(page.records)
        elif page.behind_ms == 0:
            shard.tip_seen = shard.read_began
        if page.behind_ms == 0 and (self.config.rests_at_tip or not page.records):
            shard.not_before = now + self.config.poll_seconds
        if page.cursor is None:
            shard.read_to_end = True
            shard.tip_seen = shard.read_began
            self._list_again = now
        self._retire(shard, now)

    def invoked(self, work: Invoke, result: Invocation, now: float) -> None:
        """Answer to `Invoke`."""
        shard = self._current(work)
        if shard is None:
            return
        shard.lanes[work.lane].invoked(result, now)
        self._retire(shard, now)

    def reported(self, work: Report, now: float, *, sent: bool) -> None:
        """Answer to `Report`."""
        shard = self._current(work)
        if shard is None:
            return
        shard.lanes[work.lane].reported(now, sent=sent)
        self._retire(shard, now)

    def checkpoint(self, shard: str) -> Checkpoint | None:
        """How far a shard is worked on now; None when it is finished or not known."""
        found = self._shards.get(shard)
        return found.checkpoint if found else None

    def restore(self, shard: str, checkpoint: Checkpoint) -> bool:
        """Begin a shard again at an earlier checkpoint, as Lambda does when what reads it is replaced.

        Answers that are still to come count for nothing. False when the shard is finished: it stays so.
        """
        before = self._shards.get(shard)
        if before is None:
            return False
        start = before.first_start
        if checkpoint.sequence is not None:
            start = Start(StartKind.AFTER_SEQUENCE_NUMBER, sequence=checkpoint.sequence)
        self._settled_before += before.settled - checkpoint.tally.dropped
        lanes = self._lanes(shard, checkpoint)
        self._shards[shard] = Shard(
            before.info, start, lanes, before.first_start, tally=checkpoint.tally, run=before.run + 1
        )
        return True

    def status(self) -> list[dict[str, Any]]:
        """Where each shard stands; with nothing queued and not idle, it waits for its parents."""
        return [
            {**shard.status(self.config), "idle": shard.idle and self._may_read(shard)}
            for shard in self._shards.values()
        ]

    @property
    def tally(self) -> Tally:
        """What the filter did since the mapping was made, up to the checkpoints."""
        return sum((shard.checkpoint.tally for shard in self._shards.values()), self._retired)

    @property
    def state(self) -> str:
        """As Lambda names it: what is under way is left to its end, and then the mapping is disabled."""
        if self._enabled:
            if self._wanted is not None:
                return "Updating"
            began = "Enabling" if self._enabling else "Enabled"
            return began if self._listed else "Creating"
        return "Disabling" if self._under_way else "Disabled"

    def enable(self, *, enabled: bool) -> None:
        """Pause, or go on where it was: checkpoints, queues and the state of open windows stay."""
        self._enabling = enabled and not self._enabled
        if self._enabling:
            self._list_again = 0.0
        self._enabled = enabled

    def change(self, config: MappingConfig) -> None:
        """Take other settings as soon as what is under way has come to its end; the place stays."""
        self._wanted = config

    @property
    def _under_way(self) -> bool:
        """Whether an answer is still to come."""
        return self._listing or any(
            shard.waiting or any(lane.busy for lane in shard.lanes) for shard in self._shards.values()
        )

    def _last_work(self, now: float) -> list[Work]:
        """End the open tumbling windows, if those that follow are of another length."""
        wanted = self._wanted
        if wanted is None or wanted.tumbling_seconds == self.config.tumbling_seconds or not self._enabled:
            return []
        found: list[Work] = []
        for shard in self._shards.values():
            pieces = [piece for lane in shard.lanes if (piece := lane.last_work(now)) is not None]
            found += [replace(piece, run=shard.run) for piece in pieces]
        return found

    def _settle(self, wanted: MappingConfig, now: float) -> bool:
        """Go over to other settings; False while something of the former ones is still to end."""
        other_windows = wanted.tumbling_seconds != self.config.tumbling_seconds
        open_windows = any(lane.window for shard in self._shards.values() for lane in shard.lanes)
        if self._under_way or (other_windows and open_windows):
            return False
        self.config, self._wanted = wanted, None
        self._filter = RecordFilter(wanted) if wanted.filters else None
        for shard in self._shards.values():
            shard.relay(wanted, now)
        return True

    @property
    def settled(self) -> int:
        """How many records have been delivered, given up or filtered out."""
        return self._settled_before + sum(shard.settled for shard in self._shards.values())

    @property
    def caught_up_at(self) -> float | None:
        """All that was put before this moment (epoch seconds) is dealt with; None while something is not."""
        if not self._listed or self._listing or self._list_again is not None:
            return None
        if not all(shard.idle for shard in self._shards.values()):
            return None
        return min((shard.tip_seen for shard in self._shards.values()), default=None)

    def _shard_work(self, shard: Shard, now: float) -> list[Work]:
        work: list[Work] = []
        if not self._may_read(shard):
            return work
        for lane in shard.lanes:
            piece = lane.next_work(now, ended=shard.read_to_end, read_until=shard.tip_seen)
            if piece is not None:
                work.append(replace(piece, run=shard.run) if shard.run else piece)
        if shard.waiting or shard.read_to_end or now < shard.not_before:
            return work
        room = shard.room(self.config)
        if shard.cursor is None:
            shard.waiting = True
            work.append(Open(shard.info.id, shard.start, shard.run))
        elif room:
            shard.waiting = True
            shard.read_began = now
            work.append(Read(shard.info.id, shard.cursor, room, shard.run))
        return work

    def _take(self, shard: Shard, records: Sequence[StreamRecord], now: float) -> None:
        """Queue what a function is to see of the records that were read."""
        for record in records:
            lane = shard.lane_of(record)
            entries: Sequence[StreamRecord] = (record,)
            if self._filter is not None:
                entries, tally = self._filter.entries(record)
                shard.note(record.sequence, tally)
            for entry in entries:
                lane.push(entry, now)
            shard.passed |= bool(entries)

    def _lanes(self, shard: str, checkpoint: Checkpoint | None = None) -> list[Lane]:
        window = checkpoint.window if checkpoint else None
        lanes = [Lane(self.config, shard, number, window) for number in range(self.config.parallelization)]
        for lane in lanes:
            lane.done = checkpoint.sequence if checkpoint else None
        return lanes

    def _current(self, work: Open | Read | Invoke | Report) -> Shard | None:
        """The shard that an answer is for; None when it was begun again or is finished since."""
        shard = self._shards.get(work.shard)
        return shard if shard and shard.run == work.run else None

    def _may_read(self, shard: Shard) -> bool:
        """Parents come first: a child waits until no parent of it is left."""
        return not any(parent in self._shards for parent in shard.info.parents)

    def _retire(self, shard: Shard, now: float) -> None:
        if shard.finished and not shard.waiting:
            del self._shards[shard.info.id]
            self._settled_before += shard.settled
            self._retired += shard.checkpoint.tally
            self._finished.add(shard.info.id)
            self._list_again = now
