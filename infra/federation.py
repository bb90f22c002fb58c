"""Keyless access to Google: the sinks' AWS roles, and nobody else, become principals of a pool.

The function signs GetCallerIdentity with its role, Google's token service trades that for a token. The
condition of the provider names the account and the roles; grants name one role each.
"""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra.environment import Environment

_TOKEN_URL = "https://sts.googleapis.com/v1/token"  # noqa: S105 an address
_SUBJECT_TOKEN_TYPE = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 a type's name


class Federation(pulumi.ComponentResource):
    """A workload identity pool with one AWS provider."""

    def __init__(
        self, name: str, env: Environment, *, roles: Sequence[str], after: Sequence[pulumi.Resource]
    ) -> None:
        super().__init__("sluice:infra:Federation", name, None, env.component)
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
            workload_identity_pool_provider_id="aws",
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
        self.credentials = pulumi.Output.json_dumps(
            {
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
        )
        self.register_outputs({"pool": self.pool.name})

    def principal(self, role: str) -> pulumi.Output[str]:
        """Name one AWS role the way Google's grants do."""
        return pulumi.Output.concat(
            "principalSet://iam.googleapis.com/",
            self.pool.name,
            "/attribute.aws_role/",
            self._assumed(role),
        )

    def _assumed(self, role: str) -> str:
        return f"arn:{_partition(self._region)}:sts::{self._account}:assumed-role/{role}"


def _partition(region: str) -> str:
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
