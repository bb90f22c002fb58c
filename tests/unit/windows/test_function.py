"""The aggregator's handler as Lambda loads it: what it needs, what it loads, what it logs and counts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sluice.errors import SettingsError
from sluice.windows.function import aggregator
from tests.property.aggregator_rig import BEFORE

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "SLUICE_SINK": "windows",
    "SLUICE_STREAM": "activity",
    "SLUICE_WINDOWS_TABLE": "windows",
    "SLUICE_CLAIMS_TABLE": "claims",
    "SLUICE_LEDGER_TABLE": "ledger",
    "SLUICE_LEDGER_DAYS": "35",
    "SLUICE_WINDOW_DAYS": "400",
    "SLUICE_CLAIM_DAYS": "8",
    "SLUICE_DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/queue",
    "SLUICE_DEAD_LETTER_BUCKET": "bucket",
    "POWERTOOLS_SERVICE_NAME": "aggregator",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
UNWANTED = {
    *("google", "urllib3.contrib.emscripten", "pulumi", "pulumi_aws", "moto", "duckdb", "mimesis", "typer"),
    *("rich", "pydantic", "boto3", "requests", "infra", "starlette", "sluice.cli", "sluice.local"),
    *("sluice.audit", "sluice.producer", "sluice.sinks", "sluice.publisher", "sluice.contract.fake"),
}
HANDLER = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
handler = runpy.run_path({str(ROOT / "functions/aggregator/handler.py")!r})["handler"]
"""
REPORTS = """
from collections import Counter
from sluice.observing.observer import Observer
from sluice.windows.function import Reporter
from sluice.windows.reports import WindowReport
report = Reporter(Observer("windows", "sluice-test"))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def said(code: str) -> list[dict[str, object]]:
    done = run(REPORTS + code)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_ships_loads_nothing_that_a_lambda_should_not_carry() -> None:
    loaded = run(HANDLER + "print(*sorted(sys.modules))")
    assert loaded.returncode == 0, loaded.stderr
    modules = set(loaded.stdout.split())
    assert "sluice.windows.tumbling" in modules
    assert {name for name in UNWANTED if name in modules} == set()


@pytest.mark.parametrize(
    "name",
    ["SLUICE_WINDOWS_TABLE", "SLUICE_CLAIMS_TABLE", "SLUICE_LEDGER_TABLE", "SLUICE_STREAM"],
)
def test_a_missing_setting_is_named_in_one_line(name: str) -> None:
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(SettingsError, match=f"{name} is not set"):
        aggregator(BEFORE, environment)


def test_a_number_of_days_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="SLUICE_WINDOW_DAYS is 'many'"):
        aggregator(BEFORE, {**ENVIRONMENT, "SLUICE_WINDOW_DAYS": "many"})


def test_what_a_call_did_is_counted_in_cloudwatch() -> None:
    figures = "segments=1, state_bytes=7, near_limit=True, lag=3.5"
    (metrics,) = said(f"report(WindowReport('s0', Counter(delivered=5), {figures}))")
    assert (metrics["environment"], metrics["sink"]) == ("sluice-test", "windows")
    found = {name: metrics[name] for name in ("Delivered", "Segments", "StateBytes", "StateNearLimit")}
    assert found == {"Delivered": [5.0], "Segments": [1.0], "StateBytes": [7.0], "StateNearLimit": [1.0]}
    assert metrics["WatermarkLag"] == [3.5]


def test_trouble_is_logged_with_its_reason_and_lost_records_as_an_error() -> None:
    lines = said(
        "report(WindowReport('s0', failed='the table is silent'))\n"
        "report(WindowReport('s0', lost=True))\n"
        "report(WindowReport(trouble='the watermark was not taken: no'))"
    )
    logs = [(line["level"], line["message"], line.get("reason")) for line in lines if "level" in line]
    assert logs == [
        ("ERROR", "the call is repeated", "the table is silent"),
        ("ERROR", "records have left the stream before they were counted", None),
        ("WARNING", "not all went well", "the watermark was not taken: no"),
    ]
