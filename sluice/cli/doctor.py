"""`sluice doctor`: what is in the way of `pulumi up`, and what has drifted since."""

import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Json, PipelineFile, positive
from sluice.cli.output import console, plural, print_json, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from sluice.doctor.case import Case
    from sluice.doctor.finding import Finding, Level

EXAMPLE = """\b
Examples:
  sluice doctor --env dev
  sluice doctor --env prod --json
"""
SECONDS = 90.0
_MOMENT = 0.2
_STYLES = {"ok": "green", "unknown": "dim", "warning": "yellow", "problem": "bold red"}

Stack = Annotated[
    str, typer.Option("--env", metavar="STACK", help="The environment, as its Pulumi.STACK.yaml.")
]


def doctor(
    *,
    env: Stack,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", help="How long all checks together may take.")
    ] = SECONDS,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> int:
    """Look at tools, settings, credentials, quotas, APIs and rights before the first `pulumi up`.

    Once the stack is deployed, also at what has drifted: tables, columns, mappings, functions. Only looks:
    nothing is created or changed, and no secret is printed. Each finding has its cause, what follows from it
    and what to do next. Exit status 1 when `pulumi up` would fail, or what is deployed does not work.
    """
    from sluice.cli.project import find_root, pipeline_file
    from sluice.doctor.case import Case
    from sluice.doctor.checks import CHECKS
    from sluice.doctor.examination import examine
    from sluice.doctor.finding import Level

    positive("--seconds", seconds)
    deadline = time.monotonic() + seconds
    root = find_root()
    case = Case.open(root, env, pipeline_file(root, pipeline))
    found = examine(case, CHECKS, seconds=seconds)
    counts = {level: sum(one.level is level for one in found) for level in Level}
    if json:
        print_json(_document(case, found, counts, deadline))
    else:
        _show(case, found, counts)
    return 1 if counts[Level.problem] else 0


def _deployed(case: "Case", deadline: float) -> bool | None:
    """Whether the stack is deployed; None where nobody can tell, or not in time."""
    told: list[bool] = []

    def ask() -> None:
        with suppress(Exception):  # the checks have told what is wrong
            told.append(case.deployed)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(max(_MOMENT, deadline - time.monotonic()))
    return told[0] if told else None


def _document(
    case: "Case", found: "Sequence[Finding]", counts: "dict[Level, int]", deadline: float
) -> dict[str, object]:
    from sluice.doctor.finding import Level

    return {
        "environment": case.env,
        "ok": not counts[Level.problem],
        "deployed": _deployed(case, deadline),
        "problems": counts[Level.problem],
        "warnings": counts[Level.warning],
        "findings": [one.document() for one in found],
    }


def _show(case: "Case", found: "Sequence[Finding]", counts: "dict[Level, int]") -> None:
    """Print what is good or unknown on a line each, then what is not good with all there is to say."""
    from rich.text import Text

    from sluice.doctor.finding import NOTHING_KNOWN, Level

    out = console()
    short = [
        one
        for one in found
        if one.level is Level.ok or (one.level is Level.unknown and one.consequence == NOTHING_KNOWN)
    ]
    out.print(_table(short))
    for level in (Level.unknown, Level.warning, Level.problem):
        for one in (each for each in found if each.level is level and each not in short):
            _tell(out, one)
    good = f"{plural(counts[Level.ok], 'check')} good"
    rest = (plural(counts[Level.problem], "problem"), plural(counts[Level.warning], "warning"))
    unknown = f", {counts[Level.unknown]} could not be looked at" if counts[Level.unknown] else ""
    out.print(Text(f"\nEnvironment {case.env}: {', '.join(rest)}, {good}{unknown}.", style="bold"))


def _table(found: "Sequence[Finding]") -> "Table":
    from rich.text import Text

    from sluice.cli.output import grid

    table = grid()
    for title in ("", "check", "seen"):
        table.add_column(title, overflow="fold")
    for one in found:
        level = Text(str(one.level), style=_STYLES[str(one.level)])
        table.add_row(level, Text(one.check), Text(printable(one.cause)))
    return table


def _tell(out: "Console", one: "Finding") -> None:
    from rich.padding import Padding
    from rich.text import Text

    head = Text(f"\n{one.level}  ", style=_STYLES[str(one.level)])
    out.print(head.append(f"{one.check}: {printable(one.cause)}", style="default"))
    for label, text in (("so", one.consequence), ("next", one.next_step)):
        out.print(Padding(Text(f"{label}: {printable(text)}"), (0, 0, 0, 2), expand=False))
