"""A function that EventBridge invokes every so often."""

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.function import Function


def every(
    name: str,
    env: Environment,
    parent: pulumi.Resource,
    *,
    minutes: int,
    function: Function,
    called: str,
    target: str,
    description: str,
) -> aws.cloudwatch.EventRule:
    """Declare rule, permission and target; `called` is the thing in their names.

    A failed call is not repeated: the next one comes by itself. One minute is singular in a rate (EventBridge
    user guide, rate expressions).
    """
    rule = aws.cloudwatch.EventRule(
        f"{name}-rule",
        name=env.names.thing(called),
        description=description,
        schedule_expression=f"rate({minutes} minute{'' if minutes == 1 else 's'})",
        opts=env.within(parent),
    )
    permission = aws.lambda_.Permission(
        f"{name}-permission",
        statement_id=called,
        action="lambda:InvokeFunction",
        function=function.name,
        principal="events.amazonaws.com",
        source_arn=rule.arn,
        opts=env.within(parent),
    )
    aws.cloudwatch.EventTarget(
        f"{name}-target",
        rule=rule.name,
        target_id=target,
        arn=function.arn,
        retry_policy={"maximum_event_age_in_seconds": 60, "maximum_retry_attempts": 0},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[permission]),
    )
    return rule
