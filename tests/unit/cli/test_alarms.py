"""`sluice alarms`: what rings, since when and why, and where to read on."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.cli.outputs import Outputs
from sluice.cli.target import Target

TOPIC = "arn:aws:sns:eu-west-1:1:sluice-prod-alarms"
SINCE = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
EXPORTS = {
    "environment": "prod",
    "region": "eu-west-1",
    "stream_name": "events",
    "dead_letter_queue_url": "q",
    "dead_letter_bucket": "b",
    "ledger_table": "l",
    "bigquery_project": "p",
    "bigquery_dataset": "d",
    "bigquery_views_dataset": "v",
    "sinks": {"bigquery": {"function": "f"}},
    "alarms": {"topic": TOPIC, "dashboard": None, "runbooks": "docs/runbooks"},
}


def alarm(name: str, state: str, *, rings: bool = True, **more: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "StateValue": state,
        "StateTransitionedTimestamp": SINCE,
        "StateReason": f"{name} crossed its threshold",
        "AlarmDescription": f"What {name} means. Runbook: docs/runbooks/{name}.md",
        "AlarmActions": [TOPIC] if rings else [],
        **more,
    }


class CloudWatch:
    """Answers DescribeAlarms: alarms by the action that they have, or by name."""

    def __init__(self, *alarms: dict[str, Any]) -> None:
        self._alarms = alarms

    def get_paginator(self, _operation: str) -> "CloudWatch":
        return self

    def paginate(self, **wanted: Any) -> list[dict[str, Any]]:
        assert wanted["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm"]
        prefix, names = wanted.get("ActionPrefix", "-"), wanted.get("AlarmNames", [])
        found = [
            each
            for each in self._alarms
            if any(action.startswith(prefix) for action in each["AlarmActions"]) or each["AlarmName"] in names
        ]
        composite = [each for each in found if "AlarmRule" in each]
        return [
            {"CompositeAlarms": composite},
            {"MetricAlarms": [each for each in found if each not in composite]},
        ]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Any:
    def watched(*alarms: dict[str, Any], **exports: Any) -> None:
        target = Target(outputs=Outputs.parse({**EXPORTS, **exports}, source="a test"))
        target.__dict__["cloudwatch"] = CloudWatch(*alarms)
        monkeypatch.setattr(Target, "find", lambda *_: target)
        monkeypatch.setattr("sluice.cli.project.find_root", lambda: Path("elsewhere"))
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TZ", "UTC")

    return watched


RULE = 'ALARM("late") OR ALARM("failing")'


def test_what_rings_is_told_below_what_it_makes_ring_with_its_page_and_the_status_says_so(
    watched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watched(
        alarm("in-trouble", "ALARM", AlarmRule=RULE),
        alarm("late", "ALARM", rings=False),
        alarm("failing", "OK", rings=False),
        alarm("young", "INSUFFICIENT_DATA"),
        alarm("of another stack", "ALARM", AlarmActions=[TOPIC + "-2"]),
    )
    assert run(["alarms", "--env", "prod"]) == 1
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[0].startswith("ALARM  in-trouble  since 2026-11-21 ")
    assert lines[1].strip() == "What in-trouble means."
    assert lines[3].strip() == "Runbook: docs/runbooks/in-trouble.md"
    assert lines[4].startswith("  ALARM  late  since")
    assert "2 alarms of 4 in ALARM; 1 OK, 1 with too little data." in said
    assert "Too little data: young" in said
    assert "Next: read docs/runbooks/in-trouble.md; sluice audit --env prod" in said
    assert "another stack" not in said
    assert max(map(len, lines)) <= 80


def test_a_quiet_environment_ends_with_status_0_and_lists_all_where_asked_to(
    watched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watched(alarm("late", "OK"), alarm("failing", "OK"))
    assert run(["alarms"]) == 0
    assert capsys.readouterr().out.strip() == "No alarm rings; 2 OK."
    assert run(["alarms", "--all"]) == 0
    said = capsys.readouterr().out
    assert [name in said for name in ("late", "failing")] == [True, True]


def test_programs_get_every_alarm_with_what_it_follows(
    watched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watched(alarm("in-trouble", "OK", AlarmRule=RULE), alarm("late", "ALARM", rings=False))
    assert run(["alarms", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found[0] == {
        "name": "late",
        "state": "ALARM",
        "since": "2026-11-21T16:00:00Z",
        "reason": "late crossed its threshold",
        "means": "What late means.",
        "runbook": "docs/runbooks/late.md",
        "children": [],
        "parent": "in-trouble",
    }
    assert found[1]["children"] == ["late", "failing"]


def test_an_environment_without_alarms_says_which_setting_makes_some(
    watched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watched(alarms=None)
    assert run(["alarms"]) == 3
    assert "stack prod has no alarms: set alarms.enabled to true" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0.1", "61", "nan", "-2"])
def test_a_minute_of_which_nothing_useful_comes_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["local", "--minute-seconds", seconds]) == 2
    assert f"--minute-seconds {seconds}: give seconds from 0.5 to 60" in capsys.readouterr().err
