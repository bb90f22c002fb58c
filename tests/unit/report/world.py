"""A pipeline's figures in memory: windows that merge by plain arithmetic, a flow and letters to set."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sluice.contract.kinds import Kind
from sluice.metrics import Definition, GroupDefinition, MeasureDefinition
from sluice.report.sources import Sources
from sluice.windows.rows import WindowRow

NOW = datetime(2026, 11, 20, 12, 7, 30, tzinfo=UTC)


def measure(name: str, word: str = "count", kind: Kind | None = None, **options: Any) -> MeasureDefinition:
    return MeasureDefinition(name=name, measure=word, signature=f"{word}:{name}", kind=kind, options=options)


def definition(
    name: str,
    *measures: MeasureDefinition,
    by: Mapping[str, Kind] | None = None,
    window: int = 60,
    version: str = "0" * 12,
    **more: Any,
) -> Definition:
    fields = {"status": Kind.INTEGER} if by is None else by
    return Definition(
        name=name,
        version=version,
        window=window,
        lateness=more.pop("lateness", 0),
        types=("visit",),
        by=tuple(GroupDefinition(name=each, path=each, kind=kind) for each, kind in fields.items()),
        measures=measures or (measure("count"),),
        **more,
    )


@dataclass
class FakeWindows:
    """`cells` holds values per (metric, version), window start and group."""

    marked: datetime | None = None
    known: list[Definition] = field(default_factory=list)
    cells: dict[tuple[str, str], dict[int, dict[tuple[Any, ...], dict[str, Any]]]] = field(
        default_factory=dict
    )
    late: int = 0
    breaks: Exception | None = None
    reads: int = 0
    changing: bool = True

    def add(self, metric: Definition) -> Definition:
        self.known.append(metric)
        self.cells[metric.name, metric.version] = defaultdict(dict)
        return metric

    def put(self, metric: Definition, start: datetime, group: tuple[Any, ...], **values: Any) -> None:
        second = int(start.timestamp()) // metric.window * metric.window
        self.cells[metric.name, metric.version][second][group] = values

    def definitions(self) -> Sequence[Definition]:
        self._ask()
        return list(self.known)

    def changes(self) -> object:
        return object() if self.changing else 0

    def watermark(self) -> datetime | None:
        return self.marked

    def read(
        self,
        metric: str,
        *,
        version: str,
        since: datetime | None,
        until: datetime | None,
        group: Mapping[str, Any] | None = None,
        by: Sequence[str] | None = None,
        step: int | Literal["all"] | None = None,
        only: Collection[tuple[Any, ...]] | None = None,
    ) -> Sequence[WindowRow]:
        self._ask()
        found = next(each for each in self.known if (each.name, each.version) == (metric, version))
        names = [each.name for each in found.by]
        kept = names if by is None else list(by)
        merged: dict[tuple[int, tuple[Any, ...]], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        for start, groups in self.cells[metric, version].items():
            if (since and start + found.window <= since.timestamp()) or (
                until and start >= until.timestamp()
            ):
                continue
            for values, figures in groups.items():
                named = dict(zip(names, values, strict=True))
                if group and any(named[name] != value for name, value in group.items()):
                    continue
                key = tuple(named[name] for name in kept)
                if only is None or key in only:
                    place = start if step is None else 0 if step == "all" else start // step * step
                    merged[place, key].append((start, figures))
        rows = [
            self._row(found, kept, place, key, cells=cells, step=step)
            for (place, key), cells in merged.items()
        ]
        return sorted(rows, key=lambda row: (row.window_start, str(row.group)))

    def _ask(self) -> None:
        self.reads += 1
        if self.breaks is not None:
            raise self.breaks

    def _row(
        self, found: Definition, kept: list[str], place: int, key: Any, *, cells: Any, step: Any
    ) -> WindowRow:
        starts = [start for start, _ in cells]
        first = min(starts) if step == "all" else place
        last = max(starts) + found.window if step in {"all", None} else place + step
        values = {
            each.name: merge(each.measure, [figures.get(each.name) for _, figures in cells])
            for each in found.measures
        }
        end = datetime.fromtimestamp(max(starts) + found.window, UTC)
        return WindowRow(
            metric=found.name,
            version=found.version,
            window_start=datetime.fromtimestamp(first, UTC),
            window_end=datetime.fromtimestamp(last, UTC),
            group=dict(zip(kept, key, strict=True)),
            values=values,
            provisional=self.marked is None or end > self.marked,
            late=self.late,
        )


def merge(word: str, values: list[Any]) -> Any:  # noqa: PLR0911 - one line per measure
    """Good enough for pictures: means and quantiles of equally large groups."""
    there = [value for value in values if value is not None]
    if not there:
        return 0 if word in {"count", "distinct"} else None
    match word:
        case "count" | "sum":
            return sum(there, Decimal(0)) if isinstance(there[0], Decimal) else sum(there)
        case "min":
            return min(there)
        case "max" | "distinct":
            return max(there)
        case "quantiles":
            return {name: sum(each[name] for each in there) / len(there) for name in there[0]}
        case "topk":
            counts: defaultdict[str, int] = defaultdict(int)
            for each in there:
                for one in each:
                    counts[one["value"]] += one["count"]
            ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
            return [{"value": value, "count": count} for value, count in ranked]
    return sum(there) / len(there)


@dataclass
class FakeFlow:
    document: dict[str, Any] = field(default_factory=dict)

    def answer(self, since: datetime | None, now: datetime) -> dict[str, Any]:
        begin = int((now - timedelta(hours=1)).timestamp()) if since is None else int(since.timestamp())
        empty = {"begin": begin, "end": int(now.timestamp()), "step": 3600, "asked": begin, "sinks": []}
        balance: dict[str, Any] = {"since": begin, "until": None, "produced": 0, "sinks": []}
        return self.document or {**empty, "balance": balance}


@dataclass
class FakeLetters:
    letters: list[dict[str, Any]] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        return {"waiting": len(self.letters), "read": len(self.letters), "letters": self.letters[:50]}


@dataclass
class World:
    windows: FakeWindows = field(default_factory=FakeWindows)
    flow: FakeFlow = field(default_factory=FakeFlow)
    letters: FakeLetters = field(default_factory=FakeLetters)
    current: list[Definition] | None = None

    def sources(self, **more: Any) -> Sources:
        return Sources(
            name="shop",
            environment="dev",
            windows=self.windows,
            flow=self.flow,
            letters=self.letters,
            current=lambda: self.current,
            **more,
        )
