"""The offline plan: what a change does to each environment, brought together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from sluice.changes.document import Broken, Document
from sluice.changes.packages import PackageChange, package_changes, provider_changes
from sluice.changes.pipeline import PipelineChanges, pipeline_changes
from sluice.changes.replacements import VERSIONS
from sluice.changes.resources import Change, changes, paired, unprotected
from sluice.changes.values import Difference, differences
from sluice.changes.widened import Rights, rights_changed
from sluice.planner.cost import Cost, monthly
from sluice.planner.load import Load

_CENT: Final = 0.005


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two programs: how it was called, and the commit it is of."""

    called: str
    commit: str


class CostOf(msgspec.Struct, frozen=True, kw_only=True):
    """A resource's month before and after, in US dollars; 0 where it is not there."""

    name: str
    before: float
    after: float


class CostChange(msgspec.Struct, frozen=True, kw_only=True):
    """An environment's month before and after, in US dollars, and what of it changes."""

    fixed_before: float
    fixed_after: float
    load_before: float
    load_after: float
    resources: tuple[CostOf, ...]
    uncounted: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def more(self) -> float:
        """How much more a month costs, or less where it is negative."""
        return self.fixed_after + self.load_after - self.fixed_before - self.load_before


class EnvironmentPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one environment; where `problem` says why it could not be compared, nothing else.

    `prefix` is what its names begin with. `ours_failed`: it is the later program that does not run.
    `violations` counts what of the later one breaks a rule, `broken` is what did not before.
    """

    environment: str
    prefix: str = ""
    problem: str = ""
    ours_failed: bool = False
    new: bool = False
    changes: tuple[Change, ...] = ()
    rights: Rights = Rights(widened=(), narrowed=())
    unprotected: tuple[str, ...] = ()
    outputs: tuple[Difference, ...] = ()
    providers: tuple[Difference, ...] = ()
    broken: tuple[Broken, ...] = ()
    mended: tuple[Broken, ...] = ()
    violations: int = 0
    cost: CostChange | None = None

    @property
    def quiet(self) -> bool:
        """Whether nothing at all changes."""
        return not (
            self.problem
            or self.new
            or self.changes
            or self.rights.widened
            or self.rights.narrowed
            or self.unprotected
            or self.outputs
            or self.providers
            or self.broken
            or self.mended
        )

    def of(self, *does: str) -> list[Change]:
        """Return what is added, changed and so on."""
        return [each for each in self.changes if each.does in does]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole comparison."""

    base: Side
    head: Side
    load: str
    environments: tuple[EnvironmentPlan, ...]
    pipeline: PipelineChanges = PipelineChanges()
    packages: tuple[PackageChange, ...] = ()
    pinned: tuple[str, ...] = ()
    """Pulumi and its providers, where other versions of them are pinned."""
    dropped: tuple[str, ...] = ()
    """Environments that the older revision has a file for, and the later one no longer."""
    providers_known: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(VERSIONS))


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """One side's programs by environment, or the line why one did not run, and the directory they are of."""

    documents: Mapping[str, Document | str]
    root: Path


def compare(before: Programs, after: Programs, *, base: Side, head: Side, load: Load) -> Plan:
    """Compare two revisions in all environments that the later one has."""
    plans, shared = [], []
    for name, new in after.documents.items():
        old = before.documents.get(name, "")
        if isinstance(new, str) or isinstance(old, str):
            problem = _problem(old, new, base, head)
            plans.append(EnvironmentPlan(environment=name, problem=problem, ours_failed=isinstance(new, str)))
            continue
        plans.append(environment_plan(old, new, load))
        shared.append((old, new))
    if not shared:
        return Plan(base=base, head=head, load=str(load), environments=tuple(plans))
    old, new = next((pair for pair in shared if pair[0].resources), shared[0])
    return Plan(
        base=base,
        head=head,
        load=str(load),
        environments=tuple(plans),
        pipeline=pipeline_changes(old, new),
        packages=tuple(package_changes(old, new, before.root, after.root)),
        pinned=provider_changes(before.root, after.root),
    )


def _problem(old: Document | str, new: Document | str, base: Side, head: Side) -> str:
    if isinstance(new, str):
        return f"the program of {head.called} does not run: {new}"
    return f"the program of {base.called} does not run here: {old}"


def environment_plan(before: Document, after: Document, load: Load) -> EnvironmentPlan:
    """Compare one environment's programs."""
    pairs = paired(before, after)
    happens = changes(before, after, pairs)
    old, new = set(before.violations), set(after.violations)
    return EnvironmentPlan(
        environment=after.environment,
        prefix=_prefix(after),
        new=not before.resources and bool(after.resources),
        changes=tuple(happens),
        rights=rights_changed(before, after, pairs),
        unprotected=tuple(unprotected(pairs)),
        outputs=tuple(differences(before.outputs, after.outputs)),
        providers=_providers(before, after),
        broken=tuple(each for each in after.violations if each not in old),
        violations=len(after.violations),
        mended=tuple(each for each in before.violations if each not in new),
        cost=_cost(before, after, load, {each.name: each.was for each in happens if each.was}),
    )


def _prefix(document: Document) -> str:
    """Return PROJECT-STACK, as names begin where they are not cut."""
    for each in document.resources:
        _, _, stack, project, *_ = each.urn.replace("::", ":").split(":")
        return f"{project}-{stack}"
    return ""


def _providers(before: Document, after: Document) -> tuple[Difference, ...]:
    if not before.providers or after.providers is None:
        return ()
    return tuple(differences(before.providers, after.providers))


def _cost(before: Document, after: Document, load: Load, was: Mapping[str, str]) -> CostChange:
    # A revision that does not tell its metrics is taken to have these.
    untold = after.metrics if before.metrics is None else before.metrics
    old = monthly([each.plain for each in before.resources], _loaded(untold, load))
    new = monthly([each.plain for each in after.resources], _loaded(after.metrics, load))
    former = {was.get(each.name, each.name): each.name for each in after.resources}
    names = dict.fromkeys(
        [each.name for each in after.resources]
        + [each.name for each in before.resources if each.name not in former]
    )
    costs = [CostOf(name=name, before=old.of(was.get(name, name)), after=new.of(name)) for name in names]
    return CostChange(
        fixed_before=old.fixed,
        fixed_after=new.fixed,
        load_before=old.by_load,
        load_after=new.by_load,
        resources=tuple(
            sorted(
                (each for each in costs if abs(each.after - each.before) >= _CENT),
                key=lambda each: -abs(each.after - each.before),
            )
        ),
        uncounted=_either(old, new, "uncounted"),
        unknown=_either(old, new, "unknown"),
    )


def _loaded(metrics: Mapping[str, Any] | None, load: Load) -> Load:
    """Return the load of an environment whose metrics may count each event id once."""
    deduped = any(each.get("dedupe") for each in (metrics or {}).values())
    return Load(rate=load.rate, bytes=load.bytes, deduped=deduped)


def _either(old: Cost, new: Cost, what: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*getattr(old, what), *getattr(new, what)]))
