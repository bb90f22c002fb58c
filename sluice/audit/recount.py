"""A metric's figures computed afresh in BigQuery, from the rows of the events themselves.

Every event counts once, as in the analysts' views: of rows with one event time and id, the one that arrived
first. Only records up to each shard's mark count, which are those that the windows have counted.
"""

# ruff: noqa: S608 - writing SQL is what this module does: names were checked when the contract was read

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sluice.audit.warehouse import SECONDS
from sluice.contract import EventType
from sluice.contract.bigquery import ARRIVAL
from sluice.contract.kinds import Kind
from sluice.delivery.entries import SEQUENCE_DIGITS, padded
from sluice.metrics import Metric
from sluice.windows.merged import Group
from sluice.windows.readers import MAX_GROUP_TEXT
from sluice.windows.sketches import shortened

if TYPE_CHECKING:
    from google.cloud import bigquery

ADDED_BELOW = "1e200"
"""FLOATs of at least that are not added up in SQL: a sum beyond 1.7e308 would fail the query for all."""

PRECISION = 2**52
"""Of a FLOAT: adding n of them in any order is off by less than n / 2**52 of the sum of their sizes."""

WINDOWS_AT_ONCE = 200
"""Of one query for values."""

_NUMBER = f"LPAD(SPLIT(_sequence, ':')[OFFSET(0)], {SEQUENCE_DIGITS}, '0')"
"""The row's sequence number as text that sorts: without the place within an aggregate."""

Place = tuple[int, Group]
"""A window's start in epoch seconds, and a group."""


