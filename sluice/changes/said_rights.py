"""Rights in sentences: who may do what, and may no longer."""

from collections.abc import Sequence
from typing import Final

import msgspec

from sluice.changes.plan import EnvironmentPlan, Plan
from sluice.changes.said import Line, Style, together
from sluice.changes.widened import Widened

_TOGETHER: Final = frozenset({"boundary", "role", "trust"})
"""Of what differs by the role alone is told once."""

_UNBOUND: Final = "no longer {} a permissions boundary"
_NO_LONGER: Final = "can no longer"
_GOOGLES: Final = frozenset({"dataset", "project", "resource", "service account"})
"""Where somebody has a role, rather than being allowed an action."""


def widened(plan: Plan, style: Style) -> list[Line]:
    """Return what is allowed that was not: of what was there before, and what is new for everybody."""
    return together(
        plan,
        lambda each: ((0, text) for text in _may([one for one in each.rights.widened if one.loud], style)),
    )


def granted_to_new(plan: EnvironmentPlan, style: Style) -> list[str]:
    """Return what new roles and resources are allowed."""
    return _may([each for each in plan.rights.widened if not each.loud], style)


def narrowed(plan: EnvironmentPlan, style: Style) -> list[str]:
    """Return what is no longer allowed, and how many grants follow what they are about to another name."""
    lines = _may(plan.rights.narrowed, style, verb=_NO_LONGER, denies="now denies")
    if plan.rights.followed:
        lines.append(f"{plan.rights.followed} grants follow what they are about to its new name")
    return lines


def _may(
    those: Sequence[Widened], style: Style, *, verb: str = "may now", denies: str = "no longer denies"
) -> list[str]:
    """Say who may do what to what; roles that may do the same together."""
    found: dict[Widened, list[str]] = {}
    for each in those:
        alike = each
        if each.on in _TOGETHER:
            alike = msgspec.structs.replace(each, holder="", who="" if each.on == "role" else each.who)
        found.setdefault(alike, []).append(each.holder)
    return [_one(each, holders, style, verb, denies) for each, holders in found.items()]


def _one(one: Widened, holders: list[str], style: Style, verb: str, denies: str) -> str:
    actions = ", ".join(style.code(each) for each in one.actions)
    rest = f" {style.code(one.condition)}" if one.condition else ""
    rest += f" (until now {style.code(one.until_now)})" if one.until_now else ""
    on = f" on {style.code(one.resource)}" if one.resource else ""
    whose = ", ".join(style.code(each) for each in holders)
    if one.on == "role":
        roles = f"Roles {whose}" if len(holders) > 1 else f"Role {whose}"
        return (
            f"{roles} {verb} {actions}{on}{rest}."
            if not one.denied
            else f"{roles} {denies} {actions}{on}{rest}."
        )
    if one.on == "boundary":
        roles = f"Roles {whose}" if len(holders) > 1 else f"Role {whose}"
        have = "have" if len(holders) > 1 else "has"
        now = f"now {have} the permissions boundary {actions}" if actions else _UNBOUND.format(have)
        return f"{roles} {now}{rest}."
    if one.on == "function":
        return f"Function {whose} now runs as {actions}{rest}."
    everybody = one.who == "*"
    who = "everybody" if everybody else style.code(one.who)
    if one.denied:
        return f"The {one.on} of {whose} {denies} {who} {actions}{rest}."
    if one.on in _GOOGLES:
        has = "no longer has" if verb == _NO_LONGER else "now has"
        return f"{'Everybody' if everybody else who} {has} {actions} on the {one.on} {whose}{rest}."
    words = {
        "trust": f"become the role{'s' if len(holders) > 1 else ''} {whose} by {actions}",
        "identity pool": f"come in by the identity pool {whose}",
        "address": f"{actions} at {whose}",
    }
    does = words.get(one.on, f"{actions} by the {one.on} of {whose}")
    return f"{'Everybody' if everybody else who} {verb} {does}{rest}."
