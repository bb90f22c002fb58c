"""Mappings at work in real time: a stream's tumbling windows and a table's changes reach their functions."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sluice.local.deploy_result import Deployment
from sluice.local.drain import Drain
from sluice.local.runners import Runners
from sluice.local.runtime import Runtime
from sluice.local.runtime_worker import Function
from tests.unit.local_cloud.clients import client

CODE = """
import json, os

def told(event):
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps(event) + "\\n")

def count(event, context):
    state = {"n": event["state"].get("n", 0) + len(event["Records"])}
    if event["isFinalInvokeForWindow"]:
        told({"window": event["window"], "n": state["n"]})
    return {"state": state}

def publish(event, context):
    told([record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]])
"""
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    (tmp_path / "handler.py").write_text(CODE)
    functions = [
        Function(name, ARN + name, tmp_path, f"handler.{name}", 30, 256, {"TOLD": str(tmp_path / name)})
        for name in ("count", "publish")
    ]
    found = Runtime(functions)
    yield found
    found.close()


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_windows_close_and_tables_wake_functions_until_they_are_no_longer_declared(
    aws_url: str, kinesis: Any, runtime: Runtime, tmp_path: Path
) -> None:
    kinesis.create_stream(StreamName="windows", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="windows")["StreamDescriptionSummary"]["StreamARN"]
    dynamodb = client("dynamodb", aws_url)
    stream = dynamodb.create_table(
        TableName="watched",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]["LatestStreamArn"]
    windows = {
        "uuid": "1",
        "functionName": ARN + "count",
        "eventSourceArn": arn,
        "startingPosition": "TRIM_HORIZON",
        "tumblingWindowInSeconds": 1,
    }
    pattern = '{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "segments#"}]}}}}'
    changes = {
        "uuid": "2",
        "functionName": ARN + "publish",
        "eventSourceArn": stream,
        "startingPosition": "TRIM_HORIZON",
        "filterCriteria": {"filters": [{"pattern": pattern}]},
    }
    declared = Deployment(region="eu-west-1", functions=[], mappings=[windows, changes], outputs={})
    runners = Runners(runtime, aws_url, "eu-west-1")
    runners.take(declared)
    try:
        for n in range(7):
            kinesis.put_record(StreamName="windows", Data=b"{}", PartitionKey=str(n))
        for key in ("segments#a", "lanes", "segments#b"):
            dynamodb.put_item(TableName="watched", Item={"pk": {"S": key}})
        drain = Drain(60)
        wait(lambda: drain.done([runner.inspect() for runner in runners.mappings], time.time()) is True)
        assert sum(line["n"] for line in lines(tmp_path / "count")) == 7
        assert [key for keys in lines(tmp_path / "publish") for key in keys] == ["segments#a", "segments#b"]

        runners.take(Deployment(region="eu-west-1", functions=[], mappings=[changes], outputs={}))
        assert [runner.mapping.config.function for runner in runners.mappings] == ["publish"]
        kinesis.put_record(StreamName="windows", Data=b"{}", PartitionKey="late")
        dynamodb.put_item(TableName="watched", Item={"pk": {"S": "segments#c"}})
        wait(lambda: ["segments#c"] in lines(tmp_path / "publish"))
        assert sum(line["n"] for line in lines(tmp_path / "count")) == 7
    finally:
        runners.take(Deployment(region="eu-west-1", functions=[], mappings=[], outputs={}))
        dynamodb.close()
