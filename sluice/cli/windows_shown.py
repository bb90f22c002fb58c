"""Windows on a page: as a table, or as one line drawn per group."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sluice.cli.output import cell, grid, plural, printable, rows_table
from sluice.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from sluice.cli.windows_asked import Asked
    from sluice.windows.reader import WindowRow

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = "_.-=+*%#"
"""For terminals that cannot show the others."""

LEAST_LINE, MOST_LABEL, FIGURES = 10, 40, 36
"""Characters: of a drawn line at least, of a group's name at most, and of the figures behind a line."""

MINUTE = 60
DIGITS = 8
"""Of a float in a table; --json has all of them."""

Cells = list[list[Any]]


def when(moment: datetime, window: int) -> str:
    """Return a window's start as a table shows it, in UTC; `window` is its length in seconds."""
    return f"{moment:%Y-%m-%d %H:%M}" if window % MINUTE == 0 else f"{moment:%Y-%m-%d %H:%M:%S}"


def state(row: "WindowRow") -> str:
    """Return whether a row may still change by what is on its way."""
    return "provisional" if row.provisional else "complete"


def table(asked: "Asked", rows: "Sequence[WindowRow]") -> tuple[list[str], Cells]:
    """Return the columns and the cells of a table of rows."""
    definition = asked.definition
    groups = list(dict.fromkeys(name for row in rows for name in row.group)) or [
        g.name for g in definition.by
    ]
    figures = [_figures(row.values) for row in rows]
    names = list(dict.fromkeys(name for found in figures for name in found)) or list(asked.measures)
    late = any(row.late for row in rows)
    versions = ["version"] if asked.all_versions else []
    columns = ["window (UTC)", *versions, *groups, *names, *(["late"] if late else []), "state"]
    cells = [
        [
            when(row.window_start, definition.window),
            *([row.version] if versions else []),
            *(row.group.get(name) for name in groups),
            *(found.get(name) for name in names),
            *([row.late] if late else []),
            state(row),
        ]
        for row, found in zip(rows, figures, strict=True)
    ]
    return columns, cells


def rendered(asked: "Asked", rows: "Sequence[WindowRow]") -> "Table":
    """Return the table of rows for a display that is drawn again and again."""
    return rows_table(*table(asked, rows))


def line(asked: "Asked", row: "WindowRow") -> str:
    """Return a row as one line of text."""
    parts = [
        when(row.window_start, asked.definition.window),
        *(f"{name}={cell(value)}" for name, value in (*row.group.items(), *_figures(row.values).items())),
        *([f"late={row.late}"] if row.late else []),
        state(row),
    ]
    return "  ".join(parts)


def sparks(asked: "Asked", rows: "Sequence[WindowRow]", *, width: int, limit: int, plain: bool) -> "Table":
    """Draw one line per group, the largest ones first, as far to the right as `width` allows.

    Raises UsageError when none of the figures is a number.
    """
    from rich.text import Text

    name, lines = _lines(asked, rows)
    window = timedelta(seconds=asked.definition.window)
    chosen = sorted(lines.items(), key=lambda each: -sum(abs(value) for value in each[1].values()))
    labels = [label(dict(group)) for group, _ in chosen[:limit]]
    room = max(width - min(max(map(len, labels), default=0), MOST_LABEL) - FIGURES, LEAST_LINE)
    starts = _starts(rows, window, room)
    found = grid(f"{name}, {_span(starts, asked.definition.window)}" if starts else None)
    found.add_column("group", overflow="fold", max_width=MOST_LABEL)
    found.add_column(no_wrap=True)
    for column in ("least", "most", "last"):
        found.add_column(column, justify="right", no_wrap=True)
    open_windows = {(row.window_start, tuple(row.group.items())) for row in rows if row.provisional}
    for group, values in chosen[:limit]:
        shown = [values.get(start) for start in starts]
        drawn = Text(draw(shown, plain=plain))
        for at, start in enumerate(starts):
            if (start, group) in open_windows:
                drawn.stylize("dim", at, at + 1)
        held = [value for value in shown if value is not None]
        if not held:
            continue
        last = next(start for start in reversed(starts) if start in values)
        mark = "~" if (last, group) in open_windows else ""
        figures = (short(min(held)), short(max(held)), f"{short(values[last])}{mark}")
        found.add_row(Text(label(dict(group))), drawn, *figures)
    return found


def draw(values: Sequence[Any], *, plain: bool = False) -> str:
    """Return values as blocks between 0, or the least below it, and the most; None leaves a gap."""
    blocks = PLAIN_BLOCKS if plain else BLOCKS
    numbers = [float(value) for value in values if value is not None]
    low = min(0.0, *numbers) if numbers else 0.0
    span = max(0.0, *numbers) - low if numbers else 0.0
    return "".join(
        " "
        if value is None
        else blocks[round((float(value) - low) / span * (len(blocks) - 1)) if span else 0]
        for value in values
    )


def label(group: Mapping[str, Any]) -> str:
    """Return a group's name."""
    return printable(", ".join(f"{name}={cell(value)}" for name, value in group.items())) or "all events"


def short(value: Any) -> Any:
    """Return a number as a table shows it: a float with fewer digits."""
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def _figures(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row shows: a column for each quantile, the most frequent values in words."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= {f"{name} {part}": _rounded(each) for part, each in value.items()}
        elif isinstance(value, list):
            found[name] = ", ".join(f"{each['value']} ({each['count']})" for each in value)
        else:
            found[name] = _rounded(value)
    return found


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _lines(
    asked: "Asked", rows: "Sequence[WindowRow]"
) -> tuple[str, dict[tuple[tuple[str, Any], ...], dict[datetime, Any]]]:
    """Return the first figure that is a number, and its values by group and window."""
    numbers = {
        name: None
        for row in rows
        for name, value in _figures(row.values).items()
        if isinstance(value, (int, float, Decimal))
    }
    if rows and not numbers:
        raise UsageError(
            f"--spark: {', '.join(asked.measures)} is no number to draw; choose another --measure"
        )
    name = next(iter(numbers), "")
    lines: dict[tuple[tuple[str, Any], ...], dict[datetime, Any]] = {}
    for row in rows:
        value = _figures(row.values).get(name)
        if value is not None:
            lines.setdefault(tuple(row.group.items()), {})[row.window_start] = value
    return name, lines


def _starts(rows: "Sequence[WindowRow]", window: timedelta, room: int) -> list[datetime]:
    """Return the starts of the newest windows, as many as there is room for, those without events too."""
    if not rows:
        return []
    last = max(row.window_start for row in rows)
    count = min((last - min(row.window_start for row in rows)) // window + 1, room)
    return [last - window * back for back in range(count - 1, -1, -1)]


def _span(starts: Sequence[datetime], window: int) -> str:
    drawn = f"{plural(len(starts), 'window')} of {window} s"
    first, last = when(starts[0], window), when(starts[-1], window)
    if starts[0].date() == starts[-1].date():
        last = last.partition(" ")[2]
    return f"{drawn}, {first} UTC" if len(starts) == 1 else f"{drawn}, {first} to {last} UTC"
