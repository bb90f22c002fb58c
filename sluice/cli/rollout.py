"""`sluice rollout`: has CodeDeploy shift batches to the newest code, in steps and under alarms."""

from typing import Annotated

import typer

from sluice.cli.options import Env, Json

EXAMPLE = """\b
Examples:
  sluice rollout --env prod
  sluice rollout bigquery --env prod --json
"""


def rollout(
    sinks: Annotated[
        list[str] | None, typer.Argument(metavar="[SINK]...", help="Only these.  [default: all]")
    ] = None,
    *,
    env: Env = None,
    json: Json = False,
) -> None:
    """Roll out what the last deployment published: a share of the batches first, then all.

    Each sink whose newest version is not what its alias runs is shifted, side by side; an alarm of a sink
    that rings meanwhile shifts that sink back. A deployment that is under way already is followed to its
    end, and goes on by itself if this command is stopped. Nothing is to be done where rollout.strategy is
    all-at-once. Ends with status 1 when a sink was shifted back.
    """
    from sluice.cli.output import console, print_json
    from sluice.cli.progress import stages
    from sluice.cli.project import find_root
    from sluice.cli.rolling import Rolling
    from sluice.cli.rolling_shown import ALL_AT_ONCE, print_parts, shown
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    rolling = Rolling.of(target, sinks or ())
    with stages(quiet=json) as steps:
        rolling.run(shown(steps))
    if json:
        print_json([each.document() for each in rolling.parts])
    elif target.outputs.rollout is None:
        console().print(ALL_AT_ONCE)
    else:
        print_parts(console(), rolling.parts, env=env)
    if any(each.failed for each in rolling.parts):
        raise typer.Exit(1)
