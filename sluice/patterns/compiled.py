"""From a route to the filter patterns of its mapping.

A pattern is only ever exact: it passes the events for which the condition is TRUE, of all that the contract
accepts, and no others. What cannot be said so is left to the predicate, which the function evaluates anyway.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sluice.contract import Contract, EventType
from sluice.contract.names import TYPE_COLUMN
from sluice.errors import ContractError
from sluice.patterns.conditions import Term, alternatives
from sluice.patterns.values import Unsayable
from sluice.patterns.written import ABSENT, rules, text
from sluice.predicate import check
from sluice.routes.route import Route

MOST_PATTERNS = 5
"""Of one mapping (ten on request). docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
MOST_BYTES = 4_096
"""Of one pattern: so many characters for Lambda (docs.aws.amazon.com/lambda/latest/api/API_Filter.html), of
which Pulumi's provider counts the bytes."""

_OR = "$or"
_NOT_IN_OR = frozenset({
    "exactly", "prefix", "suffix", "exists", "wildcard", "numeric", "cidr", "regex",
})  # fmt: skip
"""Names of fields that the matcher takes for operators within $or, as far as columns can have them
(Constants.java)."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a route's mapping filters by."""

    patterns: tuple[str, ...]
    """JSON texts for `filter_criteria.filters[].pattern`, alternatives; none if the predicate decides."""
    reason: str
    """One sentence for people: why it is a pattern, or what prevents it and what would change that."""


def compile_route(route: Route, contract: Contract, *, enhanced: bool) -> Compiled:
    """The filter patterns that pass exactly the events for which the route's condition is TRUE.

    `contract` is the pipeline's, which says what an event may look like.

    Raises:
        ContractError: the condition does not fit one of the route's types, or could be said in patterns that
            are longer or more than Lambda takes.
    """
    bodies: list[tuple[list[str], dict[str, Any]]] = []
    unsayable = None
    for event_type in route.types:
        try:
            found = _bodies(event_type, route)
        except Unsayable as why:
            unsayable = unsayable or (f"of {event_type.name}, {why}" if len(route.types) > 1 else str(why))
            continue
        _gather(bodies, event_type.name, found)
    if not enhanced:
        return _predicate("on a shared consumer, Lambda would drop KPL aggregates without looking into them")
    if unsayable is not None:
        return _predicate(unsayable)
    if not bodies:
        return _predicate("its condition is never TRUE, and no pattern matches nothing")
    try:
        patterns = _packed(bodies, untagged=contract.untagged)
    except Unsayable as why:
        return _predicate(str(why))
    longest = max(map(_bytes, patterns))
    if len(patterns) > MOST_PATTERNS or longest > MOST_BYTES:
        raise ContractError(
            f"route {route.name!r}: as filter patterns it is {len(patterns)} of up to {longest:,} bytes,"
            f" and Lambda takes {MOST_PATTERNS} of {MOST_BYTES:,}; shorten or split the condition"
        )
    return Compiled(patterns, "exact as a filter pattern: what does not match costs no invocation")


def _predicate(why: str) -> Compiled:
    return Compiled((), f"the predicate decides: {why}")


def _bodies(event_type: EventType, route: Route) -> list[dict[str, Any]]:
    """What stands beside `type` in the patterns for one type."""
    try:
        tree = check(route.where, event_type)
    except ContractError as error:
        raise ContractError(f"route {route.name!r}: {error}") from None
    text(event_type.name)
    return [_body(term) for term in alternatives(event_type, tree)]


def _body(term: Term) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for path, cell in term.items():
        place = body
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = rules(cell)
    return body


def _gather(
    into: list[tuple[list[str], dict[str, Any]]], name: str, bodies: Sequence[dict[str, Any]]
) -> None:
    """Add the bodies of a type, each to an equal one of another type if there is one."""
    for body in bodies:
        types = next((types for types, other in into if other == body), None)
        if types is None:
            into.append(([name], body))
        else:
            types.append(name)


def _packed(bodies: Sequence[tuple[list[str], dict[str, Any]]], *, untagged: bool) -> tuple[str, ...]:
    """As many patterns as there are alternatives; several in one, with $or, where that would be too many."""
    absent = [ABSENT] if untagged else []
    whole = [{TYPE_COLUMN: [*types, *absent], **body} for types, body in bodies]
    groups: list[list[dict[str, Any]]] = [[one] for one in whole]
    if len(groups) > MOST_PATTERNS:
        _check_names(whole)
        groups = []
        for one in whole:
            if groups and _bytes(_written([*groups[-1], one])) <= MOST_BYTES:
                groups[-1].append(one)
            else:
                groups.append([one])
    return tuple(_written(group) for group in groups)


def _written(group: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode({"data": group[0] if len(group) == 1 else {_OR: group}}).decode()


def _bytes(text: str) -> int:
    return len(text.encode())


def _check_names(found: Any) -> None:
    """Refuse $or around a field that has the name of an operator."""
    names = set(_names(json.loads(msgspec.json.encode(found))))
    if names & _NOT_IN_OR:
        raise Unsayable(f"within $or, no field may be called `{min(names & _NOT_IN_OR)}`")


def _names(found: Any) -> Sequence[str]:
    """The fields in patterns, without the operators in their lists."""
    if isinstance(found, dict):
        return [name for key, value in found.items() for name in (key, *_fields_within(value))]
    return [name for one in found for name in _names(one)]


def _fields_within(value: Any) -> Sequence[str]:
    return _names(value) if isinstance(value, dict) else []
