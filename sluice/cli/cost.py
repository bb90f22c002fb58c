"""`sluice cost`: what an environment costs a month by list prices, at a stated load, without an account."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Json, PipelineFile, at_least, positive
from sluice.cli.output import console, grid, print_json

if TYPE_CHECKING:
    from sluice.planner.cost import Cost

EXAMPLE = """\b
Examples:
  sluice cost --env prod
  sluice cost --env prod --rate 2000 --bytes 600
"""
_USUAL_RATE, _USUAL_BYTES = 100.0, 1_000


def cost(
    *,
    env: Annotated[str, typer.Option("--env", metavar="STACK", help="The environment to look at.")] = "dev",
    rate: Annotated[
        float, typer.Option("--rate", metavar="R", help="Records a second, day and night.")
    ] = _USUAL_RATE,
    size: Annotated[int, typer.Option("--bytes", metavar="N", help="Bytes of a record.")] = _USUAL_BYTES,
    pipeline: PipelineFile = None,
    json: Json = False,
) -> None:
    """Estimate what an environment costs a month, by what it is paid for and by box.

    Runs the program that `pulumi up` runs and multiplies what it declares by list prices; docs/plan.md says
    what is counted and what is not.
    """
    from sluice.cli.project import find_root, pipeline_file
    from sluice.local.inventory import boxes
    from sluice.local.judged import plain
    from sluice.local.program import run_program
    from sluice.pipeline import load_pipeline
    from sluice.planner.cost import monthly
    from sluice.planner.load import Load

    root = find_root()
    positive("--rate", rate)
    at_least("--bytes", size, 1)
    program = run_program(root, env, pipeline=pipeline, overrides={"package_dependencies": False})
    metrics = load_pipeline(pipeline_file(root, pipeline)).metrics
    load = Load(rate=rate, bytes=size, deduped=any(each.dedupe for each in metrics))
    found = monthly(plain(program.resources), load)
    names = {each.urn: each.name for each in program.resources if not each.custom}
    box = {each.name: names.get(each.parent or "", "") for each in program.resources}
    order = [each.name for each in boxes(program.resources)]
    if json:
        print_json(_document(env, found, box))
    else:
        _print(env, found, box, order)


def _document(env: str, found: "Cost", box: dict[str, str]) -> dict[str, Any]:
    from sluice.planner.prices import AS_OF, REGION

    return {
        "environment": env,
        "load": {"records_per_second": found.load.rate, "bytes": found.load.bytes},
        "prices": {"region": REGION, "as_of": AS_OF, "currency": "USD"},
        "fixed": round(found.fixed, 2),
        "by_load": round(found.by_load, 2),
        "total": round(found.total, 2),
        "items": [
            {
                "box": box.get(each.resource),
                "resource": each.resource,
                "what": each.what,
                "quantity": each.quantity,
                "usd": round(each.usd, 4),
                "fixed": each.fixed,
            }
            for each in found.items
        ],
        "uncounted": list(found.uncounted),
        "unknown": list(found.unknown),
    }


def _print(env: str, found: "Cost", box: dict[str, str], order: list[str]) -> None:
    from rich.text import Text

    from sluice.changes.said import dollars
    from sluice.planner.prices import AS_OF, REGION

    out = console()
    out.print(Text(f"Environment {env}: about {dollars(found.total)} a month", style="bold"), end=" ")
    out.print(f"at {found.load}, {dollars(found.fixed)} of it around the clock.\n")
    table = grid()
    table.add_column("box")
    for heading in ("around the clock", "for the load", "a month"):
        table.add_column(heading, justify="right")
    for name in order:
        items = [each for each in found.items if box.get(each.resource) == name]
        fixed = sum(each.usd for each in items if each.fixed)
        total = sum(each.usd for each in items)
        if total:
            table.add_row(name, dollars(fixed), dollars(total - fixed), dollars(total))
    out.print(table)
    kinds: dict[str, float] = {}
    for each in found.items:
        kinds[each.what] = kinds.get(each.what, 0) + each.usd
    table = grid("What is paid for")
    table.add_column("what")
    table.add_column("a month", justify="right")
    for what, usd in sorted(kinds.items(), key=lambda each: -each[1]):
        if usd:
            table.add_row(what, dollars(usd))
    out.print()
    out.print(table)
    unknown = f" No price is known here for: {', '.join(found.unknown)}." if found.unknown else ""
    left = f" Not counted: {'; '.join(found.uncounted)}." if found.uncounted else ""
    out.print(
        Text(
            f"\nList prices of {REGION} in {AS_OF}, without free tiers and taxes.{left}{unknown}", style="dim"
        )
    )
