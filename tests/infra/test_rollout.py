"""New code in steps: an alias that CodeDeploy shifts, for sinks whose calls stand alone, under alarms."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings_rollout import PREDEFINED, WHOLE, RolloutSettings
from sluice.errors import SettingsError
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:sluice-dev-bigquery-sink"
CANARY = {"rollout": {"strategy": "canary"}, "alarms": {"enabled": True}}


@pytest.fixture(scope="module")
def canary(everything: "Program") -> "dict[str, Declared]":
    return by_name(everything)


def test_all_code_changes_at_once_unless_asked_for_steps(programs: "dict[str, Program]") -> None:
    for program in programs.values():
        assert "rollout" not in program.outputs
        for each in program.resources:
            assert not each.type.startswith(("aws:codedeploy/", "aws:lambda/alias:")), each.name
            assert "publish" not in each.inputs


def test_a_sink_in_steps_is_fed_through_an_alias_that_the_program_never_moves(
    canary: "dict[str, Declared]",
) -> None:
    assert canary["bigquery-sink-function"].inputs["publish"] is True
    alias = canary["bigquery-sink-alias"]
    assert (alias.inputs["name"], alias.inputs["functionVersion"]) == ("live", "1")
    assert set(alias.ignore_changes) == {"functionVersion", "routingConfig"}
    assert canary["bigquery-sink-mapping"].inputs["functionName"] == f"{FUNCTION}:live"


def test_a_function_that_hands_state_to_its_next_call_changes_at_once(
    canary: "dict[str, Declared]", everything: "Program"
) -> None:
    assert list(WHOLE) == ["windows"]
    assert "publish" not in canary["aggregator-function"].inputs
    assert canary["aggregator-mapping"].inputs["functionName"].endswith("-windows-sink")
    assert "aggregator-alias" not in canary
    assert "alias" not in everything.outputs["sinks"]["windows"]
    assert everything.outputs["sinks"]["bigquery"]["alias"] == "live"


def test_each_group_shifts_in_steps_and_back_when_an_alarm_of_its_sink_rings(
    canary: "dict[str, Declared]", everything: "Program"
) -> None:
    group = canary["rollout-bigquery"].inputs
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["autoRollbackConfiguration"] == {
        "enabled": True,
        "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
    }
    alarms = group["alarmConfiguration"]["alarms"]
    assert {"sluice-dev-bigquery-function-failing", "sluice-dev-bigquery-rejected-rows"} <= set(alarms)
    assert len(alarms) <= 10
    declared = {each.inputs["name"] for each in canary.values() if "metricAlarm" in each.type}
    groups = [each for each in canary.values() if "deploymentGroup" in each.type]
    for each in groups:
        assert set(each.inputs["alarmConfiguration"]["alarms"]) <= declared
        assert each.inputs["alarmConfiguration"]["alarms"]
    names = {each.inputs["deploymentGroupName"] for each in groups}
    assert everything.outputs["rollout"] == {
        "application": "sluice-dev",
        "steps": "Canary10Percent5Minutes",
        "groups": {name: name for name in names},
    }
    assert names == {name for name, sink in everything.outputs["sinks"].items() if sink.get("alias")}


def test_codedeploy_may_shift_these_aliases_for_this_application_and_nothing_else(
    canary: "dict[str, Declared]",
) -> None:
    (trust,) = json.loads(canary["rollout-role"].inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:codedeploy:eu-central-1:111111111111:deploymentgroup:sluice-dev/*"
        },
    }
    statements = json.loads(canary["rollout-policy"].inputs["policy"])["Statement"]
    allowed = {each["Sid"]: (each["Action"], each["Resource"]) for each in statements}
    assert set(allowed) == {"ShiftAliases", "KnowWhatIsProvisioned", "HearAlarms"}
    actions, functions = allowed["ShiftAliases"]
    assert actions == ["lambda:GetAlias", "lambda:UpdateAlias"]
    assert FUNCTION in functions
    assert not [arn for arn in functions if "windows" in arn or "*" in arn]
    # CloudWatch asks for the right to all of them, whichever are named: a narrower one stops each deployment.
    assert allowed["HearAlarms"][1] == ["*"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"rollout": {"strategy": "canary"}, "alarms": {"enabled": False}},
            "rollout.strategy is canary: accepted with alarms.enabled alone",
        ),
        ({"rollout": {"sinks": ["bigquery"]}}, "rollout.sinks is bigquery: accepted is nothing unless"),
        (
            {**CANARY, "rollout": {"strategy": "canary", "sinks": ["windows"]}},
            "rollout.sinks names windows, whose code changes all at once: the state of a tumbling window",
        ),
        (
            {**CANARY, "rollout": {"strategy": "canary", "sinks": ["bigqery"]}},
            "rollout.sinks names bigqery, .*: did you mean bigquery\\?",
        ),
        (
            {**CANARY, "rollout": {"strategy": "canary", "sinks": ["lake"]}},
            "rollout.sinks names lake, which no event-source mapping feeds: there are bigquery;",
        ),
        (
            {"rollout": {"strategy": "canary", "steps": "Canary50Percent1Minute"}},
            "rollout.steps is 'Canary50Percent1Minute': accepted is one of Canary10Percent5Minutes",
        ),
    ],
)
def test_what_cannot_go_in_steps_is_refused_in_one_line(given: dict[str, Any], said: str, run: "Run") -> None:
    with pytest.raises(SettingsError, match=said) as error:
        run("dev", **given)
    assert "\n" not in str(error.value)


def test_named_sinks_go_in_steps_and_no_others() -> None:
    some = RolloutSettings(strategy="canary", sinks=("bigquery",))
    assert (some.takes("bigquery"), some.takes("search"), some.takes("windows")) == (True, False, False)
    assert PREDEFINED.endswith("Lambda")
