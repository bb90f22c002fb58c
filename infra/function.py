"""A Lambda function with logs and a role of its own, as every box that runs code has one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.packaging import ARCHITECTURE, RUNTIME, package
from infra.policy import VERSION, allow, allow_through, document
from infra.settings_functions import FunctionSettings

_NETWORK_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where a function runs that must reach something private: its subnets, and a security group."""

    subnet_ids: Sequence[str]
    security_group_id: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Code:
    """What a function is made of: its name, its folder below functions/, what it may do and what it needs.

    `role` is one that something else had to know first; without it the function makes its own.
    """

    called: str
    folder: str
    description: str
    duty: str
    settings: FunctionSettings
    pipeline: str
    statements: Sequence[dict[str, Any]]
    environment: Mapping[str, pulumi.Input[str]]
    after: Sequence[pulumi.Resource]
    role: aws.iam.Role | None = None
    network: Network | None = None


def function_role(
    name: str, env: Environment, parent: pulumi.Resource, *, called: str, duty: str
) -> aws.iam.Role:
    """Declare the role that a function has."""
    return aws.iam.Role(
        f"{name}-role",
        name=called,
        description=f"What the {duty} of {env.names.prefix} may do",
        assume_role_policy=_trust(),
        opts=env.within(parent),
    )


class Function:
    """Log group, role, policy and function, named after their component and parented to it."""

    def __init__(self, name: str, env: Environment, parent: pulumi.Resource, code: Code) -> None:
        self._env = env
        self.logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{code.called}",
            retention_in_days=code.settings.log_retention_days,
            kms_key_id=env.key,
            opts=env.within(parent),
        )
        self.role = code.role or function_role(name, env, parent, called=code.called, duty=code.duty)
        self.policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name=code.called,
            role=self.role.name,
            policy=document([*code.statements, *self._own_statements(code.network)]),
            opts=env.within(parent),
        )
        self.function = aws.lambda_.Function(
            f"{name}-function",
            name=code.called,
            description=code.description,
            role=self.role.arn,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler="handler.handler",
            code=pulumi.FileArchive(
                package(
                    code.folder,
                    pipeline=code.pipeline,
                    with_dependencies=env.settings.package_dependencies,
                )
            ),
            timeout=code.settings.timeout_seconds,
            memory_size=code.settings.memory_mb,
            kms_key_arn=env.key,
            environment={
                "variables": {
                    "POWERTOOLS_SERVICE_NAME": code.called,
                    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
                    "POWERTOOLS_LOG_LEVEL": code.settings.log_level,
                    **code.environment,
                }
            },
            vpc_config=(
                {
                    "subnet_ids": list(code.network.subnet_ids),
                    "security_group_ids": [code.network.security_group_id],
                }
                if code.network
                else None
            ),
            # Lambda would make a log group that never expires, if it ran before ours exists. And code that
            # knows a new column must not run before the table has it.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[self.logs, self.policy, *code.after]),
        )
        self.name, self.arn = self.function.name, self.function.arn

    def _own_statements(self, network: Network | None) -> list[dict[str, Any]]:
        """Let the function write its logs and, when there is a key, use it for what it reads and writes."""
        # Lambda makes and drops a function's network interfaces with its role, and their names are EC2's own
        # (Lambda developer guide, VPC permissions).
        connect = [allow("HaveNetworkInterfaces", _NETWORK_ACTIONS, "*")] if network else []
        # A log stream's name is Lambda's own, so the group's streams are as exact as it gets.
        logs = allow(
            "WriteOwnLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            pulumi.Output.concat(self.logs.arn, ":*"),
        )
        key = self._env.key
        if key is None:
            return [logs, *connect]
        # Stream, queue, bucket and the function's variables take two rights; a table takes more.
        return [
            logs,
            *connect,
            allow("UseTheKey", ["kms:Decrypt", "kms:GenerateDataKey"], key),
            allow_through(
                f"dynamodb.{self._env.settings.aws_region}.amazonaws.com",
                "UseTheKeyForTables",
                ["kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
                key,
            ),
        ]


def _trust() -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
