"""The project itself: its settings, its rules, and its contract against the committed snapshot."""

from collections.abc import Iterator
from typing import Final

from sluice.contract.evolution import Severity, check
from sluice.contract.snapshot import read_snapshot, snapshot, snapshot_file
from sluice.doctor.case import Case
from sluice.doctor.finding import Finding
from sluice.errors import ContractError
from sluice.local.inventory import created
from sluice.local.judged import judged
from sluice.pipeline import load_pipeline

SETTINGS, RULES, CONTRACT = "settings", "rules", "contract"
_SHOWN: Final = 5


def settings(case: Case) -> Iterator[Finding]:
    """Tell whether the program runs with the environment's settings, and what it warns of."""
    if case.program is None:
        yield Finding.problem(
            SETTINGS,
            case.refusal,
            "`pulumi preview` stops there",
            f"mend it, and see what there would be: sluice graph --env {case.env}",
        )
        return
    count = len(created(case.program.resources))
    yield Finding.ok(SETTINGS, f"the program runs, and declares {count} resources")
    for warning in case.program.warnings:
        yield Finding.warning(
            SETTINGS, warning, "the program says so at each preview", f"look at Pulumi.{case.env}.yaml"
        )


def rules(case: Case) -> Iterator[Finding]:
    """Judge what the program declares by the rules of every environment."""
    if case.program is None:
        return
    broken = judged(case.program)
    for each in broken[:_SHOWN]:
        yield Finding.problem(
            RULES,
            str(each),
            "`pulumi up --policy-pack policy_pack` refuses it",
            f"sluice graph --env {case.env} lists all {len(broken)}; docs/policies.md has the reasons",
        )
    if not broken:
        yield Finding.ok(RULES, "none is broken")


def contract(case: Case) -> Iterator[Finding]:
    """Compare the event classes with contract.lock.json, as `sluice contract check` does."""
    path = snapshot_file(case.pipeline)
    now = snapshot(load_pipeline(case.pipeline).contract)
    if not path.exists():
        yield Finding.warning(
            CONTRACT,
            f"there is no {path.name}",
            "a change that BigQuery cannot make in place would be noticed by nobody",
            "sluice contract snapshot, after the first `pulumi up`",
        )
        return
    try:
        found = check(read_snapshot(path), now)
    except ContractError as error:
        yield Finding.problem(
            CONTRACT, str(error), "nothing tells what was deployed", f"git checkout {path.name}"
        )
        return
    for each in (one for one in found if one.severity is Severity.REFUSE):
        yield Finding.problem(
            CONTRACT, f"{each.where}: {each.what}", each.why or "it cannot be done in place", each.instead
        )
    noted = [one for one in found if one.severity is Severity.NOTE]
    if noted:
        first = "; ".join(f"{one.where}: {one.what}" for one in noted[:_SHOWN])
        yield Finding.warning(
            CONTRACT,
            f"changed since {path.name}: {first}{' ...' if len(noted) > _SHOWN else ''}",
            "`pulumi up` makes the change in place; until it is committed, others do not know of it",
            "sluice contract snapshot, after `pulumi up`",
        )
    if not found:
        yield Finding.ok(CONTRACT, f"as in {path.name}")
