"""`sluice probe`: whether Lambda and BigQuery do what the local cloud assumes."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Env, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.cli.target import Target
    from sluice.probe.findings import Finding
    from sluice.probe.ground import Clients, Ground, Patience

EXAMPLE = """\b
Examples:
  sluice probe --list
  sluice probe --env dev
  sluice probe --env dev --slow --yes --json
"""

UNTOLD = 3
"""The status of a run that left something untold, without finding a difference."""


def probe(
    *,
    slow: Annotated[
        bool, typer.Option("--slow", help="Try also what takes two minutes more: Lambda's age limit.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to begin.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Say what is assumed, and ask no account anything.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Compare what Lambda and BigQuery do with what the local cloud assumes of them.

    Needs the setting `probe.enabled`: streams, a function and a dataset of their own, which nothing else
    uses. Sends some 200 records through them, and takes away afterwards what it has made. Ends with status 1
    if anything differs, and with 3 if something could not be told.
    """
    from sluice.cli.output import console, print_json
    from sluice.cli.probe_shown import assumptions_document, assumptions_table

    if listed:
        if json:
            print_json(assumptions_document())
        else:
            console().print(assumptions_table())
        return

    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    ground = ground_of(target)
    if not target.is_local:
        _announce(target, slow=slow, yes=yes)
    found, seconds = probed(clients_of(target), ground, patience_of(target), slow=slow, quiet=json)
    _show(target, found, seconds=seconds, json=json)


def ground_of(target: "Target") -> "Ground":
    """Return where a target's probe is.

    Raises:
        UsageError: it has none.
        NoCloud: it has another version's.
    """
    from sluice.errors import UsageError
    from sluice.probe.ground import Ground

    if not target.outputs.probe:
        name = target.outputs.environment
        how = "start `sluice local` again" if target.is_local else f"run `pulumi up --stack {name}`"
        raise UsageError(
            f"{target.where} has no probe: set `sluice:probe: {{enabled: true}}` in Pulumi.{name}.yaml, and"
            f" {how}"
        )
    return Ground.parse(target.outputs.probe)


def clients_of(target: "Target") -> "Clients":
    """Return the clients that the probe works with."""
    from sluice.probe.ground import Clients

    return Clients(
        kinesis=target.kinesis,
        dynamodb=target.dynamodb,
        sqs=target.sqs,
        functions=target.functions,
        bigquery=target.bigquery,
    )


def patience_of(target: "Target") -> "Patience":
    """Return how long to wait: a local cloud answers at once, or not at all."""
    from sluice.probe.ground import Patience

    if not target.is_local:
        return Patience()
    return Patience(poll_seconds=0.2, seconds=60, window_seconds=60, schema_seconds=30, queue_seconds=0)


def probed(
    clients: "Clients", ground: "Ground", patience: "Patience", *, slow: bool, quiet: bool
) -> "tuple[list[Finding], float]":
    """Try everything; return the findings, and the seconds that it took."""
    import time

    from sluice.cli.progress import stages
    from sluice.probe.run import Run, abouts

    began = time.monotonic()
    run, total = Run(clients, ground, patience), sum(len(each) for each in abouts(slow=slow).values())
    with stages(quiet=quiet) as steps, run.prepared(), steps.stage("assumptions tried", total) as stage:
        done = 0

        def progress(_: str, findings: "Sequence[Finding]") -> None:
            nonlocal done
            done += len(findings)
            stage.update(done)

        found = run.findings(slow=slow, progress=progress)
        stage.finish(f"{done} tried")
    for each in run.left:
        sys.stderr.write(f"warning: {each}\n")
    return found, time.monotonic() - began


def _announce(target: "Target", *, slow: bool, yes: bool) -> None:
    """Say what the run does, costs and takes, and ask whether to begin."""
    from sluice.cli.probe_shown import announcement
    from sluice.errors import UsageError

    sys.stderr.write(announcement(target.where, slow=slow))
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked whether to begin: give --yes")
    typer.confirm("Begin?", abort=True, err=True)


def _show(target: "Target", found: "list[Finding]", *, seconds: float, json: bool) -> None:
    """Print what was found, and end with its status."""
    from sluice.cli.output import console, print_json
    from sluice.cli.probe_shown import document, print_findings

    if json:
        print_json(document(target.outputs.environment, found, seconds))
    else:
        print_findings(console(), found, seconds)
    verdicts = {each.verdict for each in found}
    if "differs" in verdicts:
        raise typer.Exit(1)
    if "unclear" in verdicts:
        raise typer.Exit(UNTOLD)
