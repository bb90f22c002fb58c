import json
import os
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.outputs import Outputs, RouteOutputs, SinkOutputs
from sluice.cli.target import Endpoints, Target
from sluice.errors import EnvironmentProblem, NoCloud
from sluice.local.state import claim, file_hash

EXPORTS: dict[str, Any] = {
    "environment": "prod",
    "region": "eu-west-1",
    "stream_name": "activity",
    "dead_letter_queue_url": "https://sqs/queue",
    "dead_letter_bucket": "letters",
    "ledger_table": "ledger",
    "bigquery_project": "project",
    "bigquery_dataset": "raw",
    "bigquery_views_dataset": "views",
    "sinks": {"bigquery": {"function": "sink", "consumer": "arn", "mapping": "uuid", "parallelization": 2}},
    "something_new": {"that": "no command needs"},
}
LOCAL = Endpoints(
    aws_url="http://127.0.0.1:1", lambda_url="http://127.0.0.1:2", bigquery_url="http://127.0.0.1:3"
)


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Pulumi's command line: answers with `answer`, or complains with `complaint`."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\necho "$@" > arguments\n'
        "if [ -f complaint ]; then cat complaint >&2; exit 255; fi\ncat answer\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program.parent


def test_a_stack_is_asked_for_its_exports(pulumi: Path, tmp_path: Path) -> None:
    (pulumi / "answer").write_text(json.dumps(EXPORTS))
    target = Target.find(tmp_path, "prod")
    assert (pulumi / "arguments").read_text() == "stack output --json --stack prod --non-interactive\n"
    assert not target.is_local
    assert target.where == "stack prod"
    assert target.outputs.sinks == {
        "bigquery": SinkOutputs(function="sink", consumer="arn", mapping="uuid", parallelization=2)
    }
    assert target.outputs.routes == {}


def test_exports_of_routes_and_of_what_reads_what_are_read() -> None:
    sinks = {
        "bigquery": {"function": "f", "consumer": "arn", "mapping": "m", "reads": "enhanced", "stream": "s"},
        "free": {"function": "g", "mapping": "n", "reads": "shared", "stream": "s", "route": "free"},
        "paid": {"function": "h", "consumer": "arn2", "filtered": True, "stream": "s", "route": "paid"},
    }
    routes = {
        "free": {"target": "queue", "name": "q", "url": "https://q"},
        "paid": {"target": "firehose", "name": "f", "bucket": "b", "prefix": "paid/"},
    }
    outputs = Outputs.parse({**EXPORTS, "sinks": sinks, "routes": routes}, source="stack prod")
    assert outputs.sinks == {
        "bigquery": SinkOutputs(function="f", consumer="arn", mapping="m", stream="s"),
        "free": SinkOutputs(function="g", mapping="n", reads="shared", stream="s", route="free"),
        "paid": SinkOutputs(function="h", consumer="arn2", filtered=True, stream="s", route="paid"),
    }
    assert outputs.routes == {
        "free": RouteOutputs(target="queue", name="q", url="https://q"),
        "paid": RouteOutputs(target="firehose", name="f", bucket="b", prefix="paid/"),
    }


def test_a_stack_that_is_not_there_is_told_in_pulumis_words(pulumi: Path, tmp_path: Path) -> None:
    (pulumi / "complaint").write_text("error: no stack named 'prod' found\n\n")
    with pytest.raises(
        NoCloud, match=r"--env prod: no stack named 'prod' found; `pulumi stack ls`"
    ) as raised:
        Target.find(tmp_path, "prod")
    assert "\n" not in str(raised.value)


def test_an_answer_that_is_no_json_is_told(pulumi: Path, tmp_path: Path) -> None:
    (pulumi / "answer").write_text("Please log in:")
    with pytest.raises(EnvironmentProblem, match="not JSON"):
        Target.find(tmp_path, "prod")


@pytest.mark.parametrize("missing", ["ledger_table", "sinks"])
def test_a_stack_of_an_older_program_is_told_by_what_it_lacks(missing: str) -> None:
    exports = {name: value for name, value in EXPORTS.items() if name != missing}
    with pytest.raises(NoCloud, match=f"stack prod does not export {missing}: deploy"):
        Outputs.parse(exports, source="stack prod")


def test_clients_of_a_local_cloud_use_nothing_of_the_users_own_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-another-company")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "precious")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    target = Target.local(EXPORTS, LOCAL)
    clients: list[Any] = [target.kinesis, target.sqs, target.s3, target.dynamodb, target.cloudwatch]
    for client in clients:
        assert client.meta.endpoint_url == LOCAL.aws_url
        assert client.meta.region_name == "eu-west-1"
        assert client._request_signer._credentials.access_key == "local"
    assert target.functions.meta.endpoint_url == LOCAL.lambda_url
    base_url = target.bigquery._connection.API_BASE_URL
    assert base_url == LOCAL.bigquery_url
    assert target.patience == 0


def test_missing_credentials_for_a_stack_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    target = Target(outputs=Outputs.parse(EXPORTS, source="stack prod"))
    with pytest.raises(EnvironmentProblem, match="no AWS credentials: run `aws configure`"):
        _ = target.kinesis


def test_missing_google_credentials_for_a_stack_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    target = Target(outputs=Outputs.parse(EXPORTS, source="stack prod"))
    with pytest.raises(EnvironmentProblem, match="gcloud auth application-default login"):
        _ = target.bigquery


def test_a_pipeline_that_changed_under_a_local_cloud_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = tmp_path / "pipeline.py"
    pipeline.write_text("first")
    urls = {"aws_url": "http://a", "lambda_url": "http://l", "bigquery_url": "http://b"}
    with claim(tmp_path) as claimed:
        claimed.announce(outputs=EXPORTS, pipeline=pipeline, pipeline_hash=file_hash(pipeline), **urls)
        Target.find(tmp_path, None).warn_of_changes()
        assert capsys.readouterr().err == ""
        pipeline.write_text("second")
        Target.find(tmp_path, None).warn_of_changes()
        told = capsys.readouterr().err
        assert told.startswith("note: pipeline.py has changed, and the local cloud still runs it as it was")
        assert told.count("\n") == 1
        claimed.announce(outputs=EXPORTS, pipeline=pipeline, problem="line 1: no Python", **urls)
        Target.find(tmp_path, None).warn_of_changes()
    told = capsys.readouterr().err
    assert told == "note: the local cloud runs the pipeline as it was: line 1: no Python\n"
