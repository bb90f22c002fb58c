"""What roles may do: named actions on named resources, under one boundary, and nothing borrowed."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from sluice.policies import deploying, kinds
from sluice.policies.resource import UNKNOWN, Resources, listed
from sluice.policies.rule import Finding, Rule
from sluice.policies.statements import statements

NO_RESOURCE: Final[Mapping[str, str]] = {
    "cloudwatch:DescribeAlarms": "alarms are asked for as all of the account, whichever are named",
    "cloudwatch:GetMetricData": "metrics are the account's",
    "cloudwatch:GetMetricStatistics": "metrics are the account's",
    "cloudwatch:PutMetricData": "metrics are the account's: a condition may name the namespace",
    "dynamodb:ListStreams": "lists the streams of all tables",
    "ec2:DescribeNetworkInterfaces": "EC2's describing calls take no resource",
    "ec2:DescribeSecurityGroups": "EC2's describing calls take no resource",
    "ec2:DescribeSubnets": "EC2's describing calls take no resource",
    "ec2:DescribeVpcs": "EC2's describing calls take no resource",
    "kinesis:ListStreams": "lists the account's streams",
    "lambda:ListEventSourceMappings": "lists the mappings of all functions",
    "xray:GetSamplingRules": "sampling rules are the account's",
    "xray:GetSamplingTargets": "sampling rules are the account's",
    "xray:PutTelemetryRecords": "a recorder belongs to no resource",
    "xray:PutTraceSegments": "traces are the account's",
}
"""Actions for which IAM takes no resource (Service Authorization Reference; a test compares), with why."""

WITHIN: Final[Mapping[str, tuple[str, str]]] = {
    "ec2": (r"\*/\*", "of an account and a region: the network interfaces that Lambda makes and names"),
    "es": (r"domain/[^*/]+/.+", "paths of one domain: indices after event types and periods, and nodes"),
    "glue": (r"table/[^*/]+/\*", "tables of one database: there is one for each event type"),
    "lambda": (r"function:[^:*]+:\*", "versions of one function: each change of it publishes one"),
    "logs": (r"log-group:[^*:]+:(log-stream:)?\*", "streams of one group: the writing service names them"),
    "s3": (r"[^*/]+/[^*]+/\*", "keys below one prefix: there is one for each object"),
}
"""By service, where an ARN may end in a star, and why: always below something with a name."""

_ATTACHING: Final = frozenset(
    {
        "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
        "aws:iam/policyAttachment:PolicyAttachment",
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    }
)
_LASTING: Final = frozenset(
    {
        "aws:iam/accessKey:AccessKey",
        "aws:iam/group:Group",
        "aws:iam/serviceSpecificCredential:ServiceSpecificCredential",
        "aws:iam/user:User",
        "aws:iam/userLoginProfile:UserLoginProfile",
        "gcp:serviceaccount/key:Key",
        "gcp:storage/hmacKey:HmacKey",
    }
)


def _actions_are_named(resources: Resources) -> Iterator[Finding]:
    for statement in statements(resources, "rights"):
        if statement.allows and (wild := statement.wild_actions):
            yield (
                statement.of,
                f"{statement.called} allows {', '.join(wild)}: name each action that is called",
            )


def _resources_are_named(resources: Resources) -> Iterator[Finding]:
    for statement in statements(resources, "rights"):
        if not statement.allows:
            continue
        if "NotResource" in statement.body:
            yield statement.of, f"{statement.called} allows all but some resources (NotResource): name them"
        listed_ones = {*NO_RESOURCE, *(deploying.NO_RESOURCE if deploying.deploys(statement.of) else ())}
        open_actions = [each for each in statement.actions if each not in listed_ones]
        for resource in statement.resources:
            if resource == "*" and open_actions:
                words = "name their resources; what has none belongs in sluice/policies/rights.py"
                yield (
                    statement.of,
                    f"{statement.called} allows {', '.join(open_actions)} on everything: {words}",
                )
            elif resource != "*" and not (_named(resource) or deploying.is_its_own(statement, resource)):
                words = "name it, or the one thing that it lies below"
                yield statement.of, f"{statement.called} allows {resource}: {words}"


def _named(arn: str) -> bool:
    if "*" not in arn and "?" not in arn:
        return True
    head, rest = arn.split(":")[:5], ":".join(arn.split(":")[5:])
    pattern = WITHIN.get(head[2], ("",))[0] if len(head) == 5 else ""  # noqa: PLR2004 an ARN's fields
    return "*" not in "".join(head) and bool(pattern) and re.fullmatch(pattern, rest) is not None


def _nothing_is_attached(resources: Resources) -> Iterator[Finding]:
    for role in resources.of(kinds.ROLE):
        for arn in listed(role.at("managedPolicyArns")):
            yield role, f"has the policy {arn}: write its rights into the role's own policy"
    own = {policy.at("name") for policy in resources.of(kinds.POLICY) if deploying.deploys(policy)}
    for each in resources.of(*_ATTACHING):
        arn = str(each.at("policyArn"))
        # Rights to deploy are more than one policy holds: those of the same program may be attached.
        if not (deploying.deploys(each) and (arn == UNKNOWN or arn.rpartition("/")[2] in own)):
            yield each, "attaches a policy: write its rights into the role's own"


def _no_lasting_credentials(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(*_LASTING):
        yield each, "has credentials that do not expire: take a role, or the identity pool"


def _one_boundary(resources: Resources) -> Iterator[Finding]:
    roles = list(resources.of(kinds.ROLE))
    given = {str(role.at("permissionsBoundary")) for role in roles if not role.lacks("permissionsBoundary")}
    boundaries = sorted(given - {UNKNOWN})
    for role in roles if boundaries else ():
        if role.differs(boundaries[0], "permissionsBoundary"):
            yield role, f"has another boundary than the other roles, or none: set {boundaries[0]}"


RULES: Final = (
    Rule(
        id="rights-named-actions",
        demands="Roles are allowed actions by their names, without wildcards",
        reason="a star takes in what AWS adds next year",
        check=_actions_are_named,
    ),
    Rule(
        id="rights-named-resources",
        demands="Roles are allowed actions on resources by their names; a star only where AWS cannot narrow",
        reason="a function that is taken over reaches what it writes to, and nothing beside it",
        check=_resources_are_named,
    ),
    Rule(
        id="rights-own-policy",
        demands="No policy is attached to a role: its rights stand in its own",
        reason="managed policies change without a deployment, and allow far more than one function calls",
        check=_nothing_is_attached,
    ),
    Rule(
        id="rights-no-lasting-credentials",
        demands="There are no users, access keys or service account keys",
        reason="a key that does not expire is found one day",
        check=_no_lasting_credentials,
    ),
    Rule(
        id="rights-boundary",
        demands="Where one role has a permissions boundary, all have the same",
        reason="a role without it is the way around it",
        check=_one_boundary,
    ),
)
