"""What every function may do beside its duty: write its log, be traced, use the key, be in a VPC."""

from collections.abc import Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.environment import Environment, Network
from infra.keys import key_rights
from infra.policy import allow, allow_through, deny, everywhere

_INTERFACES: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
_LOOKING: Final = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
_THROUGH: Final = frozenset({"dynamodb", "kinesis", "s3", "sqs"})
"""The services that hold what functions read and write; what each needs besides is in _keyed."""


def own_statements(
    env: Environment,
    called: str,
    logs: aws.cloudwatch.LogGroup,
    network: Network | None,
    duty: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return what a function called so may do beside its duty; it has a log group of its own."""
    return [
        # A log stream's name is Lambda's own, so the group's streams are as exact as it gets.
        allow(
            "WriteOwnLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            pulumi.Output.concat(logs.arn, ":*"),
        ),
        *(_traced() if env.settings.tracing else ()),
        *(_connected(env, called, network) if network else ()),
        *_keyed(env, duty),
    ]


def _traced() -> list[dict[str, Any]]:
    return [
        everywhere(
            "SendTraces",
            ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            because="traces are the account's: X-Ray's writing calls take no resource",
        )
    ]


def _connected(env: Environment, called: str, network: Network) -> list[dict[str, Any]]:
    """Let Lambda make and drop the function's network interfaces, but not the function's own code.

    Lambda developer guide, giving functions access to a VPC (read 2026-11): describing works on all resources
    only, deleting takes "all resource IDs" of a region and an account; and using the source function ARN:
    calls from within a function carry that, Lambda's own on its interfaces do not. A subnet that another
    account shares has that one's number in its ARN (VPC user guide, sharing a VPC).
    """
    owner, region = env.settings.network.owner_account_id, env.settings.aws_region
    shared = [
        f"arn:{env.partition}:ec2:{region}:{owner}:subnet/{each}" for each in network.subnet_ids if owner
    ]
    own_code = {"ArnEquals": {"lambda:SourceFunctionArn": env.arn("lambda", f"function:{called}")}}
    return [
        allow("HaveNetworkInterfaces", _INTERFACES, env.arn("ec2", "*/*"), *shared),
        everywhere(
            "FindNetworkInterfaces", _LOOKING, because="EC2's describing calls know no resources in policies"
        ),
        deny("NotFromItsOwnCode", [*_INTERFACES, *_LOOKING], own_code, "*"),
    ]


def _keyed(env: Environment, duty: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let the services that the duty is about open and close what lies there; a table takes more rights.

    Lambda opens the function's variables. CloudWatch Logs asks in the name of who writes (AWS's own policy
    CloudWatchLogsAPIKeyAccess, read 2026-11, allows both beside logs:PutLogEvents).
    """
    asked = {action.partition(":")[0] for each in duty for action in each["Action"]} & _THROUGH
    statements = key_rights(env, sorted({"lambda", "logs", *asked}))
    if env.key is not None and "dynamodb" in asked:
        statements.append(
            allow_through(
                f"dynamodb.{env.settings.aws_region}.amazonaws.com",
                "UseTheKeyForTables",
                ["kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
                env.key,
            )
        )
    return statements
