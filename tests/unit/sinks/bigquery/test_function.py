"""The handler as Lambda loads it: what it needs, what it loads, what it logs."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sluice.errors import SettingsError
from sluice.sinks.bigquery.function import bigquery_sink
from tests.unit.delivery.builders import CONTRACT

ROOT = Path(__file__).parents[4]
ENVIRONMENT = {
    "SLUICE_SINK": "bigquery",
    "SLUICE_LEDGER_TABLE": "ledger",
    "SLUICE_LEDGER_DAYS": "30",
    "SLUICE_DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/queue",
    "SLUICE_DEAD_LETTER_BUCKET": "bucket",
    "SLUICE_BIGQUERY_PROJECT": "p",
    "SLUICE_BIGQUERY_DATASET": "raw",
    "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1",
    "POWERTOOLS_SERVICE_NAME": "bigquery-sink",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
UNWANTED = {
    *(
        "google.cloud",
        "google.auth",
        "pulumi",
        "pulumi_aws",
        "pulumi_gcp",
        "moto",
        "duckdb",
        "sqlglot",
        "mimesis",
        "typer",
    ),
    *("rich", "pydantic", "boto3", "requests", "infra", "sluice.cli", "sluice.local", "sluice.audit"),
    *("sluice.producer", "sluice.contract.fake"),
}


def run(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


HANDLER = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
handler = runpy.run_path({str(ROOT / "functions/bigquery_sink/handler.py")!r})["handler"]
"""


def test_what_ships_loads_nothing_that_a_lambda_should_not_carry() -> None:
    loaded = run(HANDLER + "print(*sorted(sys.modules))")
    assert loaded.returncode == 0, loaded.stderr
    modules = set(loaded.stdout.split())
    assert "sluice.sinks.bigquery.sink" in modules
    assert {name for name in UNWANTED if name in modules} == set()


TRADE = """
import urllib3
from sluice.deadline import Deadline
from sluice.sinks.bigquery.transport import connect

class Answer:
    status, data, headers = 200, b'{"access_token": "t", "expires_in": 3600}', {}

transport = connect(os.environ)
asked = []
transport._http.request = lambda method, url, **_: asked.append(url) or Answer
transport.insert_all("visit", b"{}", Deadline.after(5))
print(asked, *sorted(sys.modules))
"""
CREDENTIALS = json.dumps(
    {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/aws",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {
            "environment_id": "aws1",
            "regional_cred_verification_url": "https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity",
        },
    }
)
LAMBDAS_OWN = {"boto3", "botocore", "dateutil", "six", "s3transfer"}
"""What the runtime brings along."""


def shipped() -> set[str]:
    """The top-level modules of all packages that the function's lock file names."""
    lock = (ROOT / "functions/bigquery_sink/requirements.lock").read_text()
    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    found = packages_distributions().items()
    return {top for top, owners in found if names & {owner.lower().replace("_", "-") for owner in owners}}


def test_the_roles_signature_is_traded_for_a_token_with_nothing_but_what_is_shipped() -> None:
    """Libraries import optional packages late: only a whole exchange shows that none is missing."""
    allowed = sorted(sys.stdlib_module_names | shipped() | LAMBDAS_OWN | {"sluice", "pipeline"})
    alone = f"""
import os, sys
class OnlyWhatIsShipped:
    def find_spec(self, name, path=None, target=None):
        google = name.startswith("google.") and not name.startswith("google.protobuf")
        if name.partition(".")[0] not in {allowed!r} or google:
            raise ModuleNotFoundError(name + " is not shipped", name=name)
sys.meta_path.insert(0, OnlyWhatIsShipped())
"""
    done = run(alone + HANDLER + TRADE, BIGQUERY_EMULATOR_HOST="", SLUICE_GOOGLE_CREDENTIALS=CREDENTIALS)
    assert done.returncode == 0, done.stderr
    token, insert = "https://sts.googleapis.com/v1/token", "https://bigquery.googleapis.com/bigquery/v2"
    assert done.stdout.startswith(f"['{token}', '{insert}/projects/p/datasets/raw/tables/visit/insertAll']")
    assert not set(done.stdout.split()) & {"google.auth", "google.cloud", "requests", "grpc", "cryptography"}


CRASH = """
class Context:
    def get_remaining_time_in_millis(self):
        return 2000
handler({"Records": [{"kinesis": {"partitionKey": "secret", "sequenceNumber": "1", "data": "c2VjcmV0",
    "approximateArrivalTimestamp": 1.0}, "eventID": "shardId-000000000000:1",
    "eventSourceARN": "arn:aws:kinesis:eu-central-1:1:stream/s"}]}, Context())
"""


def test_a_function_error_is_logged_in_one_structured_line_without_payload() -> None:
    failed = run(HANDLER + CRASH, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert failed.returncode == 1
    figures, line = [json.loads(line) for line in failed.stdout.splitlines()]
    assert (figures["Unfinished"], figures["sink"]) == ([1.0], "bigquery")
    assert figures["Freshness"][0] > 1e9  # it arrived a second after the epoch
    assert line["message"] == "the whole batch goes back to the stream"
    assert "delivery ledger" in line["reason"]
    assert "secret" not in failed.stdout
    assert "c2VjcmV0" not in failed.stdout


@pytest.mark.parametrize(
    "name", ["SLUICE_LEDGER_TABLE", "SLUICE_DEAD_LETTER_QUEUE_URL", "SLUICE_DEAD_LETTER_BUCKET"]
)
def test_a_missing_part_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(variable, ENVIRONMENT[variable])
    with pytest.raises(SettingsError, match=name) as refused:
        bigquery_sink(CONTRACT, {key: value for key, value in ENVIRONMENT.items() if key != name})
    assert "\n" not in str(refused.value)


def test_days_that_are_no_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(variable, ENVIRONMENT[variable])
    with pytest.raises(SettingsError, match="SLUICE_LEDGER_DAYS is 'many'"):
        bigquery_sink(CONTRACT, {**ENVIRONMENT, "SLUICE_LEDGER_DAYS": "many"})
