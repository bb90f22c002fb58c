"""What encrypts everything that holds data: AWS's own keys, a key that exists, or one of this program."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.policy import VERSION, allow_through
from infra.settings_security import OWN

_ADMINISTRATION: Final = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
_USE: Final = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_HOLDERS: Final = ("dynamodb", "es", "firehose", "kinesis", "lambda", "logs", "s3", "sns", "sqs")
"""The services that hold what is encrypted (KMS developer guide, kms:ViaService; for logs the user guide of
CloudWatch Logs, encrypt log data, read 2026-11)."""

_BY_GRANT: Final = ("dynamodb", "es", "firehose", "lambda")
"""Those of them that go on working when nobody asks: who makes a table lets DynamoDB use the key."""

TOPIC: Final = "alarms"
"""What the topic of alarms is called."""

_LOGS: Final = ("aws/lambda/{}-*", "aws/kinesisfirehose/{}-*", "aws/opensearch/{}")


def key_of(env: Environment) -> pulumi.Input[str] | None:
    """Name the key that the settings ask for, declared if it is the program's own; none for AWS's."""
    wanted = env.settings.encryption
    return Keys("keys", env).arn if wanted.key == OWN else wanted.given


def key_rights(env: Environment, services: Sequence[str]) -> list[dict[str, Any]]:
    """Let services use the key for a role that asks them to, and open what former keys have closed."""
    through, former = _services(env, services), env.settings.encryption.former_keys
    via = through if len(through) > 1 else through[0]
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    return [
        *([allow_through(via, "UseTheKey", use, env.key)] if env.key is not None else []),
        *([allow_through(via, "OpenWithFormerKeys", ["kms:Decrypt"], *former)] if former else []),
    ]


class Keys(pulumi.ComponentResource):
    """A KMS key, rotated and protected like the data that it opens, and a name for it."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Keys", name, None, env.holding)
        settings = env.settings.encryption
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Encrypts what {env.names.prefix} holds",
            policy=json.dumps({"Version": VERSION, "Statement": _policy(env)}),
            enable_key_rotation=True,
            rotation_period_in_days=settings.rotation_days,
            deletion_window_in_days=settings.deletion_days,
            opts=env.keeping(self),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{env.names.prefix}",
            target_key_id=key.key_id,
            opts=env.within(self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def _policy(env: Environment) -> list[dict[str, Any]]:
    """Say who administers the key, who uses it, and through what.

    "The account" means that IAM decides, and outlives the deletion of any one role: a key whose policy names
    a role that is gone can be administered by nobody (KMS developer guide, default key policy). Nobody may
    use the key directly: what it encrypts is had through the service that holds it, with that one's rights.
    """
    account = {"AWS": f"arn:{env.partition}:iam::{env.settings.aws_account_id}:root"}
    administrators = list(env.settings.encryption.administrators)
    only_they = {"Condition": {"ArnEquals": {"aws:PrincipalArn": administrators}}} if administrators else {}
    logs = [env.arn("logs", f"log-group:/{each.format(env.names.prefix)}") for each in _LOGS]
    return [
        {**_let("Administer", account, _ADMINISTRATION), **only_they},
        {
            **_let("UseThroughServices", account, _USE),
            "Condition": {"StringEquals": {"kms:ViaService": _services(env, _HOLDERS)}},
        },
        {
            **_let("LetServicesGoOn", account, ["kms:CreateGrant"]),
            "Condition": {
                "Bool": {"kms:GrantIsForAWSResource": "true"},
                "StringEquals": {"kms:ViaService": _services(env, _BY_GRANT)},
            },
        },
        *_producers(env),
        # CloudWatch Logs asks in its own name as well as in its caller's (its user guide, encrypt log data).
        {
            **_let("EncryptOwnLogs", {"Service": _services(env, ["logs"])[0]}, _USE),
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        },
        *([_let_alarms_ring(env)] if env.settings.alarms.enabled else []),
    ]


def _let_alarms_ring(env: Environment) -> dict[str, Any]:
    """Let CloudWatch send to the topic of alarms, in its own name (SNS developer guide, key management).

    SNS names the topic in the key's encryption context, so that the key opens nothing else for it.
    """
    topic = env.arn("sns", env.names.thing(TOPIC))
    service = {"Service": "cloudwatch.amazonaws.com"}
    return {
        **_let("LetAlarmsRing", service, ["kms:Decrypt", "kms:GenerateDataKey"]),
        "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic}},
    }


def _producers(env: Environment) -> list[dict[str, Any]]:
    """Let producers of other accounts encrypt what they write to the stream, by way of Kinesis alone.

    Kinesis names the stream in the key's encryption context: AWS's own policy for a Firehose that reads an
    encrypted stream asks for it (Firehose developer guide, controlling access).
    """
    producers = list(env.settings.stream.producers)
    if not producers:
        return []
    stream = env.arn("kinesis", f"stream/{env.names.thing('events')}")
    return [
        {
            **_let("EncryptForTheStream", {"AWS": producers}, ["kms:GenerateDataKey"]),
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": _services(env, ["kinesis"]),
                    "kms:EncryptionContext:aws:kinesis:arn": stream,
                }
            },
        }
    ]


def _let(sid: str, who: dict[str, Any], actions: Any) -> dict[str, Any]:
    """Allow on the key that has the policy, which is what `*` means there."""
    return {"Sid": sid, "Effect": "Allow", "Principal": who, "Action": list(actions), "Resource": "*"}


def _services(env: Environment, names: Sequence[str]) -> list[str]:
    return [f"{name}.{env.settings.aws_region}.amazonaws.com" for name in names]
