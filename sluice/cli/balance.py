"""The books on a page."""

from typing import TYPE_CHECKING

from sluice.cli.output import count, grid, plural

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sluice.audit.books import Books

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
    out.print(_table(books))
    out.print()
    letters = f"{count(books.dead_letters)} in the dead-letter queue"
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


def _table(books: "Books") -> "Table":
    """One column per sink; aggregates, filters and streams of routes show where there are any."""
    sinks = books.sinks
    packed, filtered = any(sink.surplus for sink in sinks), any(sink.filtered for sink in sinks)
    what = "event" if packed else "record"
    table = grid()
    table.add_column(f"Where every {what} is", no_wrap=True)
    for sink in sinks:
        table.add_column(sink.sink, justify="right", min_width=len("100,000,000"))
    if len({sink.stream for sink in sinks}) > 1:
        streams = [sink.stream.rsplit("-", 1)[-1] for sink in sinks]
        table.add_row("out of the stream", *streams, style="dim")
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
