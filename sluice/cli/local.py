"""`sluice local`: the local cloud in the foreground."""

from typing import Annotated

import typer

from sluice.cli.options import Json, Limits, PipelineFile, at_least

EXAMPLE = """\b
Examples:
  sluice local
  sluice local --pipeline my_pipeline.py
  sluice local --shards 4 --limits
  sluice produce --fake 1000; sluice audit        (in another terminal)
"""


def local(
    *,
    pipeline: PipelineFile = None,
    shards: Annotated[
        int | None, typer.Option("--shards", metavar="N", help="Give the stream N shards of its own.")
    ] = None,
    limits: Limits = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show what the servers and the functions print.")
    ] = False,
    json: Json = False,
) -> None:
    """Run the local cloud until Ctrl-C; the other commands find it by themselves.

    It is made by the same program that a deployment runs, listens on this machine alone, and keeps everything
    in memory: when it stops, nothing is left. While it runs, a changed pipeline file, Pulumi.dev.yaml or
    function is deployed over it, and streams, tables and dead letters stay; with --json each time prints one
    more line of JSON.
    """
    if shards is not None:
        at_least("--shards", shards, 1)

    from sluice.cli.foreground import run_local
    from sluice.cli.project import find_root, pipeline_file

    root = find_root()
    run_local(root, pipeline_file(root, pipeline), shards=shards, limits=limits, verbose=verbose, json=json)
