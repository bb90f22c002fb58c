"""`sluice consumers`: who reads, how far, and a pause that says what it means."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from sluice.cli.consumers_asked import Consumer
from sluice.cli.consumers_shown import consumers_table, duration
from sluice.cli.consumers_switch import setting_of, switch
from sluice.cli.main import run
from sluice.cli.output import console
from sluice.cli.outputs import Outputs, SinkOutputs
from sluice.cli.target import Endpoints, Target
from sluice.errors import DeliveryError, EnvironmentProblem

UUID, OTHER = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
PATTERN = '{"data": {"amount": [{"numeric": ["<", 0]}]}}'
SINKS = {
    "bigquery": SinkOutputs(function="bigquery-sink"),
    "refunds": SinkOutputs(function="refunds-sink", mapping=UUID, filtered=True, route="refunds"),
}


def target_of(sinks: dict[str, SinkOutputs], endpoints: Endpoints | None = None) -> Target:
    outputs = Outputs(
        environment="prod",
        region="eu-west-1",
        stream_name="events",
        dead_letter_queue_url="",
        dead_letter_bucket="",
        ledger_table="",
        bigquery_project="",
        bigquery_dataset="",
        bigquery_views_dataset="",
        sinks=sinks,
    )
    return Target(outputs=outputs, endpoints=endpoints)


class Clouds:
    """AWS's own clients, whose answers are queued."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.stubs: dict[str, Stubber] = {}
        services = {
            "functions": "lambda",
            "kinesis": "kinesis",
            "cloudwatch": "cloudwatch",
            "firehose": "firehose",
        }
        for name, service in services.items():
            client: Any = boto3.client(  # type: ignore[call-overload]  # the service is a variable
                service,
                region_name="eu-west-1",
                aws_access_key_id="x",
                aws_secret_access_key="x",  # noqa: S106 - nobody checks it
            )
            target.__dict__[name] = client
            self.stubs[name] = Stubber(client)
            self.stubs[name].activate()

    def mapping(self, state: str, **more: Any) -> None:
        self.stubs["functions"].add_response(
            "get_event_source_mapping", {"UUID": UUID, "State": state, **more}, {"UUID": UUID}
        )

    def update(self, *, enabled: bool, state: str) -> None:
        expected = {"UUID": UUID, "Enabled": enabled}
        self.stubs["functions"].add_response(
            "update_event_source_mapping", {"UUID": UUID, "State": state}, expected
        )

    def retention(self, hours: int) -> None:
        summary = {
            "StreamName": "events",
            "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/events",
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": hours,
            "StreamCreationTimestamp": datetime.now(UTC),
            "EnhancedMonitoring": [],
            "OpenShardCount": 1,
        }
        self.stubs["kinesis"].add_response(
            "describe_stream_summary", {"StreamDescriptionSummary": summary}, {"StreamName": "events"}
        )

    def done(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clouds]:
    found = Clouds(target_of(SINKS))
    monkeypatch.setattr(Target, "find", lambda *_: found.target)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: Path("elsewhere"))
    monkeypatch.setattr("sluice.cli.consumers_switch.LOOK_SECONDS", {True: 0.0, False: 0.0})
    yield found
    found.done()


