"""`sluice package`: what each function ships, and whether it may."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Json, PipelineFile
from sluice.cli.output import console, count, grid, plural, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluice.local.packages.looked import Looked

EXAMPLE = """\b
Examples:
  sluice package
  sluice package bigquery_sink --check
  sluice package --env prod --check --json
"""


def package(
    *,
    functions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FUNCTION", help="Folders below functions/.  [default: all of the environment]"
        ),
    ] = None,
    env: Annotated[str, typer.Option("--env", metavar="STACK", help="The environment to build for.")] = "dev",
    check: Annotated[
        bool, typer.Option("--check", help="Build twice, and check hash, size, contents and imports.")
    ] = False,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> int:
    """Build the functions' packages as `pulumi up` would upload them, and show what they weigh.

    Imports are measured here, in a Python that sees nothing but the package and what Lambda brings.
    With --check the status is 1 if anything is wrong.
    """
    from sluice.cli.project import find_root, pipeline_file
    from sluice.local.packages.looked import document, look, wanted

    root = find_root()
    file = pipeline_file(root, pipeline)
    asked = wanted(root, env, file, functions or [])
    found = look(root, asked, file, check=check, tell=lambda line: _tell(line, quiet=json))
    if json:
        place = asked[0].place
        document_ = {"environment": env, "python": place.python, "architecture": place.architecture}
        print_json({**document_, "checked": check, "packages": document(found)})
    else:
        _print(found, check=check)
    return 1 if any(each.faults for each in found) else 0


def _tell(line: str, *, quiet: bool) -> None:
    if not quiet:
        sys.stderr.write(f"{line} ...\n")


def _print(found: "Sequence[Looked]", *, check: bool) -> None:
    from rich.text import Text

    from sluice.local.packages.looked import MB

    table = grid()
    for head in ("function", "zipped MB", "budget", "unpacked MB", "files", "import ms", "budget", "hash"):
        table.add_column(head, justify="left" if head in {"function", "hash"} else "right")
    for each in found:
        budget = each.budget
        table.add_row(
            Text(each.function),
            f"{each.sizes.zipped / MB:.1f}",
            f"{budget.zipped_mb:g}" if budget else "none",
            f"{each.sizes.unpacked / MB:.1f}",
            count(len(each.contents)),
            "failed" if each.imported.fault else f"{each.imported.fair_ms:.0f}",
            f"{budget.import_ms:g}" if budget else "none",
            each.hash[:12],
        )
    out = console()
    out.print(table)
    if not check:
        for each in found:
            if each.imported.fault:
                out.print(Text(f"{each.function}: {each.imported.fault}", style="red"))
        return
    for each in found:
        for fault in each.faults:
            out.print(Text(f"{each.function}: {fault}", style="red"))
    wrong = sum(bool(each.faults) for each in found)
    verdict = f"{plural(wrong, 'package')} must be mended." if wrong else "Every package is as it must be."
    out.print(Text(f"\n{verdict}", style="bold"))
    out.print(Text(_where(found), style="dim"))


def _where(found: "Sequence[Looked]") -> str:
    """Say where the handlers were imported, and where not."""
    untried = next((each.on_target for each in found if isinstance(each.on_target, str)), None)
    if untried is not None:
        return f"Imported on this machine; not on what they run on: {untried}."
    return "Imported on this machine, and by a Python for what they run on."
