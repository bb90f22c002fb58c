"""The books on a page."""

from typing import TYPE_CHECKING

from sluice.cli.output import count, grid, plural

if TYPE_CHECKING:
    from rich.console import Console

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
    table = grid()
    table.add_column("Where every record is", no_wrap=True)
    for sink in books.sinks:
        table.add_column(sink.sink, justify="right", min_width=len("100,000,000"))
    table.add_row("produced", *(count(books.produced) for _ in books.sinks), style="bold")
    for attribute, label in STATES:
        values = [getattr(sink, attribute) for sink in books.sinks]
        table.add_row(f"  {label}", *(count(value) for value in values), style="" if any(values) else "dim")
    for label, share in LATENCIES:
        times = [sink.latency(share) for sink in books.sinks]
        if any(times):
            table.add_row(label, *("-" if time is None else f"{time:,.0f} ms" for time in times), style="dim")
    out.print(table)
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
