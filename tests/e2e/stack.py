"""A local cloud that stands for a deployed stack: what commands find that are called with --env.

Pulumi's command line is a script that answers from files, the clouds' own variables lead boto3 and Google's
libraries to the local servers, and the operator signs with a service account's key that nobody else takes.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sluice.contract.snapshot import render, snapshot, snapshot_file
from sluice.doctor.finding import Finding, Level
from sluice.local.cloud import LocalCloud
from sluice.local.identities import SECRET_VARIABLE, Identity, Issuer
from sluice.local.program import run_program
from sluice.pipeline import load_pipeline
from tests.e2e.conftest import OFF, ROOT

ACCOUNT, PROJECT = "123456789012", "example-analytics-dev"
SETTINGS: Mapping[str, Any] = {
    **OFF,
    "aws_account_id": ACCOUNT,
    "bigquery_sink": {"batching_window_seconds": 0},
}
SCRIPT = """#!/bin/sh
cd "$(dirname "$0")"
case "$1 $2" in
  "version "*) cat version ;;
  "whoami "*) cat whoami.json ;;
  "plugin ls") echo '[]' ;;
  "stack ls") cat stacks.json ;;
  "stack output") cat outputs.json ;;
  "stack export") cat state.json ;;
  *) echo "error: unknown command $*" >&2; exit 1 ;;
esac
"""
_LINKED = ("__main__.py", "Pulumi.yaml", "functions", "infra", "requirements.lock", "sluice")
PIPELINE = '''"""One kind of event, and nothing that is counted or led elsewhere: one function."""

from datetime import datetime
from typing import Annotated

from sluice.contract import Event, field
from sluice.pipeline import Pipeline


class Visit(Event, type="visit", id="id", time="at"):
    """A visit of a page."""

    id: Annotated[str, field("Unique id", max_length=64)]
    at: Annotated[datetime, field("When")]


pipeline = Pipeline(events=[Visit])
'''


def said(findings: Sequence[Finding], level: Level = Level.problem) -> str:
    """All that findings of a level say; each has a cause, a consequence and a next step."""
    chosen = [one for one in findings if one.level is level]
    assert all(one.cause and one.consequence and one.next_step for one in chosen)
    return "\n".join(f"{one.cause} | {one.consequence} | {one.next_step}" for one in chosen)


def project(folder: Path, **settings: Any) -> Path:
    """Make a project like this one with an environment `dev` of other settings."""
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    pipeline = folder / "pipeline.py"
    pipeline.write_text(PIPELINE)
    snapshot_file(pipeline).write_text(render(snapshot(load_pipeline(pipeline).contract)))
    dev = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    dev["config"] |= {f"sluice:{name}": value for name, value in {**SETTINGS, **settings}.items()}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(dev))
    return folder


@dataclass
class Stack:
    """A project, its local cloud if that runs, and what Pulumi's command line answers."""

    root: Path
    cloud: LocalCloud | None
    answers: Path
    key: Path

    def say(self, name: str, document: Any) -> None:
        """Have the command line answer something else."""
        (self.answers / name).write_text(document if isinstance(document, str) else json.dumps(document))

    def deployed(self) -> None:
        """Have the command line say what the local cloud runs."""
        assert self.cloud is not None
        resources = state(self.root, self.cloud)
        self.say("outputs.json", self.cloud.outputs)
        self.say("state.json", {"version": 3, "deployment": {"resources": resources}})
        self.say("stacks.json", [{"name": "dev", "current": True, "resourceCount": len(resources)}])

    def undeployed(self) -> None:
        """Have it say that the stack is there, and empty."""
        self.say("outputs.json", {})
        self.say("state.json", {"version": 3, "deployment": {}})
        self.say("stacks.json", [{"name": "dev", "current": True, "resourceCount": 0}])

    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lead this process where a stack's clouds would be."""
        assert self.cloud is not None
        at = self.cloud.endpoints
        variables = {
            "AWS_ENDPOINT_URL": at.aws_url,
            "AWS_ENDPOINT_URL_LAMBDA": at.lambda_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key),
            "GOOGLE_BIGQUERY_CUSTOM_ENDPOINT": f"{at.bigquery_url}/bigquery/v2/",
            "GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT": f"{at.bigquery_url}/v1/",
            "GOOGLE_IAM_CUSTOM_ENDPOINT": f"{at.bigquery_url}/v1/",
            "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT": f"{at.bigquery_url}/v1/",
            "GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT": f"{at.bigquery_url}/v1/",
            "PATH": f"{self.answers}{os.pathsep}{os.environ['PATH']}",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)

    def google(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Change something of the local Google's as its owner."""
        assert self.cloud is not None
        url = self.cloud.endpoints.bigquery_url + path
        answer = urllib3.request(method, url, json=dict(body or {}), retries=False)
        assert answer.status == 200, answer.data

    def assume(self, monkeypatch: pytest.MonkeyPatch, role: str, ends_at: float) -> None:
        """Become a role's session of the local AWS until a moment, in seconds since 1970."""
        assert self.cloud is not None
        issuer = Issuer(bytes.fromhex(self.cloud._secret[SECRET_VARIABLE]))
        made = issuer.issue(Identity(ACCOUNT, role, "somebody"), ends_at)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made.secret_key)
        monkeypatch.setenv("AWS_SESSION_TOKEN", made.token)

    def sign_in(self, account: str) -> None:
        """Become a service account of Google's: `operator` is the owner of the laptop."""
        assert self.cloud is not None
        self.key.write_text(json.dumps(_key(account, self.cloud.endpoints.bigquery_url)))


def stack(folder: Path, cloud: LocalCloud | None, root: Path) -> Stack:
    """Return the stack that a local cloud stands for, with its command line in a folder."""
    answers = folder / "bin"
    answers.mkdir()
    (answers / "pulumi").write_text(SCRIPT)
    (answers / "pulumi").chmod(0o755)
    made = Stack(root=root, cloud=cloud, answers=answers, key=folder / "key.json")
    made.say("version", f"v{version('pulumi')}\n")
    made.say("whoami.json", {"user": "operator", "url": "s3://someone:secret@pulumi-state"})
    made.undeployed()
    if cloud is not None:
        made.sign_in("operator")
    return made


def state(root: Path, cloud: LocalCloud) -> list[dict[str, Any]]:
    """Return the resources that `pulumi stack export` would have: as declared, with what was made of them."""
    made, pipeline = cloud._deployed.made, root / "pipeline.py"
    program = run_program(root, "dev", pipeline=pipeline, overrides={"package_dependencies": False})
    return [
        {
            "urn": each.urn,
            "type": each.type,
            "custom": each.custom,
            "id": made[each.urn].id if each.urn in made else each.name,
            "inputs": each.inputs,
            "outputs": {**each.inputs, **(made[each.urn].outputs if each.urn in made else {})},
            "protect": each.protect,
            "retainOnDelete": each.retained,
        }
        for each in program.resources
    ]


def _key(account: str, url: str) -> dict[str, str]:
    """A service account's key of a form that google-auth takes; the local Google looks at no signature."""
    secret = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - nobody verifies it
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": f"{account}@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    }
