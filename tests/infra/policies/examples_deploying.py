"""Slips in what GitHub's workflows may do, and in which of them come in."""

from dataclasses import replace
from typing import Any, Final

from sluice.policies import Resource
from tests.infra.policies.made import PROVIDER, ROLE, Example, allow, doc, made, pair

POLICY: Final = "aws:iam/policy:Policy"
ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
HOST: Final = "token.actions.githubusercontent.com"
NAMED: Final = "assertion.repository == 'example/analytics'"
BRANCH: Final = "(assertion.ref == 'refs/heads/main' || assertion.sub.endsWith(':pull_request'))"
SUBJECT: Final = "repo:example@1/analytics@2:environment:prod"


def deploying(kind: str, name: str = "box-broken", /, **inputs: Any) -> Resource:
    """A resource of the bootstrap."""
    return replace(made(kind, name, **inputs), urn=f"urn::sluice:bootstrap:Box$x::{name}")


def role(do: str = "sts:AssumeRoleWithWebIdentity", **claims: Any) -> dict[str, Any]:
    equals = {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": SUBJECT, f"{HOST}:ref": "refs/heads/main"}
    equals |= {f"{HOST}:{claim}": value for claim, value in claims.items()}
    who = {"Federated": f"arn:aws:iam::1:oidc-provider/{HOST}"}
    condition = {"StringEquals": {key: value for key, value in equals.items() if value}}
    statement = {"Effect": "Allow", "Principal": who, "Action": do, "Condition": condition}
    return {"assumeRolePolicy": doc(statement)}


def github(condition: str) -> dict[str, Any]:
    issuer = {"issuerUri": f"https://{HOST}"}
    return {"oidc": issuer, "attributeCondition": condition, "project": "p"}


def _right(slip: tuple[Any, str, dict[str, Any]], mended: tuple[Any, str, dict[str, Any]]) -> Example:
    def made_of(right: tuple[Any, str, dict[str, Any]]) -> Resource:
        do, on, more = right
        return deploying(POLICY, policy=doc(allow(do, on, **more)))

    return Example(rule="rights-named-resources", broken=made_of(slip), mended=made_of(mended))


_OWN: Final = {"Condition": {"StringEquals": {"aws:ResourceTag/environment": "prod"}}}
_LIKE: Final = {"Condition": {"StringLike": {"aws:ResourceTag/environment": "*"}}}

EXAMPLES: Final[tuple[Example, ...]] = (
    *(
        pair("access-trust", ROLE, slip, role())
        for slip in (
            role("sts:AssumeRole"),
            role(aud=None),
            role(aud="https://github.com/example"),
            role(sub=None),
            role(sub="repo:example/*"),
            role(sub=[SUBJECT, "repo:example/analytics:*"]),
            role(sub="repo:example/analytics"),
            role(ref=None),
        )
    ),
    *(
        pair("google-way-in", PROVIDER, github(slip), github(f"{NAMED} && {BRANCH}"))
        for slip in (
            "",
            NAMED,
            f"assertion.repository_owner == 'example' && {BRANCH}",
            f"{NAMED} || {BRANCH}",
            f"{NAMED} && {BRANCH} || true",
            f"assertion.repository.startsWith('example/') && {BRANCH}",
        )
    ),
    pair(
        "google-way-in",
        PROVIDER,
        {"oidc": {"issuerUri": "https://gitlab.com"}, "attributeCondition": "true", "project": "p"},
        github(f"assertion.repository_id == '2' && assertion.repository_owner_id == '1' && {BRANCH}"),
    ),
    _right(
        ("kinesis:CreateStream", "arn:aws:kinesis:r:1:stream/*", {}),
        ("kinesis:CreateStream", "arn:aws:kinesis:r:1:stream/sluice-prod-*", {}),
    ),
    _right(
        ("kinesis:CreateStream", "arn:aws:kinesis:r:1:stream/sluice*", {}),
        ("kinesis:CreateStream", "arn:aws:kinesis:r:1:stream/sluice-prod-*", {}),
    ),
    _right(
        ("kms:PutKeyPolicy", "arn:aws:kms:r:1:key/*", _LIKE),
        ("kms:PutKeyPolicy", "arn:aws:kms:r:1:key/*", _OWN),
    ),
    _right(("kms:PutKeyPolicy", "*", {}), ("kms:ListAliases", "*", {})),
    Example(
        rule="rights-named-resources",
        broken=made(POLICY, policy=doc(allow("sns:Unsubscribe", "*"))),
        mended=deploying(POLICY, policy=doc(allow("sns:Unsubscribe", "*"))),
    ),
    Example(
        rule="rights-own-policy",
        broken=deploying(ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
        mended=deploying(ATTACHMENT, policyArn="arn:aws:iam::1:policy/github-sluice-prod-deploy-1"),
        beside=(deploying(POLICY, "box-policy", name="github-sluice-prod-deploy-1"),),
    ),
)
