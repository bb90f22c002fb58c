"""The search sink's handler as Lambda loads it, and what it sends: signed, with only what is shipped."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from sluice.deadline import Deadline
from sluice.errors import SettingsError
from sluice.sinks.opensearch.connection import Cluster, connect
from sluice.sinks.opensearch.function import indices_of, limits_of, search_sink
from tests.unit.delivery.builders import CONTRACT
from tests.unit.sinks.opensearch.stub_opensearch import StubOpenSearch

ROOT = Path(__file__).parents[4]
ENVIRONMENT = {
    "SLUICE_SINK": "search",
    "SLUICE_LEDGER_TABLE": "ledger",
    "SLUICE_LEDGER_DAYS": "30",
    "SLUICE_DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/queue",
    "SLUICE_DEAD_LETTER_BUCKET": "bucket",
    "SLUICE_SEARCH_ENDPOINT": "http://127.0.0.1:1",
    "SLUICE_SEARCH_SERVICE": "es",
    "SLUICE_SEARCH_PREFIX": "sluice-test",
    "POWERTOOLS_SERVICE_NAME": "search-sink",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
LAMBDAS_OWN = {"boto3", "botocore", "dateutil", "six", "s3transfer", "jmespath", "urllib3"}
"""What the runtime brings along."""

UNWANTED = {
    *(
        "grpc",
        "pulumi",
        "moto",
        "duckdb",
        "sqlglot",
        "pyarrow",
        "pyiceberg",
        "numpy",
        "boto3",
        "google.cloud",
    ),
    *("typer", "rich", "pydantic", "mimesis", "aiohttp", "infra", "sluice.cli", "sluice.local"),
    *("sluice.audit", "sluice.producer", "sluice.contract.fake", "sluice.sinks.bigquery"),
}


def shipped() -> set[str]:
    """The top-level modules of all packages that the function's lock file names."""
    lock = (ROOT / "functions/search_sink/requirements.lock").read_text()
    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    found = packages_distributions().items()
    return {top for top, owners in found if names & {owner.lower().replace("_", "-") for owner in owners}}


DELIVERED = f"""
import os, runpy, sys
class OnlyWhatIsShipped:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {{allowed!r}}:
            raise ModuleNotFoundError(name + " is not shipped", name=name)
sys.meta_path.insert(0, OnlyWhatIsShipped())
sys.path.insert(0, {str(ROOT)!r})
runpy.run_path({str(ROOT / "functions/search_sink/handler.py")!r})["handler"]
from sluice.deadline import Deadline
from sluice.sinks.opensearch.connection import cluster
body = b'{{{{"create":{{{{"_index":"i","_id":"1"}}}}}}}}\\n{{{{"n":1}}}}\\n'
print(cluster(os.environ, 1).bulk(body, Deadline.after(5)).status, *sorted(sys.modules))
"""


def test_a_signed_request_is_sent_with_nothing_but_what_is_shipped(stub: StubOpenSearch) -> None:
    """Libraries import optional packages late: only a whole exchange shows that none is missing."""
    allowed = sorted(sys.stdlib_module_names | shipped() | LAMBDAS_OWN | {"sluice", "pipeline"})
    done = subprocess.run(
        [sys.executable, "-c", DELIVERED.format(allowed=allowed)],
        env={
            **ENVIRONMENT,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SLUICE_SEARCH_ENDPOINT": stub.url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    status, *modules = done.stdout.split()
    assert status == "200"
    assert UNWANTED & set(modules) == set()
    assert "google.protobuf" not in modules
    scope = "/eu-central-1/es/aws4_request"
    assert scope in stub.requests[0].headers["Authorization"]


@pytest.mark.parametrize("service", ["es", "aoss"])
def test_requests_are_signed_for_their_service_over_what_they_carry(
    stub: StubOpenSearch, service: str
) -> None:
    credentials = Credentials("AKID", "secret", "token")
    client = connect(stub.url, service, credentials=credentials, region="eu-west-1")  # type: ignore[arg-type] # the parameters are services
    body = json.dumps({"create": {"_index": "i", "_id": "1"}}).encode() + b'\n{"n":1}\n'
    Cluster(client, serverless=service == "aoss").bulk(body, Deadline.after(5))
    client.close()
    headers = stub.requests[0].headers
    assert f"/eu-west-1/{service}/aws4_request" in headers["Authorization"]
    assert "x-amz-content-sha256" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "token"
    assert ("timeout=" in stub.requests[0].handler.path) is (service == "es")


@pytest.fixture
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(variable, ENVIRONMENT[variable])


@pytest.mark.usefixtures("_account")
@pytest.mark.parametrize(
    "name", ["SLUICE_SEARCH_ENDPOINT", "SLUICE_SEARCH_SERVICE", "SLUICE_SEARCH_PREFIX", "SLUICE_LEDGER_TABLE"]
)
def test_a_missing_part_of_the_environment_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        search_sink(CONTRACT, {key: value for key, value in ENVIRONMENT.items() if key != name})
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("_account")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_SEARCH_ENDPOINT", "search.example.com"),
        ("SLUICE_SEARCH_ENDPOINT", "ftp://search.example.com"),
        ("SLUICE_SEARCH_SERVICE", "ec2"),
        ("SLUICE_SEARCH_PERIOD", "week"),
        ("SLUICE_SEARCH_SINCE", "yesterday"),
        ("SLUICE_SEARCH_AHEAD", "0"),
        ("MAX_CONCURRENCY", "0"),
        ("MAX_CONCURRENCY", "many"),
        ("MAX_BULK_DOCUMENTS", "-1"),
        ("MAX_BULK_BYTES", "5e6"),
    ],
)
def test_a_value_that_is_none_is_refused_in_one_line_with_what_was_given(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        search_sink(CONTRACT, {**ENVIRONMENT, name: value})
    assert value in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_credentials_are_told_before_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.session.Session.get_credentials", lambda _self: None)
    with pytest.raises(SettingsError, match="no AWS credentials"):
        connect("https://search.example.com", "es", region="eu-west-1")


def test_what_the_environment_does_not_say_is_standard() -> None:
    indices = indices_of({"SLUICE_SEARCH_PREFIX": "p"})
    assert (indices.period, indices.since.isoformat(), indices.ahead_days) == ("month", "2020-01-01", 366)
    assert indices_of({"SLUICE_SEARCH_PREFIX": "p", "SLUICE_SEARCH_AHEAD": "2"}).ahead_days == 2
    limits = limits_of({"MAX_CONCURRENCY": "7", "MAX_BULK_DOCUMENTS": "8", "MAX_BULK_BYTES": "9"})
    assert (limits.concurrency, limits.documents, limits.bytes) == (7, 8, 9)


def test_an_endpoint_may_lie_under_a_path(stub: StubOpenSearch) -> None:
    client = connect(f"{stub.url}/search/", None)
    Cluster(client).bulk(b'{"create":{"_index":"i","_id":"1"}}\n{"n":1}\n', Deadline.after(5))
    client.close()
    assert stub.requests[0].handler.path.startswith("/search/_bulk?")
