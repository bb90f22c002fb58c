"""Who may do what in a program: all grants of both clouds, each hung on what it is about."""

import re
from collections.abc import Iterator
from typing import Any, Final

from sluice.changes.document import Document, Planned
from sluice.changes.grants import Condition, Grant, grants
from sluice.policies import Resources, kinds
from sluice.policies.resource import document as parsed
from sluice.policies.resource import listed
from sluice.policies.statements import Statement, statements

_AUTHORIZER: Final = "aws:apigatewayv2/authorizer:Authorizer"
_IAM: Final = "aws:iam/"
_GOOGLE: Final = "gcp:"
CUSTOM_ROLE: Final = "gcp:projects/iAMCustomRole:IAMCustomRole"
MEMBER: Final = "gcp:projects/iAMMember:IAMMember"
ACCOUNT_MEMBER: Final = "gcp:serviceaccount/iAMMember:IAMMember"
_ON: Final = ("queueUrl", "bucket", "arn", "resourceArn", "keyId", "domainName", "policyName")
_WHO: Final = ("iamMember", "userByEmail", "groupByEmail", "domain", "specialGroup")
_ROLE: Final = re.compile(r"assertion\.arn\.startsWith\('([^']+)/'\)")
_WAY_IN: Final = re.compile(
    rf"assertion\.account == '\d{{12}}' && (?:{_ROLE.pattern}|\({_ROLE.pattern}(?: \|\| {_ROLE.pattern})*\))"
)
"""The form of a condition whose effect is plain: one account, and some roles of it."""

_VOUCHERS: Final = ("aws", "oidc", "saml", "x509")
"""What says who vouches for those whom a pool's provider lets in: an account, an issuer and its audiences."""

_RANGES: Final = ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId", "prefixListId")


def rights(document: Document) -> list[Grant]:
    """Return all grants of a program."""
    return [
        grant
        for each in document.resources
        for grant in (*_of_documents(each, document), *_of_lambda(each), *_of_google(each))
    ]


def roles(document: Document) -> dict[str, Planned]:
    """Return AWS roles by the name that the cloud knows them by."""
    return {str(each.inputs.get("name")): each for each in document.resources if each.type == kinds.ROLE}


def _of_documents(resource: Planned, document: Document) -> Iterator[Grant]:
    plain = Resources([resource.plain])
    for statement in statements(plain, "rights"):
        role = resource.name if resource.type == kinds.ROLE else _role(resource, document)
        yield from grants(statement, "role", role, role)
    for statement in statements(plain, "trust"):
        yield from grants(statement, "trust", resource.name)
    for statement in statements(plain, "resource"):
        yield from grants(statement, "policy", _about(resource))
    if resource.type == kinds.ROLE:
        for arn in listed(resource.inputs.get("managedPolicyArns")):
            yield _policy(resource.name, str(arn))
    if resource.type.startswith(_IAM) and resource.inputs.get("policyArn"):
        yield _policy(_role(resource, document), str(resource.inputs["policyArn"]))
    if not any(statements(plain)):
        yield from _of_other_documents(resource)


def _of_other_documents(resource: Planned) -> Iterator[Grant]:
    """Yield the grants of a kind that nothing here knows: whatever of its inputs reads as an IAM document."""
    for text in resource.inputs.values():
        for body in listed((parsed(text) or {}).get("Statement")):
            if isinstance(body, dict):
                statement = Statement(of=resource.plain, meant="rights", body=body)
                if {"Principal", "NotPrincipal"} & set(body):
                    yield from grants(statement, "policy", _about(resource))
                else:
                    who = _holder(resource)
                    yield from grants(statement, "role", who, who)


def _holder(resource: Planned) -> str:
    """Return the user or group that a policy belongs to, else the policy's own name."""
    return str(resource.inputs.get("user") or resource.inputs.get("group") or resource.name)


def _role(resource: Planned, document: Document) -> str:
    """Return the program's name of the role that a policy belongs to; a policy of none stands for itself."""
    name = str(resource.inputs.get("role") or "")
    role = roles(document).get(name)
    return role.name if role else name or _holder(resource)


def _policy(role: str, arn: str) -> Grant:
    return Grant(on="role", holder=role, principal=role, action=f"all of the policy {arn}", resource="")


def _about(resource: Planned) -> str:
    """Name what a resource policy lies on: the same whether it stands in the resource or beside it."""
    on = next((str(resource.inputs[key]) for key in _ON if resource.inputs.get(key)), "")
    return on.rpartition("/")[2].rpartition(":")[2] or str(resource.inputs.get("name") or resource.name)


