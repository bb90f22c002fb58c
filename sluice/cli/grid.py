"""The one style of table, and how it grows narrow: headings break first, then cells, and words last."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.measure import Measurement
from rich.table import Column, Table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

WIDE_GAP, NARROW_GAP = 3, 2
"""Between two columns, where there is room and where there is little."""

LONG_WORD, SHORT_WORD = 24, 12
"""Characters that stay together in a cell, where there is room for that and where there is little."""


class Wants(NamedTuple):
    """Widths of a column: the least, with whole words, with whole cells, with its heading on one line."""

    rigid: int
    words: int
    cells: int
    line: int


class Grid(Table):
    """A table whose columns share a narrow terminal by what is in them."""

    def __init__(self, title: str | None = None) -> None:
        super().__init__(
            title=title,
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            header_style="bold",
            pad_edge=False,
            show_edge=False,
        )

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw the table as wide as `options` allow."""
        self._fit(console, options.max_width)
        yield from super().__rich_console__(console, options)

    def _fit(self, console: "Console", width: int) -> None:
        wanted = [self._wants(console, column) for column in self.columns]
        gap, shares = shared(wanted, width)
        self.padding = (0, 1) if gap == WIDE_GAP else (0, 1, 0, 0)
        for at, column in enumerate(self.columns):
            column.width = shares[at] if shares else None

    def _wants(self, console: "Console", column: Column) -> Wants:
        cells = [Measurement.get(console, console.options, each) for each in column.cells]
        heading = Measurement.get(console, console.options, column.header if self.show_header else "")
        body = max([column.min_width or 0, *(each.maximum for each in cells)])
        words = max([heading.minimum, *(each.minimum for each in cells)])
        rigid = body if column.no_wrap else column.min_width or 0
        return Wants(rigid, max(rigid, words), max(body, words), max(body, heading.maximum))


def shared(wanted: Sequence[Wants], width: int) -> tuple[int, list[int] | None]:
    """Return the gap between columns, and their widths; None when there is no room even for short words."""
    gaps = max(len(wanted) - 1, 0)
    for gap in (WIDE_GAP, NARROW_GAP):
        if sum(each.line for each in wanted) + gaps * gap <= width:
            return gap, [each.line for each in wanted]
    for gap, word in ((WIDE_GAP, LONG_WORD), (NARROW_GAP, LONG_WORD), (NARROW_GAP, SHORT_WORD)):
        room = width - gaps * gap
        shares = [max(each.rigid, min(each.words, word)) for each in wanted]
        if sum(shares) <= room:
            shares = _grown(shares, [each.words for each in wanted], room)
            shares = _grown(shares, [each.cells for each in wanted], room)
            return gap, _grown(shares, [each.line for each in wanted], room)
    return NARROW_GAP, None


def _grown(shares: Sequence[int], towards: Sequence[int], room: int) -> list[int]:
    """Let each share grow towards what it would like, who lacks least first."""
    grown = list(shares)
    spare = room - sum(shares)
    lacking = sorted(range(len(grown)), key=lambda at: towards[at] - grown[at])
    for place, at in enumerate(lacking):
        more = min(max(towards[at] - grown[at], 0), spare // (len(lacking) - place))
        grown[at] += more
        spare -= more
    return grown
