"""What the page draws of one metric: steps of time for its largest groups, all others, and the whole."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sluice.report.figures import Figure, number, text
from sluice.report.groups import texts
from sluice.report.metrics import Offered, newest
from sluice.report.ranges import Range, floor, step_of
from sluice.report.sources import Windows
from sluice.windows.rows import WindowRow

MOST_SERIES = 8
"""Groups with a colour of their own."""

MOST_ROWS = 50
"""Groups that the table lists; the picker finds the others, the download has them all."""


class Chart:
    """One question: a metric's figure over a range of time, for the groups that the filters leave."""

    def __init__(
        self,
        windows: Windows,
        choice: Offered,
        figure: Figure,
        *,
        shown: Range,
        group: Mapping[str, Any],
        now: datetime,
    ) -> None:
        self._windows, self._figure, self._now = windows, figure, now
        self._definition = choice.definition
        self._choice, self._group = choice, dict(group)
        self._range = shown
        self._open_fields = [field.name for field in self._definition.by if field.name not in self._group]

    def answer(self) -> dict[str, Any]:
        """Read and arrange everything; lets botocore's errors pass."""
        whole = self._read(by=(), step="all")
        begin, end, step = self._steps(whole)
        totals = self._read(by=(), step=step)
        watermark = self._windows.watermark()
        answer: dict[str, Any] = {
            "metric": self._choice.id,
            "figure": self._figure.document(),
            "fields": self._open_fields,
            "window": self._definition.window,
            "step": step,
            "begin": begin,
            "end": end,
            "watermark": None if watermark is None else int(watermark.timestamp()),
            "whole": text(self._figure.of(whole[0].values)) if whole else None,
            "late": whole[0].late if whole else 0,
            "empty": not whole,
            **self._newest(totals, step),
        }
        if self._figure.style == "list":
            answer["values"] = _values(self._figure.of(whole[0].values) if whole else None)
        ranked = self._ranked()
        answer["groups"] = len(ranked)
        times = range(begin, end, step)
        answer["total"] = self._column(totals, times)
        answer["provisional"] = [
            int(row.window_start.timestamp()) // step * step for row in totals if row.provisional
        ]
        drawn = [row.group for row in ranked[:MOST_SERIES]] if self._figure.style in {"bars", "line"} else []
        columns = self._columns(drawn, times, step)
        answer["series"] = [
            {"group": texts(group), "values": column} for group, column in zip(drawn, columns, strict=True)
        ]
        answer["other"] = self._other(answer["total"], columns) if len(ranked) > len(drawn) else None
        answer["table"] = self._table(ranked)
        answer["rest"] = self._rest(ranked, whole)
        return answer

    def _steps(self, whole: Sequence[WindowRow]) -> tuple[int, int, int]:
        """Return where the chart begins and ends, and its step, in epoch seconds."""
        window = self._definition.window
        last = max([self._now, *(row.window_end for row in whole if self._range.since is None)])
        until = self._range.until or last
        starts = [row.window_start for row in whole]
        since = self._range.since or min(starts, default=until - timedelta(hours=1))
        step = step_of(window, (until - since).total_seconds())
        end = -(-int(until.timestamp()) // step) * step
        return min(floor(since, step), end - step), end, step

    def _newest(self, totals: Sequence[WindowRow], step: int) -> dict[str, Any]:
        """Return the figure of the newest window that is complete, and of the newest that is not."""
        if step != self._definition.window:
            ago = timedelta(seconds=self._definition.window * 4 + self._definition.lateness)
            since = (self._range.until or self._now) - ago
            begin = max(since, self._range.since or since)
            totals = self._read(by=(), step=None, since=begin)
        return {
            "complete": newest(self._figure, [row for row in totals if not row.provisional]),
            "open": newest(self._figure, [row for row in totals if row.provisional]),
        }

    def _ranked(self) -> list[WindowRow]:
        """Return each group's figure for the whole range, the largest first."""
        if not self._open_fields:
            return []
        rows = self._read(by=self._open_fields, step="all")

        def place(row: WindowRow) -> tuple[bool, float, str]:
            value = number(self._figure.of(row.values))
            return value is None, -(value or 0), str(texts(row.group))

        return sorted(rows, key=place)

    def _columns(self, groups: Sequence[Mapping[str, Any]], times: range, step: int) -> list[list[Any]]:
        if not groups:
            return []
        keys = [tuple(group.values()) for group in groups]
        rows = self._read(by=self._open_fields, step=step, only=keys)
        apart: dict[tuple[Any, ...], list[WindowRow]] = {key: [] for key in keys}
        for row in rows:
            apart[tuple(row.group.values())].append(row)
        return [self._column(apart[key], times) for key in keys]

    def _column(self, rows: Sequence[WindowRow], times: range) -> list[Any]:
        column: list[Any] = [0 if self._figure.additive else None] * len(times)
        for row in rows:
            place = (int(row.window_start.timestamp()) - times.start) // times.step
            if 0 <= place < len(column):
                column[place] = number(self._figure.of(row.values))
        return column

    def _other(self, total: Sequence[Any], columns: Sequence[Sequence[Any]]) -> list[Any] | None:
        """Return what the groups without a colour add up to; None when a figure does not add up."""
        if not self._figure.additive:
            return None
        return [_less(whole, [column[place] for column in columns]) for place, whole in enumerate(total)]

    def _table(self, ranked: Sequence[WindowRow]) -> list[dict[str, Any]]:
        return [
            {
                "group": texts(row.group),
                "value": text(self._figure.of(row.values)),
                "number": number(self._figure.of(row.values)),
                "late": row.late,
            }
            for row in ranked[:MOST_ROWS]
        ]

    def _rest(self, ranked: Sequence[WindowRow], whole: Sequence[WindowRow]) -> str | None:
        """Return the sum of all groups that the table leaves out, exactly."""
        if not self._figure.additive or len(ranked) <= MOST_ROWS or not whole:
            return None
        values = [self._figure.of(row.values) for row in ranked[MOST_ROWS:]]
        kept = [value for value in values if value is not None]
        return text(sum(kept, Decimal(0)) if any(isinstance(each, Decimal) for each in kept) else sum(kept))

    def _read(
        self, *, by: Sequence[str], step: Any, since: datetime | None = None, only: Any = None
    ) -> Sequence[WindowRow]:
        return self._windows.read(
            self._definition.name,
            version=self._definition.version,
            since=since or self._begin(),
            until=self._range.until,
            group=self._group or None,
            by=by,
            step=step,
            only=only,
        )

    def _begin(self) -> datetime | None:
        """Return where to read from: whole steps, so that the first bar is no part of one."""
        since = self._range.since
        if since is None:
            return None
        until = self._range.until or self._now
        step = step_of(self._definition.window, (until - since).total_seconds())
        return datetime.fromtimestamp(floor(since, step), UTC)


def _less(whole: Any, parts: Sequence[Any]) -> Any:
    if whole is None:
        return None
    rest = whole - sum(part or 0 for part in parts)
    return rest if isinstance(rest, int) else float(f"{rest:.12g}")


def _values(found: Any) -> list[dict[str, Any]]:
    """Return a top-k list as the page shows it."""
    return [
        {"value": text(each["value"]), "count": each["count"]}
        if isinstance(each, Mapping)
        else {"value": text(each[0]), "count": each[1]}
        for each in found or ()
    ]
