"""Settings of the alarms, of who hears them, and of the dashboard: see infra/settings.py.

A count is the most that is quiet, within five minutes unless its alarm says another time: docs/alarms.md.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from infra import limits_alarms
from infra.alarm_kinds import KINDS
from infra.limits import Limit
from infra.settings_functions import Section, Whole, refusal

_STEP_MINUTES = 5
"""How long one of the periods is that `waiting_minutes` is counted in."""

_CENSUS_SECONDS = 120
"""How much later than a tumbling window the census may say that one is complete: it looks each minute."""

_SUBSCRIBERS = Field(max_length=limits_alarms.MOST_SUBSCRIBERS)
_KIND = Limit(
    accepts="the name of a kind of alarm, as its runbook's",
    source="infra/alarm_kinds.py",
    holds=lambda name: name in KINDS,
)


class AlarmSettings(Section):
    """Alarms, composites, their topic and its subscriptions, and the dashboard."""

    enabled: bool = True
    dashboard: bool = True
    emails: Annotated[tuple[Annotated[str, limits_alarms.EMAIL], ...], _SUBSCRIBERS] = ()
    https: Annotated[tuple[Annotated[str, limits_alarms.HTTPS], ...], _SUBSCRIBERS] = ()
    runbooks: Annotated[str, limits_alarms.RUNBOOKS] = "docs/runbooks"
    without: tuple[Annotated[str, _KIND], ...] = ()

    late_seconds: Annotated[Whole, limits_alarms.SECONDS] = 300
    stale_seconds: Annotated[Whole, limits_alarms.SECONDS] = 900
    unpublished_seconds: Annotated[Whole, limits_alarms.SECONDS] = 900
    watermark_seconds: Annotated[Whole, limits_alarms.SECONDS] = 900
    delivery_seconds: Annotated[Whole, limits_alarms.SECONDS] = 900
    silent_minutes: Annotated[Whole, limits_alarms.PERIOD_MINUTES] = 5
    retention_percent: Annotated[Whole, limits_alarms.PERCENT] = 50

    write_throttles: Annotated[Whole, limits_alarms.COUNT] = 0
    read_throttles: Annotated[Whole, limits_alarms.COUNT] = 0
    table_throttles: Annotated[Whole, limits_alarms.COUNT] = 10

    errors: Annotated[Whole, limits_alarms.COUNT] = 2
    throttles: Annotated[Whole, limits_alarms.COUNT] = 5
    duration_percent: Annotated[Whole, limits_alarms.PERCENT] = 80
    unanswered: Annotated[Whole, limits_alarms.COUNT] = 10
    token_failures: Annotated[Whole, limits_alarms.COUNT] = 2

    contract_violations: Annotated[Whole, limits_alarms.COUNT] = 0
    rejected_rows: Annotated[Whole, limits_alarms.COUNT] = 0
    crashes: Annotated[Whole, limits_alarms.COUNT] = 0
    waiting_letters: Annotated[Whole, limits_alarms.COUNT] = 0
    waiting_minutes: Annotated[Whole, limits_alarms.WAITING_MINUTES] = 60

    state_percent: Annotated[Whole, limits_alarms.PERCENT] = 80
    spills: Annotated[Whole, limits_alarms.COUNT] = 0
    disk_percent: Annotated[Whole, limits_alarms.PERCENT] = 25

    @model_validator(mode="after")
    def _periods_are_what_cloudwatch_has(self) -> Self:
        if self.waiting_minutes % _STEP_MINUTES:
            words = f"{limits_alarms.WAITING_MINUTES.accepts}, a multiple of {_STEP_MINUTES}"
            raise refusal("waiting_minutes", words)
        for key, given in (("emails", self.emails), ("https", self.https), ("without", self.without)):
            if len(set(given)) != len(given):
                raise refusal(key, "each once")
        return self

    @property
    def waiting_periods(self) -> int:
        """How many periods of five minutes dead letters may wait."""
        return self.waiting_minutes // _STEP_MINUTES


def check_watermark(alarms: AlarmSettings, tumbling_seconds: int | None) -> None:
    """Refuse an alarm that would ring between any two ends of a tumbling window."""
    least = (tumbling_seconds or 0) + _CENSUS_SECONDS
    if alarms.enabled and tumbling_seconds is not None and alarms.watermark_seconds < least:
        words = "windows are complete after aggregator.tumbling_window_seconds and the census of a minute"
        raise refusal("alarms.watermark_seconds", f"{least} or more: {words}")
