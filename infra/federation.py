"""Keyless access to Google: the sinks' AWS roles, and nobody else, become principals of a pool.

The function signs GetCallerIdentity with its role, Google's token service trades that for a token. The
condition of the provider names the account and the roles; grants name one role each.

With `federation.mode: impersonation` each role may act as a service account of its own, to which the grants
are: for organisations that let service accounts alone into BigQuery.
"""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra import limits
from infra.environment import Environment
from infra.names import shortened
from infra.partitions import partition_of

PROVIDER = "aws-roles"
"""The provider's id; Google takes 4 to 32 characters (IAM API, workloadIdentityPools.providers.create)."""

_TOKEN_URL = "https://sts.googleapis.com/v1/token"  # noqa: S105 an address
_IMPERSONATION = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
_SUBJECT_TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 a type's name


class Federation(pulumi.ComponentResource):
    """A workload identity pool with one AWS provider, and service accounts where roles act as such."""

    def __init__(
        self, name: str, env: Environment, *, roles: Sequence[str], after: Sequence[pulumi.Resource]
    ) -> None:
        super().__init__("sluice:infra:Federation", name, None, env.component)
        self._name, self._env, self._after = name, env, after
        self._account, self._region = env.settings.aws_account_id, env.settings.aws_region
        self.pool = gcp.iam.WorkloadIdentityPool(
            f"{name}-pool",
            project=env.settings.google_project,
            workload_identity_pool_id=env.names.pool,
            display_name=env.names.pool,
            description=f"AWS roles of {env.names.prefix} that write to BigQuery",
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )
        self.provider = gcp.iam.WorkloadIdentityPoolProvider(
            f"{name}-provider",
            project=env.settings.google_project,
            workload_identity_pool_id=self.pool.workload_identity_pool_id,
            workload_identity_pool_provider_id=PROVIDER,
            aws={"account_id": self._account},
            attribute_mapping={
                # Google allows 127 bytes: role and session, without the ARN's fixed beginning.
                "google.subject": "assertion.arn.extract('assumed-role/{session}')",
                "attribute.aws_role": (
                    f"'{self._assumed('')}' + assertion.arn.extract('assumed-role/{{role}}/')"
                ),
            },
            attribute_condition=(
                f"assertion.account == '{self._account}' && ("
                + " || ".join(f"assertion.arn.startsWith('{self._assumed(role)}/')" for role in roles)
                + ")"
            ),
            opts=env.within(self),
        )
        impersonating = env.settings.federation.mode == "impersonation"
        self._accounts = {role: self._acting_as(role) for role in roles if impersonating}
        self.register_outputs({"pool": self.pool.name})

    def writer(self, role: str) -> pulumi.Output[str]:
        """Name whom a dataset's access list lets write for a role: its principal, or its account."""
        account = self._accounts.get(role)
        return account.email if account else self._principal(role)

    def credentials(self, role: str) -> pulumi.Output[str]:
        """Write what a role's function needs to get a token, in Google's format; nothing in it is secret."""
        configuration: dict[str, Any] = {
            "type": "external_account",
            "audience": pulumi.Output.concat("//iam.googleapis.com/", self.provider.name),
            "subject_token_type": _SUBJECT_TOKEN_TYPE,
            "token_url": _TOKEN_URL,
            "credential_source": {
                "environment_id": "aws1",
                "regional_cred_verification_url": (
                    f"https://sts.{self._region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
                ),
            },
        }
        if account := self._accounts.get(role):
            configuration["service_account_impersonation_url"] = pulumi.Output.concat(
                _IMPERSONATION, account.email, ":generateAccessToken"
            )
        return pulumi.Output.json_dumps(configuration)

    def _acting_as(self, role: str) -> gcp.serviceaccount.Account:
        """Make a role's service account, and let that role alone have tokens of it."""
        account = gcp.serviceaccount.Account(
            f"{self._name}-account-{self._short(role)}",
            project=self._env.settings.google_project,
            account_id=shortened(role, limits.SERVICE_ACCOUNT_CHARACTERS),
            display_name=role,
            description=f"Writes to BigQuery for the AWS role {role}",
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after),
        )
        gcp.serviceaccount.IAMMember(
            f"{self._name}-acts-{self._short(role)}",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=self._principal(role),
            opts=self._env.within(self),
        )
        return account

    def _principal(self, role: str) -> pulumi.Output[str]:
        """Name one AWS role the way Google's grants do."""
        return pulumi.Output.concat(
            "principalSet://iam.googleapis.com/",
            self.pool.name,
            "/attribute.aws_role/",
            self._assumed(role),
        )

    def _short(self, role: str) -> str:
        """Name a role within the program, where it has the same name in each environment."""
        return role.removeprefix(f"{self._env.names.prefix}-")

    def _assumed(self, role: str) -> str:
        return f"arn:{partition_of(self._region)}:sts::{self._account}:assumed-role/{role}"
