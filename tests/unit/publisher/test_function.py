"""The publisher's handler as Lambda loads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sluice.errors import SettingsError
from sluice.publisher.function import window_publisher

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "SLUICE_WINDOWS_TABLE": "windows",
    "SLUICE_BIGQUERY_PROJECT": "p",
    "SLUICE_BIGQUERY_DATASET": "raw",
    "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "POWERTOOLS_SERVICE_NAME": "window-publisher",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
UNWANTED = {
    *("google.cloud", "pulumi", "pulumi_aws", "pulumi_gcp", "moto", "duckdb", "sqlglot", "mimesis", "typer"),
    *("rich", "pydantic", "boto3", "requests", "infra", "sluice.cli", "sluice.local", "sluice.audit"),
    *("sluice.predicate", "sluice.producer", "sluice.report", "sluice.contract.fake"),
}
HANDLER = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
handler = runpy.run_path({str(ROOT / "functions/window_publisher/handler.py")!r})["handler"]
"""
CALL = """
class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "x"
    def get_remaining_time_in_millis(self):
        return 4000
try:
    handler({"Records": []}, Context())
except Exception as error:
    print("RAISED", type(error).__name__)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_what_ships_loads_nothing_that_a_lambda_should_not_carry() -> None:
    loaded = run(HANDLER + "print(*sorted(sys.modules))")
    assert loaded.returncode == 0, loaded.stderr
    modules = set(loaded.stdout.split())
    assert "sluice.publisher.publisher" in modules
    assert {name for name in UNWANTED if name in modules} == set()


def test_a_failure_is_logged_once_and_raised_for_lambda_to_retry() -> None:
    called = run(HANDLER + CALL)
    assert called.returncode == 0, called.stderr
    assert called.stdout.count("windows wait to be published") == 1
    assert "RAISED DeliveryError" in called.stdout
    assert '"exception_name":"EndpointConnectionError"' in called.stdout


@pytest.mark.parametrize(
    "missing", ["SLUICE_WINDOWS_TABLE", "SLUICE_BIGQUERY_PROJECT", "BIGQUERY_EMULATOR_HOST"]
)
def test_a_missing_variable_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    environment = {name: value for name, value in ENVIRONMENT.items() if name != missing}
    with pytest.raises(SettingsError, match=missing):
        window_publisher(environment)
