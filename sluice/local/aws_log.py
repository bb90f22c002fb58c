"""The records of one shard, kept as the text that GetRecords answers with.

moto keeps an object per record and walks all of them on every read. Here an append writes one piece of
JSON and a read is one slice, whatever the stream holds. Segments of a few MiB stay in memory up to a budget
shared by all shards; older ones move to an unnamed temporary file, which the operating system removes however
the process ends.
"""

import os
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass, field
from typing import IO

SEGMENT_BYTES = 4 * 1024 * 1024
SLOT_BYTES = 6 * 1024 * 1024
"""A segment closes once it has reached SEGMENT_BYTES; its last record adds at most 1.4 MB (base64)."""

SEQUENCE_BASE = 49 * 10**54
SEQUENCE_STRIDE = 16_777_619
"""Kinesis' sequence numbers have 56 digits, grow within a shard and leave gaps; so do these."""


@dataclass(slots=True, eq=False)
class Segment:
    """Consecutive records: the text of all, where each ends, when each arrived (epoch seconds)."""

    start: int
    text: bytearray | None = field(default_factory=bytearray)
    ends: "array[int]" = field(default_factory=lambda: array("L"))
    arrivals: "array[float]" = field(default_factory=lambda: array("d"))
    slot: int = -1

    @property
    def stop(self) -> int:
        """Position after the last record."""
        return self.start + len(self.ends)

    @property
    def size(self) -> int:
        """Bytes of text."""
        return self.ends[-1] if self.ends else 0


class SegmentStore:
    """Full segments of all shards: in memory up to `memory_bytes`, beyond that in a temporary file."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._in_memory: deque[Segment] = deque()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._free: list[int] = []
        self._slots = 0

    def keep(self, segment: Segment) -> None:
        """Take a full segment; the oldest ones move to disk when the budget is spent."""
        self._in_memory.append(segment)
        self._held += segment.size
        while self._held > self._memory_bytes and len(self._in_memory) > 1:
            oldest = self._in_memory.popleft()
            self._held -= oldest.size
            if oldest.text is not None:
                self._spill(oldest)

    def read(self, segment: Segment, begin: int, end: int) -> bytes:
        """A piece of a segment's text."""
        if segment.text is not None:
            return bytes(memoryview(segment.text)[begin:end])
        if self._file is None:
            return b""
        return os.pread(self._file.fileno(), end - begin, segment.slot * SLOT_BYTES + begin)

    def drop(self, segment: Segment) -> None:
        """Forget an expired segment and free its room."""
        if segment.text is None:
            self._free.append(segment.slot)
        elif segment in self._in_memory:
            self._in_memory.remove(segment)
            self._held -= segment.size
        segment.text = None

    def close(self) -> None:
        """Give the room on disk back."""
        if self._file is not None:
            self._file.close()

    def _spill(self, segment: Segment) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="sluice-stream-")  # noqa: SIM115 - lives as long as the server
        if self._free:
            slot = self._free.pop()
        else:
            slot = self._slots
            self._slots += 1
        view = memoryview(segment.text or b"")
        written = 0
        while written < len(view):
            written += os.pwrite(self._file.fileno(), view[written:], slot * SLOT_BYTES + written)
        segment.slot = slot
        segment.text = None


@dataclass(frozen=True, slots=True)
class Page:
    """What one read found: comma-separated JSON objects, the position after them, how far behind they are."""

    text: bytes
    count: int
    next_position: int
    behind_seconds: float


class RecordLog:
    """An append-only log addressed by position: 0, 1, 2 ... since the shard was created."""

    def __init__(self, store: SegmentStore, first_sequence: int) -> None:
        self._store = store
        self._first_sequence = first_sequence
        self._segments: list[Segment] = [Segment(0)]

    @property
    def start(self) -> int:
        """Position of the oldest record that is kept."""
        return self._segments[0].start

    @property
    def stop(self) -> int:
        """Position that the next record will take."""
        return self._segments[-1].stop

    def sequence(self, position: int) -> int:
        """The sequence number of the record at a position."""
        return self._first_sequence + position * SEQUENCE_STRIDE

    def position(self, sequence: int) -> int:
        """The position of a sequence number, or of the next one above it."""
        return max(0, -(-(sequence - self._first_sequence) // SEQUENCE_STRIDE))

    def append(self, entry: bytes, arrived: float) -> None:
        """Add a record: its JSON object without a comma, and its arrival (epoch seconds)."""
        segment = self._segments[-1]
        if segment.size >= SEGMENT_BYTES:
            self._store.keep(segment)
            segment = Segment(segment.stop)
            self._segments.append(segment)
        text = segment.text
        if text is None:  # pragma: no cover - the open segment is never spilled
            raise AssertionError
        text += entry
        text += b","
        segment.ends.append(len(text))
        segment.arrivals.append(arrived)

    def read(self, position: int, limit: int, max_bytes: int) -> Page:
        """Up to `limit` records, about `max_bytes` of text, from a position on; expired positions move up."""
        position = min(max(position, self.start), self.stop)
        pieces: list[bytes] = []
        count = taken = 0
        last_arrival: float | None = None
        index = self._index(position)
        while count < limit and index < len(self._segments):
            segment = self._segments[index]
            first = position - segment.start
            begin = segment.ends[first - 1] if first else 0
            last = min(
                first + limit - count,
                bisect_right(segment.ends, begin + max_bytes - taken),
                len(segment.ends),
            )
            if last <= first and count == 0 and first < len(segment.ends):
                last = first + 1
            if last <= first:
                if first < len(segment.ends):
                    break
                index += 1
                continue
            end = segment.ends[last - 1]
            pieces.append(self._store.read(segment, begin, end))
            taken += end - begin
            count += last - first
            position += last - first
            last_arrival = segment.arrivals[last - 1]
            if last < len(segment.ends):
                break
            index += 1
        behind = 0.0
        if last_arrival is not None and position < self.stop:
            behind = max(0.0, self._newest_arrival() - last_arrival)
        return Page(b"".join(pieces)[:-1], count, position, behind)

    def at_time(self, moment: float) -> int:
        """Position of the first record that arrived at or after an epoch second."""
        for segment in self._segments:
            if segment.arrivals and segment.arrivals[-1] >= moment:
                return segment.start + bisect_left(segment.arrivals, moment)
        return self.stop

    def expire(self, before: float) -> None:
        """Drop whole segments whose newest record arrived before an epoch second."""
        while len(self._segments) > 1 and self._segments[0].arrivals[-1] < before:
            self._store.drop(self._segments.pop(0))
        only = self._segments[0]
        if len(self._segments) == 1 and only.arrivals and only.arrivals[-1] < before:
            self._segments[0] = Segment(only.stop)

    def _newest_arrival(self) -> float:
        for segment in reversed(self._segments):
            if segment.arrivals:
                return segment.arrivals[-1]
        return 0.0

    def _index(self, position: int) -> int:
        return max(0, bisect_right(self._segments, position, key=lambda segment: segment.start) - 1)
