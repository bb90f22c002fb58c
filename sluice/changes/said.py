"""A plan in sentences, for terminals and comments alike: `quote` sets off what comes from the programs."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from sluice.changes.pipeline import PartChange
from sluice.changes.plan import CostChange, CostOf, EnvironmentPlan, Plan
from sluice.changes.resources import Change
from sluice.changes.widened import Widened
from sluice.planner.prices import AS_OF, REGION

Quote = Callable[[str], str]

WHAT_IT_IS: Final = (
    "Program against program: no cloud was asked. What differs between the program and the cloud,"
    " `pulumi preview` knows."
)
_DOES: Final = {"replaced": "is deleted and made anew", "deleted": "is deleted"}
FILES: Final = 6
"""Files of a package that are named, before the rest is counted."""

GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Replaced", ("replaced",)),
    ("Deleted", ("deleted", "let go")),
    ("Renamed, and the same thing", ("renamed",)),
    ("Added", ("added",)),
    ("Changed in place", ("changed",)),
)
"""Headings of an environment's changes, and what stands under each."""

COUNTED: Final = (("added",), ("changed",), ("replaced",), ("deleted", "let go"), ("renamed",))
"""What the columns of an overview count."""

_LISTED: Final = 12
"""Names on one line, before the rest is counted."""


class Line(NamedTuple):
    """A sentence, and the environments that it is about, in their order."""

    environments: tuple[str, ...]
    text: str


def title(plan: Plan) -> str:
    """Say what was compared with what."""
    return f"{plan.base.called} ({plan.base.commit}) -> {plan.head.called} ({plan.head.commit})"


def together(lines: Iterator[tuple[str, str]]) -> list[Line]:
    """Say once what is the same in several environments; in order of the first of each."""
    found: dict[str, list[str]] = {}
    for environment, text in lines:
        found.setdefault(text, []).append(environment)
    return [Line(tuple(dict.fromkeys(those)), text) for text, those in found.items()]


def first(plan: Plan, quote: Quote) -> list[Line]:
    """Return what has to be looked at before anything else."""
    return together((each.environment, text) for each in plan.environments for text in _first(each, quote))


def _first(plan: EnvironmentPlan, quote: Quote) -> Iterator[str]:
    if plan.problem:
        yield f"Not compared: {quote(plan.problem)}."
    for provider in plan.providers:
        yield (
            f"Provider: {quote(str(provider))}. Another account, region or project holds nothing of what is"
            " there: everything would be made anew in it."
        )
    for change in plan.changes:
        yield from _loud(change, quote)
    for broken in plan.broken:
        yield f"Breaks the rule {quote(broken.rule)}: {quote(broken.name)} {quote(broken.said)}."


def _loud(change: Change, quote: Quote) -> Iterator[str]:
    called = f"{quote(change.name)} ({change.kind})"
    for column in change.dropped:
        yield (
            f"Column {quote(column)} of {called} is dropped with all its values, and no protection stops"
            " that: keep the field as retired."
        )
    if change.loss is None or change.does not in _DOES:
        return
    why = f": {quote('; '.join(change.because))}" if change.because else ""
    stops = "It is protected: `pulumi up` stops there." if change.protected else "Nothing stops it."
    instead = f"{change.loss.instead[0].upper()}{change.loss.instead[1:]}."
    note = f" But {quote(change.note)}." if change.note else ""
    yield f"{called} {_DOES[change.does]}{why}. Lost: {change.loss.lost}. {stops} {instead}{note}"


def widened(plan: Plan, quote: Quote) -> list[Line]:
    """Return what is allowed that was not: of what was there before, not what comes with something new."""
    return together(
        (each.environment, may(one, quote))
        for each in plan.environments
        for one in each.rights.widened
        if not one.new
    )


def granted_to_new(plan: EnvironmentPlan, quote: Quote) -> list[str]:
    """Return what new roles and resources are allowed."""
    return [may(one, quote) for one in plan.rights.widened if one.new]


def narrowed(plan: EnvironmentPlan, quote: Quote) -> list[str]:
    """Return what is no longer allowed."""
    return [may(one, quote, verb="can no longer") for one in plan.rights.narrowed]


def may(one: Widened, quote: Quote, *, verb: str = "") -> str:
    """Say who may do what to what."""
    actions = ", ".join(quote(each) for each in one.actions)
    condition = f" {quote(one.condition)}" if one.condition else ""
    until = f" (until now {quote(one.until_now)})" if one.until_now else ""
    if one.denial_gone:
        return f"{quote(one.holder)} no longer denies {quote(one.who)} {actions}{condition}."
    if one.on == "role":
        on = f" on {quote(one.resource)}" if one.resource else ""
        return f"Role {quote(one.holder)} {verb or 'may now'} {actions}{on}{condition}{until}."
    pool = f"the identity pool {quote(one.holder)}"
    words = {
        "trust": f"{quote(one.who)} {verb or 'may now'} become the role {quote(one.holder)} by {actions}",
        "identity pool": f"{quote(one.who)} {verb or 'may now'} come in by {pool}",
        "address": f"Everybody {verb or 'may now'} {actions} at {quote(one.holder)}",
    }
    who = "Everybody" if one.who == "*" else quote(one.who)
    resource = f" ({quote(one.resource)})" if one.resource else ""
    usual = f"{who} {verb or 'may now'} {actions} by the {one.on} of {quote(one.holder)}{resource}"
    return f"{words.get(one.on, usual)}{condition}{until}."