@dataclass(frozen=True, slots=True)
class Summed:
    """What SQL says of one field of a group: how many values, and their sum.

    `total` is within `tolerance` of the true sum; that is 0 for all but FLOATs, which SQL adds up in any
    order and rounds each time. It is None where only the values themselves can tell.
    """

    count: int
    total: Any
    tolerance: Any = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What SQL says of one group of a window: its events, and of each field that was asked about."""

    events: int
    fields: Mapping[str, Summed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """Asks BigQuery about one metric.

    `marks` are the last sequence numbers that count, by shard. `refused` are identities (shard/sequence
    number[:sub]) of records that the windows' own dead letters hold.
    """

    client: "bigquery.Client"
    dataset: str
    metric: Metric
    marks: Mapping[str, int]
    refused: Sequence[str] = field(default=(), repr=False)

    def expires(self) -> timedelta | None:
        """Return how long BigQuery keeps the metric's events; None: for good."""
        kept = []
        for kind in self.metric.types:
            table = self.client.get_table(
                f"{self.client.project}.{self.dataset}.{kind.table}", timeout=SECONDS
            )
            expiration = table.time_partitioning and table.time_partitioning.expiration_ms
            if expiration:
                kept.append(timedelta(milliseconds=int(expiration)))
        return min(kept, default=None)

    def sums(self, numbers: Mapping[str, Kind], since: datetime) -> dict[Place, Counted]:
        """Count the events of each group from the window that starts at `since` on, and sum up `numbers`."""
        if not self.marks:
            return {}
        paths = list(numbers)
        columns = [f"_g{at}" for at in range(len(self.metric.by))]
        selected = ["window_start", *columns, "COUNT(*) AS _n"]
        for at, path in enumerate(paths):
            number = f"CAST(_v{at} AS BIGNUMERIC)"
            if numbers[path] is Kind.FLOAT:
                number = f"IF(ABS(_v{at}) < {ADDED_BELOW}, _v{at}, NULL)"
                selected.append(f"SUM(ABS({number})) AS _a{at}")
            selected += [f"COUNT(_v{at}) AS _n{at}", f"COUNT({number}) AS _c{at}", f"SUM({number}) AS _s{at}"]
        sql = (
            f"SELECT {', '.join(selected)} FROM ({self._events(paths, since)}) "
            f"GROUP BY {', '.join(['window_start', *columns])}"
        )
        found = {}
        for row in self._rows(sql):
            fields = {path: _summed(row, at, numbers[path]) for at, path in enumerate(paths)}
            found[self._place(row)] = Counted(row["_n"], fields)
        return found

    def values(
        self, paths: Sequence[str], windows: Sequence[int]
    ) -> Iterator[tuple[Place, tuple[Any, ...], int]]:
        """Yield the values of fields in some windows: where, one event's values, and how many are like it."""
        columns = [f"_g{at}" for at in range(len(self.metric.by))] + [f"_v{at}" for at in range(len(paths))]
        grouped = ", ".join(["window_start", *columns])
        for at in range(0, len(windows), WINDOWS_AT_ONCE):
            starts = sorted(windows[at : at + WINDOWS_AT_ONCE])
            bounds = [
                datetime.fromtimestamp(each, UTC) for each in (starts[0], starts[-1] + self.metric.window)
            ]
            listed = ", ".join(f"TIMESTAMP_SECONDS({start})" for start in starts)
            sql = (
                f"SELECT {grouped}, COUNT(*) AS _n FROM ({self._events(paths, *bounds)}) "
                f"WHERE window_start IN ({listed}) GROUP BY {grouped}"
            )
            for row in self._rows(sql):
                yield self._place(row), tuple(row[f"_v{at}"] for at in range(len(paths))), row["_n"]

    def _events(self, paths: Sequence[str], since: datetime, until: datetime | None = None) -> str:
        """Return a query for every event once: its window, its group's values `_g0`... and fields `_v0`..."""
        return " UNION ALL ".join(self._of(kind, paths, since, until) for kind in self.metric.types)

    def _of(self, kind: EventType, paths: Sequence[str], since: datetime, until: datetime | None) -> str:
        time = f"`{kind.time_column}`"
        dated = next(column.kind for column in kind.columns if column.name == kind.time_column) is Kind.DATE
        moment = f"TIMESTAMP({time})" if dated else time
        window = self.metric.window
        selected = [
            f"TIMESTAMP_SECONDS(DIV(UNIX_SECONDS({moment}), {window}) * {window}) AS window_start",
            *(f"{_column(group.text, kind)} AS _g{at}" for at, group in enumerate(self.metric.by)),
            *(f"{_column(path, kind)} AS _v{at}" for at, path in enumerate(paths)),
        ]
        conditions = [
            f"{time} >= {_literal(since, dated=dated)}",
            *([f"{time} < {_literal(until, dated=dated)}"] if until is not None and not dated else []),
            f"({' OR '.join(self._up_to_marks())})",
            *self._not_refused(),
            *([f"({self.metric.where})"] if self.metric.where else []),
        ]
        same = "_event_id" if self.metric.dedupe else f"{time}, _event_id"
        return (
            f"SELECT {', '.join(selected)} FROM `{self.client.project}.{self.dataset}.{kind.table}` "
            f"WHERE {' AND '.join(conditions)} "
            f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {same} ORDER BY {ARRIVAL}) = 1"
        )

    def _up_to_marks(self) -> Iterator[str]:
        for shard, mark in self.marks.items():
            yield f"(_shard = '{shard}' AND {_NUMBER} <= '{padded(mark)}')"

    def _not_refused(self) -> list[str]:
        if not self.refused:
            return []
        listed = ", ".join(f"'{identity}'" for identity in self.refused)
        return [f"CONCAT(_shard, '/', _sequence) NOT IN ({listed})"]

    def _place(self, row: Any) -> Place:
        group = tuple(
            shortened(value, MAX_GROUP_TEXT) if isinstance(value, str) else value
            for value in (row[f"_g{at}"] for at in range(len(self.metric.by)))
        )
        return int(row["window_start"].timestamp()), group

    def _rows(self, sql: str) -> Iterable[Any]:
        rows: Iterable[Any] = self.client.query_and_wait(sql, api_timeout=SECONDS)
        return rows


def _summed(row: Any, at: int, kind: Kind) -> Summed:
    count, total = row[f"_n{at}"], row[f"_s{at}"]
    if row[f"_c{at}"] < count:
        return Summed(count, None)
    if kind is not Kind.FLOAT:
        return Summed(count, total or 0)
    return Summed(count, total or 0, Fraction(row[f"_a{at}"] or 0) * count / PRECISION)


def _column(path: str, kind: EventType) -> str:
    """Return a field in SQL; the event type itself is a constant."""
    if path == "type":
        return f"'{kind.name}'"
    return ".".join(f"`{name}`" for name in path.split("."))


def _literal(moment: datetime, *, dated: bool) -> str:
    if dated:
        day: date = moment.astimezone(UTC).date()
        return f"DATE '{day}'"
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00'"
