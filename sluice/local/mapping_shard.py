"""One shard as a mapping sees it: how far it has been read, and the lanes that work on it."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from sluice.local.mapping_filter import NOTHING, Tally
from sluice.local.mapping_lane import Lane
from sluice.local.mapping_types import PAYLOAD_BYTES, MappingConfig, ShardInfo, Start, StreamRecord
from sluice.local.mapping_window import OpenWindow

MAX_READ = 10_000
READ_AHEAD = 500


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a shard was worked on: after which record, with which tumbling window's state.

    `tally` is what the filter did up to there.
    """

    sequence: str | None
    window: OpenWindow | None
    tally: Tally = NOTHING


@dataclass(slots=True)
class Shard:
    """How far a shard has been read and worked on."""

    info: ShardInfo
    start: Start
    lanes: list[Lane]
    first_start: Start
    cursor: str | None = None
    last_read: str | None = None
    waiting: bool = False
    read_to_end: bool = False
    not_before: float = 0.0
    read_began: float = 0.0
    tip_seen: float = 0.0
    behind_ms: int = 0
    error: str = ""
    counted: int = 0
    tally: Tally = NOTHING
    dropped: deque[tuple[int, Tally]] = field(default_factory=deque)
    passed: bool = False
    run: int = 0

    @property
    def idle(self) -> bool:
        """No record of this shard is queued or in flight."""
        return all(lane.idle for lane in self.lanes)

    @property
    def finished(self) -> bool:
        """The shard is closed and every record of it is dealt with."""
        return self.read_to_end and self.idle

    @property
    def settled(self) -> int:
        """How many records were delivered, given up or filtered out."""
        ahead = sum(tally.dropped for _, tally in self.dropped)
        return self.tally.dropped + ahead + sum(lane.settled for lane in self.lanes)

    @property
    def checkpoint(self) -> Checkpoint:
        """How far this shard is worked on now: what was filtered needs no function to be done with."""
        self.advance()
        oldest = self._oldest
        if oldest is not None:
            return Checkpoint(str(oldest - 1), self.lanes[0].window, self.tally)
        return Checkpoint(self.last_read or self.start.sequence, self.lanes[0].window, self.tally)

    def lane_of(self, record: StreamRecord) -> Lane:
        """The lane that a record falls into: a partition key's is always the same one."""
        return self.lanes[crc32(record.partition_key.encode()) % len(self.lanes)]

    def relay(self, config: MappingConfig, now: float) -> None:
        """Work on by other settings, and with the window that is open; only while no lane is busy."""
        before, window = self.lanes, self.lanes[0].window
        self.lanes = [Lane(config, self.info.id, number, window) for number in range(config.parallelization)]
        self.lanes[0].take_over(before)
        pending = [record for lane in before for record in lane.pending]
        for record in sorted(pending, key=lambda record: int(record.sequence)):
            self.lane_of(record).push(record, now)

    def note(self, sequence: str, tally: Tally) -> None:
        """Take down what the filter did to a record; of all between two that passed, it is one sum."""
        if tally == NOTHING:
            return
        if tally.dropped and self.dropped and not self.passed:
            tally += self.dropped.pop()[1]
        self.dropped.append((int(sequence), tally))
        self.passed = False

    def advance(self) -> None:
        """Count what was filtered in front of the oldest record that is still at work."""
        oldest = self._oldest
        while self.dropped and (oldest is None or self.dropped[0][0] < oldest):
            self.tally += self.dropped.popleft()[1]

    @property
    def _oldest(self) -> int | None:
        """The first sequence number that is queued or in flight."""
        return min((int(first) for lane in self.lanes if (first := lane.oldest) is not None), default=None)

    def status(self, config: MappingConfig) -> dict[str, Any]:
        """Where it stands. `caught_up_at`: when its end was last seen with nothing left to do."""
        self.advance()
        window = self.lanes[0].window
        return {
            "shard": self.info.id,
            "position": self._position,
            "read": self.counted,
            "filtered": self.tally.filtered,
            "aggregates": self.tally.aggregates,
            "unpacked": self.tally.unpacked,
            "behind_ms": self.behind_ms,
            "queued": sum(lane.queued for lane in self.lanes),
            "in_flight": sum(lane.in_flight for lane in self.lanes),
            "given_up": sum(lane.given_up for lane in self.lanes),
            "window": None if window is None else window.status(config.tumbling_seconds),
            "caught_up_at": self.tip_seen if self.idle else None,
            "last_error": next((lane.error for lane in self.lanes if lane.error), self.error),
        }

    @property
    def _position(self) -> str | None:
        """The newest record that is dealt with, by the function or by the filter."""
        if self.idle:
            return self.last_read or self.start.sequence
        return max((lane.done or "" for lane in self.lanes), default="") or None

    def room(self, config: MappingConfig) -> int:
        """How many records may be read ahead now; 0 while enough are waiting."""
        most = max(READ_AHEAD, 2 * config.batch_size * config.parallelization)
        queued = sum(lane.queued for lane in self.lanes)
        too_large = sum(lane.queued_bytes for lane in self.lanes) > PAYLOAD_BYTES * config.parallelization
        return 0 if too_large or queued > most // 2 else min(MAX_READ, most - queued)