def pipeline(plan: Plan, quote: Quote) -> Iterator[str]:
    """Say what changes of contract, metrics, routes and code, refused changes of the contract first."""
    yield from _contract(plan, quote)
    yield from (part(each, quote) for each in plan.pipeline.parts)
    for each in plan.packages:
        files = ", ".join(quote(one) for one in each.files[:FILES]) or "the same"
        more = f" and {len(each.files) - FILES} more files" if len(each.files) > FILES else ""
        needs = f"; dependencies: {', '.join(map(quote, each.dependencies))}" if each.dependencies else ""
        yield f"Code of {quote(each.folder)}: {files}{more}{needs}"
    if plan.pipeline.untold:
        untold = ", ".join(plan.pipeline.untold)
        yield f"Not compared, since {quote(plan.base.called)} does not tell: {untold}"


def rights(plan: EnvironmentPlan) -> str:
    """Say in a word or two what becomes of rights."""
    if any(not each.new for each in plan.rights.widened):
        return "wider"
    return "new ones" if plan.rights.widened else "as before"


def _contract(plan: Plan, quote: Quote) -> Iterator[str]:
    for each in plan.pipeline.contract:
        why = f": {each.why}" if each.why else ""
        instead = f". Instead: {each.instead}" if each.instead else ""
        sign = "**Refused.** " if each.refused else ""
        yield f"{sign}{quote(each.where)}: {quote(each.what)}{quote(why + instead) if why or instead else ''}"


def part(each: PartChange, quote: Quote) -> str:
    """Say what happens to a metric or a route."""
    note = f": {quote(each.note)}" if each.note else ""
    found = "".join(f"; {quote(str(one))}" for one in each.differences)
    return f"{each.part.capitalize()} {quote(each.name)} is {each.does}{note}{found}"


def by_component(changes: list[Change], quote: Quote) -> Iterator[str]:
    """Say what a list of resources consists of, a line for each component."""
    found: dict[str, list[str]] = {}
    for each in changes:
        found.setdefault(each.component or "(no component)", []).append(each.kind)
    for component, kinds in found.items():
        counted = [
            f"{kinds.count(kind)} x {kind}" if kinds.count(kind) > 1 else kind
            for kind in dict.fromkeys(kinds)
        ]
        more = f" and {len(counted) - _LISTED} more kinds" if len(counted) > _LISTED else ""
        yield f"{quote(component)}: {', '.join(counted[:_LISTED])}{more}"


def resource(change: Change, quote: Quote) -> str:
    """Say what happens to one resource, without its differences."""
    was = f", which was {quote(change.was)}" if change.was else ""
    why = f": {quote('; '.join(change.because))}" if change.because else ""
    note = f". {quote(change.note)}" if change.note else ""
    protected = ", protected" if change.protected and change.does in _DOES else ""
    return f"{quote(change.name)} ({change.kind}{protected}){was}{why}{note}"


def cost_of(change: CostOf, quote: Quote) -> str:
    """Say what a resource costs a month before and after."""
    return (
        f"{quote(change.name)}: {dollars(change.before)} -> {dollars(change.after)}"
        f" ({signed(change.after - change.before)})"
    )


def cost(change: CostChange, load: str) -> str:
    """Say what a month costs before and after."""
    before, after = change.fixed_before + change.load_before, change.fixed_after + change.load_after
    return (
        f"{dollars(before)} -> {dollars(after)} a month ({signed(change.more)}): around the clock"
        f" {dollars(change.fixed_before)} -> {dollars(change.fixed_after)}, for {load}"
        f" {dollars(change.load_before)} -> {dollars(change.load_after)}"
    )


def not_counted(change: CostChange) -> str:
    """Say what a cost leaves out."""
    unknown = f" No price is known here for: {', '.join(change.unknown)}." if change.unknown else ""
    left = "; ".join(change.uncounted)
    return (
        f"List prices of {REGION} in {AS_OF}, without free tiers and taxes; Europe is up to a fifth dearer."
        f" Not counted: {left}.{unknown}"
    )


def dollars(amount: float) -> str:
    """Write an amount: cents below ten dollars."""
    whole = 10
    return f"${amount:,.0f}" if abs(amount) >= whole or not amount else f"${amount:,.2f}"


def signed(amount: float) -> str:
    """Write a difference with its sign."""
    return f"{'-' if amount < 0 else '+'}{dollars(abs(amount))}" if abs(amount) >= 0.005 else "no change"  # noqa: PLR2004 - half a cent
