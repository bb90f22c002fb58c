"""The local Google as a process, an AWS STS that verifies signatures, and roles that may come or not."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import urllib3

from sluice.deadline import Deadline
from sluice.local.identities import Identity, Issuer, RefusedError
from sluice.local.signatures import Verifier, caller, refusal
from sluice.sinks.bigquery.external_account import Configuration
from sluice.sinks.bigquery.federation import RoleToken
from sluice.sinks.bigquery.transport import Transport

ACCOUNT, PROJECT = "111111111111", "example-dev"
ASSUMED = f"arn:aws:sts::{ACCOUNT}:assumed-role"
ROLE = "sluice-dev-bigquery-sink"
POOLS = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools"
MAPPING = {
    "google.subject": "assertion.arn.extract('assumed-role/{session}')",
    "attribute.aws_role": f"'{ASSUMED}/' + assertion.arn.extract('assumed-role/{{role}}/')",
}
CONDITION = f"assertion.account == '{ACCOUNT}' && (assertion.arn.startsWith('{ASSUMED}/{ROLE}/'))"
ISSUER = Issuer(b"the local cloud's")
ACCOUNT_EMAIL = f"{ROLE}@{PROJECT}.iam.gserviceaccount.com"


class Sts:
    """AWS' side: answers who has signed a request, or that nobody known has."""

    def __init__(self) -> None:
        self.status = 0
        verifier, sts = Verifier(ISSUER), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                path, _, query = self.path.partition("?")
                headers = {name.lower(): text for name, text in self.headers.items()}
                try:
                    found = verifier.identify("POST", path, query, headers, b"")
                    status, body = 200, caller(found, "1", json=False)
                except RefusedError as error:
                    status, body = error.status, refusal(error, "1", json=False)
                self.send_response(sts.status or status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Google:
    """The local Google, and what tests ask of it."""

    url: str
    sts: Sts
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Any:
        answer = self.http.request(method, self.url + path, json=body or {}, headers=headers)
        return answer.status, json.loads(answer.data or b"{}")

    def made(self, path: str, body: Mapping[str, Any], method: str = "POST") -> dict[str, Any]:
        status, answer = self.call(method, path, body)
        assert status == 200, answer
        found: dict[str, Any] = answer
        return found

    def configuration(self, *, pool: str = "sluice-a", email: str | None = None) -> Configuration:
        name = f"projects/1234567890/locations/global/workloadIdentityPools/{pool}/providers/aws-roles"
        act = f"{self.url}/v1/projects/-/serviceAccounts/{email}:generateAccessToken" if email else None
        text = json.dumps(
            {
                "type": "external_account",
                "audience": f"//iam.googleapis.com/{name}",
                "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
                "token_url": f"{self.url}/v1/token",
                "credential_source": {
                    "environment_id": "aws1",
                    "regional_cred_verification_url": (
                        "https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
                    ),
                },
                "service_account_impersonation_url": act,
            }
        )
        return Configuration.parse(text)

    def token(
        self, environ: Mapping[str, str], *, pool: str = "sluice-a", email: str | None = None
    ) -> RoleToken:
        return RoleToken(self.configuration(pool=pool, email=email), environ)

    def transport(self, token: RoleToken | None, dataset: str = "raw") -> Transport:
        return Transport(PROJECT, dataset, base_url=self.url, token=token)

    def fault(self, **fault: Any) -> None:
        self.made("/_sluice/faults", fault)


def soon() -> Deadline:
    """Half a minute, of which pauses take none of ours."""
    passed = 0.0

    def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    return Deadline(time.monotonic() + 30, lambda: time.monotonic() + passed, sleep)


def environ(
    role: str = ROLE, account: str = ACCOUNT, seconds: float = 900, issuer: Issuer = ISSUER
) -> dict[str, str]:
    """What Lambda's environment holds of a role."""
    made = issuer.issue(Identity(account, role, role), time.time() + seconds)
    return {
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": made.access_key,
        "AWS_SECRET_ACCESS_KEY": made.secret_key,
        "AWS_SESSION_TOKEN": made.token,
    }


@pytest.fixture(scope="session")
def process() -> Iterator[Google]:
    """A server of this worker's own: two pools, datasets that one role may write to, and one open to all."""
    command = [sys.executable, "-m", "sluice.local.bigquery", "--port", "0"]
    sts = Sts()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        google = Google(f"http://127.0.0.1:{json.loads(child.stdout.readline())['port']}", sts)
        _declare(google)
        yield google
        google.http.clear()
        child.stdin.close()
        child.wait(timeout=10)
    sts.close()


@pytest.fixture
def google(process: Google) -> Iterator[Google]:
    """The same, without what another test has set."""
    yield process
    process.sts.status = 0
    process.made("/_sluice/aws", {"url": process.sts.url}, "PUT")
    process.made("/_sluice/tokens", {}, "PUT")
    process.call("DELETE", "/_sluice/faults")
    _let_in(process)


def _declare(google: Google) -> None:
    google.made("/_sluice/aws", {"url": google.sts.url}, "PUT")
    provider = {
        "aws": {"accountId": ACCOUNT},
        "attributeMapping": MAPPING,
        "attributeCondition": CONDITION,
    }
    for pool in ("sluice-a", "sluice-b"):
        google.made(f"{POOLS}?workloadIdentityPoolId={pool}", {})
        google.made(f"{POOLS}/{pool}/providers?workloadIdentityPoolProviderId=aws-roles", provider)
    role = {"title": "writer", "includedPermissions": ["bigquery.tables.get", "bigquery.tables.updateData"]}
    google.made(f"/v1/projects/{PROJECT}/roles", {"roleId": "sluice_writer", "role": role})
    account = google.made(f"/v1/projects/{PROJECT}/serviceAccounts", {"accountId": ROLE})
    binding = {"role": "roles/iam.workloadIdentityUser", "members": [member()]}
    google.made(f"/v1/{account['name']}:setIamPolicy", {"policy": {"bindings": [binding]}})
    for dataset in ("raw", "acting", "open"):
        reference = {"projectId": PROJECT, "datasetId": dataset}
        google.made(f"/bigquery/v2/projects/{PROJECT}/datasets", {"datasetReference": reference})
        schema = {"fields": [{"name": "id", "type": "STRING"}]}
        body = {"tableReference": {**reference, "tableId": "visit"}, "schema": schema}
        google.made(f"/bigquery/v2/projects/{PROJECT}/datasets/{dataset}/tables", body)
    _let_in(google)


def _let_in(google: Google) -> None:
    owners, writer = (
        {"role": "OWNER", "specialGroup": "projectOwners"},
        f"projects/{PROJECT}/roles/sluice_writer",
    )
    for dataset, entry in {
        "raw": {"role": writer, "iamMember": member()},
        "acting": {"role": writer, "userByEmail": ACCOUNT_EMAIL},
    }.items():
        path = f"/bigquery/v2/projects/{PROJECT}/datasets/{dataset}"
        google.made(path, {"access": [owners, entry]}, "PATCH")


def member(pool: str = "sluice-a", role: str = ROLE) -> str:
    name = f"projects/1234567890/locations/global/workloadIdentityPools/{pool}"
    return f"principalSet://iam.googleapis.com/{name}/attribute.aws_role/{ASSUMED}/{role}"
