"""The metrics as a sink: which events count, which are skipped, and whose claim an event is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, SKIPPED, Accepted, Outcome, Rejected, Retry, Skipped
from sluice.windows.aggregates import Aggregates
from sluice.windows.claims import Claims
from sluice.windows.keys import claim_key
from sluice.windows.plan import Plan

AHEAD = timedelta(days=366)
"""How far after its arrival an event may happen: as BigQuery takes it for a partition."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An event to be counted; metrics that count an event once take only the `winner` of its claim."""

    accepted: Accepted
    winner: bool


class Counting:
    """Decides about one batch; `counted` holds what is to be counted, in the stream's order.

    With `tried` each event is first counted on its own, apart from all others: so one that cannot be counted
    is found out. Nothing is counted here yet: that is for the caller, once dead letters are safe.
    """

    def __init__(
        self, name: str, plan: Plan, claims: Claims, *, keep: timedelta, tried: bool = False
    ) -> None:
        self.name = name
        self.counted: list[Counted] = []
        self._plan = plan
        self._claims = claims
        self._oldest = keep.total_seconds()
        self._tried = tried
        self._days = keep.days

    def prepare(self, accepted: Accepted) -> Accepted | Rejected | Skipped:
        """Leave out what no metric is about, and refuse what would land in a window that has expired."""
        if accepted.event.__class__ not in self._plan.folds:
            return SKIPPED
        arrived = accepted.record.arrived_at
        age = arrived - accepted.event_type.event_time(accepted.event).timestamp()
        out_of_range = age > self._oldest or -age > AHEAD.total_seconds()
        if not out_of_range and not self._tried:
            return accepted
        if not Aggregates(self._plan).add(accepted.event, arrived, winner=True):
            return SKIPPED
        if out_of_range:
            return Rejected(self._reason(age), accepted.event_type.time_column)
        return accepted

    def deliver(self, prepared: Sequence[Accepted], deadline: Deadline) -> Sequence[Outcome]:
        """Claim the events that may count only once; the winners are known when it returns."""
        rules = Aggregates(self._plan)
        keys = [
            claim_key(accepted.event_type.name, accepted.event_id)["pk"]["S"]
            if rules.wants_claim(accepted.event)
            else None
            for accepted in prepared
        ]
        wanted = [
            (key, accepted.record.identity) for key, accepted in zip(keys, prepared, strict=True) if key
        ]
        winners, trouble = self._claims.winners(wanted, deadline) if wanted else ({}, None)
        outcomes: list[Outcome] = []
        counted: list[Counted] = []
        for key, accepted in zip(keys, prepared, strict=True):
            if key and key not in winners:
                outcomes.append(Retry(f"its claim was not answered in time ({trouble})"))
                continue
            winner = key is None or winners[key] == accepted.record.identity
            counted.append(Counted(accepted, winner))
            outcomes.append(DELIVERED)
        self.counted += counted  # all or nothing: what fails on the way is delivered again
        return outcomes

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """List nothing: the dead letters of this sink are in the queue alone."""
        return {}

    def _reason(self, age: float) -> str:
        if age > 0:
            return (
                f"the event is {age / 86400:.0f} days older than its record, and windows are kept "
                f"{self._days} days"
            )
        return f"the event lies {-age / 86400:.0f} days after its record's arrival, more than {AHEAD.days}"
