"""The local cloud as a whole: it runs the project's program, and leaves nothing behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sluice.errors import ContractError, EnvironmentProblem, SettingsError
from sluice.local.cloud import LocalCloud
from sluice.local.deploy import foreseen
from tests.opensearch.real import need_node
from tests.unit.local_cloud.clients import client

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
SINKS = ("bigquery", "windows", "payments", "refunds")
CHILD = """
import json, signal, sys, threading
from pathlib import Path
from sluice.local.cloud import LocalCloud
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may ignore it
with LocalCloud(Path(sys.argv[1]), overrides=json.loads(sys.argv[2])) as cloud:
    print(*cloud.pids, flush=True)
    threading.Event().wait()
"""
OFF = {"lake": {"enabled": False}, "search_sink": {"mode": "none"}}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Two shards; only the last test that puts records splits and merges them."""
    with LocalCloud(ROOT, overrides={"bigquery_sink": {"batch_size": 50}, **OFF}) as running:
        yield running


def gone(pids: list[int], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
            return True
        time.sleep(0.05)
    return False


def aws(service: str, cloud: LocalCloud) -> Any:
    return client(service, cloud.endpoints.aws_url, cloud.outputs["region"])


def settled(cloud: LocalCloud) -> dict[str, int]:
    """How many records each sink's mapping on the stream has done with."""
    functions = {sink["function"]: name for name, sink in cloud.outputs["sinks"].items()}
    mappings = [each for each in cloud.status()["mappings"] if each["function"] in functions]
    return {functions[each["function"]]: each["settled"] for each in mappings}


def test_a_record_that_no_contract_knows_becomes_one_dead_letter_of_each_sink(cloud: LocalCloud) -> None:
    kinesis, sqs = aws("kinesis", cloud), aws("sqs", cloud)
    kinesis.put_record(StreamName=cloud.outputs["stream_name"], Data=b"not json", PartitionKey="k")
    assert cloud.wait_drained(60)
    queue = cloud.outputs["dead_letter_queue_url"]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    letters = sorted((letter["sink"], letter["kind"]) for letter in (json.loads(m["Body"]) for m in messages))
    assert letters == [("bigquery", "contract"), ("windows", "contract")]
    kinesis.close()
    sqs.close()


def test_the_sinks_function_answers_lambdas_own_client(cloud: LocalCloud) -> None:
    function = cloud.outputs["sinks"]["bigquery"]["function"]
    lambda_ = client("lambda", cloud.endpoints.lambda_url)
    answer = lambda_.invoke(FunctionName=function, Payload=b'{"Records":[]}')
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    failed = lambda_.invoke(FunctionName=f"arn:aws:lambda:x:1:function:{function}", Payload=b'"no event"')
    assert failed["FunctionError"] == "Unhandled"
    assert "errorMessage" in json.loads(failed["Payload"].read())
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.invoke(FunctionName="nobody", Payload=b"{}")
    lambda_.close()


def test_an_outage_of_bigquery_delays_and_the_status_says_why(cloud: LocalCloud) -> None:
    kinesis = aws("kinesis", cloud)
    cloud.faults.add(match="insertAll", kind="status", status=503)
    event = json.dumps(
        {
            "type": "transaction",
            "id": "one",
            "username": "ann",
            "paid_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "amount": 1.50,
            "currency": "EUR",
        }
    )
    kinesis.put_record(StreamName=cloud.outputs["stream_name"], Data=event.encode(), PartitionKey="k")
    kinesis.close()
    while not (
        errors := [s["last_error"] for m in cloud.status()["mappings"] for s in m["shards"]]
    ) or not any(errors):
        time.sleep(0.1)
    assert not cloud.drained()
    cloud.faults.clear()
    assert cloud.wait_drained(60)


def test_two_clouds_know_nothing_of_each_other_and_a_server_that_dies_is_named(cloud: LocalCloud) -> None:
    with LocalCloud(ROOT, shards=3, overrides=OFF) as other:
        kinesis = aws("kinesis", other)
        kinesis.put_record(StreamName=other.outputs["stream_name"], Data=b"bad", PartitionKey="k")
        shards = kinesis.list_shards(StreamName=other.outputs["stream_name"])["Shards"]
        kinesis.close()
        assert len(shards) == 3
        assert other.wait_drained(60)
        assert settled(other) == dict.fromkeys(SINKS, 1)
        assert not set(other.pids) & set(cloud.pids)
        pids = other.pids
        victim = other._servers[0]
        os.kill(victim.pid, signal.SIGKILL)
        victim._process.wait()
        with pytest.raises(
            EnvironmentProblem, match=r"the local AWS has ended, killed by SIGKILL.*: start it"
        ):
            other.wait_drained(30)
        cloud.check()
    assert gone(pids)


@pytest.mark.parametrize(("how", "settings"), [(signal.SIGKILL, {}), (signal.SIGINT, OFF)])
def test_however_the_parent_ends_no_process_is_left(how: signal.Signals, settings: dict[str, Any]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(ROOT), json.dumps(settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    children = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
    os.kill(parent.pid, how)
    parent.communicate(timeout=30)
    assert len(pids) >= 3
    assert gone(pids + children)


@pytest.mark.parametrize(
    ("settings", "pipeline", "kind", "said"),
    [
        ({"bigquery_sink": {"batch_size": 20_000}}, None, SettingsError, "batch_size"),
        (OFF, "pipeline = 1 +", ContractError, "line 1"),
        (OFF, "nothing = 1", ContractError, "pipeline"),
    ],
)
def test_what_is_wrong_with_a_project_is_one_clear_line_and_leaves_no_process(
    tmp_path: Path, settings: dict[str, Any], pipeline: str | None, kind: type[Exception], said: str
) -> None:
    file = tmp_path / "pipeline.py"
    if pipeline is not None:
        file.write_text(pipeline)
    before = set(psutil.Process().children(recursive=True))
    cloud = LocalCloud(ROOT, file if pipeline is not None else None, overrides=settings)
    with pytest.raises(kind) as error, cloud:
        pass
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert set(psutil.Process().children(recursive=True)) == before


@pytest.mark.parametrize(
    ("settings", "servers"),
    [
        ({}, ["lake", "opensearch"]),
        ({"search_sink": {"mode": "none"}}, ["lake"]),
        ({"lake": {"enabled": False}, "search_sink": {"mode": "endpoint"}}, ["opensearch"]),
        (OFF, []),
        ({"lake": "what only the program can say is wrong"}, []),
    ],
)
def test_servers_that_the_settings_ask_for_start_ahead_of_the_program(
    settings: dict[str, Any], servers: list[str]
) -> None:
    assert foreseen(ROOT, "dev", settings) == servers


def test_a_node_that_does_not_start_ends_the_start_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_node()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nsleep 1\necho 'Error: no memory for it' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    cloud = LocalCloud(ROOT, overrides={"lake": {"enabled": False}})
    with (
        pytest.raises(EnvironmentProblem, match=r"local OpenSearch .*: Error: no memory for it") as error,
        cloud,
    ):
        pass
    assert "\n" not in str(error.value)


def test_a_stream_that_is_split_and_merged_at_work_loses_nothing(cloud: LocalCloud) -> None:
    kinesis, stream = aws("kinesis", cloud), cloud.outputs["stream_name"]
    assert cloud.wait_drained(60)
    before = settled(cloud)

    def put() -> None:
        records = [{"Data": b"x%d" % n, "PartitionKey": str(n)} for n in range(200)]
        assert kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0

    put()
    first, second = (shard["ShardId"] for shard in kinesis.list_shards(StreamName=stream)["Shards"])
    kinesis.split_shard(StreamName=stream, ShardToSplit=first, NewStartingHashKey=str(2**126))
    put()
    kinesis.merge_shards(StreamName=stream, ShardToMerge="shardId-000000000003", AdjacentShardToMerge=second)
    put()
    assert cloud.wait_drained(60)
    assert settled(cloud) == {sink: records + 600 for sink, records in before.items()}
    assert set(before) == set(SINKS)
    sinks = {sink["function"] for sink in cloud.outputs["sinks"].values()}
    for mapping in (each for each in cloud.status()["mappings"] if each["function"] in sinks):
        assert {shard["shard"][-1] for shard in mapping["shards"]} == {"2", "4"}
    kinesis.close()


def test_every_resource_of_aws_and_every_table_is_created_and_the_rest_is_named(cloud: LocalCloud) -> None:
    left = {resource.split(" ")[0] for resource in cloud.stand_ins}
    assert not [kind for kind in left if not kind.startswith(("gcp:", "pulumi:"))]
    assert left <= {"gcp:projects/service:Service", "pulumi:providers:gcp"}
    dynamodb, s3, iam = (aws(service, cloud) for service in ("dynamodb", "s3", "iam"))
    assert dynamodb.describe_table(TableName=cloud.outputs["ledger_table"])["Table"]["KeySchema"]
    bucket = cloud.outputs["dead_letter_bucket"]
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["Expiration"]
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert sorted(roles) == [
        "sluice-dev-auditor",
        "sluice-dev-bigquery-sink",
        "sluice-dev-payments-sink",
        "sluice-dev-refunds-sink",
        "sluice-dev-window-publisher",
        "sluice-dev-windows-sink",
    ]
    assert all(iam.list_role_policies(RoleName=role)["PolicyNames"] for role in roles)
    for used in (dynamodb, s3, iam):
        used.close()
