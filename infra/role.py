"""IAM roles as all of the program's are: one per duty, within the boundary that the account demands."""

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.policy import trust

LAMBDA = trust("lambda.amazonaws.com")
"""What lets Lambda run a function with a role."""


def role(
    name: str, env: Environment, parent: pulumi.Resource, *, called: str, duty: str, trusts: str = LAMBDA
) -> aws.iam.Role:
    """Declare the role of a duty, such as "search sink"; it may do nothing yet."""
    settings = env.settings.roles
    return aws.iam.Role(
        f"{name}-role",
        name=called,
        description=f"What the {duty} of {env.names.prefix} may do",
        path=settings.path,
        permissions_boundary=settings.permission_boundary_arn,
        assume_role_policy=trusts,
        opts=env.within(parent),
    )
