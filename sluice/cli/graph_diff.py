"""`sluice graph --diff`: what the working tree would change, compared with another revision."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.cli.output import console, grid, printable

if TYPE_CHECKING:
    from rich.console import Console

    from sluice.changes.document import Document
    from sluice.changes.plan import EnvironmentPlan, Plan
    from sluice.planner.load import Load


def planned(
    root: Path, revision: str, environments: list[str], pipeline: Path | None, load: "Load"
) -> "Plan":
    """Compare the working tree's programs with those of a revision.

    Raises:
        UsageError: git knows no such revision.
        EnvironmentProblem: there is no git, or no repository.
    """
    from sluice.changes.plan import Programs, Side, compare
    from sluice.changes.revision import changed_here, commit, documents, tree

    base = Side(called=revision, commit=commit(root, revision))
    edited = " and what is not committed" if changed_here(root) else ""
    head = Side(called="the working tree", commit=f"{commit(root, 'HEAD')}{edited}")
    names = environments or sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))
    with tree(root, base.commit) as project, ThreadPoolExecutor(1) as beside:
        # The other revision has a process of its own, and runs while this one runs here.
        theirs = beside.submit(documents, project, names, _theirs(pipeline, root, project))
        ours = {name: _document(root, name, pipeline) for name in names}
        before = Programs(documents=theirs.result(), root=project)
        return compare(before, Programs(documents=ours, root=root), base=base, head=head, load=load)


def _theirs(pipeline: Path | None, root: Path, project: Path) -> Path | None:
    """Return the other revision's own version of a pipeline file that lies in the project."""
    if pipeline is None:
        return None
    file = pipeline.resolve()
    return project / file.relative_to(root) if file.is_relative_to(root) else file


def _document(root: Path, environment: str, pipeline: Path | None) -> "Document | str":
    from sluice.changes.document import read
    from sluice.cli.project import pipeline_file
    from sluice.errors import SluiceError
    from sluice.local.document import graph_document
    from sluice.local.judged import judged
    from sluice.local.program import run_program
    from sluice.pipeline import load_pipeline

    overrides = {"package_dependencies": False}
    try:
        program = run_program(root, environment, pipeline=pipeline, overrides=overrides)
        flows = load_pipeline(pipeline_file(root, pipeline))
    except SluiceError as error:
        return str(error)
    return read(graph_document(environment, program, judged(program), flows))


def as_json(plan: "Plan") -> dict[str, Any]:
    """Return a plan as one document."""
    import msgspec

    document: dict[str, Any] = msgspec.to_builtins(plan)
    return document


def failed(plan: "Plan") -> str:
    """Return what is wrong with the working tree's programs, in one line; empty where nothing is."""
    broken = sum(each.violations for each in plan.environments)
    stuck = [each.environment for each in plan.environments if each.ours_failed]
    if stuck:
        return f"the working tree's program does not run for {', '.join(stuck)}: mend it as the plan says"
    if broken:
        return (
            f"the working tree's programs break rules in {broken} places: `sluice graph --env ENV` names"
            " them, docs/policies.md has the reasons"
        )
    return ""


def print_plan(plan: "Plan") -> None:
    """Print a plan for people."""
    from rich.text import Text

    from sluice.changes import said

    out = console()
    out.print(Text(f"Offline plan: {said.title(plan)}", style="bold"))
    out.print(Text(f"{said.WHAT_IT_IS}\n", style="dim"))
    _print_overview(out, plan)
    _print(out, "Look at this first", _of(plan, said.first(plan, printable)), style="bold red")
    _print(out, "Allowed from now on", _of(plan, said.widened(plan, printable)), style="bold yellow")
    _print(out, "Contract, metrics, routes, code", _pipeline(plan))
    for each in plan.environments:
        _print_environment(out, plan, each)
    if cost := next((each.cost for each in plan.environments if each.cost), None):
        out.print(Text(f"\n{said.not_counted(cost)}", style="dim"))


def _print_overview(out: "Console", plan: "Plan") -> None:
    from sluice.changes import said

    table = grid()
    table.add_column("environment")
    for heading in ("added", "changed", "replaced", "deleted", "renamed"):
        table.add_column(heading, justify="right")
    table.add_column("rights")
    table.add_column("a month", justify="right")
    for each in plan.environments:
        counts = [str(len(each.of(*does))) for does in said.COUNTED]
        cost = said.signed(each.cost.more) if each.cost else ""
        cells = ["not compared", *[""] * 6] if each.problem else [*counts, said.rights(each), cost]
        table.add_row(each.environment, *cells)
    out.print(table)


def _of(plan: "Plan", lines: list[Any]) -> Iterator[str]:
    several = len(plan.environments) > 1
    return (f"{', '.join(each.environments)}: {each.text}" if several else each.text for each in lines)


def _pipeline(plan: "Plan") -> Iterator[str]:
    from sluice.changes import said

    return (line.replace("**", "") for line in said.pipeline(plan, printable))


def _print_environment(out: "Console", plan: "Plan", each: "EnvironmentPlan") -> None:
    from sluice.changes import said

    if each.quiet or each.problem:
        return
    name = each.environment
    for heading, does in said.GROUPS:
        found = each.of(*does)
        if does == ("added",):
            _print(out, f"{name}: {heading}", said.by_component(found, printable))
        else:
            lines = (
                line for one in found for line in _resource(said.resource(one, printable), one.differences)
            )
            _print(out, f"{name}: {heading}", lines)
    _print(out, f"{name}: new roles and resources may", said.granted_to_new(each, printable))
    _print(out, f"{name}: no longer allowed", said.narrowed(each, printable))
    _print(out, f"{name}: outputs", (printable(str(one)) for one in each.outputs))
    if each.cost and each.cost.resources:
        lines = (said.cost_of(one, printable) for one in each.cost.resources)
        _print(out, f"{name}: {said.cost(each.cost, plan.load)}", lines)


def _resource(line: str, differences: tuple[Any, ...]) -> Iterator[str]:
    yield line
    for each in differences:
        yield f"  {printable(str(each))}"


def _print(out: "Console", heading: str, lines: Any, *, style: str = "bold") -> None:
    from rich.padding import Padding
    from rich.text import Text

    shown = list(lines)
    if not shown:
        return
    out.print(Text(f"\n{heading}", style=style))
    for each in shown:
        deeper = 6 if each.startswith("  ") else 2
        out.print(Padding(Text(each.strip()), (0, 0, 0, deeper), expand=False))
