"""What a demo shows beside BigQuery: a metric drawn, one as a table, routes, a search, the lake."""

import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sluice.cli.output import plural, rows_table
from sluice.cli.routes_shown import leads_to
from sluice.cli.windows import follower_of
from sluice.cli.windows_asked import Asked, ask
from sluice.cli.windows_shown import sparks, table
from sluice.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from sluice.audit.books import Books
    from sluice.cli.target import Target
    from sluice.contract import Contract
    from sluice.metrics import Metric
    from sluice.routes import Route
    from sluice.windows.reader import WindowRow

ROWS = 8
"""The most rows of a table, or lines of a drawing: a look, no report."""

HITS = 2
"""Events of a search."""

INDENT = 2


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A look at something, and the command that shows it; None where there is nothing yet."""

    title: str
    command: str
    shown: "Table | None"


def glimpses(out: "Console", target: "Target", metrics: "Sequence[Metric]") -> list[Glimpse]:
    """Read the first two metrics: the first is drawn if it holds a number, the second a table."""
    follower = follower_of(target)
    follower.refresh()
    known = {each.definition.name for each in follower.metrics() if each.current}
    found = []
    for place, metric in enumerate(metrics[:2]):
        asked = ask(
            metric.definition,
            known=metric.name in known,
            group=(),
            measures=(),
            since=None,
            until=None,
            all_versions=False,
        )
        rows, _ = asked.rows(follower, datetime.now(UTC))
        drawn = _drawn(out, asked, rows) if rows and place == 0 else None
        found.append(
            Glimpse(
                title=f"Live: {metric.description or metric.name}",
                command=f"sluice windows {metric.name} {'--spark' if drawn else f'--limit {ROWS}'}",
                shown=drawn or _table(asked, rows),
            )
        )
    return found


def of_routes(routes: "Sequence[Route]", books: "Books") -> Glimpse:
    """Say what each route took, as its books have it."""
    took = {sink.sink: sink.delivered for sink in books.sinks}
    rows = [(route.name, route.where, leads_to(route), took.get(route.name)) for route in routes]
    return Glimpse(
        title="Routes: events that go somewhere of their own, too",
        command="sluice routes",
        shown=rows_table(("route", "where", "to", "events"), rows),
    )


def of_search(target: "Target", contract: "Contract") -> Glimpse:
    """Find events by a word and a field, or the newest ones of a pipeline whose words nobody knows."""
    from sluice.cli.hits import hits_table
    from sluice.cli.questions import words_of
    from sluice.cli.searching import search

    words = words_of(contract)
    found = search(target, words, contract=contract, kind=None, since=None, limit=HITS)
    return Glimpse(
        title=f"Search: {plural(found.total, 'event')} found, the newest first",
        command=shlex.join(["sluice", "search", words, "--limit", str(HITS)]),
        shown=hits_table(found.events, contract, query=words) if found.events else None,
    )


def of_lake(target: "Target", contract: "Contract") -> Glimpse:
    """Count events of the lake as an analyst would: each stands there once."""
    from sluice.cli.lake import ask_lake
    from sluice.cli.questions import of_lake as question

    asked = question(contract)
    answer = ask_lake(target, asked.sql)
    return Glimpse(
        title=asked.title,
        command=shlex.join(["sluice", "query", "--lake", asked.sql]),
        shown=rows_table(answer.columns, answer.rows),
    )


def _drawn(out: "Console", asked: Asked, rows: "Sequence[WindowRow]") -> "Table | None":
    try:
        return sparks(asked, rows, width=out.width - INDENT, limit=ROWS, plain=out.options.ascii_only)
    except UsageError:  # nothing in it is a number
        return None


def _table(asked: Asked, rows: "Sequence[WindowRow]") -> "Table | None":
    # A demo's events pretend to be minutes old: that they came late tells nothing.
    newest = [replace(row, late=0) for row in rows[-ROWS:]]
    return rows_table(*table(asked, newest)) if newest else None
