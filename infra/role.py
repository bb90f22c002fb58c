"""IAM roles as all of the program's are: one per duty, within the boundary that the account demands."""

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.policy import trust


def role(
    name: str,
    env: Environment,
    parent: pulumi.Resource,
    *,
    called: str,
    duty: str,
    trusts: str | None = None,
) -> aws.iam.Role:
    """Declare the role of a duty, such as "search sink"; it may do nothing yet.

    Lambda takes it unless another service is trusted, and says for which account (Lambda developer guide,
    working with AWS managed policies in the execution role, read 2026-11).
    """
    settings = env.settings.roles
    account = {"StringEquals": {"aws:SourceAccount": env.settings.aws_account_id}}
    return aws.iam.Role(
        f"{name}-role",
        name=called,
        description=f"What the {duty} of {env.names.prefix} may do",
        path=settings.path,
        permissions_boundary=settings.permission_boundary_arn,
        assume_role_policy=trusts or trust("lambda.amazonaws.com", account),
        opts=env.within(parent),
    )
