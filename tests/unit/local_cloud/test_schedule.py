"""A rule invokes its function on time, with EventBridge's event, if it is allowed to."""

import json
import threading
from typing import Any

import pytest

from sluice.errors import SettingsError
from sluice.local.mapping_types import Invocation, Verdict
from sluice.local.schedule import Schedule, Ticker, schedules, seconds_of

RULE: dict[str, Any] = {
    "name": "census",
    "arn": "arn:aws:events:eu-west-1:123456789012:rule/census",
    "scheduleExpression": "rate(1 minute)",
}
TARGET: dict[str, Any] = {
    "rule": "census",
    "arn": "arn:aws:lambda:eu-west-1:123456789012:function:aggregator",
}
ALLOWED: dict[str, Any] = {
    "function": "aggregator",
    "principal": "events.amazonaws.com",
    "action": "lambda:InvokeFunction",
    "sourceArn": RULE["arn"],
}


class Clock:
    """Time that passes as it is waited for, until somebody stops waiting."""

    def __init__(self, until: float) -> None:
        self.time = 0.0
        self._until = until

    def now(self) -> float:
        return self.time

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.time += max(0.0, seconds)
        return event.is_set() or self.time > self._until


class Invoker:
    def __init__(self, clock: Clock, seconds: float) -> None:
        self.calls: list[tuple[float, str, Any]] = []
        self._clock, self._seconds = clock, seconds

    def invoke(self, function: str, payload: bytes) -> Invocation:
        self.calls.append((self._clock.time, function, json.loads(payload)))
        self._clock.time += self._seconds
        return Invocation(Verdict.FAILED, error="broken")


def test_a_function_is_invoked_every_period_however_long_it_takes_or_how_it_ends() -> None:
    clock = Clock(until=310)
    invoker = Invoker(clock, seconds=20)
    (schedule,) = schedules([RULE], [TARGET], [ALLOWED])
    ticker = Ticker(schedule, invoker, clock)
    ticker.start()
    ticker.join()
    assert [at for at, _, _ in invoker.calls] == [60, 120, 180, 240, 300]
    _, function, event = invoker.calls[0]
    assert function == "aggregator"
    assert event["source"] == "aws.events"
    assert event["detail-type"] == "Scheduled Event"
    assert event["time"] == "1970-01-01T00:01:00Z"
    assert event["resources"] == [RULE["arn"]]
    assert ticker.status()["invoked"] == 5
    assert ticker.status()["last_error"] == "broken"


def test_a_target_may_give_its_own_event_and_a_disabled_rule_invokes_nothing() -> None:
    assert schedules([RULE], [{**TARGET, "input": "{}"}], [ALLOWED]) == [
        Schedule(rule_arn=RULE["arn"], function="aggregator", seconds=60, payload="{}")
    ]
    assert schedules([{**RULE, "state": "DISABLED"}], [TARGET], [ALLOWED]) == []


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200)]
)
def test_a_rate_is_read_as_eventbridge_reads_it(expression: str, seconds: int) -> None:
    assert seconds_of(expression) == seconds


@pytest.mark.parametrize(
    "expression", ["rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "cron(0 * * * ? *)"]
)
def test_another_schedule_is_refused(expression: str) -> None:
    with pytest.raises(SettingsError, match="the local cloud takes rate"):
        seconds_of(expression)


@pytest.mark.parametrize(
    "permission",
    [
        {**ALLOWED, "function": "other"},
        {**ALLOWED, "principal": "s3.amazonaws.com"},
        {**ALLOWED, "sourceArn": "x"},
    ],
)
def test_a_rule_that_may_not_invoke_its_function_is_refused(permission: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="rule census cannot invoke aggregator"):
        schedules([RULE], [TARGET], [permission])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({**TARGET, "inputTransformer": {"inputTemplate": "x"}}, "inputTransformer"),
        ({**TARGET, "arn": "arn:aws:sqs:eu-west-1:123456789012:queue"}, "queue"),
        ({**TARGET, "rule": "another"}, "another"),
    ],
)
def test_a_target_that_is_not_served_is_refused_by_name(target: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        schedules([RULE], [target], [ALLOWED])