def _of_lambda(resource: Planned) -> Iterator[Grant]:
    """Yield who may invoke functions, and which addresses are reached from where."""
    inputs = resource.inputs
    if resource.type == kinds.PERMISSION:
        yield Grant(
            on="policy",
            holder=str(inputs.get("function")),
            principal=str(inputs.get("principal")),
            action=str(inputs.get("action")),
            resource="",
            condition=_demands(inputs, "sourceArn", "sourceAccount", "principalOrgId", "functionUrlAuthType"),
        )
    elif resource.type in {kinds.API_ROUTE, kinds.FUNCTION_URL}:
        if inputs.get("authorizationType") in {None, "", "NONE"}:
            action = str(inputs.get("routeKey") or "call")
            yield Grant(on="address", holder=resource.name, principal="*", action=action, resource="")
    elif resource.type == _AUTHORIZER:
        jwt = inputs.get("jwtConfiguration") or {}
        for audience in listed(jwt.get("audiences")):
            who = f"tokens of {jwt.get('issuer')} for {audience}"
            yield Grant(on="address", holder=resource.name, principal=who, action="come in", resource="")
    elif resource.type == kinds.SECURITY_GROUP_INGRESS:
        for key in _RANGES:
            if inputs.get(key):
                yield Grant(
                    on="network",
                    holder=str(inputs.get("securityGroupId")),
                    principal=str(inputs[key]),
                    action=f"connect to {_ports(inputs)}",
                    resource="",
                )


def _ports(inputs: dict[str, Any]) -> str:
    protocol = str(inputs.get("ipProtocol", "-1"))
    if protocol == "-1":  # every protocol, and every port whatever else is said (EC2 API, IpPermission)
        return "all ports"
    return f"{protocol} ports {inputs.get('fromPort')}-{inputs.get('toPort')}"


def _demands(inputs: dict[str, Any], *keys: str) -> Condition:
    return frozenset(
        ("stringlike", key.lower(), frozenset({str(inputs[key])})) for key in keys if inputs.get(key)
    )


def _of_google(resource: Planned) -> Iterator[Grant]:
    inputs, name = resource.inputs, resource.name
    if resource.type == CUSTOM_ROLE:
        for permission in listed(inputs.get("permissions")):
            yield Grant(on="role", holder=name, principal=name, action=str(permission), resource="")
    elif resource.type in {MEMBER, ACCOUNT_MEMBER}:
        on = "project" if resource.type == MEMBER else "service account"
        where = str(inputs.get("project" if resource.type == MEMBER else "serviceAccountId"))
        yield _google_grant(on, where, inputs.get("member"), inputs.get("role"), inputs.get("condition"))
    elif resource.type == kinds.BIGQUERY_DATASET:
        for access in listed(inputs.get("accesses")):
            yield from _entry(str(inputs.get("datasetId")), access)
    elif resource.type == kinds.BIGQUERY_ENTRY:
        yield from _entry(str(inputs.get("datasetId")), inputs)
    elif resource.type == kinds.POOL_PROVIDER:
        condition = str(inputs.get("attributeCondition") or "no condition at all")
        for who in _let_in(condition):
            pool = str(inputs.get("workloadIdentityPoolId"))
            yield Grant(on="identity pool", holder=pool, principal=who, action="come in", resource="")
        yield from _vouched(inputs)
    elif resource.type.startswith(_GOOGLE) and inputs.get("role"):
        yield from _of_another_member(resource)


def _vouched(inputs: dict[str, Any]) -> Iterator[Grant]:
    """Yield who vouches for those that come in, and what they are then known as: grants are made to that."""
    pool = str(inputs.get("workloadIdentityPoolId"))
    for key in _VOUCHERS:
        for path, value in _leaves(inputs.get(key) or {}, key):
            who = f"{path} {value}"
            yield Grant(on="identity pool", holder=pool, principal=who, action="come in", resource="")
    for known, value in sorted((inputs.get("attributeMapping") or {}).items()):
        yield Grant(
            on="identity pool's mapping", holder=pool, principal=str(known), action=f"be {value}", resource=""
        )


def _of_another_member(resource: Planned) -> Iterator[Grant]:
    """Yield the grants of members and bindings of any other kind, on whatever they name."""
    inputs = resource.inputs
    said = {"member", "members", "role", "condition"}
    where = " ".join(str(value) for key, value in sorted(inputs.items()) if key not in said)
    for who in (*listed(inputs.get("member")), *listed(inputs.get("members"))):
        yield _google_grant("resource", where, who, inputs["role"], inputs.get("condition"))


def _entry(holder: str, access: dict[str, Any]) -> Iterator[Grant]:
    """Yield one entry of a dataset's list: a member with a role, or views of another dataset."""
    for key in ("dataset", "view", "routine"):
        if access.get(key):
            ids = [str(value) for _, value in sorted(_leaves(access[key]))]
            yield _google_grant("dataset", holder, f"{key} {' '.join(ids)}", "read", None)
    who = next((str(access[key]) for key in _WHO if access.get(key)), None)
    if who:
        yield _google_grant("dataset", holder, who, access.get("role"), access.get("condition"))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    else:
        yield path, str(value)


def _google_grant(on: str, holder: str, who: Any, role: Any, condition: Any) -> Grant:
    said = [("expression", "condition", frozenset({str(condition)}))] if condition else []
    return Grant(
        on=on, holder=holder, principal=str(who), action=str(role), resource="", condition=frozenset(said)
    )


def _let_in(condition: str) -> list[str]:
    """Return the roles that a pool's condition lets in; the condition itself where it has another form."""
    return _ROLE.findall(condition) if _WAY_IN.fullmatch(condition) else [condition]
