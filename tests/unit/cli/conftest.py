from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.cli.outputs import Outputs, SinkOutputs
from sluice.cli.target import Endpoints, Target
from tests.unit.audit import plant as plants
from tests.unit.cli.sales import AUSTRIAN, NOBODY, SALES, SEARCHES, sold
from tests.unit.windows import planted
from tests.unit.windows.planted import Planted


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
        "producing": plant.kinesis,
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
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: Path("elsewhere"))
    return found


EMPTY_PIPELINE = """
from tests.unit.cli.sales import Count, Metric, Sale
from sluice.pipeline import Pipeline
fresh = Metric("fresh", events=[Sale], window="1m", measures={"n": Count()})
pipeline = Pipeline(events=[Sale], metrics=[fresh])
"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Planted]:
    """A table of windows, found by the command as that of the local cloud that runs here."""
    (tmp_path / "pipeline.py").write_text(EMPTY_PIPELINE)
    outputs = Outputs(
        environment="dev",
        region=planted.REGION,
        stream_name="s",
        dead_letter_queue_url="q",
        dead_letter_bucket="b",
        ledger_table="l",
        bigquery_project="p",
        bigquery_dataset="raw",
        bigquery_views_dataset="views",
        sinks={"bigquery": SinkOutputs(function="f")},
        windows_table="windows",
        window_days=3650,
    )
    endpoints = Endpoints(aws_url="", lambda_url="", bigquery_url="")
    found = Target(outputs=outputs, endpoints=endpoints, pipeline=tmp_path / "pipeline.py")
    monkeypatch.setattr(Target, "find", lambda *_: found)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    with planted.running() as running:
        found.__dict__["dynamodb"] = running.dynamodb
        running.define(SALES, SEARCHES)
        yield running


@pytest.fixture
def filled(table: Planted) -> Planted:
    table.segment("s1", (SALES, "11:00", {AUSTRIAN: sold("0.10", "0.20"), NOBODY: sold("5")}))
    table.segment("s1", (SALES, "11:30", {AUSTRIAN: sold("7")}))
    table.complete("11:15")
    return table
