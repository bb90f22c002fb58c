"""The folders as Lambda loads them, with what they ship and nothing else; what the sample says of money."""

import base64
import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.unit.delivery.builders import CONSUMER_ARN, SHARD, sequence

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "SLUICE_SINK": "payments",
    "SLUICE_ROUTE": "payments",
    "SLUICE_LEDGER_TABLE": "ledger",
    "SLUICE_DEAD_LETTER_QUEUE_URL": "http://127.0.0.1:1/queue",
    "SLUICE_DEAD_LETTER_BUCKET": "bucket",
    "POWERTOOLS_SERVICE_NAME": "payments-sink",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
LAMBDAS_OWN = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
"""What the runtime brings along."""


def shipped(folder: str) -> set[str]:
    """The top-level modules of all packages that the function's lock file names."""
    lock = (ROOT / "functions" / folder / "requirements.lock").read_text()
    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    found = packages_distributions().items()
    return {top for top, owners in found if names & {owner.lower().replace("_", "-") for owner in owners}}


def run(folder: str, code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Load a folder's handler where only what it ships can be imported, and go on with `code`."""
    allowed = sorted(sys.stdlib_module_names | shipped(folder) | LAMBDAS_OWN | {"sluice", "pipeline"})
    load = f"""
import runpy, sys
class OnlyWhatIsShipped:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {allowed!r}:
            raise ModuleNotFoundError(name + " is not shipped", name=name)
sys.meta_path.insert(0, OnlyWhatIsShipped())
sys.path.insert(0, {str(ROOT)!r})
loaded = runpy.run_path({str(ROOT / "functions" / folder / "handler.py")!r})
"""
    return subprocess.run(
        [sys.executable, "-c", load + code],
        cwd=ROOT,
        env={**ENVIRONMENT, "PATH": os.environ["PATH"], **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_router_loads_with_what_it_ships_and_refuses_a_route_that_has_a_folder_of_its_own() -> None:
    loaded = run("router", "")
    assert loaded.returncode == 1
    assert loaded.stderr.splitlines()[-1].endswith(
        "SettingsError: route 'payments' leads to functions/transactions: deploy that folder for it, with a"
        " handler made by `routed(pipeline, take)`"
    )


TAKE = """
import json
from pipeline import pipeline
from sluice.records import records_of
from sluice.router import RoutedEvent
events = []
for record in records_of(json.loads(sys.stdin.read())):
    event = pipeline.contract.decode(record.data)
    events.append(RoutedEvent(record, event, pipeline.contract.type_of(event)))
assert loaded["take"](events) is None
"""


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_the_sample_counts_money_by_currency_and_names_ids_only_when_debugging(level: str) -> None:
    amounts = [("EUR", "1.50"), ("USD", "2"), ("EUR", "0.25")]
    records = [
        {
            "kinesis": {
                "partitionKey": "k",
                "sequenceNumber": sequence(number),
                "approximateArrivalTimestamp": 1.0,
                "data": base64.b64encode(
                    json.dumps(
                        {
                            "type": "transaction",
                            "username": "secret",
                            "id": f"t-{number}",
                            "paid_at": "2026-11-01T12:00:00Z",
                            "amount": float(amount),
                            "currency": currency,
                        }
                    ).encode()
                ).decode(),
            },
            "eventID": f"{SHARD}:{sequence(number)}",
            "eventSourceARN": CONSUMER_ARN,
        }
        for number, (currency, amount) in enumerate(amounts)
    ]
    code = f"import io\nsys.stdin = io.StringIO({json.dumps({'Records': records})!r})\n{TAKE}"
    done = run("transactions", code, POWERTOOLS_LOG_LEVEL=level)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    measured = {
        (line["route"], line["currency"], name): line[name][0]
        for line in lines
        for name in ("Transactions", "Amount")
        if name in line
    }
    assert {line["environment"] for line in lines if "currency" in line} == {"sluice-test"}
    assert measured == {
        ("payments", "EUR", "Transactions"): 2.0,
        ("payments", "EUR", "Amount"): 1.75,
        ("payments", "USD", "Transactions"): 1.0,
        ("payments", "USD", "Amount"): 2.0,
    }
    (taken,) = (line for line in lines if line.get("message") == "transactions taken")
    assert (taken["count"], taken["by_currency"]) == (3, {"EUR": 2, "USD": 1})
    assert ("t-1" in done.stdout) is (level == "DEBUG")
    assert "secret" not in done.stdout


DOCUMENTED = """
import re
from pathlib import Path
from types import SimpleNamespace
blocks = re.findall("^```python\\n(.*?)^```", Path("docs/routes.md").read_text(), re.MULTILINE | re.DOTALL)
(block,) = (block for block in blocks if "def take" in block)
names = {}
exec(compile(block, "docs/routes.md", "exec"), names)
events = [SimpleNamespace(event=SimpleNamespace(currency=currency)) for currency in ("EUR", "XXX")]
print([type(outcome).__name__ for outcome in names["take"](events)], callable(names["handler"]))
"""


def test_the_function_in_the_documentation_works() -> None:
    done = run("transactions", DOCUMENTED)
    assert done.stdout.strip() == "['Delivered', 'Rejected'] True", done.stderr
