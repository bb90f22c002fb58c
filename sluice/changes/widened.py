"""What roles, resources and Google's members may do that they could not do before, told by meaning."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from sluice.changes.document import Document, Planned
from sluice.changes.grants import Condition, Grant, Names, uncovered
from sluice.changes.losses import POOL
from sluice.changes.replaced import outputs
from sluice.changes.resources import Pair
from sluice.changes.rights import rights
from sluice.changes.values import short_arns
from sluice.policies import kinds

_OPERATORS: Final = {
    "arnequals": "is",
    "arnlike": "is like",
    "bool": "is",
    "expression": "is",
    "stringequals": "is",
    "stringlike": "is like",
    "stringnotequals": "is not",
}
"""IAM's operators in words; others stand as they are."""


_OWN_NAME: Final = {
    kinds.BUCKET: "bucket",
    kinds.DOMAIN: "domainName",
    kinds.BIGQUERY_DATASET: "datasetId",
    POOL: "workloadIdentityPoolId",
}
"""The input that is a kind's own name, where that is not `name`."""


class Widened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is allowed and was not before, or the other way round.

    `on` and `holder` say what it hangs on, `new` that this is new as a whole; `denied` that it is a denial
    that comes or goes. `until_now` is the nearest that was allowed before.
    """

    on: str
    holder: str
    who: str
    actions: tuple[str, ...]
    resource: str
    condition: str = ""
    until_now: str = ""
    new: bool = False
    denied: bool = False

    @property
    def everybody(self) -> bool:
        """Whether it is for everybody, or for everything."""
        return self.who in {"*", "allUsers", "allAuthenticatedUsers"} or "*" in self.actions

    @property
    def loud(self) -> bool:
        """Whether to look at it first: not at what comes with something new, unless for everybody."""
        return self.everybody or not self.new


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What is wider, what is narrower, and which grants follow what they are about to another name."""

    widened: tuple[Widened, ...]
    narrowed: tuple[Widened, ...]
    followed: int = 0


def rights_changed(before: Document, after: Document, pairs: Mapping[str, Pair]) -> Rights:
    """Compare what two programs allow."""
    names = {**_names(pairs), **_places(before, after)}
    old, new = rights(before), rights(after)
    said = Names(names)
    moved = [said.of(each) for each in old]
    wider = _allowed(uncovered(_only(new, denied=False), _only(moved, denied=False)), moved, before, names)
    there = {each.holder for each in new} | {_called(each) for each in after.resources}
    undenied = [
        each for each in uncovered(_only(moved, denied=True), _only(new, denied=True)) if each.holder in there
    ]
    bounds = [change for pair in pairs.values() if (change := _boundary(pair) or _runs_as(pair, said))]
    narrower = uncovered(_only(moved, denied=False), _only(new, denied=False))
    known = {each.holder for each in moved}
    denied = [
        each for each in uncovered(_only(new, denied=True), _only(moved, denied=True)) if each.holder in known
    ]
    return Rights(
        widened=(*bounds, *wider, *_told(undenied)),
        narrowed=(*_told(narrower), *_told(denied)),
        followed=sum(one != other for one, other in zip(old, moved, strict=True)),
    )


def _only(those: Iterable[Grant], *, denied: bool) -> list[Grant]:
    return [each for each in those if each.denied is denied]


def _allowed(
    those: Sequence[Grant], given: Sequence[Grant], before: Document, names: Mapping[str, str]
) -> list[Widened]:
    """Tell what is newly allowed: what hangs on something new as a whole comes last."""
    holders = {each.holder for each in given} | {_called(each) for each in before.resources}
    holders |= {names.get(each.name, each.name) for each in before.resources} | set(names.values())
    told = [
        msgspec.structs.replace(each, until_now=_until_now(each, given), new=each.holder not in holders)
        for each in _told(those)
    ]
    return sorted(told, key=lambda each: (each.new, not each.everybody, each.on, each.holder))


