"""`Follower`: windows kept up to date for whoever looks again and again, at the price of what is new."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any, Literal

from sluice.metrics import Definition
from sluice.windows.cache import HOUR, MOST_ROWS, Hours, committed, hour_of
from sluice.windows.items import Lane
from sluice.windows.known import KnownMetric, KnownMetrics
from sluice.windows.merged import Merged
from sluice.windows.question import Question, answer
from sluice.windows.rows import WindowRow
from sluice.windows.store import WindowTable

MOST_HEADERS = 2_000
"""New segments that are read one by one; after a longer absence reading the windows anew is cheaper."""

DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One moment of the table: how many segments of each lane are committed, and what is complete."""

    numbers: Mapping[str, int]
    through: int | None
    """The watermark, in epoch milliseconds."""
    known: KnownMetrics
    lanes: Mapping[str, Lane] = field(compare=False)


class Follower:
    """Reads windows of one table, and keeps what it has read.

    All that it answers is of one moment, that of the last `refresh`: the figures of each window are those of
    the segments committed then, whole, and a window that is not provisional lacks nothing. Segments never
    change, so a refresh reads the new ones' headers, and of their parts those that lie in hours held here.

    Threads may share one. botocore's errors pass, and leave what was read before as it was.
    """

    def __init__(
        self, table: WindowTable, *, days: int, now: Callable[[], datetime], most_rows: int = MOST_ROWS
    ) -> None:
        self._table = table
        self._days = days
        self._now = now
        self._hours = Hours(most_rows)
        self._snapshot: _Snapshot | None = None
        self._lock = RLock()

    @property
    def watermark(self) -> datetime | None:
        """All that arrived in the stream before this moment is counted; None: nothing is certain yet."""
        through = self._moment().through
        return None if through is None else datetime.fromtimestamp(through / 1000, UTC)

    def metrics(self) -> list[KnownMetric]:
        """Return every metric that ever ran: by name, once per version, the current one last."""
        return list(self._moment().known)

    def definition(self, metric: str, version: str | None = None) -> Definition:
        """Return a metric's definition: the current version's, or, of a removed metric, the newest.

        Raises:
            UsageError: there is no such metric, or version.
        """
        return self._moment().known.choose(metric, version)[-1]

    def refresh(self) -> bool:
        """Move on to the present; return whether anything has changed."""
        with self._lock:
            # This order makes a moment of it: see sluice.windows.store.
            watermark = self._table.watermark()
            lanes = self._table.lanes()
            numbers = {name: lane.number for name, lane in lanes.items()}
            known = KnownMetrics(self._table.definitions(), self._table.current())
            before = self._snapshot
            new = _Snapshot(numbers, None if watermark is None else watermark.through, known, lanes)
            if before is not None and new != before:
                self._take_in(before.numbers, numbers)
            self._snapshot = new
            return new != before

    def read(
        self,
        metric: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        group: Mapping[str, Any] | None = None,
        by: Collection[str] | None = None,
        step: int | Literal["all"] | None = None,
        only: Collection[tuple[Any, ...]] | None = None,
        version: str | None = None,
    ) -> list[WindowRow]:
        """Return the metric's windows that overlap `since` to `until`, by window and then by group.

        Without `since` or `until` there is no limit on that side. `group` keeps the groups with these values
        (a list, tuple or set: with one of them); `only` the groups that are among these, as whole tuples.
        `by` names the group fields to keep, and merges over the others: with () all groups become one.
        `step` merges windows over as many seconds, a multiple of the window; "all" of them into one row a
        group.
        `version` is the metric's current one unless another is named, or "all"; versions are never merged.

        Windows that are older than the table keeps them are left out: their parts disappear one by one.

        Raises:
            UsageError: there is no such metric, version or group field, or the step is no multiple.
        """
        question = Question(metric, since, until, group, by, step, only, version)
        with self._lock:
            moment = self._moment()
            definitions = moment.known.choose(metric, version)
            hours = self._load(question, moment)
            rows = answer(
                question,
                definitions,
                self._hours.windows(metric, hours),
                through=moment.through,
                expired=self._now().timestamp() - self._days * DAY,
            )
            self._hours.forget()
        return rows

    def lanes(self) -> Mapping[str, Lane]:
        """Return how far every lane was committed at the moment that the answers are of."""
        return self._moment().lanes

    def merged(self, definition: Definition, since: datetime) -> dict[int, Merged]:
        """Return one version's partial aggregates from `since` on, by the window's start in epoch seconds.

        Windows that are older than the table keeps them are left out.
        """
        with self._lock:
            kept = self._now().timestamp() - self._days * DAY
            hours = self._load(Question(definition.name, since=since), self._moment())
            return {
                start: merged
                for (version, start), merged in self._hours.windows(definition.name, hours)
                if version == definition.version and start + definition.window > max(since.timestamp(), kept)
            }

    def _moment(self) -> _Snapshot:
        with self._lock:
            if self._snapshot is None:
                self.refresh()
            assert self._snapshot is not None  # noqa: S101 - refresh has set it, or raised
            return self._snapshot

    def _take_in(self, before: Mapping[str, int], numbers: Mapping[str, int]) -> None:
        """Merge the segments that were committed since `before` into the hours that are held."""
        if sum(number - before.get(lane, 0) for lane, number in numbers.items()) > MOST_HEADERS:
            self._hours.clear()
            return
        keys = [
            key
            for lane, number in numbers.items()
            for header in self._table.headers(lane, before.get(lane, 0), number)
            for key in header.keys()  # noqa: SIM118 - a header is no dict: it lists its parts
            if self._hours.holds(key)
        ]
        parts = list(self._table.read_parts(keys))
        self._whole(lambda: self._hours.add(parts))

    def _load(self, question: Question, moment: _Snapshot) -> list[int]:
        """Read the hours that the question is about and that are not held; return all it is about."""
        hours = self._hours_of(question)
        missing = self._hours.missing(question.metric, hours)
        if missing:
            parts = [
                part
                for first, last in _runs(missing)
                for part in self._table.parts(question.metric, first, last + HOUR - 1)
                if part.key.number < moment.numbers.get(part.key.lane, 0)
            ]
            headers = self._table.headers_of((part.key.lane, part.key.number) for part in parts)

            def install() -> None:
                self._hours.begin(question.metric, missing)
                self._hours.add(committed(parts, headers))

            self._whole(install)
        return hours

    def _hours_of(self, question: Question) -> list[int]:
        """Return the hours in which windows may lie; over more than a day, those of days that have some."""
        kept = self._now().timestamp() - self._days * DAY
        since = int(max(kept, kept if question.since is None else question.since.timestamp()))
        until = None if question.until is None else math.ceil(question.until.timestamp())
        if until is not None and until - since <= DAY:
            return list(range(hour_of(since), until, HOUR))
        first, last = hour_of(since), None if until is None else until - 1
        return [
            hour
            for day in self._table.days(question.metric, first, last)
            for hour in range(_midnight(day), _midnight(day) + DAY, HOUR)
            if first <= hour and (last is None or hour <= last)
        ]

    def _whole(self, change: Callable[[], None]) -> None:
        """Change what is held; when that fails half-way nothing is held any more: nothing is wrong then."""
        try:
            change()
        except BaseException:
            self._hours.clear()
            raise


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _runs(hours: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last hour of each unbroken run."""
    runs: list[tuple[int, int]] = []
    for hour in hours:
        if runs and runs[-1][1] + HOUR == hour:
            runs[-1] = (runs[-1][0], hour)
        else:
            runs.append((hour, hour))
    return runs
