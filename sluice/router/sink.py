"""A route as a sink: what its SQL is not TRUE for is skipped, the rest goes to its target."""

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery.outcomes import SKIPPED, Accepted, Outcome, Rejected, Skipped
from sluice.predicate import compile_predicate
from sluice.routes import Route

P = TypeVar("P")


class Target(Protocol[P]):
    """Where a route's events go; as in a sink, a second delivery has to be harmless, or said to be not."""

    def prepare(self, accepted: Accepted) -> P | Rejected:
        """Turn one event into what `deliver` takes, without input or output."""

    def deliver(self, prepared: Sequence[P], deadline: Deadline) -> Sequence[Outcome]:
        """Hand over, and return one outcome per item, in order, before the deadline."""


class RouteSink(Generic[P]):
    """The sink of one route, or of one consumer of a route's own stream.

    The SQL is evaluated here in any case, whatever a mapping's filter let pass. Raises ContractError when it
    cannot be compiled.
    """

    def __init__(self, name: str, route: Route, target: Target[P]) -> None:
        self.name = name
        self._target = target
        self._wanted = {kind.cls: compile_predicate(route.where, kind) for kind in route.types}

    def prepare(self, accepted: Accepted) -> P | Rejected | Skipped:
        """Skip what the route is not about."""
        wanted = self._wanted.get(accepted.event.__class__)
        if wanted is None or not wanted(accepted.event):
            return SKIPPED
        return self._target.prepare(accepted)

    def deliver(self, prepared: Sequence[P], deadline: Deadline) -> Sequence[Outcome]:
        """Let the target take the events."""
        return self._target.deliver(prepared, deadline)

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """A route keeps no list of dead letters beside their queue, so there is none to be behind."""
        return {}
