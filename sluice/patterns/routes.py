"""Routes, checked before anything runs."""

from collections.abc import Sequence

from sluice.contract import EventType
from sluice.errors import ContractError
from sluice.patterns.conditions import alternatives
from sluice.patterns.partition import Counterexample, partition
from sluice.patterns.values import Unsayable
from sluice.pipeline import Pipeline
from sluice.predicate import check
from sluice.predicate.compiled import compiled
from sluice.predicate.tree import Node
from sluice.routes.route import Route


def check_routes(pipeline: Pipeline) -> list[str]:
    """Compile the condition of each route for each of its types, and prove what `partition=True` claims.

    Returns:
        Warnings for people, a line each: what could neither be proven nor disproven, what never happens.

    Raises:
        ContractError: one of them is not usable, or routes with `partition=True` overlap or leave a gap.
    """
    trees = {
        route.name: [_checked(route, event_type) for event_type in route.types] for route in pipeline.routes
    }
    warnings = [_never(route) for route in pipeline.routes if _is_never(route, trees[route.name])]
    for event_type in pipeline.contract.types.values():
        claiming = [
            (route, tree)
            for route in pipeline.routes
            if route.partition
            for own, tree in zip(route.types, trees[route.name], strict=True)
            if own.cls is event_type.cls
        ]
        if claiming:
            warnings += _partition(event_type, *zip(*claiming, strict=True))
    return warnings


def _checked(route: Route, event_type: EventType) -> Node:
    try:
        return _tree(route, event_type)
    except ContractError as error:
        fine = [
            other.name for other in route.types if other is not event_type and _means_something(route, other)
        ]
        hint = f"; {_listed(fine)} has it: leave {event_type.cls.__name__} out of types=[...]" if fine else ""
        raise ContractError(f"route {route.name!r}: {error}{hint}") from None


def _tree(route: Route, event_type: EventType) -> Node:
    tree = check(route.where, event_type)
    compiled(tree)
    return tree


def _means_something(route: Route, event_type: EventType) -> bool:
    try:
        _tree(route, event_type)
    except ContractError:
        return False
    return True


def _is_never(route: Route, trees: Sequence[Node]) -> bool:
    try:
        return not any(
            alternatives(event_type, tree) for event_type, tree in zip(route.types, trees, strict=True)
        )
    except Unsayable:
        return False


def _never(route: Route) -> str:
    names = ", ".join(event_type.name for event_type in route.types)
    return f"route {route.name!r}: where={route.where!r:.120} is TRUE for no {names} that the contract takes"


def _partition(event_type: EventType, routes: Sequence[Route], trees: Sequence[Node]) -> list[str]:
    found = partition(event_type, trees)
    names = [repr(route.name) for route in routes]
    of = f"route{'s' if len(names) > 1 else ''} {_listed(names)}"
    if found is None:
        return []
    if not isinstance(found, Counterexample):
        claim = f"that each {event_type.name} reaches exactly one (partition=True)"
        return [f"{of}: {claim} is neither proven nor disproven: {found.why}"]
    if not found.taken_by:
        what = "reaches none of them; let one take it" if len(names) > 1 else "does not reach it; widen it"
    else:
        both = [names[at] for at in found.taken_by]
        what = f"reaches {'both ' if len(both) == 2 else ''}{_listed(both)}; narrow one of them"  # noqa: PLR2004 - both
    raise ContractError(
        f"{of}: partition=True, but {found.fragment} of {event_type.name} {what}, or drop partition=True"
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
