"""`sluice search`: words in the events, the newest first."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Env, Json, PipelineFile

if TYPE_CHECKING:
    from sluice.contract import Contract

EXAMPLE = """\b
Examples:
  sluice search "rotterdam"
  sluice search "username:ada AND amount:>=100" --type transaction
  sluice search '"museum nearby" OR tags:park*' --since 2h --limit 5
  sluice search "*" --json
  sluice search --dashboards > dashboards.ndjson
"""

DEFAULT_LIMIT = 20
SHOWN_CHARACTERS = 240
"""Of an event in the table: five lines of a narrow terminal. `--json` has all of it."""


def search(
    words: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY", help="Words in Lucene's query syntax, or * for everything.", show_default=False
        ),
    ] = None,
    *,
    only: Annotated[
        str | None, typer.Option("--type", metavar="T", help="Search the events of this type only.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="WHEN", help="Only from then on: 30m, 6h, 2d, or a moment in ISO 8601."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", help="Show the newest N events.")
    ] = DEFAULT_LIMIT,
    dashboards: Annotated[
        bool,
        typer.Option("--dashboards", help="Print the dashboards, for an import by hand, and search nothing."),
    ] = False,
    pipeline: PipelineFile = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Search events in OpenSearch: the local one, or a deployed stack's. All words have to be there.

    Fields are found by name (username:ada), numbers and times by range (amount:[10 TO 20]).
    """
    from datetime import UTC, datetime

    from sluice.cli.options import at_least, moment
    from sluice.cli.output import console, plural, print_json
    from sluice.cli.project import checked_pipeline, find_root, pipeline_file
    from sluice.cli.searching import MOST_HITS, event_type, time_column
    from sluice.cli.searching import search as find
    from sluice.cli.target import Target
    from sluice.contract.lineage import TAG
    from sluice.errors import UsageError

    at_least("--limit", limit, 1)
    if limit > MOST_HITS:
        raise UsageError(f"--limit {limit}: OpenSearch returns at most {MOST_HITS:,} events of a search")
    if dashboards == (words is not None and bool(words.strip())):
        raise UsageError('search: give words, as in `sluice search "rotterdam"`, * for all, or --dashboards')
    root = find_root()
    target = Target.find(root, env)
    contract = checked_pipeline(pipeline or target.pipeline or pipeline_file(root, None)).contract
    if dashboards:
        _print_dashboards(target, contract)
        return
    kind = event_type(contract, only) if only else None
    after = moment("--since", since, datetime.now(UTC)) if since else None
    found = find(target, words or "", contract=contract, kind=kind, since=after, limit=limit)
    if found.shards_missing:
        shards = plural(found.shards_missing, "shard")
        console(stderr=True).print(f"{shards} of the index did not answer: there may be more events")
    if json:
        print_json({"total": found.total, "complete": not found.shards_missing, "events": found.events})
        return
    field = time_column([kind] if kind else list(contract.types.values()))
    _print(found.total, found.events, field, TAG.name, several=kind is None)


def _print(total: int, events: "tuple[dict[str, Any], ...]", field: str, tag: str, *, several: bool) -> None:
    """Print a row an event: when, of which type if there may be `several`, and what else it begins with."""
    from rich.text import Text

    from sluice.cli.output import console, count, grid, plural, printable

    out = console()
    if events:
        table = grid()
        table.add_column(field.strip("_").replace("_", " "), no_wrap=True)
        if several:
            table.add_column("type", overflow="fold")
        table.add_column("event", overflow="fold")
        for event in events:
            cells = [Text(printable(_moment(event.get(field))))]
            if several:
                cells.append(Text(printable(str(event.get(tag, "")))))
            rest = {key: each for key, each in event.items() if key not in (field, tag) and key[0] != "_"}
            table.add_row(*cells, Text(_cut(printable(_fields(rest)))))
        out.print(table)
    shown = f", the newest {count(len(events))} shown" if len(events) < total else ""
    out.print(f"{plural(total, 'event')}{shown}", style="dim")


def _moment(value: Any) -> str:
    """Return a time to the second, as `2026-11-21 10:00:00`: an index sorts to the millisecond."""
    return str(value or "")[:19].replace("T", " ")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _fields(event: "dict[str, Any]") -> str:
    import json

    return "  ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in event.items()
        if value is not None
    )


def _print_dashboards(target: Any, contract: "Contract") -> None:
    import sys

    from sluice.errors import EnvironmentProblem
    from sluice.sinks.opensearch.dashboards import saved_objects
    from sluice.sinks.opensearch.indices import Indices

    if target.outputs.search is None:
        raise EnvironmentProblem(
            f"{target.where} has no search index, so no dashboard over it: set search_sink and deploy"
        )
    sys.stdout.write(saved_objects(contract, Indices(target.outputs.search.prefix)))
