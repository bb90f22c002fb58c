"""The auditor: what it consists of, and that it may read what the books need, and nothing else."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import parse_settings
from infra.settings_auditor import AuditorSettings
from sluice.audit.handed import PATIENCE
from sluice.errors import SettingsError
from tests.infra.conftest import by_name
from tests.infra.expected_aws import ENVS
from tests.infra.expected_sink import REGION, allow, lambda_function
from tests.infra.test_every_aws_resource import compare

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

READING = ("Describe", "Get", "List", "Query", "Receive", "ChangeMessageVisibility")


@pytest.fixture(scope="module")
def deployed(run: "Run") -> "Program":
    return run("dev", auditor={"enabled": True, "log_sample_rate": 0.25})


def added(programs: "dict[str, Program]", program: "Program") -> "dict[str, Declared]":
    before = by_name(programs["dev"])
    return {name: each for name, each in by_name(program).items() if name not in before and each.custom}


def statements(program: "Program") -> list[dict[str, Any]]:
    policy: list[dict[str, Any]] = json.loads(by_name(program)["auditor-policy"].inputs["policy"])[
        "Statement"
    ]
    return policy


def test_it_is_a_function_and_a_clock_that_invokes_it(
    deployed: "Program", programs: "dict[str, Program]"
) -> None:
    stream = f"arn:aws:kinesis:{REGION}:stream/sluice-dev-events"
    rule = f"arn:aws:events:{REGION}:rule/sluice-dev-auditor"
    function = f"arn:aws:lambda:{REGION}:function:sluice-dev-auditor"
    compare(
        added(programs, deployed),
        {
            **lambda_function(
                ENVS["dev"],
                "auditor",
                "sluice-dev-auditor",
                folder="auditor",
                description="Audits the books",
                duty="auditor",
                timeout=300,
                memory=512,
                log_level="INFO",
                log_days=30,
                statements=[
                    allow(
                        "ReadTheLedger",
                        ["dynamodb:Query"],
                        f"arn:aws:dynamodb:{REGION}:table/sluice-dev-ledger",
                    ),
                    allow("ReadMetrics", ["cloudwatch:GetMetricStatistics"], "*"),
                    allow(
                        "ReadStreams",
                        [
                            "kinesis:DescribeStreamSummary",
                            "kinesis:GetRecords",
                            "kinesis:GetShardIterator",
                            "kinesis:ListShards",
                        ],
                        stream,
                    ),
                ],
                variables={
                    "POWERTOOLS_LOGGER_SAMPLE_RATE": "0.25",
                    "SLUICE_LEDGER_TABLE": "sluice-dev-ledger",
                    "SLUICE_AUDIT_SINKS": {
                        name: {
                            "function": f"sluice-dev-{name}-sink",
                            "stream": "sluice-dev-events",
                            "parallelization": 1,
                            "mapping": deployed.outputs["sinks"][name]["mapping"],
                            "filtered": False,
                        }
                        for name in ("bigquery", "windows")
                    },
                    "SLUICE_AUDIT_HOURS": "2",
                    "SLUICE_AUDIT_GRACE_MINUTES": "10",
                },
            ),
            "auditor-rule": (
                "aws:cloudwatch/eventRule:EventRule",
                {
                    "name": "sluice-dev-auditor",
                    "description": "Audits the books",
                    "scheduleExpression": "rate(15 minutes)",
                },
            ),
            "auditor-permission": (
                "aws:lambda/permission:Permission",
                {
                    "statementId": "auditor",
                    "action": "lambda:InvokeFunction",
                    "function": "sluice-dev-auditor",
                    "principal": "events.amazonaws.com",
                    "sourceArn": rule,
                },
            ),
            "auditor-target": (
                "aws:cloudwatch/eventTarget:EventTarget",
                {
                    "rule": "sluice-dev-auditor",
                    "targetId": "auditor",
                    "arn": function,
                    "retryPolicy": {"maximumEventAgeInSeconds": 60, "maximumRetryAttempts": 0},
                },
            ),
        },
    )


def test_it_reads_streams_and_failures_of_all_sinks_and_changes_nothing(everything: "Program") -> None:
    found = {each["Sid"]: each for each in statements(everything) if each["Effect"] == "Allow"}
    streams = set(found["ReadStreams"]["Resource"])
    assert {arn.rpartition("/")[2] for arn in streams} == {"sluice-dev-events", "sluice-dev-paid-route"}
    told = json.loads(
        by_name(everything)["auditor-function"].inputs["environment"]["variables"]["SLUICE_AUDIT_SINKS"]
    )
    fed = {name: sink for name, sink in told.items() if "firehose" in sink}
    assert {"lake", "splunk"} <= fed.keys()
    listed = found["ListFailures"]["Condition"]["StringLike"]["s3:prefix"]
    assert sorted(listed) == sorted(f"{sink['errors']}*" for sink in fed.values())
    assert len(found["ReadFailures"]["Resource"]) == len(listed)
    named = [action for each in statements(everything) if each["Sid"] in found for action in each["Action"]]
    duty = [
        each for each in named if each.partition(":")[0] in {"dynamodb", "kinesis", "s3", "sqs", "firehose"}
    ]
    assert not [each for each in duty if not each.partition(":")[2].startswith(READING)]


def test_letters_are_read_only_where_lambda_may_give_up_a_batch(deployed: "Program", run: "Run") -> None:
    assert "PeekAtDeadLetters" not in {each["Sid"] for each in statements(deployed)}
    giving_up = run("dev", auditor={"enabled": True}, bigquery_sink={"max_record_age_seconds": 3600})
    assert "PeekAtDeadLetters" in {each["Sid"] for each in statements(giving_up)}
    variables = by_name(giving_up)["auditor-function"].inputs["environment"]["variables"]
    assert variables["SLUICE_DEAD_LETTER_QUEUE_URL"].endswith("sluice-dev-dead-letters")


def test_no_audit_goes_further_back_than_every_stream_keeps() -> None:
    """Beyond the retention the shards of a stream are not all known, and the whole ledger would be read."""
    longest = next(
        item for item in AuditorSettings.model_fields["hours"].metadata if hasattr(item, "accepts")
    )
    assert longest.accepts == "1 to 12 hours"
    assert 12 + PATIENCE.total_seconds() / 3600 < 24


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"minutes": 1}, "sluice:auditor.minutes is 1: accepted is 5 to 60 minutes"),
        ({"log_sample_rate": 1.5}, "sluice:auditor.log_sample_rate is 1.5: accepted is a number from 0 to 1"),
        (
            {"log_sample_rate": True},
            "sluice:auditor.log_sample_rate is true: accepted is a number from 0 to 1",
        ),
        (
            {"log_sample_rate": "all"},
            "sluice:auditor.log_sample_rate is 'all': accepted is a number from 0 to 1",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    needed = {
        "aws_account_id": "111111111111",
        "aws_region": "eu-central-1",
        "google_project": "example-analytics",
        "google_location": "EU",
    }
    with pytest.raises(SettingsError) as refused:
        parse_settings({**needed, "auditor": json.dumps(given)}, namespace="sluice:", file="Pulumi.dev.yaml")
    assert str(refused.value) == f"{said}; change it in Pulumi.dev.yaml"
