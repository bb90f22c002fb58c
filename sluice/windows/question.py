"""What is asked of windows, and the answer from merged windows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Literal

from sluice.errors import UsageError
from sluice.metrics import Definition
from sluice.windows.cache import Window
from sluice.windows.merged import Group, Merged, figures
from sluice.windows.rows import WindowRow, order


@dataclass(frozen=True, slots=True)
class Question:
    """What `Follower.read` is asked."""

    metric: str
    since: datetime | None = None
    until: datetime | None = None
    group: Mapping[str, Any] | None = None
    by: Collection[str] | None = None
    step: int | Literal["all"] | None = None
    only: Collection[Group] | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    """The seconds, since 1970, that one row is about; `last_end` is the end of its last window."""

    start: int
    end: int
    last_end: int


def answer(
    question: Question,
    definitions: Sequence[Definition],
    windows: Iterable[tuple[Window, Merged]],
    *,
    through: int | None,
    expired: float,
) -> list[WindowRow]:
    """Return the rows that a question asks for, of `windows` that may be more than that.

    `through` is the watermark in epoch milliseconds. Windows that ended before `expired`, in epoch seconds,
    are left out.
    """
    _check(question, definitions)
    by_version: dict[str, dict[int, Merged]] = {definition.version: {} for definition in definitions}
    for (version, start), merged in windows:
        if version in by_version:
            by_version[version][start] = merged
    rows: list[WindowRow] = []
    for definition in definitions:
        kept = {
            start: merged
            for start, merged in by_version[definition.version].items()
            if _asked(question, start, start + definition.window) and start + definition.window > expired
        }
        rows += _rows(question, definition, kept, through)
    return sorted(rows, key=lambda row: (row.window_start, row.version, order(tuple(row.group.values()))))


def _asked(question: Question, start: int, end: int) -> bool:
    return (question.since is None or question.since.timestamp() < end) and (
        question.until is None or start < question.until.timestamp()
    )


def _rows(
    question: Question, definition: Definition, windows: Mapping[int, Merged], through: int | None
) -> Iterable[WindowRow]:
    accepts, reduced, names = _groups(question, definition)
    spans: dict[_Span, list[Merged]] = {}
    for start in sorted(windows):
        spans.setdefault(_span(question, definition, start, windows), []).append(windows[start])
    for span, merged in spans.items():
        total = merged[0]
        if len(merged) > 1 or accepts is not None or reduced is not None:
            total = Merged()
            for each in merged:
                rows = each.rows.items()
                total.add(
                    each.signatures,
                    (
                        (group if reduced is None else reduced(group), row)
                        for group, row in rows
                        if accepts is None or accepts(group)
                    ),
                )
        values = figures(definition, total.signatures)
        complete_at = (span.last_end + definition.lateness) * 1000
        provisional = through is None or through < complete_at
        bounds = [datetime.fromtimestamp(moment, UTC) for moment in (span.start, span.end)]
        for group, row in total.rows.items():
            found, late = values(row)
            yield WindowRow(
                metric=definition.name,
                version=definition.version,
                window_start=bounds[0],
                window_end=bounds[1],
                group=dict(zip(names, group, strict=True)),
                values=found,
                provisional=provisional,
                late=late,
            )


def _span(question: Question, definition: Definition, start: int, windows: Mapping[int, Merged]) -> _Span:
    if question.step is None:
        return _Span(start, start + definition.window, start + definition.window)
    if question.step == "all":
        end = max(windows) + definition.window
        return _Span(min(windows), end, end)
    first = start // question.step * question.step
    return _Span(first, first + question.step, first + question.step)


def _groups(
    question: Question, definition: Definition
) -> tuple[Callable[[Group], bool] | None, Callable[[Group], Group] | None, list[str]]:
    """Return which groups are wanted, what is kept of a group, and the names of that; None is all of it."""
    names = [group.name for group in definition.by]
    wanted = {
        names.index(name): _one_of(value) for name, value in (question.group or {}).items() if name in names
    }
    only = None if question.only is None else frozenset(question.only)
    accepts: Callable[[Group], bool] | None = None
    if wanted or only is not None:

        def accepts(group: Group) -> bool:
            return (only is None or group in only) and all(group[at] in among for at, among in wanted.items())

    if question.by is None or list(question.by) == names:
        return accepts, None, names
    kept = [at for at, name in enumerate(names) if name in question.by]
    return accepts, lambda group: tuple(group[at] for at in kept), [names[at] for at in kept]


def _one_of(value: Any) -> Collection[Any]:
    return value if isinstance(value, (list, tuple, set, frozenset)) else (value,)


def _check(question: Question, definitions: Sequence[Definition]) -> None:
    names = list(dict.fromkeys(group.name for each in definitions for group in each.by))
    for name in (*(question.group or ()), *(question.by or ())):
        if name not in names:
            raise UsageError(
                f"{question.metric}: {name} is no field that it is grouped by; {_others(name, names)}"
            )
    if isinstance(question.step, int):
        for definition in definitions:
            if question.step <= 0 or question.step % definition.window:
                raise UsageError(
                    f"{question.metric}: a step of {question.step} s; give a multiple of its window of "
                    f"{definition.window} s"
                )


def _others(name: str, names: Sequence[str]) -> str:
    if not names:
        return "it has no groups"
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
