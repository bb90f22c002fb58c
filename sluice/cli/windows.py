"""`sluice windows`: the live figures."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Env, Json, at_least
from sluice.errors import NoCloud, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sluice.cli.target import Target
    from sluice.cli.windows_asked import Asked
    from sluice.metrics import Definition, Metric
    from sluice.windows.reader import Follower, WindowRow

EXAMPLE = """\b
Examples:
  sluice windows
  sluice windows revenue_per_minute --since 1h
  sluice windows revenue_per_minute --group currency=EUR --spark
  sluice windows revenue_per_minute --since 10m --follow --json
"""


def windows(
    metric: Annotated[
        str | None, typer.Argument(metavar="METRIC", help="A metric's name.  [default: list the metrics]")
    ] = None,
    *,
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            metavar="FIELD=VALUE",
            help="Only groups with this value; NULL for those without one. May be given several times.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only windows that end later: 30m, 6h, 2d, or a moment like 2026-11-20T08:00Z.  "
            "[default: everything]",
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="WHEN", help="Only windows that begin before that.")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option("--measure", metavar="NAME", help="Only this figure. May be given several times."),
    ] = None,
    spark: Annotated[bool, typer.Option("--spark", help="Draw one line per group instead.")] = False,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Go on until Ctrl-C; with --json one line for each row that changes."),
    ] = False,
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", help="Show the newest N rows, or N groups; --json prints all."),
    ] = 200,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Show also what a metric counted before it was changed."),
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Show the figures of a metric, window by window and group by group.

    A window is provisional until everything that arrived before its end has been counted. Times are in UTC.
    """
    import sys

    from sluice.cli.output import plural, print_json
    from sluice.cli.project import find_root
    from sluice.cli.target import Target
    from sluice.cli.windows_asked import ask

    at_least("--limit", limit, 1)
    if metric is None and (group or since or until or measure or spark or follow or all_versions):
        raise UsageError("windows: name a metric; `sluice windows` alone lists them")
    if spark and json:
        raise UsageError("windows: --spark draws; leave it out with --json")
    root = find_root()
    target = Target.find(root, env)
    follower = follower_of(target)
    follower.refresh()
    if metric is None:
        from sluice.cli.windows_listed import show_metrics

        show_metrics(follower, lambda: declared_metrics(root, target), json=json)
        return
    definition, known = definition_of(root, target, follower, metric)
    asked = ask(
        definition,
        known=known,
        group=group or (),
        measures=measure or (),
        since=since,
        until=until,
        all_versions=all_versions,
    )
    if follow:
        from sluice.cli.windows_follow import CLOUD_PAUSE, LOCAL_PAUSE
        from sluice.cli.windows_follow import follow as go_on

        pause = LOCAL_PAUSE if target.is_local else CLOUD_PAUSE
        go_on(asked, follower, pause=pause, json=json, spark=spark, limit=limit)
        return
    rows, left_out = asked.rows(follower, datetime.now(UTC))
    if left_out:
        sys.stderr.write(
            f"note: {plural(left_out, 'row')} of what {metric} counted before it was changed are left out; "
            "--all-versions shows them\n"
        )
    if json:
        print_json([asked.document(row) for row in rows])
    else:
        show(asked, rows, follower, spark=spark, limit=limit)


def show(
    asked: "Asked", rows: "Sequence[WindowRow]", follower: "Follower", *, spark: bool, limit: int
) -> None:
    """Print the rows for people, and up to when they are complete."""
    from sluice.cli.output import console, plural, print_rows
    from sluice.cli.windows_shown import sparks, table

    out = console()
    if not rows:
        what = "of these groups " if asked.group else ""
        soon = "yet: they show up some seconds after their events"
        out.print(f"No windows {what}{soon if asked.since is None else 'in that time'}.")
    elif spark:
        out.print(sparks(asked, rows, width=out.width, limit=limit, plain=out.options.ascii_only))
    else:
        print_rows(out, *table(asked, rows[-limit:]))
        if len(rows) > limit:
            out.print(f"The newest {limit} of {plural(len(rows), 'row')}; --limit shows more.", style="dim")
    if any(row.provisional for row in rows):
        until = follower.watermark
        counted = (
            "nothing is certain yet" if until is None else f"counted up to {until:%Y-%m-%d %H:%M:%S} UTC"
        )
        mark = " (~)" if spark else ""
        out.print(f"A provisional window{mark} may still change: {counted}.", style="dim")


def follower_of(target: "Target") -> "Follower":
    """Return what reads a target's windows; raises NoCloud for a stack that was deployed without."""
    from sluice.windows.reader import WindowReader

    table = target.outputs.windows_table
    if table is None:
        raise NoCloud(
            f"{target.where} does not export windows_table: deploy this version of the program there"
        )
    return WindowReader(target.dynamodb, table, days=target.outputs.window_days).follow()


def definition_of(
    root: "Path", target: "Target", follower: "Follower", metric: str
) -> "tuple[Definition, bool]":
    """Return a metric's definition, and whether the table has it: one just declared has no windows yet.

    Raises UsageError for a metric that neither the table nor the pipeline has.
    """
    try:
        return follower.definition(metric), True
    except UsageError:
        for each in declared_metrics(root, target):
            if each.name == metric:
                return each.definition, False
        raise


def declared_metrics(root: "Path", target: "Target") -> "Sequence[Metric]":
    """Return the metrics of the pipeline's file."""
    from sluice.cli.project import pipeline_file
    from sluice.pipeline import load_pipeline

    return load_pipeline(pipeline_file(root, target.pipeline)).metrics
