"""The metrics as a sink: which events count, which are skipped, and whose claim an event is."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec.structs import replace

from sluice.contract import Event
from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import SKIPPED, Accepted, Delivered, Outcome, Rejected, Retry, Skipped
from sluice.windows.aggregates import Aggregates
from sluice.windows.claims import Claims
from sluice.windows.keys import claim_key
from sluice.windows.plan import Plan

AHEAD = timedelta(days=366)
"""How far after its arrival an event may happen: as BigQuery takes it for a partition."""


class Counted(Delivered, frozen=True, gc=False):
    """An event to be counted; metrics that count an event once take only the `winner` of its claim.

    `claim` is the claim's key and the claiming record's identity; None where no metric asks for one.
    """

    event: Event
    claim: tuple[str, str] | None = None
    winner: bool = True


class Counting:
    """Decides about one batch: what it delivers is a Counted.

    With `tried` each event is first counted on its own, apart from all others: so one that cannot be counted
    is found out. Nothing is counted here yet: that is for the caller, once dead letters are safe.
    """

    def __init__(
        self, name: str, plan: Plan, claims: Claims, *, keep: timedelta, tried: bool = False
    ) -> None:
        self.name = name
        self._plan = plan
        self._claims = claims
        self._oldest = keep.total_seconds()
        self._ahead = AHEAD.total_seconds()
        self._tried = tried
        self._days = keep.days

    def prepare(self, accepted: Accepted) -> Counted | Rejected | Skipped:
        """Leave out what no metric is about, and refuse what would land in a window that has expired."""
        event, record = accepted.event, accepted.record
        if event.__class__ not in self._plan.folds:
            return SKIPPED
        age = record.arrived_at - accepted.event_type.event_time(event).timestamp()
        out_of_range = age > self._oldest or -age > self._ahead
        if (out_of_range or self._tried) and not Aggregates(self._plan).add(event, record.arrived_at):
            return SKIPPED
        if out_of_range:
            return Rejected(self._reason(age), accepted.event_type.time_column)
        if not self._plan.wants_claim(event):
            return Counted(event)
        key = claim_key(accepted.event_type.name, accepted.event_id)["pk"]["S"]
        return Counted(event, (key, record.identity))

    def deliver(self, prepared: Sequence[Counted], deadline: Deadline) -> Sequence[Outcome]:
        """Claim the events that may count only once; the winners are known when it returns."""
        wanted = [one.claim for one in prepared if one.claim is not None]
        if not wanted:
            return prepared
        winners, trouble = self._claims.winners(wanted, deadline)
        return [_claimed(one, winners, trouble) for one in prepared]

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


def _claimed(one: Counted, winners: Mapping[str, str], trouble: str | None) -> Outcome:
    """The event as its claim was answered."""
    if one.claim is None:
        return one
    key, identity = one.claim
    if key not in winners:
        return Retry(f"its claim was not answered in time ({trouble})")
    return one if winners[key] == identity else replace(one, winner=False)
