"""What a resource used to be called, resolved as Pulumi's engine resolves it: URNs that count as its own."""

from typing import Any

from sluice.local.declared import Declared

_STACK = "pulumi:pulumi:Stack"


def former_urns(request: Any, urn: str, parent: Declared | None) -> tuple[str, ...]:
    """Return the URNs of a registration's aliases, and those that follow from its parent's.

    A child of a component that was renamed is renamed with it: below the old URN, and with the old name where
    its own begins with the component's (pulumi/pulumi, inheritedChildAlias).
    """
    own = [alias.urn or _of_spec(alias.spec, request, urn) for alias in request.aliases]
    if parent is None:
        return tuple(own)
    names = [request.name, *(urn.rpartition("::")[2] for urn in own)]
    inherited = [
        _child(former, request.type, _renamed(name, parent.name, former))
        for former in parent.aliases
        for name in names
    ]
    return tuple(dict.fromkeys([*own, *inherited]))


def _renamed(name: str, component: str, former: str) -> str:
    if not name.startswith(component):
        return name
    return former.rpartition("::")[2] + name.removeprefix(component)


def _of_spec(spec: Any, request: Any, urn: str) -> str:
    """Resolve an alias that says only what was different."""
    kind, called = spec.type or request.type, spec.name or request.name
    above = "" if spec.noParent else spec.parentUrn or request.parent
    if above:
        return _child(above, kind, called)
    stack, project, *_ = urn.split("::")
    return f"{stack}::{project}::{kind}::{called}"


def _child(parent: str, kind: str, name: str) -> str:
    """Name what lies in a parent: with the types of all components around it, but not the stack's."""
    stack, project, around, _ = parent.split("::")
    return "::".join((stack, project, kind if around == _STACK else f"{around}${kind}", name))
