"""Windows as CSV, for spreadsheets: text that a spreadsheet would take for a formula is marked as text."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from sluice.report.figures import Figure, text
from sluice.report.metrics import Offered
from sluice.windows.rows import WindowRow

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What begins a formula in a spreadsheet (owasp.org/www-community/attacks/CSV_Injection)."""

CHUNK_ROWS = 500


def csv_lines(choice: Offered, rows: Iterable[WindowRow]) -> Iterator[bytes]:
    """Yield the rows, with a heading and a byte order mark, without which Excel knows no UTF-8."""
    found = choice.figures
    fields = [field.name for field in choice.definition.by]
    heading = [
        "window_start",
        "window_end",
        *fields,
        *(figure.name for figure in found),
        "late",
        "provisional",
    ]
    yield b"\xef\xbb\xbf" + _lines([heading])
    held: list[list[str]] = []
    for row in rows:
        held.append(_cells(row, found))
        if len(held) == CHUNK_ROWS:
            yield _lines(held)
            held = []
    if held:
        yield _lines(held)


def _cells(row: WindowRow, found: Sequence[Figure]) -> list[str]:
    return [
        text(row.window_start) or "",
        text(row.window_end) or "",
        *(harmless(text(value), number=_is_number(value)) for value in row.group.values()),
        *(
            harmless(text(value), number=_is_number(value))
            for value in (each.of(row.values) for each in found)
        ),
        str(row.late),
        "true" if row.provisional else "false",
    ]


def harmless(cell: str | None, *, number: bool = False) -> str:
    """Return a cell that no spreadsheet executes: an apostrophe before what would begin a formula."""
    if cell is None:
        return ""
    return f"'{cell}" if not number and cell.startswith(FORMULA) else cell


def _is_number(value: object) -> bool:
    return not isinstance(value, (str, list, dict, tuple))


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
