"""The handler as Lambda loads it: only what ships, and a clear word about its environment."""

import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sluice.errors import SettingsError
from sluice.sinks.firehose.function import firehose_sink
from tests.unit.delivery.builders import CONTRACT

ROOT = Path(__file__).parents[4]
ENVIRONMENT = {
    "SLUICE_SINK": "lake",
    "SLUICE_LEDGER_TABLE": "ledger",
    "SLUICE_DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/queue",
    "SLUICE_DEAD_LETTER_BUCKET": "bucket",
    "SLUICE_FIREHOSE_DESTINATION": "iceberg",
    "SLUICE_LAKE_DATABASE": "sluice_dev_lake_raw",
    "SLUICE_REDRIVE_FIREHOSE": "lake-redrive",
    "POWERTOOLS_SERVICE_NAME": "lake",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
LAMBDAS_OWN = {"boto3", "botocore", "dateutil", "six", "s3transfer", "jmespath", "urllib3"}
"""What the runtime brings along."""


def test_it_loads_and_transforms_with_nothing_but_what_is_shipped() -> None:
    lock = (ROOT / "functions/firehose_sink/requirements.lock").read_text()
    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    found = packages_distributions().items()
    shipped = {top for top, owners in found if names & {owner.lower().replace("_", "-") for owner in owners}}
    allowed = sorted(sys.stdlib_module_names | shipped | LAMBDAS_OWN | {"sluice", "pipeline"})
    code = f"""
import runpy, sys
class OnlyWhatIsShipped:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {allowed!r}:
            raise ModuleNotFoundError(name + " is not shipped", name=name)
sys.meta_path.insert(0, OnlyWhatIsShipped())
sys.path.insert(0, {str(ROOT)!r})
handler = runpy.run_path({str(ROOT / "functions/firehose_sink/handler.py")!r})["handler"]
class Context:
    def get_remaining_time_in_millis(self):
        return 5000
print(handler({{"deliveryStreamArn": "arn:aws:firehose:::deliverystream/lake", "records": []}}, Context()))
print(*sorted(sys.modules))
"""
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answer, modules = done.stdout.splitlines()
    assert answer == "{'records': []}"
    unwanted = {"pyarrow", "pyiceberg", "boto3", "google.protobuf", "sluice.local", "sluice.cli", "pulumi"}
    assert not unwanted & set(modules.split())


@pytest.mark.parametrize(
    "name",
    ["SLUICE_FIREHOSE_DESTINATION", "SLUICE_LAKE_DATABASE", "SLUICE_REDRIVE_FIREHOSE", "SLUICE_LEDGER_TABLE"],
)
def test_a_variable_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with pytest.raises(SettingsError, match=name):
        firehose_sink(CONTRACT, {**ENVIRONMENT, name: ""})


def test_destinations_without_tables_need_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    firehose_sink(
        CONTRACT, {**ENVIRONMENT, "SLUICE_FIREHOSE_DESTINATION": "splunk", "SLUICE_LAKE_DATABASE": ""}
    )
