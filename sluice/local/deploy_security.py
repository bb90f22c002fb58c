"""Creates keys and roles in the local AWS; boundaries are the account's, which a laptop has none of."""

from collections.abc import Callable
from typing import Any

from sluice.local.access import policy
from sluice.local.deploy_result import Outputs

Inputs = dict[str, Any]


class SecurityCreator:
    """Creates what protects the rest."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self.by_type: dict[str, Callable[[Inputs], Outputs]] = {
            "aws:kms/key:Key": self._key,
            "aws:kms/alias:Alias": self._alias,
            "aws:iam/role:Role": self._role,
            "aws:iam/rolePolicy:RolePolicy": self._role_policy,
        }

    def _key(self, inputs: Inputs) -> Outputs:
        kms = self._client("kms")
        made = kms.create_key(Description=inputs["description"], Policy=inputs["policy"])["KeyMetadata"]
        if inputs.get("enableKeyRotation"):
            kms.enable_key_rotation(
                KeyId=made["KeyId"], RotationPeriodInDays=inputs.get("rotationPeriodInDays", 365)
            )
        return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}

    def _alias(self, inputs: Inputs) -> Outputs:
        self._client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return inputs["name"], {}

    def _role(self, inputs: Inputs) -> Outputs:
        answer = self._client("iam").create_role(
            RoleName=inputs["name"],
            Path=inputs.get("path", "/"),
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Description=inputs.get("description", ""),
        )["Role"]
        return inputs["name"], {"arn": answer["Arn"], "uniqueId": answer["RoleId"]}

    def _role_policy(self, inputs: Inputs) -> Outputs:
        """Refuse what the local AWS could not judge, with a SettingsError."""
        policy.read(inputs["policy"])
        self._client("iam").put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
        )
        return f"{inputs['role']}:{inputs['name']}", {}
