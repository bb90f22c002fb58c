"""`sluice report`: the page over the live windows, served on this machine."""

import sys
import time
from typing import Annotated

import typer

from sluice.cli.options import Env, Json
from sluice.errors import UsageError

EXAMPLE = """\b
Examples:
  sluice report
  sluice report --env prod
  sluice report --env prod --port 8080 --no-open
"""

MOST_PORT = 65_535


def report(
    *,
    env: Env = None,
    port: Annotated[
        int, typer.Option("--port", metavar="N", help="Listen on this port.  [default: one that is free]")
    ] = 0,
    open_browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="Open the page in a browser.  [default: on a terminal, without --json]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Serve the report page until Ctrl-C: windows, throughput, latency, balance, dead letters, all live.

    Reads with your own AWS credentials, changes nothing, and listens on this machine alone. `sluice local`
    serves the same page by itself.
    """
    if not 0 <= port <= MOST_PORT:
        raise UsageError(f"--port {port}: give a number from 1 to {MOST_PORT}, or leave it out")

    from sluice.cli.output import console, print_json
    from sluice.cli.page import page
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    with page(target, port=port) as shown:
        if json:
            print_json({"report_url": shown.url})
        else:
            console().print(f"The report page of {target.where}: {shown.url}")
            console().print("Ctrl-C stops it.", style="dim")
        if open_browser or (open_browser is None and not json and sys.stdout.isatty()):
            import webbrowser

            webbrowser.open(shown.url)
        while True:
            time.sleep(60)
