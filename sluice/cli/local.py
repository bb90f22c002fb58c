"""`sluice local`: the local cloud in the foreground."""

from typing import Annotated

import typer

from sluice.cli.options import Json, Limits, PipelineFile, at_least
from sluice.errors import UsageError

SHORTEST_MINUTE, LONGEST_MINUTE = 0.5, 60.0
"""What is measured is sent ten times a minute: in less there is not enough of it."""

EXAMPLE = """\b
Examples:
  sluice local
  sluice local --pipeline my_pipeline.py
  sluice local --shards 4 --limits
  sluice local --minute-seconds 5                 (alarms and schedules at twelve times their pace)
  sluice produce --fake 1000; sluice audit        (in another terminal)
"""


def local(
    *,
    pipeline: PipelineFile = None,
    shards: Annotated[
        int | None, typer.Option("--shards", metavar="N", help="Give the stream N shards of its own.")
    ] = None,
    limits: Limits = False,
    minute_seconds: Annotated[
        float,
        typer.Option(
            "--minute-seconds",
            metavar="S",
            help="How long a minute of alarms' periods and of schedules lasts, 0.5 or more.",
        ),
    ] = 60.0,
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
    if not SHORTEST_MINUTE <= minute_seconds <= LONGEST_MINUTE:
        raise UsageError(
            f"--minute-seconds {minute_seconds:g}: give seconds from {SHORTEST_MINUTE} to {LONGEST_MINUTE:g}"
        )

    from sluice.cli.foreground import run_local
    from sluice.cli.project import find_root, pipeline_file

    root = find_root()
    options = {"shards": shards, "limits": limits, "minute_seconds": minute_seconds, "verbose": verbose}
    run_local(root, pipeline_file(root, pipeline), options, json=json)