def _told(those: Iterable[Grant]) -> list[Widened]:
    """Bring together what differs by actions alone."""
    found: dict[tuple[str, str, str, str, Condition, bool], list[str]] = {}
    for each in those:
        key = (each.on, each.holder, each.principal, each.resource, each.condition, each.denied)
        found.setdefault(key, []).append(each.action)
    return [
        Widened(
            on=on,
            holder=holder,
            who=short_arns(who),
            actions=tuple(dict.fromkeys(actions)),
            resource=short_arns(resource),
            condition=_said(condition),
            denied=denied,
        )
        for (on, holder, who, resource, condition, denied), actions in found.items()
    ]


def _until_now(wider: Widened, given: Iterable[Grant]) -> str:
    """Say what was allowed before of the same actions on the same holder."""
    same = [
        each
        for each in given
        if (each.on, each.holder) == (wider.on, wider.holder)
        and not each.denied
        and each.action in wider.actions
    ]
    on = dict.fromkeys(short_arns(each.resource) for each in same if short_arns(each.principal) == wider.who)
    if wider.resource in on:
        conditions = dict.fromkeys(
            _said(each.condition) for each in same if short_arns(each.resource) == wider.resource
        )
        return f"only {' or '.join(conditions)}"
    if on and any(on):
        return f"on {', '.join(on)}"
    who = dict.fromkeys(short_arns(each.principal) for each in same)
    return f"by {', '.join(who)}" if who and wider.on != "role" else ""


def _boundary(pair: Pair) -> Widened | None:
    """Tell of a role that loses its permissions boundary, or gets another."""
    old, new = (each.inputs.get("permissionsBoundary") for each in (pair.before, pair.after))
    if not old or old == new:
        return None
    return _instead("boundary", pair.after, str(old), str(new or ""))


def _runs_as(pair: Pair, said: Names) -> Widened | None:
    """Tell of a function that takes another role, and with it all that this one may."""
    old, new = (str(each.inputs.get("role") or "") for each in (pair.before, pair.after))
    if pair.after.type != kinds.FUNCTION or said.today(old) == new:
        return None
    return _instead("function", pair.after, old, new)


def _instead(on: str, resource: Planned, old: str, new: str) -> Widened:
    return Widened(
        on=on,
        holder=resource.name,
        who="",
        actions=(short_arns(new),) if new else (),
        resource="",
        until_now=short_arns(old),
    )


def _names(pairs: Mapping[str, Pair]) -> dict[str, str]:
    """Return the names, ARNs and addresses that the same things have before and after, where they differ."""
    names: dict[str, str] = {}
    for pair in pairs.values():
        old, new = _known_as(pair.before), _known_as(pair.after)
        names |= {old[key]: new[key] for key in old if key in new and old[key] != new[key]}
    return names


def _places(before: Document, after: Document) -> dict[str, str]:
    """Return another region, which is in every ARN."""
    regions = [str((each.providers or {}).get("aws", {}).get("region") or "") for each in (before, after)]
    return {regions[0]: regions[1]} if all(regions) and regions[0] != regions[1] else {}


def _known_as(resource: Planned) -> dict[str, str]:
    named = {key: value for key, value in outputs(resource).items() if isinstance(value, str)}
    named["program"], named["cloud"] = resource.name, _called(resource)
    if resource.type == "aws:iam/role:Role":
        named["assumed"] = f"assumed-role/{resource.inputs.get('name')}"
    return named


def _called(resource: Planned) -> str:
    """Return a resource's own name in the cloud, which is not that of what it lies in."""
    name = resource.inputs.get(_OWN_NAME.get(resource.type, "name"))
    return name if isinstance(name, str) else resource.name


def _said(condition: Condition) -> str:
    if not condition:
        return ""
    words = (
        f"{key} {_OPERATORS.get(operator, operator)} {' or '.join(sorted(map(short_arns, values)))}"
        for operator, key, values in sorted(condition, key=str)
    )
    return f"if {' and '.join(words)}"
