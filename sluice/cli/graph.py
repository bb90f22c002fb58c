"""`sluice graph`: what an environment would create and which rules it breaks, without an account."""

import json as jsonlib
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Json, PipelineFile
from sluice.cli.output import console, count, grid, plural, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from sluice.local.inventory import Box
    from sluice.local.program import Program
    from sluice.planner.load import Load
    from sluice.policies import Violation

EXAMPLE = """\b
Examples:
  sluice graph --env prod
  sluice graph --format mermaid > pipeline.mmd
  sluice graph --diff main --env prod
  sluice graph --diff main --format markdown > comment.md
"""
_SHOWN_NAMES = 6


class Format(StrEnum):
    """How the program is shown."""

    table = "table"
    mermaid = "mermaid"
    markdown = "markdown"
    json = "json"


def graph(
    *,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            metavar="STACK",
            help="The environment to look at; with --diff several, or all.  [default: dev]",
        ),
    ] = None,
    shown: Annotated[
        Format,
        typer.Option(
            "--format", help="A table, a Mermaid drawing, a comment in Markdown, everything as JSON."
        ),
    ] = Format.table,
    pipeline: PipelineFile = None,
    diff: Annotated[
        str | None,
        typer.Option("--diff", metavar="REV", help="Compare with the program of this git revision instead."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="R", help="With --diff: cost at R records a second.  [default: 100]"),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--bytes", metavar="N", help="With --diff: of N bytes each.  [default: 1000]"),
    ] = None,
    json: Json = False,
) -> None:
    """Show what an environment would create, what of it is protected, and which rules it breaks.

    Runs the program that `pulumi up` runs, with the environment's settings; no account is asked for anything.
    With --diff it is the offline plan: what the working tree would add, change, replace and delete, which
    rights grow wider, and what that costs (docs/plan.md). Exit status 1 when the program breaks a rule;
    docs/policies.md lists them.
    """
    form = Format.json if json else shown
    _check_options(env, form, diff, rate, size)
    if diff is not None:
        _show_plan(diff, env or [], form, pipeline, _load(rate, size))
    else:
        _show_program((env or ["dev"])[0], form, pipeline)


def _check_options(
    env: list[str] | None, form: Format, diff: str | None, rate: float | None, size: int | None
) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: what it is, and what to do instead.
    """
    from sluice.errors import UsageError

    if diff is not None and form is Format.mermaid:
        raise UsageError(
            "--format mermaid draws one program: leave out --diff, or take table, markdown, json"
        )
    if diff is None and form is Format.markdown:
        raise UsageError(
            "--format markdown is for a comparison: add --diff REV, or take table, mermaid, json"
        )
    if diff is None and (rate is not None or size is not None):
        raise UsageError("--rate and --bytes say the load of a comparison: add --diff REV")
    if diff is None and len(env or []) > 1:
        raise UsageError(
            "--env is given several times: without --diff REV, look at one environment at a time"
        )


def _load(rate: float | None, size: int | None) -> "Load":
    from sluice.cli.options import at_least, positive
    from sluice.planner.load import USUAL_BYTES, USUAL_RATE, Load

    return Load(
        rate=positive("--rate", USUAL_RATE if rate is None else rate),
        bytes=at_least("--bytes", USUAL_BYTES if size is None else size, 1),
    )


def _show_plan(
    revision: str, environments: list[str], form: Format, pipeline: "Path | None", load: "Load"
) -> None:
    from sluice.cli.graph_diff import as_json, failed, planned, print_plan
    from sluice.cli.project import find_root

    plan = planned(find_root(), revision, list(dict.fromkeys(environments)), pipeline, load)
    if form is Format.json:
        print_json(as_json(plan))
    elif form is Format.markdown:
        from sluice.changes.markdown import markdown

        sys.stdout.write(markdown(plan))
    else:
        print_plan(plan)
    if wrong := failed(plan):
        sys.stderr.write(f"error: {wrong}\n")
        raise typer.Exit(1)


def _show_program(env: str, form: Format, pipeline: "Path | None") -> None:
    from sluice.cli.project import find_root
    from sluice.local.judged import judged
    from sluice.local.program import run_program

    root = find_root()
    program = run_program(root, env, pipeline=pipeline, overrides={"package_dependencies": False})
    found = judged(program)
    for warning in program.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    if form is Format.json:
        from sluice.cli.project import pipeline_file
        from sluice.local.document import graph_document
        from sluice.pipeline import load_pipeline

        flows = load_pipeline(pipeline_file(root, pipeline))
        print_json(graph_document(env, program, found, flows))
    elif form is Format.mermaid:
        from sluice.local.drawing import mermaid

        sys.stdout.write(mermaid(program))
    else:
        _print_table(env, program)
    if found:
        _complain(env, found)
        raise typer.Exit(1)


def _complain(env: str, found: "list[Violation]") -> None:
    """Say on stderr which rules are broken, one violation a line."""
    for each in found:
        sys.stderr.write(f"violation: {each}\n")
    rules = len({each.rule for each in found})
    sys.stderr.write(
        f"error: environment {env} breaks {plural(rules, 'rule')} in {plural(len(found), 'place')}:"
        " mend them as the lines above say; docs/policies.md has the reasons\n"
    )


def _print_table(env: str, program: "Program") -> None:
    from rich.text import Text

    from sluice.local.inventory import boxes

    found = boxes(program.resources)
    total, protected = sum(box.count for box in found), sum(box.protected for box in found)
    out = console()
    out.print(Text(f"Environment {env} would have", style="bold"), end=" ")
    out.print(f"{plural(total, 'resource')}, {protected or 'none'} of them protected from deletion.\n")
    table = grid()
    table.add_column("box")
    table.add_column("n", justify="right")
    table.add_column("what")
    table.add_column("named", overflow="fold")
    if protected:
        table.add_column("protected")
    for box in found:
        for cells in _rows(box):
            table.add_row(*cells[: len(table.columns)])
        table.add_section()
    out.print(table)
    if adopted := program.outputs.get("adopted"):
        things = ", ".join(f"{key} ({name})" for key, name in adopted.items())
        out.print(Text(f"\nAdopted, neither declared nor changed: {things}."))
    out.print(Text(f"\n{_where(program)}", style="dim"))


def _rows(box: "Box") -> "list[tuple[RenderableType, ...]]":
    from rich.text import Text

    rows: list[tuple[RenderableType, ...]] = []
    for line in box.lines:
        title = Text(box.name if not rows else "", style="bold")
        more = len(line.names) - _SHOWN_NAMES
        names = ", ".join(line.names[:_SHOWN_NAMES]) + (f" and {count(more)} more" if more > 0 else "")
        named = Text(names)
        if line.note:
            named.append(f"\n{line.note}", style="yellow")
        rows.append(
            (title, Text(count(len(line.names))), Text(line.kind), named, _protection(line.protected))
        )
    return rows


def _protection(protected: int) -> "RenderableType":
    from rich.text import Text

    return Text("yes", style="green") if protected else Text("")


def _where(program: "Program") -> str:
    """Name the account and project that the providers are pinned to."""
    inputs = {
        each.name: each.inputs for each in program.resources if each.type.startswith("pulumi:providers:")
    }
    aws, google = inputs.get("aws", {}), inputs.get("gcp", {})
    accounts = ", ".join(jsonlib.loads(aws.get("allowedAccountIds", "[]")))
    return f"AWS account {accounts} in {aws.get('region')}; Google project {google.get('project')}."
