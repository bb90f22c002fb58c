"""`sluice routes`: what goes where, and how it is decided."""

from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Json, PipelineFile
from sluice.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_ENV = "dev"

EXAMPLE = """\b
Examples:
  sluice routes
  sluice routes --env prod --json
  sluice routes --try events.ndjson.gz
  tail -n 1000 app.log | sluice routes --try -
"""


def routes(
    *,
    tried: Annotated[
        str | None,
        typer.Option(
            "--try",
            metavar="FILE|-",
            help="Say where each of these events, one JSON object a line, would go; nothing is sent.",
        ),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="STACK",
            help=f"The environment whose settings say which consumers are shared.  [default: {DEFAULT_ENV}]",
        ),
    ] = None,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> None:
    """Show the routes of the pipeline: their SQL, where they lead, and whether Lambda's filter decides.

    A route whose SQL can be said exactly as a filter pattern costs no invocation for what does not match.
    Where it cannot, its function gets all events and decides. Reads pipeline.py and the settings alone.
    """
    import sys

    from sluice.cli.output import print_json
    from sluice.cli.project import find_root, pipeline_file
    from sluice.cli.routes_shown import described, show
    from sluice.cli.routes_tried import show_tried, try_routes
    from sluice.patterns import check_routes
    from sluice.pipeline import load_pipeline
    from sluice.routes import Function

    root = find_root()
    loaded = load_pipeline(pipeline_file(root, pipeline))
    for warning in check_routes(loaded):
        sys.stderr.write(f"warning: {warning}\n")
    for route in loaded.routes:
        for to in (route.to, *route.consumers):
            if isinstance(to, Function) and not (root / "functions" / to.folder / "handler.py").is_file():
                sys.stderr.write(
                    f"warning: route {route.name!r}: functions/{to.folder} has no handler.py;"
                    " docs/routes.md shows how to write it\n"
                )
    found = described(loaded, consumer_kinds(root, env))
    outcome = None if tried is None else try_routes(loaded, tried, quiet=json)
    if json:
        print_json({"routes": found} | ({} if outcome is None else {"tried": outcome.document()}))
        return
    if outcome is None:
        show(loaded, found)
    else:
        show_tried(outcome)


def consumer_kinds(root: "Path", env: str | None) -> "Mapping[str, str]":
    """Return `enhanced` or `shared` for each route that the settings name; others are enhanced.

    Raises:
        SettingsError: the settings of an environment that was asked for cannot be read.
    """
    import json
    import sys

    from sluice.local.config import stack_config

    try:
        config = stack_config(root, env or DEFAULT_ENV, {})
        settings = json.loads(config.values.get(f"{config.project}:routes") or "{}")
    except (SettingsError, ValueError) as error:
        if env is not None:
            raise
        sys.stderr.write(f"note: every consumer is taken for an enhanced one: {error}\n")
        return {}
    return {
        name: str(route.get("consumer", "enhanced"))
        for name, route in settings.items()
        if isinstance(route, dict)
    }
