"""The alias of a function whose new code is rolled out in steps: see infra/rollout.py."""

import pulumi
import pulumi_aws as aws

from infra.settings_rollout import ALIAS


def alias(name: str, parent: pulumi.Resource, function: aws.lambda_.Function) -> aws.lambda_.Alias:
    """Declare what runs of a function: its first version, and from then on what CodeDeploy shifts it to."""
    return aws.lambda_.Alias(
        f"{name}-alias",
        name=ALIAS,
        description="What runs; CodeDeploy shifts it, which sluice rollout starts",
        function_name=function.name,
        function_version=function.version,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["functionVersion", "routingConfig"]),
    )
