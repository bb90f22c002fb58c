"""`sluice graph --diff`: what the working tree would change, compared with another revision."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluice.cli.output import console, grid, plain, printable

if TYPE_CHECKING:
    from rich.console import Console

    from sluice.changes.document import Document
    from sluice.changes.plan import EnvironmentPlan, Plan
    from sluice.changes.said import Line
    from sluice.planner.load import Load


_DIFFERENCES = 20
"""Of one resource, before the rest is counted: JSON holds them all."""


def planned(
    root: Path, revision: str, environments: list[str], pipeline: Path | None, load: "Load"
) -> "Plan":
    """Compare the working tree's programs with those of a revision.

    Raises:
        UsageError: git knows no such revision.
        EnvironmentProblem: there is no git, or no repository.
    """
    import msgspec

    from sluice.changes.plan import Programs, Side, compare
    from sluice.changes.revision import changed_here, commit, documents, tree
    from sluice.local.config import stacks

    base = Side(called=revision, commit=commit(root, revision))
    edited = " and what is not committed" if changed_here(root) else ""
    head = Side(called="the working tree", commit=f"{commit(root, 'HEAD')}{edited}")
    names = environments or stacks(root)
    with tree(root, base.commit) as project, ThreadPoolExecutor(1) as beside:
        # The other revision has a process of its own, and runs while this one runs here.
        theirs = beside.submit(documents, project, names, _theirs(pipeline, root, project))
        ours = {name: _document(root, name, pipeline) for name in names}
        before = Programs(documents=theirs.result(), root=project)
        plan = compare(before, Programs(documents=ours, root=root), base=base, head=head, load=load)
        gone = () if environments else tuple(sorted({*stacks(project)} - {*names}))
        return msgspec.structs.replace(plan, dropped=gone)


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
    # As JSON holds it: the other revision's comes from there.
    return read(plain(graph_document(environment, program, judged(program), flows)))


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


def print_plan(plan: "Plan", out: "Console | None" = None) -> None:
    """Print a plan for people, on stdout unless told otherwise."""
    _Page(plan, out or console()).print()


class _Page:
    """A plan on a terminal, section by section."""

    def __init__(self, plan: "Plan", out: "Console") -> None:
        from sluice.changes.said import Style

        self._plan, self._out = plan, out
        self._words = Style(printable, printable)

    def print(self) -> None:
        """Print it all."""
        from sluice.changes import said, said_rights

        self._line(f"Offline plan: {said.title(self._plan)}", "bold")
        self._line(f"{said.WHAT_IT_IS}\n", "dim")
        self._overview()
        self._section("Look at this first", self._of(said.first(self._plan, self._words)), "bold red")
        wider = self._of(said_rights.widened(self._plan, self._words))
        self._section("Allowed from now on", wider, "bold yellow")
        self._section("Contract, metrics, routes, code", said.pipeline(self._plan, self._words))
        for each in self._plan.environments:
            if not (each.quiet or each.problem):
                self._environment(each)
        if cost := next((each.cost for each in self._plan.environments if each.cost), None):
            self._line(f"\n{said.not_counted(cost)}", "dim")

    def _overview(self) -> None:
        from sluice.changes import said

        table = grid()
        table.add_column("environment")
        for heading in ("added", "changed", "replaced", "deleted", "renamed"):
            table.add_column(heading, justify="right")
        table.add_column("rights")
        table.add_column("a month", justify="right")
        for each in self._plan.environments:
            counts = [str(len(each.of(*does))) for does in said.COUNTED]
            cost = said.signed(each.cost.more) if each.cost else ""
            cells = ["not compared", *[""] * 6] if each.problem else [*counts, said.rights(each), cost]
            table.add_row(each.environment, *cells)
        self._out.print(table)

    def _of(self, lines: "list[Line]") -> Iterator[str]:
        several = len(self._plan.environments) > 1
        return (f"{', '.join(each.environments)}: {each.text}" if several else each.text for each in lines)

    def _environment(self, each: "EnvironmentPlan") -> None:
        from sluice.changes import said, said_rights

        name, words = each.environment, self._words
        for heading, does in said.GROUPS:
            found = each.of(*does)
            added = does == ("added",)
            lines = said.by_component(found, words) if added else said.told(found, words, _DIFFERENCES)
            self._section(f"{name}: {heading}", lines)
        self._section(f"{name}: new roles and resources may", said_rights.granted_to_new(each, words))
        self._section(f"{name}: no longer allowed", said_rights.narrowed(each, words))
        self._section(f"{name}: outputs", (printable(str(one)) for one in each.outputs))
        if each.cost and each.cost.resources:
            cost = said.cost(each.cost, self._plan.load)
            self._section(f"{name}: {cost}", said.costs(each.cost, words))

    def _section(self, heading: str, lines: Iterable[str], style: str = "bold") -> None:
        from rich.padding import Padding
        from rich.text import Text

        shown = list(lines)
        if shown:
            self._line(f"\n{heading}", style)
        for each in shown:
            deeper = 6 if each.startswith("  ") else 2
            self._out.print(Padding(Text(each.strip()), (0, 0, 0, deeper), expand=False))

    def _line(self, text: str, style: str) -> None:
        from rich.text import Text

        self._out.print(Text(text, style=style))
