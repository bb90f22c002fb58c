"""How rights are judged of those who deploy: by the beginning of an environment's names, which they give.

A function's role names what it reaches. Who deploys makes and drops things whose names are not known before,
but all of them begin alike. Such roles are made by the program in bootstrap/.
"""

import re
from collections.abc import Mapping
from typing import Final

from sluice.policies.resource import Resource
from sluice.policies.statements import Statement

_COMPONENT: Final = "sluice:bootstrap:"

NO_RESOURCE: Final[Mapping[str, str]] = {
    "codedeploy:StopDeployment": "deployments have ids",
    "dynamodb:ListTables": "lists the account's tables",
    "ec2:DescribeSecurityGroupRules": "EC2's describing calls take no resource",
    "es:ListDomainNames": "lists the account's domains",
    "iam:GetAccountSummary": "the account's",
    "kinesis:DescribeLimits": "the account's",
    "kinesis:UpdateShardCount": "takes no resource by AWS's reference, though it names one stream",
    "kinesis:UpdateStreamMode": "takes no resource by AWS's reference, though it names one stream",
    "kms:CreateKey": "the key is not there yet: a condition names its tags",
    "kms:ListAliases": "lists the account's aliases",
    "lambda:CreateCodeSigningConfig": "AWS names it",
    "lambda:CreateEventSourceMapping": "AWS names it: a condition names its function",
    "lambda:GetAccountSettings": "the account's",
    "logs:DeleteResourcePolicy": "policies are the account's",
    "logs:DescribeLogGroups": "log groups are listed for the whole account",
    "logs:DescribeResourcePolicies": "policies are the account's",
    "logs:PutResourcePolicy": "policies are the account's",
    "servicequotas:GetAWSDefaultServiceQuota": "the account's",
    "signer:PutSigningProfile": "takes no resource by AWS's reference",
    "sns:GetSubscriptionAttributes": "subscriptions have ids",
    "sns:ListTopics": "lists the account's topics",
    "sns:SetSubscriptionAttributes": "subscriptions have ids",
    "sns:Unsubscribe": "subscriptions have ids",
}
"""Actions for which IAM takes no resource, and which only a deployment calls, with why."""

NAMELESS: Final[Mapping[str, tuple[str, str]]] = {
    "apigateway": (r"/(apis|tags)(/\*)?", "of a region: APIs have ids; only where the report is behind one"),
    "signer": (r"/signing-jobs/\*", "of an account and a region: jobs have ids; only where code is signed"),
}
"""By service, what has no name that begins as the environment's."""

_BEGUN: Final = re.compile(r"(?:.*[/:])?[A-Za-z0-9]+[-_][A-Za-z0-9-_]+\*(?:/\*)?")
"""The last word begins with a project and a stack, and goes on: stream/sluice-dev-*."""

_OF_ONES_OWN: Final = ("aws:resourcetag/", "aws:requesttag/", "lambda:functionarn")
"""Conditions that say whose something is that AWS names by itself."""


def deploys(resource: Resource) -> bool:
    """Whether a policy is that of somebody who deploys, or bounds what they make."""
    return _COMPONENT in resource.urn


def is_its_own(statement: Statement, arn: str) -> bool:
    """Whether an ARN with a star takes in what one environment calls its own, and nothing beside it."""
    head, rest = arn.split(":")[:5], ":".join(arn.split(":")[5:])
    if not deploys(statement.of) or "*" in "".join(head) or "?" in arn:
        return False
    nameless = NAMELESS.get(head[2], ("",))[0]
    return bool(
        _BEGUN.fullmatch(rest)
        or (nameless and re.fullmatch(nameless, rest))
        or any(key.startswith(_OF_ONES_OWN) for key in statement.narrowed)
    )
