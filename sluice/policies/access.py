"""Who may come in: roles trust one service, resources no strangers, and nothing answers the public."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sluice.policies import kinds
from sluice.policies.resource import UNKNOWN, Resource, Resources, listed
from sluice.policies.rule import Finding, Rule
from sluice.policies.statements import Statement, is_named, statements

_SOURCES: Final = frozenset({"aws:sourceaccount", "aws:sourcearn"})
_PASSED: Final = "sends no documented source, and takes a role only from who may pass it in the same account"
"""IAM user guide, passing a role to a service."""

TRUSTED: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "firehose.amazonaws.com": (
        _SOURCES | {"sts:externalid"},
        "sends the account as external id (CloudWatch Logs user guide, subscription filters with Firehose)",
    ),
    "glue.amazonaws.com": (frozenset(), _PASSED),
    "lambda.amazonaws.com": (
        _SOURCES,
        "sends them (Lambda developer guide, working with AWS managed policies in the execution role)",
    ),
}
"""Services that roles trust, and which condition keys say on whose behalf; any other needs the source's."""

_GITHUB: Final = "token.actions.githubusercontent.com"
_SUBJECT: Final = re.compile(
    r"repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?:(environment:[\w.-]+|pull_request|ref:refs/heads/[\w./-]+)"
)
"""What a workflow's token says of itself (GitHub docs, OpenID Connect reference, read 2026-11): with ids for
repositories made after July 2026."""

_SHELL: Final = frozenset({"GET /", "GET /login.json", "GET /static/{proxy+}"})
"""Routes of the report that are the same for everybody, and hold no data."""

_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_EVERYBODY: Final = ("0.0.0.0/0", "::/0")
_RANGES: Final = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
_SENDERS: Final = ("sourceArn", "sourceAccount", "principalOrgId")


def _roles_trust_one_service(resources: Resources) -> Iterator[Finding]:
    for role in resources.of(kinds.ROLE):
        found = list(statements(Resources([role]), "trust"))
        if role.at("assumeRolePolicy") == UNKNOWN:
            continue
        if len(found) != 1 or len(found[0].principals) != 1:
            yield role, "trusts several, or nobody: trust the one service that runs as it"
            continue
        yield from _trust(role, found[0])


def _trust(role: Resource, statement: Statement) -> Iterator[Finding]:
    ((kind, who),) = statement.principals
    if kind == "Federated" and who.endswith(f":oidc-provider/{_GITHUB}"):
        yield from _workflows(role, statement)
        return
    if kind != "Service" or statement.actions != ["sts:AssumeRole"]:
        yield role, f"lets {who} do {', '.join(statement.actions)}: trust one service with sts:AssumeRole"
        return
    needed, _ = TRUSTED.get(who, (_SOURCES, ""))
    if needed and not needed & statement.narrowed:
        yield role, f"trusts {who} for anybody's sake: add a condition on {' or '.join(sorted(needed))}"


def _workflows(role: Resource, statement: Statement) -> Iterator[Finding]:
    """GitHub signs tokens for every repository in the world: which ones come in, the condition alone says."""
    equals = (statement.body.get("Condition") or {}).get("StringEquals", {})
    subjects = [str(each) for each in listed(equals.get(f"{_GITHUB}:sub"))]
    if statement.actions != ["sts:AssumeRoleWithWebIdentity"]:
        yield role, f"lets GitHub do {', '.join(statement.actions)}: allow sts:AssumeRoleWithWebIdentity"
    elif equals.get(f"{_GITHUB}:aud") != "sts.amazonaws.com":
        yield role, f"takes tokens that are meant for others: let {_GITHUB}:aud equal sts.amazonaws.com"
    elif not subjects or not all(_SUBJECT.fullmatch(each) for each in subjects):
        yield (
            role,
            f"trusts other repositories' workflows: let {_GITHUB}:sub equal repo:OWNER/REPO:environment:E",
        )
    elif any(":environment:" in each for each in subjects) and not equals.get(f"{_GITHUB}:ref"):
        yield role, f"trusts any branch that names the environment: let {_GITHUB}:ref equal refs/heads/main"


def _no_strangers(resources: Resources) -> Iterator[Finding]:
    for statement in statements(resources, "resource"):
        if not statement.allows:
            continue
        for kind, who in statement.principals:
            if who == "*":
                yield statement.of, f"{statement.called} lets everybody in: name the roles"
            elif kind == "Service" and not _on_behalf(statement):
                words = "add a condition on aws:SourceAccount or aws:SourceArn"
                yield statement.of, f"{statement.called} lets {who} in for anybody's sake: {words}"
        if "NotPrincipal" in statement.body:
            yield statement.of, f"{statement.called} lets all but some in (NotPrincipal): name the roles"


