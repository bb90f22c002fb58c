"""`sluice consumers`: who reads the streams, how far they are, and a pause that loses nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Env, Json
from sluice.errors import UsageError

if TYPE_CHECKING:
    from sluice.cli.outputs import SinkOutputs
    from sluice.cli.target import Target

app = typer.Typer(help="List what reads the streams, pause one of them, let it go on.")

LIST_EXAMPLE = """\b
Examples:
  sluice consumers list
  sluice consumers list --env prod --json
"""
PAUSE_EXAMPLE = """\b
Examples:
  sluice consumers pause bigquery
  sluice consumers pause refunds --env prod
"""
RESUME_EXAMPLE = """\b
Examples:
  sluice consumers resume bigquery
  sluice consumers resume refunds --env prod
"""

Name = Annotated[str, typer.Argument(metavar="NAME", help="A consumer, as `sluice consumers list` names it.")]


@app.command("list", epilog=LIST_EXAMPLE)
def list_consumers(*, env: Env = None, json: Json = False) -> None:
    """List every consumer: how it reads, whether it runs, how far behind it is, what its filter dropped."""
    from sluice.cli.consumers_asked import consumers_of
    from sluice.cli.consumers_shown import consumers_table
    from sluice.cli.output import console, print_json
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    found = consumers_of(target)
    if json:
        print_json([each.document() for each in found])
        return
    out = console()
    out.print(consumers_table(found, local=target.is_local))
    paused = [each.name for each in found if each.paused]
    if paused:
        out.print()
        out.print(f"Next: sluice consumers resume {paused[0]}", style="dim")


@app.command("pause", epilog=PAUSE_EXAMPLE)
def pause(name: Name, *, env: Env = None, json: Json = False) -> None:
    """Stop handing records to a consumer; what arrives waits in the stream, and the others go on.

    Batches under way are left to their end. Nothing is lost as long as the consumer is resumed before the
    stream forgets what waits.
    """
    _switch(name, env, enabled=False, json=json)


@app.command("resume", epilog=RESUME_EXAMPLE)
def resume(name: Name, *, env: Env = None, json: Json = False) -> None:
    """Let a paused consumer go on with the first record that it has not had."""
    _switch(name, env, enabled=True, json=json)


def _switch(name: str, env: str | None, *, enabled: bool, json: bool) -> None:
    from sluice.cli.consumers_shown import switched
    from sluice.cli.consumers_switch import Switched, switch
    from sluice.cli.output import console, print_json
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    done: Switched = switch(target, name, _sink(target, name), enabled=enabled)
    if json:
        print_json(done.document())
        return
    out = console()
    for sentence in switched(done, env=env):
        out.print(sentence)


def _sink(target: "Target", name: str) -> "SinkOutputs":
    known = target.outputs.sinks
    if name not in known:
        raise UsageError(f"{name}: {target.where} has no such consumer; there are {', '.join(known)}")
    return known[name]
