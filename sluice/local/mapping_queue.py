"""Records that were read and wait for their batch: by size, payload, batching window, tumbling window."""

from collections import deque
from collections.abc import Sequence

from sluice.local.mapping_types import PAYLOAD_BYTES, MappingConfig, StreamRecord
from sluice.local.mapping_window import STATE_BYTES, window_start

EVENT_FRAME_BYTES = 512
"""Of an event around its records and its state."""


def whole(records: Sequence[StreamRecord], end: int) -> int:
    """The last place up to `end` at which a batch can be cut without cutting a record; `end` if none."""
    place = end
    while place and records[place - 1].part:
        place -= 1
    return place or end


class BatchQueue:
    """The waiting records of one lane, each with the start of its tumbling window (0 without windows)."""

    def __init__(self, config: MappingConfig, newest_start: int) -> None:
        self._config = config
        self._room = PAYLOAD_BYTES - EVENT_FRAME_BYTES - (STATE_BYTES if config.tumbling_seconds else 0)
        self._records: deque[tuple[StreamRecord, int]] = deque()
        self._newest_start = newest_start
        self._opened = 0.0
        self.size = 0

    def __len__(self) -> int:
        """How many records wait."""
        return len(self._records)

    @property
    def records(self) -> list[StreamRecord]:
        """The records that wait, in order."""
        return [record for record, _ in self._records]

    @property
    def start(self) -> int | None:
        """Start of the oldest record's tumbling window; None when nothing waits."""
        return self._records[0][1] if self._records else None

    @property
    def oldest(self) -> str | None:
        """Sequence number of the oldest record; None when nothing waits."""
        return self._records[0][0].sequence if self._records else None

    @property
    def due_at(self) -> float:
        """When the batching window ends (epoch seconds)."""
        return self._opened + self._config.window_seconds

    def push(self, record: StreamRecord, now: float) -> None:
        """Take a record that was read."""
        if not self._records:
            self._opened = now
        if self._config.tumbling_seconds:  # arrival times are approximate: windows never go back
            self._newest_start = max(self._newest_start, window_start(self._config, record.arrived))
        self._records.append((record, self._newest_start))
        self.size += record.event_bytes

    def due(self, now: float, *, ended: bool, read_until: float) -> bool:
        """Whether a batch is to be made; its tumbling window's end waits for no further records."""
        if not self._records:
            return False
        full = len(self._records) >= self._config.batch_size or self.size >= self._room
        if ended or full or now >= self.due_at:
            return True
        start, seconds = self._records[0][1], self._config.tumbling_seconds
        return seconds > 0 and (self._newest_start > start or read_until >= start + seconds)

    def take(self, now: float) -> tuple[StreamRecord, ...]:
        """The next batch, of one tumbling window and within the limits of an event.

        Entries of one record come together, unless no event could hold them.
        """
        batch: list[StreamRecord] = []
        size = 0
        start = self._records[0][1]
        most = self._config.batch_size
        while self._records and self._records[0][1] == start and (len(batch) < most or batch[-1].part):
            size += self._records[0][0].event_bytes
            if batch and size > self._room:
                break
            record, _ = self._records.popleft()
            self.size -= record.event_bytes
            batch.append(record)
        for record in reversed(batch[whole(batch, len(batch)) :]):
            self._records.appendleft((batch.pop(), start))
            self.size += record.event_bytes
        self._opened = now
        return tuple(batch)
