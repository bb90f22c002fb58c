"""What the streams of a pipeline took in while their sinks' books were read."""

from datetime import UTC, datetime, timedelta

from sluice.audit.handed import PATIENCE
from sluice.audit.sources import Sources
from sluice.audit.stream import begin, begin_after, created_at, shards_since, taken_in

MADE_WITHIN = timedelta(minutes=1)
"""So long after it was there a Firehose begins to read at the latest."""


class Streams:
    """What each stream took in, before and after the reading, in records."""

    def __init__(
        self, sources: Sources, since: datetime | None, now: datetime, until: datetime | None
    ) -> None:
        self._sources = sources
        self._until = until
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
        """Ask the streams once more, now that everything else is read."""
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
        """Return the shards that took in records in the time audited; None when some may be forgotten."""
        return self._shards[name]

    def produced(self, name: str) -> tuple[int, int]:
        """Return what a stream took in, before and after the reading."""
        return self._before[name], self._after[name] + self._more.get(name, 0)

    def _taken_in(self, name: str, now: datetime, begun: datetime | None = None) -> int:
        since = begun or self._begun[name]
        return taken_in(self._sources.cloudwatch, name, since, now, until=self._until)
