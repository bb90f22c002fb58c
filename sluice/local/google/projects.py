"""Google's projects: what they are, what is switched on in them, who pays, and what their owner may do.

As documented (Resource Manager API v1, Service Usage API v1, Cloud Billing API v1, and OAuth 2.0 for
server-to-server applications, read 2026-11). A laptop has whatever project is asked for, with billing and
every API in use on; what its owner switches off is off. That a call needs its API is not imitated, but for
Service Usage and Resource Manager themselves.
"""

import base64
import binascii
import threading
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from sluice.local.bigquery.errors import ApiError
from sluice.local.google.errors import invalid_grant, invalid_request
from sluice.local.google.iam import PROJECT_NUMBER, Iam
from sluice.local.google.tokens import OWNER, Tokens

OPERATOR: Final = "operator"
"""Of any project, the service account that is the owner: operator@PROJECT.iam.gserviceaccount.com."""

APIS: Final = (
    "bigquery",
    "cloudbilling",
    "cloudresourcemanager",
    "iam",
    "iamcredentials",
    "serviceusage",
    "sts",
)
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Projects:
    """Projects by id. Safe to use from several threads."""

    def __init__(self, iam: Iam, tokens: Tokens) -> None:
        self._iam, self._tokens = iam, tokens
        self._lock = threading.Lock()
        self._deleted: set[str] = set()
        self._unpaid: set[str] = set()
        self._off: set[tuple[str, str]] = set()

    def get(self, project: str) -> dict[str, Any]:
        """Return a project; raises ApiError 403 where its API is off."""
        self._needs(project, "cloudresourcemanager")
        state = "DELETE_REQUESTED" if project in self._deleted else "ACTIVE"
        return {
            "projectId": project,
            "projectNumber": PROJECT_NUMBER,
            "name": project,
            "lifecycleState": state,
        }

    def delete(self, project: str, *, undo: bool = False) -> dict[str, Any]:
        """Delete a project, which can be undone."""
        with self._lock:
            (self._deleted.discard if undo else self._deleted.add)(project)
        return {}

    def allowed(self, project: str, body: dict[str, Any], authorization: str | None) -> dict[str, Any]:
        """Return which permissions the caller has on a project: the owner all, a function none."""
        self._needs(project, "cloudresourcemanager")
        asked = [str(each) for each in body.get("permissions") or ()]
        return {"permissions": asked} if self._tokens.is_owners(authorization) and asked else {}

    def billing(self, project: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return who pays for a project; with a body, link it to that account, or to none."""
        if body is not None:
            with self._lock:
                (self._unpaid.discard if body.get("billingAccountName") else self._unpaid.add)(project)
        paid = project not in self._unpaid
        return {
            "name": f"projects/{project}/billingInfo",
            "projectId": project,
            "billingAccountName": "billingAccounts/000000-000000-000000" if paid else "",
            "billingEnabled": paid,
        }

    def services(self, project: str, query: dict[str, str]) -> dict[str, Any]:
        """Return the APIs of a project, by their state if that is asked for."""
        self._needs(project, "serviceusage")
        listed = [self.service(project, f"{api}.googleapis.com") for api in APIS]
        wanted = query.get("filter", "").removeprefix("state:")
        return {"services": [each for each in listed if wanted in ("", each["state"])]}

    def service(self, project: str, name: str) -> dict[str, Any]:
        """Return one API of a project."""
        state = "DISABLED" if (project, name) in self._off else "ENABLED"
        return {
            "name": f"projects/{PROJECT_NUMBER}/services/{name}",
            "config": {"name": name},
            "state": state,
            "parent": f"projects/{PROJECT_NUMBER}",
        }

    def switch(self, project: str, name: str, *, on: bool) -> dict[str, Any]:
        """Switch an API on or off."""
        with self._lock:
            (self._off.discard if on else self._off.add)((project, name))
        return {"name": "operations/noop.DONE_OPERATION", "done": True}

    def token(self, form: bytes) -> dict[str, Any]:
        """Give a service account that signs for itself a token; the signature is not looked at.

        Raises:
            TokenRefusedError: it is no such grant, or nobody knows the account.
        """
        given = dict(parse_qsl(form.decode("utf-8", "replace")))
        if given.get("grant_type") != _GRANT:
            raise invalid_request(f"Unsupported grant_type: {given.get('grant_type')}")
        email = _issuer(given.get("assertion", ""))
        if email.partition("@")[0] == OPERATOR:
            members = frozenset([OWNER])
        else:
            try:
                self._iam.account(email)
            except ApiError:
                raise invalid_grant("Invalid grant: account not found") from None
            members = frozenset([f"serviceAccount:{email}"])
        token, seconds = self._tokens.issue(members)
        return {"access_token": token, "expires_in": int(seconds), "token_type": "Bearer"}

    def _needs(self, project: str, api: str) -> None:
        if (project, f"{api}.googleapis.com") in self._off:
            raise ApiError(
                403,
                "accessNotConfigured",
                f"{api} API has not been used in project {PROJECT_NUMBER} before or it is disabled.",
            )


def _issuer(assertion: str) -> str:
    """Return who has signed an assertion."""
    parts = assertion.split(".")
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=="), type=dict[str, Any])
        return str(claims["iss"])
    except (IndexError, KeyError, binascii.Error, msgspec.MsgspecError):
        raise invalid_grant("Invalid JWT: it must be a signed assertion of a service account.") from None
