"""Alarms that every function has, and those on what functions say of themselves."""

from collections.abc import Iterator
from typing import Final

from infra.alarm import Alarm, Formula, Metric, of_function, signal
from infra.alarm_kind import MINUTE, Statistic
from infra.alarm_kinds import KINDS
from infra.environment import Environment
from infra.settings_functions import FunctionSettings

MILLISECONDS: Final = 1000
HUNDRED: Final = 100

SILENT: Final = "IF(FILL(read, 0) > 0, 0, IF(incoming > 0, 1, 0))"
"""Nothing incoming and nothing read, nothing said: the value is missing then.

CloudWatch looks for the newest values there are, some periods back. So a period that only reads what came
late in the one before must say 0: else two such rare batches would be two periods of silence in a row.
"""


def of_a_function(
    env: Environment,
    subject: str,
    function: str,
    settings: FunctionSettings,
    *,
    sink: str | None = None,
    every_minutes: int | None = None,
) -> Iterator[Alarm]:
    """Watch any function: errors, throttles, and how near its time-out it comes.

    Of one that runs by the clock, every so often, each error and each throttle counts: nothing repeats it.
    """
    alarms, often = env.settings.alarms, every_minutes is None
    time_out = settings.timeout_seconds * MILLISECONDS
    for kind, metric, most in (
        ("function-failing", "Errors", alarms.errors if often else 0),
        ("function-throttled", "Throttles", alarms.throttles if often else 0),
        ("function-slow", "Duration", time_out * alarms.duration_percent / HUNDRED),
    ):
        yield Alarm(
            kind=KINDS[kind],
            subject=subject,
            about=f"the function {function}",
            sink=sink,
            looks_at=of_function(metric, function),
            threshold=most,
            period=every_minutes and every_minutes * MINUTE,
        )


def said(
    env: Environment,
    kind: str,
    metric: str,
    by: str,
    most: float = 0,
    *,
    sink: str | None = None,
    subject: str | None = None,
    every_minutes: int | None = None,
) -> Alarm:
    """Watch what a function says of itself, or the auditor about a sink, every so often."""
    return Alarm(
        kind=KINDS[kind],
        subject=by if subject is None else subject,
        about=f"the sink {by}" if sink == by else f"the {by.replace('_', ' ')}",
        sink=sink,
        looks_at=signal(metric, env, by),
        threshold=most,
        period=every_minutes and every_minutes * MINUTE,
    )


def silent(
    env: Environment,
    subject: str,
    *,
    incoming: Metric,
    read: tuple[Metric, Statistic],
    sink: str | None,
    every_minutes: int | None = None,
) -> Alarm:
    """Watch who reads nothing of what comes in, though it should, the auditor every so often."""
    return Alarm(
        kind=KINDS["sink-silent"],
        subject=subject,
        about=f"the sink {subject}" if subject == sink else f"the {subject.replace('_', ' ')}",
        sink=sink,
        looks_at=Formula(expression=SILENT, metrics={"incoming": (incoming, "Sum"), "read": read}),
        period=(every_minutes or env.settings.alarms.silent_minutes) * MINUTE,
    )
