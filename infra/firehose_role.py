"""What every Firehose of the program has of its own: a role, and logs of what it could not deliver."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.keys import key_rights
from infra.policy import allow, document, trust
from infra.role import role

_LOG_DAYS = 30
_LOG_STREAM = "delivery"


class FirehoseRole:
    """Log group, log stream, role and policy, named after their component and parented to it."""

    def __init__(
        self,
        name: str,
        env: Environment,
        parent: pulumi.Resource,
        *,
        called: str,
        duty: str,
        statements: Sequence[dict[str, Any]],
    ) -> None:
        inside = env.within(parent)
        self.logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/kinesisfirehose/{called}",
            retention_in_days=_LOG_DAYS,
            kms_key_id=env.key,
            opts=inside,
        )
        self.errors = aws.cloudwatch.LogStream(
            f"{name}-log-stream", name=_LOG_STREAM, log_group_name=self.logs.name, opts=inside
        )
        self.role = role(name, env, parent, called=called, duty=duty, trusts=_trust(env))
        self.policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name=called,
            role=self.role.name,
            policy=document(
                [
                    *statements,
                    allow("WriteOwnLogs", ["logs:PutLogEvents"], self.errors.arn),
                    *key_rights(env, ["logs", "s3"]),
                ]
            ),
            opts=inside,
        )
        self.arn = self.role.arn

    @property
    def logging(self) -> Any:
        """Where a destination writes what went wrong: an argument of any of them."""
        return {
            "enabled": True,
            "log_group_name": self.logs.name,
            "log_stream_name": self.errors.name,
        }


def at_rest(env: Environment) -> Any:
    """How a Firehose encrypts what waits in it, if it is put to directly; one that reads a stream may not."""
    if env.key is not None:
        return {"enabled": True, "key_type": "CUSTOMER_MANAGED_CMK", "key_arn": env.key}
    return {"enabled": True, "key_type": "AWS_OWNED_CMK"}


def _trust(env: Environment) -> str:
    """Let Firehose take the role, when it works for this account.

    Firehose names the account as external id (CloudWatch Logs user guide, subscriptions with Firehose).
    """
    account = {"StringEquals": {"sts:ExternalId": env.settings.aws_account_id}}
    return trust("firehose.amazonaws.com", account)
