"""From a route to the filter patterns of its mapping."""

from dataclasses import dataclass

from sluice.routes.route import Route


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a route's mapping filters by."""

    patterns: tuple[str, ...]
    """JSON texts for `filter_criteria.filters[].pattern`, alternatives; none where the predicate decides alone."""
    reason: str
    """One sentence for people: why it is a pattern, or what prevents it."""


def compile_route(route: Route, *, enhanced: bool) -> Compiled:
    """The filter patterns that pass exactly the events for which the route's condition is TRUE.

    Raises:
        ContractError: the condition does not fit one of the route's types.
    """
    if not enhanced:
        return Compiled((), f"route {route.name!r} reads as a shared consumer")
    return Compiled((), "the predicate decides")