def test_a_pause_waits_until_it_is_so_and_says_what_it_means(
    clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    clouds.mapping("Enabled")
    clouds.update(enabled=False, state="Disabling")
    clouds.mapping("Disabling")
    clouds.mapping("Disabled")
    clouds.retention(168)
    assert run(["consumers", "pause", "refunds", "--env", "prod"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "refunds is paused." in said
    assert "waits in events, which keeps a record for 7 days" in said
    assert "sluice consumers resume refunds --env prod" in said
    assert (
        "`pulumi up` leaves it paused, `pulumi up --refresh` lets it go on, unless routes.refunds.enabled"
    ) in said


def test_a_resume_says_that_nothing_was_skipped(clouds: Clouds, capsys: pytest.CaptureFixture[str]) -> None:
    clouds.mapping("Disabled")
    clouds.update(enabled=True, state="Enabling")
    clouds.mapping("Enabled")
    clouds.retention(24)
    assert run(["consumers", "resume", "refunds", "--env", "prod"]) == 0
    assert "goes on with the first record that it has not had" in capsys.readouterr().out


def test_what_is_so_already_is_left_alone_and_programs_are_told(
    clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    clouds.mapping("Disabled")
    clouds.retention(24)
    assert run(["consumers", "pause", "refunds", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "refunds",
        "state": "Disabled",
        "mapping": UUID,
        "function": "refunds-sink",
        "stream": "events",
        "retention_hours": 24,
        "setting": "routes.refunds.enabled",
        "changed": False,
    }


def test_a_mapping_between_two_states_is_asked_again(clouds: Clouds) -> None:
    clouds.mapping("Enabled")
    clouds.stubs["functions"].add_client_error("update_event_source_mapping", "ResourceInUseException")
    clouds.mapping("Updating")
    clouds.mapping("Enabled")
    clouds.update(enabled=False, state="Disabling")
    clouds.mapping("Disabled")
    clouds.retention(24)
    assert switch(clouds.target, "refunds", SINKS["refunds"], enabled=False).changed


def test_a_pause_that_takes_too_long_is_told_and_goes_on(clouds: Clouds) -> None:
    clouds.mapping("Enabled")
    with pytest.raises(DeliveryError, match=r"refunds is still enabled.*will be disabled once"):
        switch(clouds.target, "refunds", SINKS["refunds"], enabled=False, seconds=-1)


def test_an_unknown_consumer_is_refused_with_those_that_there_are(
    clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["consumers", "pause", "nobody"]) == 2
    assert "there are bigquery, refunds" in capsys.readouterr().err
    clouds.stubs["functions"].add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    with pytest.raises(EnvironmentProblem, match="deploy the program again"):
        switch(clouds.target, "refunds", SINKS["refunds"], enabled=False)


def test_a_deployed_stack_is_listed_by_lambda_and_its_metrics(
    clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    cloudwatch, functions = clouds.stubs["cloudwatch"], clouds.stubs["functions"]
    cloudwatch.add_response("get_metric_statistics", {"Datapoints": [{"Sum": 40.0}]}, None)
    found = {"EventSourceMappings": [{"UUID": OTHER, "State": "Enabled", "LastProcessingResult": "OK"}]}
    functions.add_response("list_event_source_mappings", found, {"FunctionName": "bigquery-sink"})
    points = [
        {"Timestamp": now - timedelta(minutes=2), "Maximum": 90_000.0},
        {"Timestamp": now - timedelta(minutes=1), "Maximum": 1500.0},
    ]
    cloudwatch.add_response("get_metric_statistics", {"Datapoints": points}, None)
    clouds.mapping(
        "Disabled",
        FilterCriteria={"Filters": [{"Pattern": PATTERN}]},
        LastProcessingResult="PROBLEM: Function call failed",
    )
    age = {
        "Namespace": "AWS/Lambda",
        "MetricName": "IteratorAge",
        "Dimensions": [{"Name": "FunctionName", "Value": "refunds-sink"}],
        "StartTime": ANY,
        "EndTime": ANY,
        "Period": 60,
        "Statistics": ["Maximum"],
    }
    cloudwatch.add_response("get_metric_statistics", {"Datapoints": []}, age)
    assert run(["consumers", "list", "--env", "prod", "--json"]) == 0
    bigquery, refunds = json.loads(capsys.readouterr().out)
    assert (bigquery["mapping"], bigquery["behind_seconds"], bigquery["filtered"]) == (OTHER, 1.5, None)
    assert (refunds["state"], refunds["filters"], refunds["filtered"]) == ("Disabled", [PATTERN], 40)
    assert (refunds["behind_records"], refunds["behind_seconds"]) == (None, None)
    assert refunds["last_error"] == "PROBLEM: Function call failed"


def test_a_page_shows_what_waits_and_what_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    consumer: Any = {"kind": "enhanced", "stream": "events", "function": "f", "mapping": UUID}
    found = [
        Consumer(
            name="slow",
            state="Disabled",
            behind_records=1200,
            behind_seconds=300,
            last_error="broken",
            **consumer,
        ),
        Consumer(name="fine", state="Enabled", behind_records=0, behind_seconds=0, filtered=7, **consumer),
        Consumer(name="dim", state="Enabled", **consumer),
    ]
    console().print(consumers_table(found, local=True))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "slow enhanced events disabled no 1,200 (5 min)" in lines
    assert "broken" in lines
    assert "fine enhanced events enabled no 7 0" in lines
    assert "dim enhanced events enabled no ?" in lines


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.34, "0.3 s"), (12.4, "12 s"), (119, "119 s"), (300, "5 min"), (9000, "2.5 h")],
)
def test_a_span_is_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("name", "route", "setting"),
    [
        ("bigquery", None, "bigquery_sink.enabled"),
        ("windows", None, "aggregator.enabled"),
        ("refunds", "refunds", "routes.refunds.enabled"),
        ("refunds-fraud-check", "refunds", "routes.refunds.consumers.fraud_check.enabled"),
    ],
)
def test_the_setting_that_keeps_a_consumer_paused_is_named(
    name: str, route: str | None, setting: str
) -> None:
    assert setting_of(name, SinkOutputs(function="f", route=route)) == setting
