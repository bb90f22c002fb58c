"""Google's side: named members, narrow roles, and one way in for exactly the roles that write."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sluice.policies import kinds
from sluice.policies.resource import UNKNOWN, Resource, Resources, listed
from sluice.policies.rule import Finding, Rule

_EVERYBODY: Final = re.compile(r'(?:^|iamMember:|")(allUsers|allAuthenticatedUsers)(?:$|")')
"""Alone, or in the JSON of a whole policy."""
_BASIC: Final = frozenset({"roles/owner", "roles/editor", "roles/viewer", "roles/browser"})
_QUOTED: Final = re.compile(r'"(roles/\w+)"')
_CHANGING: Final = frozenset(
    {"WRITER", "roles/bigquery.dataEditor", "roles/bigquery.dataOwner", "roles/bigquery.admin"}
)
"""What lets somebody change or delete all of a dataset, by BigQuery's old names and by IAM's."""

_OWNERS: Final = "projectOwners"
_ARN_OF_ROLE: Final = re.compile(r"arn:aws[a-z-]*:sts::\d{12}:assumed-role/([\w+=,.@-]+)")
_WHO: Final = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember")
_POOL_MEMBER: Final = "principalSet://"
_GITHUB: Final = "https://token.actions.githubusercontent.com"
_REPOSITORY: Final = re.compile(
    r"(?:assertion\.repository == '[\w.-]+/[\w.-]+'"
    r"|assertion\.repository_id == '\d+' && assertion\.repository_owner_id == '\d+')"
    r" && \(assertion\.ref == 'refs/heads/[\w./-]+' \|\| assertion\.sub\.endsWith\(':pull_request'\)\)"
)
_GRANTING: Final = ("setIamPolicy", "actAs", "getAccessToken", "signBlob", "signJwt")
"""Endings of permissions with which more can be had than they say."""


def _nobody_unnamed(resources: Resources) -> Iterator[Finding]:
    for each in _google(resources):
        for path, text in each.texts():
            if found := _EVERYBODY.search(text):
                yield each, f"{path} lets {found[1]} in: name a group, a user or a service account"


def _narrow_roles(resources: Resources) -> Iterator[Finding]:
    for each in _google(resources):
        for _, text in each.texts():
            for basic in _BASIC & {text, *_QUOTED.findall(text)}:
                yield each, f"grants {basic}: grant the narrowest role that does"
    for each in resources.of(kinds.BIGQUERY_DATASET):
        for access in listed(each.at("accesses")):
            if isinstance(access, dict):
                yield from _dataset_access(each, access)
    for each in resources.of(kinds.BIGQUERY_ENTRY):
        yield from _dataset_access(each, each.inputs)


def _dataset_access(dataset: Resource, access: Mapping[str, Any]) -> Iterator[Finding]:
    role, group = access.get("role"), access.get("specialGroup")
    if role in _CHANGING or (role == "OWNER" and group != _OWNERS):
        yield dataset, f"lets {_who(access)} change everything in it as {role}: grant a role of its own"
    elif group and group != _OWNERS:
        yield dataset, f"lets every {group} of the project in: name the group of analysts"


def _custom_roles_grant_nothing(resources: Resources) -> Iterator[Finding]:
    for each in resources.of("gcp:projects/iAMCustomRole:IAMCustomRole"):
        for permission in listed(each.at("permissions")):
            if "*" in str(permission) or str(permission).endswith(_GRANTING):
                yield each, f"has {permission}, with which it could have more: drop it"


def _the_way_in_is_narrow(resources: Resources) -> Iterator[Finding]:
    for each in resources.of(kinds.POOL_PROVIDER):
        condition, account = each.at("attributeCondition"), each.at("aws", "accountId")
        if each.at("oidc", "issuerUri") in {_GITHUB, UNKNOWN}:
            if condition != UNKNOWN and not _REPOSITORY.fullmatch(str(condition or "")):
                yield each, "lets others in: name one repository and one branch, or pull requests alone"
            continue
        if each.lacks("aws"):
            yield each, "lets in neither functions nor workflows: make it an AWS provider, or GitHub's"
            continue
        if UNKNOWN in {condition, account}:
            continue
        if not re.fullmatch(_letting_in(str(account)), str(condition or "")):
            one = f"assertion.arn.startsWith('arn:aws:sts::{account}:assumed-role/ROLE/')"
            words = f"let attribute_condition be assertion.account == '{account}' && ({one} || ...)"
            yield each, f"may let in others than the roles that write: {words}"


def _letting_in(account: str) -> str:
    """Write the form of the condition whose effect is plain: the account, and one of some roles."""
    account = re.escape(account)
    role = rf"assertion\.arn\.startsWith\('arn:aws[a-z-]*:sts::{account}:assumed-role/[\w+=,.@-]+/'\)"
    return rf"assertion\.account == '{account}' && (?:{role}|\({role}(?: \|\| {role})*\))"


def _grants_name_roles(resources: Resources) -> Iterator[Finding]:
    conditions = [str(each.at("attributeCondition")) for each in resources.of(kinds.POOL_PROVIDER)]
    let_in = {role for text in conditions for role in _ARN_OF_ROLE.findall(text)}
    for each in _google(resources):
        for path, text in each.texts():
            if _POOL_MEMBER not in text or UNKNOWN in text:
                continue
            named = _ARN_OF_ROLE.search(text) if "/attribute.aws_role/" in text else None
            if named is None:
                yield each, f"{path} grants to more of the pool than a role: grant to attribute.aws_role"
            elif conditions and UNKNOWN not in conditions and named[1] not in let_in:
                yield (
                    each,
                    f"{path} grants to {named[1]}, whom the condition keeps out: name a role that writes",
                )


def _google(resources: Resources) -> Iterator[Resource]:
    return (each for each in resources.created if each.cloud == "gcp")


def _who(access: Mapping[str, Any]) -> str:
    return str(next((access[key] for key in _WHO if access.get(key)), "somebody"))


RULES: Final = (
    Rule(
        id="google-no-public",
        demands="Nothing on Google's side is granted to allUsers or allAuthenticatedUsers",
        reason="the second one is everybody with a Google account",
        check=_nobody_unnamed,
    ),
    Rule(
        id="google-narrow-roles",
        demands="No basic role is granted; a dataset's owners are its project's, and its readers are named",
        reason="basic roles reach every service of the project",
        check=_narrow_roles,
    ),
    Rule(
        id="google-custom-roles",
        demands="Custom roles have named permissions, and none that grants others",
        reason="a role that may grant is every role",
        check=_custom_roles_grant_nothing,
    ),
    Rule(
        id="google-way-in",
        demands="An identity pool lets in the roles that write, of one account, or one repository on GitHub",
        reason="without a condition any AWS account in the world may ask",
        check=_the_way_in_is_narrow,
    ),
    Rule(
        id="google-exact-grants",
        demands="Grants to the pool name one role each, and one that its condition lets in",
        reason="a grant to the pool is a grant to whoever is let into it later",
        check=_grants_name_roles,
    ),
)
