"""What a reader has read already: hours of windows, merged, at the price of memory alone."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sluice.windows.items import Header, StoredPart
from sluice.windows.keys import PartKey
from sluice.windows.merged import Merged
from sluice.windows.parts import decode_part

HOUR = 3600
"""Seconds of event time that are read at once. Every metric's window divides an hour."""

MOST_ROWS = 500_000
"""Groups of windows that are kept, of about 0.5 KB each; the hours that nobody asked for longest go first."""

Window = tuple[str, int]
"""A version of the metric, and when the window starts in epoch seconds."""


def hour_of(moment: int) -> int:
    """Return the start of the hour in which a moment lies, both in epoch seconds."""
    return moment // HOUR * HOUR


def committed(parts: Iterable[StoredPart], headers: Mapping[tuple[str, int], Header]) -> Iterator[StoredPart]:
    """Yield the parts of committed segments, whose `headers` were read after the parts."""
    for part in parts:
        header = headers.get((part.key.lane, part.key.number))
        if header is not None and header.segment == part.key.segment:
            yield part


@dataclass(slots=True)
class Hour:
    """The windows of one metric that start within one hour, with everything committed so far."""

    windows: dict[Window, Merged] = field(default_factory=dict)

    def add(self, part: StoredPart) -> None:
        """Merge one part into its window."""
        content = decode_part(part.data)
        window = self.windows.setdefault((part.key.version, part.key.window_start), Merged())
        window.add(content.signatures, content.rows)

    @property
    def rows(self) -> int:
        """How many groups its windows have together."""
        return sum(len(window.rows) for window in self.windows.values())


class Hours:
    """Hours of windows by metric, the least recently used ones forgotten when there are too many rows."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._hours: OrderedDict[tuple[str, int], Hour] = OrderedDict()
        self._most_rows = most_rows

    def holds(self, key: PartKey) -> bool:
        """Whether the hour of a part is kept."""
        return (key.metric, hour_of(key.window_start)) in self._hours

    def missing(self, metric: str, hours: Iterable[int]) -> list[int]:
        """Return those of the hours that are not kept."""
        return [hour for hour in hours if (metric, hour) not in self._hours]

    def begin(self, metric: str, hours: Iterable[int]) -> None:
        """Keep these hours from now on, without any window so far."""
        for hour in hours:
            self._hours[metric, hour] = Hour()

    def add(self, parts: Iterable[StoredPart]) -> None:
        """Merge committed parts into the hours that are kept."""
        for part in parts:
            self._hours[part.key.metric, hour_of(part.key.window_start)].add(part)

    def windows(self, metric: str, hours: Iterable[int]) -> Iterator[tuple[Window, Merged]]:
        """Yield the windows of hours that are kept."""
        for hour in hours:
            self._hours.move_to_end((metric, hour))
            yield from self._hours[metric, hour].windows.items()

    def forget(self) -> None:
        """Drop hours until there are few enough rows."""
        rows = sum(hour.rows for hour in self._hours.values())
        while rows > self._most_rows:
            _, hour = self._hours.popitem(last=False)
            rows -= hour.rows

    def clear(self) -> None:
        """Drop everything."""
        self._hours.clear()
