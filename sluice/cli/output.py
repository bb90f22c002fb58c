"""What commands print: tables and sentences for people, one JSON document for programs.

Results go to stdout, progress and errors to stderr. Colour follows the terminal and NO_COLOR.
"""

import base64
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED_WIDTH = 160
"""Columns when stdout is no terminal: tables stay on one line per row in a log or a file."""


def console(*, stderr: bool = False) -> "Console":
    """Return a console on the streams of this moment (tests exchange them)."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def print_json_line(document: object) -> None:
    """Print a JSON document that is one of several on stdout, on a line of its own."""
    sys.stdout.write(json.dumps(plain(document), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line per JSON type
    """Return `value` as JSON can hold it without loss: Decimals and non-finite floats become strings."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return str(value)
        case datetime() if value.tzinfo:
            return value.isoformat().replace("+00:00", "Z")
        case date() | datetime() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return str(value)


def printable(text: str) -> str:
    """Return `text` on one line, control characters spelled out: what came over the wire may hold any."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    value = plain(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        return printable(json.dumps(value, ensure_ascii=False))
    return printable(str(value))


def grid(title: str | None = None) -> "Table":
    """Return an empty table in the one style that all commands share."""
    from sluice.cli.grid import Grid

    return Grid(title)


def rows_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "Table":
    """Return query results as a table: numbers to the right, long values folded."""
    from rich.text import Text

    table = grid()
    held = [list(row) for row in rows]
    for index, column in enumerate(columns):
        values = [row[index] for row in held if row[index] is not None]
        numbers = bool(values) and all(
            isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in values
        )
        table.add_column(Text(printable(column)), justify="right" if numbers else "left", overflow="fold")
    for row in held:
        table.add_row(*(Text(cell(value), style="dim" if value is None else "") for value in row))
    return table


def print_rows(out: "Console", columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print query results as a table; where that leaves no column room, each row from top to bottom."""
    from rich.padding import Padding
    from rich.text import Text

    from sluice.cli.grid import Wants, shared

    words = [[max(map(len, cell(row[at]).split()), default=0) for row in rows] for at in range(len(columns))]
    heads = [max(map(len, column.split()), default=0) for column in columns]
    least = [max([head, *column]) for head, column in zip(heads, words, strict=True)]
    if shared([Wants(0, each, each, each) for each in least], out.width)[1] is not None:
        out.print(rows_table(columns, rows))
        return
    for number, row in enumerate(rows, start=1):
        out.print(f"row {number}", style="bold")
        table = grid()
        table.show_header = False
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for column, value in zip(columns, row, strict=True):
            table.add_row(Text(printable(column)), Text(cell(value), style="dim" if value is None else ""))
        out.print(Padding(table, (0, 0, 0, 2), expand=False))


def count(number: int) -> str:
    """Return a number with its thousands set apart."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Return `1 record`, `2,000 records`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