def _on_behalf(statement: Statement) -> bool:
    keys = statement.narrowed
    of_key = {"kms:viaservice", "kms:calleraccount"}
    return bool(keys & (_SOURCES | of_key)) or any(key.startswith("kms:encryptioncontext:") for key in keys)


def _invoked_by_name(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.PERMISSION):
        if each.at("principal") == "*":
            yield each, "lets everybody invoke the function: name the service"
        elif not any(is_named(str(each.at(key) or "*")) for key in _SENDERS):
            yield each, f"lets {each.at('principal')} invoke for anybody's sake: set source_arn"
        if each.at("functionUrlAuthType") == "NONE":
            yield each, "opens a function URL to everybody: set it to AWS_IAM"


def _addresses_ask_who(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.FUNCTION_URL):
        if each.differs("AWS_IAM", "authorizationType"):
            yield each, "answers everybody: set authorization_type to AWS_IAM"
    for each in resources.of(kinds.API_ROUTE):
        open_ = each.at("authorizationType") in (None, "", "NONE")
        if open_ and each.at("routeKey") not in {*_SHELL, UNKNOWN}:
            yield each, f"{each.at('routeKey')} answers without a token: add the authorizer"


def _buckets_are_closed(resources: Resources) -> Iterator[Finding]:
    for bucket in resources.of(kinds.BUCKET):
        blocks = list(resources.beside(bucket, kinds.PUBLIC_ACCESS_BLOCK, by="bucket", key="bucket"))
        lacking = [key for key in _BLOCKS if not blocks or blocks[0].off(key)]
        if lacking:
            yield (
                bucket,
                f"may be opened to the public: declare a public access block with {', '.join(lacking)}",
            )


def _networks_are_closed(resources: Resources) -> Iterator[Finding]:
    for each, opening, inward in _openings(resources):
        if inward and any(one in _EVERYBODY for key in _RANGES for one in listed(opening.get(key))):
            yield each, "lets the whole internet in: name a security group or your own network"
        if not {opening.get("fromPort"), opening.get("toPort")} <= {443, UNKNOWN}:
            yield each, "opens other ports than 443: only HTTPS is spoken here"


def _openings(resources: Resources) -> Iterator[tuple[Resource, Mapping[str, Any], bool]]:
    """Yield what opens a network, in each of the forms that Pulumi has, and whether it does so inwards."""
    for each in resources.of(kinds.SECURITY_GROUP_INGRESS, kinds.SECURITY_GROUP_EGRESS):
        yield each, each.inputs, each.type == kinds.SECURITY_GROUP_INGRESS
    for each in resources.of(kinds.SECURITY_GROUP_RULE):
        yield each, each.inputs, each.at("type") != "egress"
    for each in resources.of(kinds.SECURITY_GROUP):
        for way in ("ingress", "egress"):
            for opening in listed(each.at(way)):
                if isinstance(opening, Mapping):
                    yield each, opening, way == "ingress"


def _domains_know_their_callers(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.DOMAIN):
        if each.lacks("accessPolicies"):
            yield each, "has no access policy: name the roles that may come in"
        if each.off("advancedSecurityOptions", "enabled"):
            yield each, "has no fine-grained access control: enable advanced_security_options"


RULES: Final = (
    Rule(
        id="access-trust",
        demands="A role is trusted to one service on behalf of this account, or to named workflows of GitHub",
        reason="whoever else may take the role has all its rights",
        check=_roles_trust_one_service,
    ),
    Rule(
        id="access-no-strangers",
        demands="Policies of queues, buckets, topics, keys, logs and domains let in named callers only",
        reason="a service that is let in for anybody's sake works for a stranger's account too",
        check=_no_strangers,
    ),
    Rule(
        id="access-invoked-by-name",
        demands="A function is invoked by services on behalf of one source",
        reason="an event that anybody can send would be counted",
        check=_invoked_by_name,
    ),
    Rule(
        id="access-authenticated",
        demands="Addresses ask who calls before they show data",
        reason="a report page is for its readers",
        check=_addresses_ask_who,
    ),
    Rule(
        id="access-buckets-closed",
        demands="Buckets refuse public access in all four ways",
        reason="one wrong policy later would open payloads to everybody",
        check=_buckets_are_closed,
    ),
    Rule(
        id="access-networks-closed",
        demands="Networks let nobody in from the internet, and speak HTTPS alone",
        reason="what listens inside was never meant for strangers",
        check=_networks_are_closed,
    ),
    Rule(
        id="access-domains",
        demands="OpenSearch domains name who may come in, and what each may do there",
        reason="a domain without them answers whoever reaches it",
        check=_domains_know_their_callers,
    ),
)
