"""The setup's handler as Lambda loads it: what it needs, what it loads, what it answers."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from sluice.errors import SettingsError
from sluice.sinks.opensearch.setup_function import search_setup
from tests.opensearch.real import the_node
from tests.unit.sinks.opensearch_setup.wanting import state

ROOT = Path(__file__).parents[4]
ENVIRONMENT = {
    "SLUICE_SEARCH_ENDPOINT": "http://127.0.0.1:1",
    "SLUICE_SEARCH_SERVICE": "es",
    "SLUICE_ENVIRONMENT": "sluice-test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
LAMBDAS_OWN = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
"""What the runtime brings along."""


def shipped() -> set[str]:
    """The top-level modules of all packages that the function's lock file names."""
    lock = (ROOT / "functions/search_setup/requirements.lock").read_text()
    names = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    found = packages_distributions().items()
    return {top for top, owners in found if names & {owner.lower().replace("_", "-") for owner in owners}}


ALLOWED = sys.stdlib_module_names | shipped() | LAMBDAS_OWN | {"sluice"}
CALL = f"""
import json, runpy, sys
class OnlyWhatIsShipped:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {sorted(ALLOWED)!r}:
            raise ModuleNotFoundError(name + " is not shipped", name=name)
sys.meta_path.insert(0, OnlyWhatIsShipped())
sys.path.insert(0, {str(ROOT)!r})
handler = runpy.run_path({str(ROOT / "functions/search_setup/handler.py")!r})["handler"]
class Context:
    def get_remaining_time_in_millis(self):
        return 60000
print(json.dumps(handler(json.load(sys.stdin), Context())))
"""


def test_the_handler_applies_its_event_with_nothing_but_what_is_shipped() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        input=json.dumps(state("handled")),
        env={**ENVIRONMENT, "PATH": os.environ["PATH"], "SLUICE_SEARCH_ENDPOINT": the_node().url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["applied"] == [
        "component template handled",
        "index template handled-order",
        "index template handled-visit",
    ]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SLUICE_SEARCH_ENDPOINT", "", "SLUICE_SEARCH_ENDPOINT is not set"),
        ("SLUICE_SEARCH_ENDPOINT", "search", "SLUICE_SEARCH_ENDPOINT is 'search', not a URL"),
        ("SLUICE_SEARCH_SERVICE", "opensearch", "SLUICE_SEARCH_SERVICE is 'opensearch': es and aoss"),
    ],
)
def test_a_wrong_environment_is_one_line(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(variable, ENVIRONMENT[variable])
    with pytest.raises(SettingsError, match=says):
        search_setup({**ENVIRONMENT, name: value})
