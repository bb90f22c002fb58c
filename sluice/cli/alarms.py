"""`sluice alarms`: what rings, since when and why, and which page says what to do."""

from typing import Annotated

import typer

from sluice.cli.options import Env, Json

EXAMPLE = """\b
Examples:
  sluice alarms
  sluice alarms --all
  sluice alarms --env prod --json
"""


def alarms(
    *,
    every: Annotated[bool, typer.Option("--all", help="List the alarms that are OK as well.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Say which alarms ring, since when and why, and where to read what to do.

    An alarm that rings as one of several with a cause in common is listed under it. Alarms whose metrics have
    said too little so far are named. Ends with status 1 when an alarm rings.
    """
    from sluice.cli.alarms_asked import alarms_of
    from sluice.cli.alarms_shown import print_alarms
    from sluice.cli.output import console, print_json
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    found = alarms_of(target)
    if json:
        print_json([each.document() for each in found])
    else:
        print_alarms(console(), found, every=every, env=env)
    if any(each.rings for each in found):
        raise typer.Exit(1)
