"""The books on a page."""

from os.path import commonprefix
from typing import TYPE_CHECKING

from sluice.cli.output import count, grid, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console
    from rich.table import Table

    from sluice.audit.books import Books, SinkBooks

LABELS = "Where every record is"
WIDEST = "100,000,000"
GAP = 3
"""Columns of text between two of a table."""

STATES = (
    ("delivered", "delivered"),
    ("dead_lettered", "dead-lettered"),
    ("skipped", "skipped"),
    ("in_flight", "in flight"),
)
LATENCIES = (("median latency", 0.5), ("latency of 99 %", 0.99))
"""From a record's arrival in the stream until its sink has settled it."""


def print_books(out: "Console", books: "Books") -> None:
    """Print the balance, one column per sink, and what does not agree."""
    for some in _side_by_side(books.sinks, out.width):
        out.print(_table(books, some))
        out.print()
    undelivered = sum(sink.undelivered for sink in books.sinks)
    letters = f"{count(books.dead_letters - undelivered)} in the dead-letter queue"
    if undelivered:
        letters += f", {count(undelivered)} under error prefixes"
    if sum(sink.dead_lettered > 0 for sink in books.sinks) > 1:
        letters += ", one for each sink that refused a record"
    out.print(f"{letters}; {plural(books.duplicates, 'duplicate')}", style="dim")
    for note in books.notes:
        out.print(note, style="dim")
    if books.balanced:
        out.print("The books balance.", style="bold green")
    else:
        out.print("The books do not balance:", style="bold red")
        for sentence in books.sentences:
            out.print(f"  {sentence}")


def _side_by_side(sinks: "Sequence[SinkBooks]", width: int) -> "Iterator[Sequence[SinkBooks]]":
    """Yield as many sinks at a time as a page has room for beside the labels."""
    some: list[SinkBooks] = []
    used = len(LABELS)
    for sink in sinks:
        column = GAP + max(len(sink.sink), len(WIDEST))
        if some and used + column > width:
            yield some
            some, used = [], len(LABELS)
        some.append(sink)
        used += column
    yield some


def _table(books: "Books", sinks: "Sequence[SinkBooks]") -> "Table":
    """One column per sink; aggregates, filters and streams of routes show where there are any."""
    packed, filtered = any(sink.surplus for sink in books.sinks), any(sink.filtered for sink in books.sinks)
    table = grid()
    table.add_column(LABELS.replace("record", "event") if packed else LABELS, no_wrap=True)
    for sink in sinks:
        table.add_column(sink.sink, justify="right", min_width=len(WIDEST), no_wrap=True)
    if len({sink.stream for sink in books.sinks}) > 1:
        common = commonprefix([sink.stream for sink in books.sinks])  # noqa: RUF071 - names, no paths
        same = common.rfind("-") + 1
        table.add_row("out of the stream", *(sink.stream[same:] for sink in sinks), style="dim")
    table.add_row("produced", *(count(sink.produced + sink.surplus) for sink in sinks), style="bold")
    if packed:
        table.add_row("  in records", *(count(sink.produced) for sink in sinks), style="dim")
    for attribute, label in STATES:
        values = [getattr(sink, attribute) for sink in sinks]
        table.add_row(f"  {label}", *(count(value) for value in values), style="" if any(values) else "dim")
        if attribute == "skipped" and filtered:
            table.add_row("    by a filter", *(count(sink.filtered) for sink in sinks), style="dim")
    for label, share in LATENCIES:
        times = [sink.latency(share) for sink in sinks]
        if any(times):
            table.add_row(label, *("-" if time is None else f"{time:,.0f} ms" for time in times), style="dim")
    return table
