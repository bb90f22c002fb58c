"""`sluice demo`: all of it on this machine, from producing to the analysts' answers."""

from typing import Annotated

import typer

from sluice.cli.options import Json, Limits, PipelineFile, Rebase, Seed, at_least, percentage

DEFAULT_EVENTS = 10_000

EXAMPLE = """\b
Examples:
  sluice demo
  sluice demo --events 100000 --poison 5 --duplicates 3
  sluice demo --serve
  sluice demo --pipeline my_pipeline.py --input events.ndjson.gz --rebase-time
"""


def demo(
    *,
    events: Annotated[
        int | None,
        typer.Option(
            "--events",
            metavar="N",
            help="How many good events; with --input, how many of its lines at most.  "
            f"[default: {DEFAULT_EVENTS}, or all lines]",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE|-", help="Send these lines, one JSON event each, instead of fake events."
        ),
    ] = None,
    pipeline: PipelineFile = None,
    rebase_time: Rebase = False,
    poison: Annotated[
        float, typer.Option("--poison", metavar="PCT", help="Add this share of records that are broken.")
    ] = 0,
    duplicates: Annotated[
        float, typer.Option("--duplicates", metavar="PCT", help="Send this share of the events twice.")
    ] = 0,
    shards: Annotated[
        int | None, typer.Option("--shards", metavar="N", help="Give the stream N shards of its own.")
    ] = None,
    limits: Limits = False,
    seed: Seed = None,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Show it on the report page, and keep all of it running until Ctrl-C."),
    ] = False,
    json: Json = False,
) -> None:
    """Run the whole pipeline on this machine: no account, nothing left behind.

    Starts a local cloud from the same program that a deployment runs, sends events, waits until all are
    delivered, and shows where every record is and what an analyst would see. Ends with status 0 only if the
    books balance.
    """
    if events is not None:
        at_least("--events", events, 0)
    if shards is not None:
        at_least("--shards", shards, 1)
    percentage("--poison", poison)
    percentage("--duplicates", duplicates)

    from sluice.cli.demonstration import demonstrate
    from sluice.cli.project import checked_pipeline, find_root, pipeline_file
    from sluice.cli.supply import Supply

    root = find_root()
    file = pipeline_file(root, pipeline)
    supply = Supply(
        contract=checked_pipeline(file).contract,
        source=source,
        count=DEFAULT_EVENTS if events is None and source is None else events,
        rebase_time=rebase_time,
        seed=seed,
        poison=poison,
        duplicates=duplicates,
    )
    supply.check()
    balanced = demonstrate(root, file, supply, shards=shards, limits=limits, serve=serve, json=json)
    if not balanced:
        raise typer.Exit(1)
