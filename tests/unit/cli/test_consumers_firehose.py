"""`sluice consumers` of a sink that a Firehose feeds: it is listed as the others are, and never paused."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.consumers_firehose import firehose_consumer
from sluice.cli.main import run
from sluice.cli.outputs import SinkOutputs
from sluice.cli.target import Endpoints, Target
from sluice.errors import EnvironmentProblem
from tests.unit.cli.test_consumers import Clouds, target_of

LAKE = SinkOutputs(
    function="lake-sink",
    reads="firehose",
    firehose="lake-firehose",
    redrive="lake-redrive",
    stream="events",
    destination="iceberg",
)
LOCAL = Endpoints(
    aws_url="http://127.0.0.1:1",
    lambda_url="http://127.0.0.1:2",
    bigquery_url="http://127.0.0.1:3",
    lake_url="http://127.0.0.1:4",
)


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Clouds:
    found = Clouds(target_of({"lake": LAKE}))
    monkeypatch.setattr(Target, "find", lambda *_: found.target)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: Path("elsewhere"))
    return found


def described(clouds: Clouds) -> None:
    answer: dict[str, Any] = {
        "DeliveryStreamName": "lake-firehose",
        "DeliveryStreamARN": "arn:aws:firehose:eu-west-1:123456789012:deliverystream/lake-firehose",
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": "KinesisStreamAsSource",
        "VersionId": "1",
        "Destinations": [],
        "HasMoreDestinations": False,
    }
    clouds.stubs["firehose"].add_response(
        "describe_delivery_stream",
        {"DeliveryStreamDescription": answer},
        {"DeliveryStreamName": "lake-firehose"},
    )


def test_a_firehose_that_the_local_cloud_only_declares_is_listed_as_such() -> None:
    splunk = replace(LAKE, destination="splunk")
    found = firehose_consumer(Clouds(target_of({"security": splunk}, LOCAL)).target, "security", splunk)
    assert (found.name, found.state, found.behind_seconds, found.paused) == (
        "security",
        "declared",
        None,
        False,
    )


@pytest.mark.parametrize(
    ("points", "behind"),
    [([], None), ([{"Maximum": 2500.0, "Timestamp": datetime(2026, 11, 21, tzinfo=UTC)}], 2.5)],
)
def test_a_firehose_is_listed_with_how_far_it_is_behind(
    points: list[dict[str, Any]],
    behind: float | None,
    clouds: Clouds,
    capsys: pytest.CaptureFixture[str],
) -> None:
    described(clouds)
    clouds.stubs["cloudwatch"].add_response("get_metric_statistics", {"Datapoints": points}, None)
    assert run(["consumers", "list", "--env", "prod", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found == {
        "name": "lake",
        "kind": "firehose",
        "stream": "events",
        "function": "lake-sink",
        "mapping": None,
        "state": "Active",
        "filters": [],
        "behind_records": None,
        "behind_seconds": behind,
        "filtered": None,
        "last_error": "",
    }
    clouds.done()


def test_a_local_firehose_says_when_it_had_read_all(monkeypatch: pytest.MonkeyPatch) -> None:
    local = Clouds(target_of({"lake": LAKE}, LOCAL))
    described(local)
    status = {"firehoses": [{"name": "lake-firehose", "caught_up_at": 90.0, "last_error": "no such table"}]}
    monkeypatch.setattr("sluice.cli.local_status._ask", lambda url: status if ":4/status" in url else {})
    monkeypatch.setattr(time, "time", lambda: 100.0)
    found = firehose_consumer(local.target, "lake", LAKE)
    assert (found.behind_seconds, found.last_error, found.paused) == (10.0, "no such table", False)


def test_a_firehose_that_is_gone_is_named(clouds: Clouds) -> None:
    clouds.stubs["firehose"].add_client_error("describe_delivery_stream", "ResourceNotFoundException")
    with pytest.raises(EnvironmentProblem, match=r"lake: Firehose knows no lake-firehose at .*: deploy"):
        firehose_consumer(clouds.target, "lake", LAKE)


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_firehose_is_not_paused_and_one_line_says_so(
    verb: str, clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["consumers", verb, "lake", "--env", "prod"]) == 2
    said = capsys.readouterr().err.strip()
    assert "lake: the Firehose lake-firehose reads for it, which cannot be paused or resumed" in said
    clouds.done()
