"""`sluice graph`: what an environment would create and which rules it breaks, without an account."""

import json as jsonlib
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Json, PipelineFile
from sluice.cli.output import console, count, grid, plural, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sluice.local.inventory import Box
    from sluice.local.program import Program
    from sluice.policies import Violation

EXAMPLE = """\b
Examples:
  sluice graph --env prod
  sluice graph --format mermaid > pipeline.mmd
"""
_SHOWN_NAMES = 6


class Format(StrEnum):
    """How the program is shown."""

    table = "table"
    mermaid = "mermaid"
    json = "json"


def graph(
    *,
    env: Annotated[str, typer.Option("--env", metavar="STACK", help="The environment to look at.")] = "dev",
    shown: Annotated[
        Format, typer.Option("--format", help="A table, a Mermaid drawing, or everything as JSON.")
    ] = Format.table,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> None:
    """Show what an environment would create, what of it is protected, and which rules it breaks.

    Runs the program that `pulumi up` runs, with the environment's settings; no account is asked for anything.
    Exit status 1 when it breaks a rule; docs/policies.md lists them.
    """
    from sluice.cli.project import find_root
    from sluice.local.judged import judged
    from sluice.local.program import run_program

    program = run_program(find_root(), env, pipeline=pipeline, overrides={"package_dependencies": False})
    found = judged(program)
    for warning in program.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    if json or shown is Format.json:
        print_json(_document(env, program, found))
    elif shown is Format.mermaid:
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


def _document(env: str, program: "Program", found: "list[Violation]") -> dict[str, Any]:
    """Everything that was declared, and what is wrong with it, for programs: checks, diffs, inventories."""
    from sluice.local.inventory import created

    components = {each.urn: each.name for each in program.resources if not each.custom}
    resources = created(program.resources)
    return {
        "environment": env,
        "count": len(resources),
        "protected": sum(each.protect for each in resources),
        "resources": [
            {
                "component": components.get(each.parent or ""),
                "type": each.type,
                "name": each.name,
                "protected": each.protect,
                "depends_on": list(each.depends_on),
                "urn": each.urn,
                "inputs": each.inputs,
            }
            for each in sorted(resources, key=lambda each: each.urn)
        ],
        "outputs": program.outputs,
        "warnings": list(program.warnings),
        "violations": [
            {
                "rule": each.rule,
                "type": each.resource.type,
                "name": each.resource.name,
                "said": each.said,
                "urn": each.resource.urn,
            }
            for each in found
        ],
    }


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
