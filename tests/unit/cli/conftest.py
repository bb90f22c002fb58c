from collections.abc import Iterator

import pytest

from sluice.cli.outputs import Outputs, SinkOutputs
from sluice.cli.target import Endpoints, Target
from tests.unit.audit import plant as plants


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Iterator[plants.Plant]:
    with plants.running() as running:
        monkeypatch.setattr("sluice.audit.reading.count_tables", running.count)
        yield running


@pytest.fixture
def target(plant: plants.Plant, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The plant, found by every command as the local cloud that runs here."""
    outputs = Outputs(
        environment="dev",
        region=plants.REGION,
        stream_name=plants.STREAM,
        dead_letter_queue_url=plant.queue_url,
        dead_letter_bucket=plants.BUCKET,
        ledger_table=plants.TABLE,
        bigquery_project="p",
        bigquery_dataset="raw",
        bigquery_views_dataset="views",
        sinks={"memory": SinkOutputs(function="memory-sink")},
    )
    found = Target(outputs=outputs, endpoints=Endpoints(aws_url="", lambda_url="", bigquery_url=""))
    clients = {
        "kinesis": plant.kinesis,
        "cloudwatch": plant.cloudwatch,
        "dynamodb": plant.dynamodb,
        "sqs": plant.sqs,
        "s3": plant.s3,
        "functions": plant,
        "bigquery": None,
    }
    for name, client in clients.items():
        found.__dict__[name] = client  # as the cached properties would
    monkeypatch.setattr(Target, "find", lambda *_: found)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: None)
    return found
