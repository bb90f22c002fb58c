"""A plan in sentences, for terminals and comments alike: a style sets off what comes from the programs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sluice.changes.losses import LOSSES
from sluice.changes.pipeline import PartChange
from sluice.changes.plan import CostChange, EnvironmentPlan, Plan
from sluice.changes.resources import Change
from sluice.planner.prices import AS_OF, REGION


class Style(NamedTuple):
    """How a text comes out: `code` for names and values of the programs, `prose` for sentences about them."""

    code: Callable[[str], str]
    prose: Callable[[str], str]


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

_CODE: Final = ("code", "s3Key", "s3ObjectVersion", "sourceCodeHash")
_LISTED: Final = 8
"""Names on one line, before the rest is counted."""


class Line(NamedTuple):
    """A sentence, and the environments that it is about, in their order."""

    environments: tuple[str, ...]
    text: str


def title(plan: Plan) -> str:
    """Say what was compared with what."""
    return f"{plan.base.called} ({plan.base.commit}) -> {plan.head.called} ({plan.head.commit})"


def together(plan: Plan, said: Callable[[EnvironmentPlan], Iterable[tuple[int, str]]]) -> list[Line]:
    """Say once what is the same in several environments but for their names, in the order of its weight."""
    found: dict[str, list[tuple[str, str]]] = {}
    weights: dict[str, int] = {}
    for each in plan.environments:
        for weight, text in said(each):
            anywhere = _anywhere(text, each)
            found.setdefault(anywhere, []).append((each.environment, text))
            weights.setdefault(anywhere, weight)
    lines = []
    for anywhere in sorted(found, key=weights.__getitem__):
        environments = tuple(dict.fromkeys(name for name, _ in found[anywhere]))
        lines.append(Line(environments, anywhere if len(environments) > 1 else found[anywhere][0][1]))
    return lines


def _anywhere(text: str, plan: EnvironmentPlan) -> str:
    """Write a text with the names of any environment."""
    project = plan.prefix.removesuffix(f"-{plan.environment}")
    for hyphen in "-_":
        prefix = plan.prefix.replace("-", hyphen)
        text = text.replace(prefix, f"{project.replace('-', hyphen)}{hyphen}ENV") if prefix else text
    return text


def first(plan: Plan, style: Style) -> list[Line]:
    """Return what has to be looked at before anything else."""
    gone = (
        "its file is gone: nobody updates or deletes its stack any more; take it down first, or keep the file"
    )
    lines = [Line((each,), f"{style.code(f'Pulumi.{each}.yaml')}: {gone}.") for each in plan.dropped]
    return [*lines, *together(plan, lambda each: _first(each, style))]


def _first(plan: EnvironmentPlan, style: Style) -> Iterator[tuple[int, str]]:
    """Yield what weighs, the heaviest with the smallest number."""
    if plan.problem:
        yield 0, f"Not compared: {style.prose(plan.problem)}."
    for provider in plan.providers:
        what = (
            "Another account, region or project holds nothing of what is there: all would be made anew in it"
        )
        yield 1, f"Provider: {style.code(str(provider))}. {what}."
    for broken in plan.broken:
        said = style.prose(broken.said)
        yield 2, f"Breaks the rule {style.code(broken.rule)}: {style.code(broken.name)} {said}."
    for change in plan.changes:
        for column in change.dropped:
            what = "with all its values, and no protection stops that: keep the field as retired"
            yield 3, f"Column {style.code(column)} of {_called(change, style)} is dropped {what}."
    order = list(LOSSES)
    alike: dict[tuple[str, str | None], list[Change]] = {}
    for change in plan.changes:
        if change.loss is not None and change.does in _DOES:
            alike.setdefault((change.type, change.along or change.urn), []).append(change)
    for (kind, _), those in alike.items():
        yield 4 + order.index(kind), _lost(those[0], style) if len(those) == 1 else _taken(those, style)
    if plan.unprotected:
        names = ", ".join(style.code(each) for each in plan.unprotected[:_LISTED])
        more = f" and {len(plan.unprotected) - _LISTED} more" if len(plan.unprotected) > _LISTED else ""
        yield 4 + len(order), f"No longer protected from deletion: {names}{more}."


def _lost(change: Change, style: Style) -> str:
    lost, instead = change.loss or ("", "")
    why = f": {style.prose(_few(change.because))}" if change.because else ""
    stops = "It is protected: `pulumi up` stops there." if change.protected else "Nothing stops it."
    note = f" But {style.prose(change.note)}." if change.note else ""
    return (
        f"{_called(change, style)} {_DOES[change.does]}{why}. Lost: {lost}. {stops}"
        f" {instead[:1].upper()}{instead[1:]}.{note}"
    )


def _taken(those: Sequence[Change], style: Style) -> str:
    """Say what goes along with another resource."""
    names = ", ".join(style.code(each.name) for each in those)
    lost, _ = those[0].loss or ("", "")
    stops = "They are protected: `pulumi up` stops there." if those[0].protected else "Nothing stops it."
    return f"With {style.code(those[0].along or '')} go {names} ({those[0].kind}). Lost: {lost}. {stops}"


def _called(change: Change, style: Style) -> str:
    return f"{style.code(change.name)} ({change.kind})"


def _few(reasons: Sequence[str]) -> str:
    """Join the first reasons, and count the rest."""
    few = 3
    more = f" and {len(reasons) - few} more reasons" if len(reasons) > few else ""
    return f"{'; '.join(reasons[:few])}{more}"


def pipeline(plan: Plan, style: Style) -> Iterator[str]:
    """Say what changes of contract, metrics, routes and code, refused changes of the contract first."""
    yield from _contract(plan, style)
    yield from (part(each, style) for each in plan.pipeline.parts)
    yield from _packages(plan, style)
    if plan.pinned:
        known = " and ".join(f"{name} {version}" for name, version in plan.providers_known.items())
        what = f"What replaces a resource is told here as {known} have it: read the preview, too"
        yield f"Pinned: {', '.join(map(style.code, plan.pinned))}. {what}"
    if plan.pipeline.untold:
        untold = ", ".join(plan.pipeline.untold)
        yield f"Not compared, since {style.code(plan.base.called)} does not tell: {untold}"


def _packages(plan: Plan, style: Style) -> Iterator[str]:
    """Say which functions ship other code; those with the same changes together."""
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for each in plan.packages:
        alike.setdefault((each.files, each.dependencies), []).append(each.folder)
    for (files, dependencies), folders in alike.items():
        code = ", ".join(map(style.code, files[:FILES])) or "the same"
        more = f" and {len(files) - FILES} more files" if len(files) > FILES else ""
        needs = f"; dependencies: {', '.join(map(style.code, dependencies))}" if dependencies else ""
        yield f"Code of {', '.join(map(style.code, folders))}: {code}{more}{needs}"


def rights(plan: EnvironmentPlan) -> str:
    """Say in a word or two what becomes of rights."""
    if any(each.loud for each in plan.rights.widened):
        return "wider"
    return "new ones" if plan.rights.widened else "as before"


def _contract(plan: Plan, style: Style) -> Iterator[str]:
    for each in plan.pipeline.contract:
        why = f": {style.prose(each.why)}" if each.why else ""
        instead = f". Instead: {style.prose(each.instead)}" if each.instead else ""
        sign = "Refused: " if each.refused else ""
        yield f"{sign}{style.code(each.where)} - {style.prose(each.what)}{why}{instead}"


def part(each: PartChange, style: Style) -> str:
    """Say what happens to a metric or a route."""
    note = f": {style.prose(each.note)}" if each.note else ""
    found = "".join(f"; {style.code(str(one))}" for one in each.differences)
    return f"{each.part.capitalize()} {style.code(each.name)} is {each.does}{note}{found}"


def by_component(changes: list[Change], style: Style) -> Iterator[str]:
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
        yield f"{style.code(component)}: {', '.join(counted[:_LISTED])}{more}"


def told(changes: Sequence[Change], style: Style, most: int) -> Iterator[str]:
    """Say what happens to resources, each with at most so many differences, which are set in by two spaces.

    Functions of which nothing but the code changes stand together.
    """
    code = [each for each in changes if each.does == "changed" and _only_code(each)]
    if code:
        yield f"Code alone: {', '.join(style.code(each.name) for each in code)}"
    for each in changes:
        if each not in code:
            yield _resource(each, style)
            yield from (f"  {style.code(str(one))}" for one in each.differences[:most])
            if len(each.differences) > most:
                yield f"  and {len(each.differences) - most} more differences"


def _only_code(change: Change) -> bool:
    return all(each.path.startswith(_CODE) for each in change.differences)


def _resource(change: Change, style: Style) -> str:
    was = f", which was {style.code(change.was)}" if change.was else ""
    why = f": {style.prose(_few(change.because))}" if change.because else ""
    note = f". {style.prose(change.note)}" if change.note else ""
    protected = ", protected" if change.protected and change.does in _DOES else ""
    return f"{style.code(change.name)} ({change.kind}{protected}){was}{why}{note}"


def costs(change: CostChange, style: Style) -> Iterator[str]:
    """Say what resources cost a month before and after, those that change most first."""
    for each in change.resources[:_LISTED]:
        more = signed(each.after - each.before)
        yield f"{style.code(each.name)}: {dollars(each.before)} -> {dollars(each.after)} ({more})"
    if rest := change.resources[_LISTED:]:
        more = signed(sum(each.after - each.before for each in rest))
        yield f"{len(rest)} more resources ({more})"


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
