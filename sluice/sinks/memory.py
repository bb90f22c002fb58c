"""A sink that keeps what it gets in memory: to test pipelines and the delivery itself."""

from collections.abc import Callable, Mapping, Sequence

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Accepted, Outcome, Rejected, Skipped


class MemorySink:
    """Keeps each record once, by its identity.

    `decide` may answer something else than Delivered for a record; it is asked at each delivery.
    """

    def __init__(self, name: str = "memory", decide: Callable[[Accepted], Outcome] | None = None) -> None:
        self.name = name
        self.held: dict[str, Accepted] = {}
        self.noted: dict[str, DeadLetter] = {}
        self._decide = decide or (lambda _: DELIVERED)

    def prepare(self, accepted: Accepted) -> Accepted | Rejected | Skipped:
        """Take the event as it is."""
        return accepted

    def deliver(self, prepared: Sequence[Accepted], deadline: Deadline) -> Sequence[Outcome]:  # noqa: ARG002 - the protocol's
        """Keep what `decide` lets in."""
        outcomes = [self._decide(accepted) for accepted in prepared]
        for accepted, outcome in zip(prepared, outcomes, strict=True):
            if outcome == DELIVERED:
                self.held[accepted.record.identity] = accepted
        return outcomes

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """Keep the letters, once each."""
        self.noted.update({letter.id: letter for letter in letters})
        return {}
