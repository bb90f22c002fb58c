"""A Lambda function with logs and a role of its own, as every box that runs code has one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.code_signing import uploaded
from infra.environment import Environment, Network
from infra.function_rights import own_statements
from infra.packaging import package
from infra.policy import document
from infra.role import role
from infra.settings_functions import FunctionSettings


@dataclass(frozen=True, kw_only=True)
class Code:
    """What a function is made of: its name, its folder below functions/, what it may do and what it needs.

    `role` is one that something else had to know first; without it the function makes its own. `network` is
    another than all functions have. With `publish` each change of code or settings is a version of its own.
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
    publish: bool = False


class Function:
    """Log group, role, policy and function, named after their component and parented to it."""

    def __init__(self, name: str, env: Environment, parent: pulumi.Resource, code: Code) -> None:
        network = code.network or env.network
        self.logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{code.called}",
            retention_in_days=code.settings.log_retention_days,
            kms_key_id=env.key,
            opts=env.within(parent),
        )
        self.role = code.role or role(name, env, parent, called=code.called, duty=code.duty)
        self.policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name=code.called,
            role=self.role.name,
            policy=document(
                [*code.statements, *own_statements(env, code.called, self.logs, network, code.statements)]
            ),
            opts=env.within(parent),
        )
        target = env.settings.packages.target
        archive = pulumi.FileArchive(
            package(
                code.folder,
                pipeline=code.pipeline,
                with_dependencies=env.settings.package_dependencies,
                target=target,
            )
        )
        self.function = aws.lambda_.Function(
            f"{name}-function",
            name=code.called,
            description=code.description,
            role=self.role.arn,
            runtime=target.runtime,
            architectures=[target.architecture],
            handler="handler.handler",
            **uploaded(name, env, parent, archive, folder=code.folder),
            publish=code.publish or None,
            timeout=code.settings.timeout_seconds,
            memory_size=code.settings.memory_mb,
            reserved_concurrent_executions=code.settings.reserved_concurrency,
            tracing_config={"mode": "Active" if env.settings.tracing else "PassThrough"},
            kms_key_arn=env.key,
            environment={
                "variables": {
                    "POWERTOOLS_SERVICE_NAME": code.called,
                    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
                    "POWERTOOLS_LOG_LEVEL": code.settings.log_level,
                    **_sampled(code.settings),
                    "SLUICE_ENVIRONMENT": env.names.prefix,
                    **code.environment,
                }
            },
            vpc_config=(
                {
                    "subnet_ids": list(network.subnet_ids),
                    "security_group_ids": list(network.security_group_ids),
                }
                if network
                else None
            ),
            # Lambda would make a log group that never expires, if it ran before ours exists. And code that
            # knows a new column must not run before the table has it.
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[self.logs, self.policy, *code.after]),
        )
        self.name, self.arn = self.function.name, self.function.arn


def _sampled(settings: FunctionSettings) -> dict[str, str]:
    """Let some invocations log as with DEBUG; powertools decides anew for each."""
    rate = settings.log_sample_rate
    return {"POWERTOOLS_LOGGER_SAMPLE_RATE": str(rate)} if rate else {}
