"""Alarms look at what is there, ring once for each cause, and lead to a page that says what to do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from infra.alarm_kinds import COMPOSITES, GUARDING, KINDS
from infra.settings import parse_settings
from sluice.errors import SettingsError
from sluice.signals import BY_NAME
from tests.infra.alarms_shown import alarms, composites, line, metrics
from tests.infra.conftest import by_name
from tests.infra.switches import EVERYTHING, all_on
from tests.infra.test_settings import GIVEN

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

EXPECTED = Path(__file__).with_name("expected_alarms.txt")
ON = {"alarms": {"enabled": True}, "auditor": {"enabled": True}}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:sluice-{}-alarms"
WITH_THEIR_OWN_NAME = {
    "FunctionName": "name",
    "StreamName": "name",
    "ConsumerName": "name",
    "QueueName": "name",
    "TableName": "name",
    "DeliveryStreamName": "name",
    "RuleName": "name",
    "DomainName": "domainName",
}
"""Dimensions, and the input of the resource that each names."""


@pytest.fixture(scope="module")
def small(run: "Run") -> "Program":
    return run("prod", **ON)


@pytest.fixture(scope="module")
def everything(run: "Run") -> "Program":
    """All that can be declared together, with retries that end somewhere."""
    settings = all_on("dev")
    routes = {**settings["routes"], "free": {**settings["routes"]["free"], "retry_attempts": 3}}
    return run("dev", pipeline=EVERYTHING, **{**settings, "auditor": {"enabled": True}, "routes": routes})


def kind(alarm: "Declared", runbooks: str = "docs/runbooks") -> str:
    """The kind of an alarm, by the page that its text ends with."""
    text, _, page = alarm.inputs["alarmDescription"].rpartition(f" Runbook: {runbooks}/")
    assert text.endswith(".")
    return str(page.removesuffix(".md"))


def test_each_alarm_of_a_small_environment_is_exactly_this(small: "Program") -> None:
    rules = [f"{name}: {each.inputs['alarmRule']}" for name, each in composites(small).items()]
    found = sorted([*map(line, alarms(small).values()), *rules])
    assert "\n".join(found) == EXPECTED.read_text().rstrip("\n")


def test_every_kind_becomes_an_alarm_where_there_is_what_it_is_about(everything: "Program") -> None:
    assert {kind(each) for each in alarms(everything).values()} == set(KINDS)
    assert {kind(each) for each in composites(everything).values()} == set(COMPOSITES)


def test_what_alarms_look_at_is_there(everything: "Program") -> None:
    names = {str(each.inputs.get(key)) for each in everything.resources for key in ("name", "domainName")}
    looked_at = [metric for alarm in alarms(everything).values() for _, metric in metrics(alarm)]
    for metric in looked_at:
        for dimension, value in metric["dimensions"].items():
            if dimension in WITH_THEIR_OWN_NAME:
                assert value in names, (metric, dimension)


def test_what_functions_are_asked_to_have_said_they_do_say(everything: "Program") -> None:
    """A signal that nobody says of that sink would be an alarm that never rings."""
    sinks = set(everything.outputs["sinks"])
    speakers: dict[str, set[str]] = {
        "sinks": sinks,
        "google": {"bigquery", "window_publisher"},
        "search": {"search"},
        "windows": {"windows"},
        "publisher": {"window_publisher"},
        "auditor": {"auditor"},
        "audited": sinks,
        "report": {"report"},
    }
    for alarm in alarms(everything).values():
        for _, metric in metrics(alarm):
            if metric["namespace"] == "Sluice":
                by = BY_NAME[metric.get("metricName") or metric["name"]].by
                allowed = set().union(*(speakers[each] for each in by))
                assert metric["dimensions"]["sink"] in allowed, alarm.inputs["name"]
                assert metric["dimensions"]["environment"] == "sluice-dev"


def test_an_alarm_rings_itself_or_within_exactly_one_other(everything: "Program") -> None:
    topic = TOPIC.format("dev")
    rules = {name: each.inputs["alarmRule"] for name, each in composites(everything).items()}
    for name, alarm in alarms(everything).items():
        within = [rule for rule in rules.values() if f'ALARM("{name}")' in rule]
        actions = [topic] if not within else []
        assert len(within) <= 1, name
        assert alarm.inputs.get("alarmActions", []) == alarm.inputs.get("okActions", []) == actions, name
        kept = kind(alarm) == "dead-letters-waiting"
        assert alarm.inputs["treatMissingData"] == ("ignore" if kept else "notBreaching"), name
    for name, composite in composites(everything).items():
        assert composite.inputs["alarmActions"] == composite.inputs["okActions"] == [topic], name
        members = rules[name].removeprefix('ALARM("').removesuffix('")').split('") OR ALARM("')
        assert set(members) <= alarms(everything).keys()
        assert {alarms(everything)[each].urn for each in members} <= set(composite.depends_on)
        assert len(members) <= 100, "CloudWatch API, PutCompositeAlarm"


def test_one_cause_at_bigquery_rings_once(small: "Program") -> None:
    rule = composites(small)["sluice-prod-bigquery-sink-in-trouble"].inputs["alarmRule"]
    for member in ("bigquery-sink-late", "bigquery-stale", "bigquery-token-failing", "windows-unpublished"):
        assert f'ALARM("sluice-prod-{member}")' in rule


def test_cloudwatch_would_evaluate_every_alarm(everything: "Program") -> None:
    """CloudWatch API, PutMetricAlarm: periods, and how far back all together may look."""
    for name, alarm in alarms(everything).items():
        for _, metric in metrics(alarm):
            assert metric["period"] % 60 == 0
            most = 604_800 if metric["period"] >= 3600 else 86_400
            assert metric["period"] * alarm.inputs["evaluationPeriods"] <= most, name
        assert alarm.inputs["datapointsToAlarm"] <= alarm.inputs["evaluationPeriods"]
        assert len(metrics(alarm)) <= 10


@pytest.fixture(scope="module")
def otherwise(run: "Run") -> "Program":
    """Adopted things, a paused sink, and alarms that are not the usual ones."""
    return run(
        "dev",
        adopt={
            "stream": {"arn": "arn:aws:kinesis:eu-central-1:111111111111:stream/clicks"},
            "ledger": {"arn": "arn:aws:dynamodb:eu-central-1:111111111111:table/books"},
            "dead_letter_queue": {"arn": "arn:aws:sqs:eu-central-1:111111111111:letters"},
        },
        bigquery_sink={"enabled": False},
        alarms={
            "enabled": True,
            "without": ["function-slow", "contract-violations"],
            "dashboard": False,
            "runbooks": "https://git.example.com/runbooks/",
            "late_seconds": 60,
        },
    )


def test_a_kind_that_tells_nothing_is_left_out_and_a_paused_sink_may_be_silent(otherwise: "Program") -> None:
    found = {name: kind(each, "https://git.example.com/runbooks") for name, each in alarms(otherwise).items()}
    assert not {"function-slow", "contract-violations"} & set(found.values())
    assert "sluice-dev-bad-events" not in composites(otherwise)
    assert "sluice-dev-bigquery-sink-silent" not in found
    assert "sluice-dev-windows-sink-silent" in found
    assert alarms(otherwise)["sluice-dev-windows-sink-late"].inputs["threshold"] == 60_000
    assert "dashboard" not in otherwise.outputs["alarms"]


def test_adopted_things_are_watched_by_their_own_names(otherwise: "Program") -> None:
    lines = [line(each) for each in alarms(otherwise).values()]
    for named in ("{StreamName=clicks}", "{TableName=books}", "{QueueName=letters}"):
        assert any(named in each for each in lines), named
    assert not any("sluice-dev-events" in each or "sluice-dev-ledger}" in each for each in lines)


def policy(resource: "Declared") -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(resource.inputs["policy"])["Statement"]
    return statements


def test_only_this_environments_alarms_write_to_the_topic_and_over_tls_alone(small: "Program") -> None:
    names = by_name(small)
    topic = "arn:aws:sns:eu-central-1:222222222222:sluice-prod-alarms"
    assert policy(names["alarms-topic-policy"]) == [
        {
            "Sid": "LetAlarmsRing",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["sns:Publish"],
            "Resource": [topic],
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "222222222222"},
                "ArnLike": {
                    "aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:222222222222:alarm:sluice-prod-*"
                },
            },
        },
        {
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": [topic],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    assert names["alarms-topic"].inputs == {"name": "sluice-prod-alarms", "signatureVersion": 2}


def test_an_own_key_encrypts_the_topic_and_lets_alarms_use_it_for_nothing_else(everything: "Program") -> None:
    names = by_name(everything)
    assert "key/keys-key" in names["alarms-topic"].inputs["kmsMasterKeyId"]
    (ring,) = [each for each in policy(names["keys-key"]) if each["Sid"] == "LetAlarmsRing"]
    assert ring["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert ring["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    topic = "arn:aws:sns:eu-central-1:111111111111:sluice-dev-alarms"
    assert ring["Condition"] == {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic}}


def test_who_is_told_is_subscribed_and_addresses_as_good_as_passwords_are_in_no_name(
    everything: "Program",
) -> None:
    told = [
        each for each in everything.resources if each.type == "aws:sns/topicSubscription:TopicSubscription"
    ]
    assert sorted((each.inputs["protocol"], each.inputs["endpoint"]) for each in told) == [
        ("email", "on-call@example.com"),
        ("https", "https://events.example.com/integration/0123456789"),
    ]
    assert not any("0123456789" in each.urn for each in told)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"emails": ["nobody"]}, "accepted is an e-mail address"),
        ({"emails": ["a@example.com", "a@example.com"]}, "accepted is each once"),
        ({"https": ["http://example.com"]}, "accepted is an https address"),
        ({"without": ["sink-in-trouble"]}, "the name of a kind of alarm, as its runbook's"),
        ({"waiting_minutes": 7}, "a multiple of 5"),
        ({"late_seconds": 0}, "accepted is 1 to 604800 seconds"),
        ({"runbooks": "ftp://x"}, "an https address, or a folder of the repository"),
        ({"late_second": 10}, "did you mean late_seconds?"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_settings({**GIVEN, "alarms": json.dumps(given)}, namespace="sluice:", file="Pulumi.dev.yaml")
    line = str(refusal.value)
    assert line.startswith(f"sluice:alarms.{next(iter(given))}")
    assert words in line
    assert line.endswith("change it in Pulumi.dev.yaml")
    assert "\n" not in line


def dashboard(program: "Program") -> list[dict[str, Any]]:
    widgets: list[dict[str, Any]] = json.loads(by_name(program)["alarms-dashboard"].inputs["dashboardBody"])[
        "widgets"
    ]
    return widgets


def test_the_dashboard_answers_four_questions_in_order(everything: "Program") -> None:
    widgets = dashboard(everything)
    headings = [each for each in widgets if each["properties"].get("markdown", "").startswith("## ")]
    assert [each["properties"]["markdown"] for each in headings] == [
        "## Is it healthy?",
        "## Is it late?",
        "## Is it losing anything?",
        "## What does it cost?",
    ]
    assert [each["y"] for each in headings] == sorted(each["y"] for each in headings)
    titles = [each["properties"]["title"] for each in widgets if each["type"] == "metric"]
    assert all(title.endswith("?") or "in US dollars" in title for title in titles)
    assert len(titles) == len(set(titles))
    taken: set[tuple[int, int]] = set()
    for each in widgets:
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not cells & taken
        assert each["x"] + each["width"] <= 24
        taken |= cells


def test_the_dashboard_shows_every_alarm_and_what_each_looks_at(everything: "Program") -> None:
    widgets = dashboard(everything)
    arns = [arn for each in widgets if each["type"] == "alarm" for arn in each["properties"]["alarms"]]
    every = alarms(everything).keys() | composites(everything).keys()
    assert sorted(arn.rpartition(":alarm:")[2] for arn in arns) == sorted(every)
    assert all(len(each["properties"].get("alarms", [])) <= 100 for each in widgets)
    charted = {
        (spec[0], spec[1], *spec[2:-1])
        for each in widgets
        if each["type"] == "metric"
        for spec in each["properties"]["metrics"]
        if len(spec) > 1
    }
    for alarm in alarms(everything).values():
        if kind(alarm) == "sink-silent":
            continue
        for _, metric in metrics(alarm):
            parts = [part for pair in metric["dimensions"].items() for part in pair]
            name = metric.get("metricName") or metric["name"]
            assert any(
                (metric["namespace"], name) == spec[:2] and sorted(parts) == sorted(spec[2:])
                for spec in charted
            ), alarm.inputs["name"]


def test_the_dashboard_counts_costs_from_what_is_used_and_only_with_metrics_that_it_has(
    everything: "Program",
) -> None:
    (costs,) = [
        each for each in dashboard(everything) if "in US dollars" in each["properties"].get("title", "")
    ]
    metrics = costs["properties"]["metrics"]
    hidden = {spec[-1]["id"] for spec in metrics if len(spec) > 1}
    shown = [spec[0] for spec in metrics if len(spec) == 1]
    assert [each["label"] for each in shown] == [
        "Kinesis",
        "Lambda",
        "DynamoDB",
        "Firehose",
        "BigQuery, and the way there",
        "Alarms and this page",
    ]
    used = {word for each in shown for word in each["expression"].replace("(", " ").replace(",", " ").split()}
    assert hidden <= used
    assert all(spec[-1]["visible"] is False for spec in metrics if len(spec) > 1)


@pytest.mark.parametrize("program", ["small", "everything"])
def test_cloudwatch_takes_the_dashboard(program: str, request: pytest.FixtureRequest) -> None:
    body = by_name(request.getfixturevalue(program))["alarms-dashboard"].inputs["dashboardBody"]
    with mock_aws():
        client = boto3.client(
            "cloudwatch",
            region_name="eu-central-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",  # noqa: S106 - moto's
        )
        answer = client.put_dashboard(DashboardName="sluice-dev", DashboardBody=body)
    assert answer["DashboardValidationMessages"] == []


def test_a_new_version_of_a_sink_is_judged_by_alarms_of_that_sink_alone() -> None:
    assert {"function-failing", "function-slow", "rejected-rows"} <= GUARDING <= set(KINDS)
