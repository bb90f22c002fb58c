"""`sluice search`: words in the events, the newest first."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Env, Json, PipelineFile

if TYPE_CHECKING:
    from sluice.cli.searching import Hits
    from sluice.contract import Contract, EventType

EXAMPLE = """\b
Examples:
  sluice search "restaurant"
  sluice search "username:ada AND amount:>=100" --type transaction
  sluice search '"museum nearby" OR tags:park*' --since 2h --limit 5
  sluice search "*" --json
  sluice search --dashboards > dashboards.ndjson
"""

DEFAULT_LIMIT = 20


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
    from sluice.cli.searching import MOST_HITS, event_type, unknown_fields
    from sluice.cli.searching import search as find
    from sluice.cli.target import Target
    from sluice.errors import UsageError

    at_least("--limit", limit, 1)
    if limit > MOST_HITS:
        raise UsageError(f"--limit {limit}: OpenSearch returns at most {MOST_HITS:,} events of a search")
    if dashboards and words is not None:
        raise UsageError(f"--dashboards searches nothing: leave {words!r} out, or --dashboards")
    if not dashboards and not (words and words.strip()):
        raise UsageError('search: give words, as in `sluice search "restaurant"`, * for all, or --dashboards')
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
    kinds = [kind] if kind else list(contract.types.values())
    if unknown := [] if found.total else unknown_fields(words or "", kinds):
        console(stderr=True).print(
            f"no event has a field {', '.join(unknown)}: is it spelled so?", soft_wrap=True
        )
    if json:
        print_json({"total": found.total, "complete": not found.shards_missing, "events": found.events})
        return
    _print(found, kind, contract, words or "")


def _print(found: "Hits", kind: "EventType | None", contract: "Contract", words: str) -> None:
    from sluice.cli.hits import hits_table
    from sluice.cli.output import console, count, plural

    out = console()
    if found.events:
        out.print(hits_table(found.events, contract, kind, query=words))
    shown = f", the newest {count(len(found.events))} shown" if len(found.events) < found.total else ""
    out.print(f"{plural(found.total, 'event')}{shown}", style="dim")


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
