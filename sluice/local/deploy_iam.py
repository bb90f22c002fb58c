"""Creates and changes what lets AWS roles into BigQuery, by the calls of Google's IAM."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from sluice.local.declared import Declared
from sluice.local.deploy_result import Outputs

Inputs = dict[str, Any]

POOL: Final = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
PROVIDER: Final = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
ROLE: Final = "gcp:projects/iAMCustomRole:IAMCustomRole"
ACCOUNT: Final = "gcp:serviceaccount/account:Account"
ACCOUNT_MEMBER: Final = "gcp:serviceaccount/iAMMember:IAMMember"

_WORDS: Final = frozenset({"displayName", "description", "disabled"})
CHANGEABLE: Final = {
    POOL: _WORDS,
    PROVIDER: _WORDS | {"attributeMapping", "attributeCondition", "aws"},
    ROLE: frozenset({"title", "description", "permissions"}),
    ACCOUNT: _WORDS,
}
"""Inputs that change in place, by type."""


class Call(Protocol):
    """Sends a request to the local Google."""

    def __call__(self, method: str, path: str, body: dict[str, Any], what: str) -> dict[str, Any]:
        """Return the answer; raises EnvironmentProblem naming `what` was refused."""


class IamCreator:
    """Creates by resource type."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._by_type: dict[str, Callable[[Inputs], Outputs]] = {
            POOL: self._pool,
            PROVIDER: self._provider,
            ROLE: self._role,
            ACCOUNT: self._account,
            ACCOUNT_MEMBER: self._member,
        }

    def handles(self, resource: Declared) -> bool:
        """Whether a resource has a counterpart here."""
        return resource.type in self._by_type

    def create(self, resource: Declared) -> Outputs:
        """Create a resource: its id and outputs."""
        return self._by_type[resource.type](resource.inputs)

    def change(self, resource: Declared, names: dict[str, Any]) -> None:
        """Change what exists to what is declared; `names` are its outputs."""
        if resource.type == ACCOUNT_MEMBER:
            self._member(resource.inputs)
            return
        body = _BODIES[resource.type](resource.inputs)
        self._call("PATCH", f"/v1/{names['name']}", body, f"the change of {names['name']}")

    def _pool(self, inputs: Inputs) -> Outputs:
        found = inputs["workloadIdentityPoolId"]
        path = f"/v1/projects/{inputs['project']}/locations/global/workloadIdentityPools"
        path += f"?workloadIdentityPoolId={found}"
        return _named(self._call("POST", path, _described(inputs), f"identity pool {found}")["response"])

    def _provider(self, inputs: Inputs) -> Outputs:
        pool, found = inputs["workloadIdentityPoolId"], inputs["workloadIdentityPoolProviderId"]
        path = f"/v1/projects/{inputs['project']}/locations/global/workloadIdentityPools/{pool}/providers"
        path += f"?workloadIdentityPoolProviderId={found}"
        answer = self._call("POST", path, _provider_body(inputs), f"identity provider {found}")
        return _named(answer["response"])

    def _role(self, inputs: Inputs) -> Outputs:
        body = {"roleId": inputs["roleId"], "role": _role_body(inputs)}
        path = f"/v1/projects/{inputs['project']}/roles"
        return _named(self._call("POST", path, body, f"custom role {inputs['roleId']}"))

    def _account(self, inputs: Inputs) -> Outputs:
        found = inputs["accountId"]
        body = {"accountId": found, "serviceAccount": _described(inputs)}
        path = f"/v1/projects/{inputs['project']}/serviceAccounts"
        made = self._call("POST", path, body, f"service account {found}")
        member = f"serviceAccount:{made['email']}"
        return made["name"], {"name": made["name"], "email": made["email"], "member": member}

    def _member(self, inputs: Inputs) -> Outputs:
        """Add one to a service account's policy, and read it first, as the provider does."""
        account, role, member = (inputs[key] for key in ("serviceAccountId", "role", "member"))
        what = f"{role} on {account}"
        policy = self._call("POST", f"/v1/{account}:getIamPolicy", {}, what)
        bindings = [each for each in policy.get("bindings", []) if each["role"] != role]
        members = {
            name for each in policy.get("bindings", []) if each["role"] == role for name in each["members"]
        }
        bindings.append({"role": role, "members": sorted({*members, member})})
        self._call("POST", f"/v1/{account}:setIamPolicy", {"policy": {"bindings": bindings}}, what)
        return f"{account}/{role}/{member}", {}


def _named(resource: dict[str, Any]) -> Outputs:
    return resource["name"], {"name": resource["name"]}


def _described(inputs: Inputs) -> dict[str, Any]:
    return {key: inputs[key] for key in ("displayName", "description", "disabled") if key in inputs}


def _provider_body(inputs: Inputs) -> dict[str, Any]:
    keys = ("aws", "oidc", "saml", "attributeMapping", "attributeCondition")
    return _described(inputs) | {key: inputs[key] for key in keys if key in inputs}


def _role_body(inputs: Inputs) -> dict[str, Any]:
    return {
        "title": inputs["title"],
        "description": inputs.get("description", ""),
        "includedPermissions": inputs["permissions"],
    }


_BODIES: Final[dict[str, Callable[[Inputs], dict[str, Any]]]] = {
    POOL: _described,
    PROVIDER: _provider_body,
    ROLE: _role_body,
    ACCOUNT: _described,
}
