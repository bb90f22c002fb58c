"""What Google's IAM holds: pools, providers, custom roles, service accounts and who may act as them."""

import threading
from typing import Any, Final

from sluice.local.bigquery.errors import ApiError, already_exists, not_found
from sluice.local.google.errors import invalid_argument
from sluice.local.google.providers import Provider

PROJECT_NUMBER: Final = "1234567890"
"""Of whatever project there is: Google names pools by the project's number, which a laptop has none of."""

DELETED: Final = "DELETED"
"""The state of a pool that was deleted, and whose id nobody may have for 30 days (IAM API)."""

_WRITING: Final = ("bigquery.tables.updateData", "bigquery.tables.create", "bigquery.tables.update")
_READING: Final = (
    "bigquery.datasets.get",
    "bigquery.tables.get",
    "bigquery.tables.getData",
    "bigquery.tables.list",
)
_OWNING: Final = (
    *_READING,
    *_WRITING,
    "bigquery.tables.delete",
    "bigquery.datasets.update",
    "bigquery.datasets.delete",
)
PREDEFINED: Final = {
    "READER": frozenset(_READING),
    "roles/bigquery.dataViewer": frozenset(_READING),
    "WRITER": frozenset([*_READING, *_WRITING, "bigquery.tables.delete"]),
    "roles/bigquery.dataEditor": frozenset([*_READING, *_WRITING, "bigquery.tables.delete"]),
    "OWNER": frozenset(_OWNING),
    "roles/bigquery.dataOwner": frozenset(_OWNING),
    "roles/iam.workloadIdentityUser": frozenset(["iam.serviceAccounts.getAccessToken"]),
}
"""Of Google's own roles what the local BigQuery asks for (IAM roles and permissions index)."""


class Iam:
    """Resources by their names, as REST describes them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resources: dict[str, dict[str, Any]] = {}
        self._providers: dict[str, Provider] = {}
        self._policies: dict[str, dict[str, Any]] = {}

    def create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keep a new resource; raises ApiError 409 when there is one of that name, 404 without its parent."""
        with self._lock:
            if name in self._resources:
                raise already_exists(f"Resource {name}")
            parent = name.partition("/providers/")[0]
            if parent != name and parent not in self._resources:
                raise not_found(f"Resource {parent}")
            return self._keep(name, body)

    def change(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Put what is given in the place of what was; raises ApiError 404."""
        with self._lock:
            return self._keep(name, {**self.get(name), **body})

    def delete(self, name: str) -> dict[str, Any]:
        """Delete a resource, which keeps its name for weeks; raises ApiError 404."""
        return self.change(name, {"deleted": True} if "/roles/" in name else {"state": DELETED})

    def get(self, name: str) -> dict[str, Any]:
        """Return a resource; raises ApiError 404."""
        found = self._resources.get(name)
        if found is None:
            raise not_found(f"Resource {name}")
        return found

    def provider(self, audience: str) -> Provider | None:
        """Return the provider that a token's audience names, unless it is switched off."""
        name = audience.removeprefix("https:").removeprefix("//iam.googleapis.com/")
        found = self._providers.get(name)
        if found is None or found.disabled:
            return None
        pool = self.get(found.pool)
        return None if pool.get("disabled") or pool.get("state") == DELETED else found

    def permissions(self, role: str) -> frozenset[str]:
        """Return what a role grants; nothing for one that nobody knows."""
        known = PREDEFINED.get(role)
        if known is not None:
            return known
        return frozenset(self._resources.get(role, {}).get("includedPermissions") or ())

    def set_policy(self, account: str, policy: dict[str, Any]) -> dict[str, Any]:
        """Say who may do what with a service account; raises ApiError 404."""
        self.get(account)
        self._policies[account] = policy
        return policy

    def policy(self, account: str) -> dict[str, Any]:
        """Return a service account's policy; raises ApiError 404."""
        self.get(account)
        return self._policies.get(account, {"bindings": []})

    def may(self, members: frozenset[str], permission: str, account: str) -> bool:
        """Whether somebody may do something with a service account."""
        return any(
            permission in self.permissions(str(binding.get("role")))
            and members & set(binding.get("members") or ())
            for binding in self.policy(account).get("bindings") or ()
        )

    def account(self, email: str) -> str:
        """Return the name of a service account; raises ApiError 404."""
        for name, resource in self._resources.items():
            if "/serviceAccounts/" in name and resource.get("email") == email:
                return name
        raise not_found(f"Service account {email}")

    def _keep(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        resource = {**body, "name": name}
        if "/providers/" in name:
            self._providers[name] = Provider.of(name, resource)
        elif "/roles/" in name and not resource.get("includedPermissions"):
            raise invalid_argument("a custom role needs includedPermissions")
        self._resources[name] = resource
        return resource


def denied_account(email: str) -> ApiError:
    """Build the 403 for whoever may not act as a service account."""
    return ApiError(
        403,
        "forbidden",
        f"Permission 'iam.serviceAccounts.getAccessToken' denied on resource {email} (or it may not exist).",
    )
