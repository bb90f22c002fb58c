"""GitHub's way into AWS: for each environment a role that looks, for pull requests, and one that deploys.

A workflow's token says which repository it runs for, and for which environment or event; the roles' trust
names those, and nothing else in the world may take them. Whoever may push could name an environment in a
workflow of a branch of theirs: so a deployment has to be the main branch's, too. No key is made.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from bootstrap.account import Account
from bootstrap.boundary import boundary
from bootstrap.place import Place
from bootstrap.rights import deploying, previewing
from bootstrap.state import State
from infra.policy import VERSION, document

HOST: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
MAIN: Final = "refs/heads/main"
"""The branch that is deployed."""

POLICY_CHARACTERS: Final = 6144
"""A managed policy without its whitespace (IAM user guide, quotas); a role takes ten."""

_ROOM: Final = 5900
_SESSION_SECONDS: Final = {"preview": 3600, "deploy": 2 * 3600}
"""How long a role may be had at once: a search domain takes up to half an hour to be made."""


class GitHubOnAws(pulumi.ComponentResource):
    """GitHub as an identity provider, and the roles that its workflows take."""

    def __init__(self, name: str, account: Account, state: State) -> None:
        super().__init__("sluice:bootstrap:GitHubOnAws", name, None, account.component)
        self._name, self._account = name, account
        self._within = pulumi.ResourceOptions(parent=self)
        self.provider: pulumi.Input[str] = (
            f"arn:{account.partition}:iam::{account.number}:oidc-provider/{HOST}"
        )
        if account.settings.github_provider:
            self.provider = aws.iam.OpenIdConnectProvider(
                f"{name}-provider", url=f"https://{HOST}", client_id_lists=[AUDIENCE], opts=self._within
            ).arn
        self.roles: dict[tuple[str, str], pulumi.Output[str]] = {}
        for place in account.places:
            self._bound(place)
            looks = [*state.statements(place, change=False), *previewing(place)]
            changes = [*state.statements(place, change=True), *deploying(place)]
            self._role(place, "preview", account.settings.previews, looks)
            self._role(place, "deploy", [account.settings.subject(place.stack)], changes)
        self.register_outputs({})

    def _bound(self, place: Place) -> None:
        """Declare the boundary of the roles that deployments make, unless the settings name another."""
        if place.settings.roles.permission_boundary_arn is None:
            pulumi.log.warn(
                f"Pulumi.{place.stack}.yaml names no boundary: GitHub's deployments may make no role until"
                f" {place.project}:roles has permission_boundary_arn: {place.boundary}"
            )
        own = f"github-{place.prefix}-boundary"
        if not place.boundary.endswith(f"/{own}"):
            return
        aws.iam.Policy(
            f"{self._name}-{place.stack}-boundary",
            name=own,
            description=f"What roles of {place.prefix} may do at most",
            policy=json.dumps(
                {"Version": VERSION, "Statement": boundary(place, self._account.settings.reach)}
            ),
            opts=self._within,
        )

    def _role(
        self, place: Place, duty: str, subjects: Sequence[str], statements: Sequence[dict[str, Any]]
    ) -> None:
        called, name = f"github-{place.prefix}-{duty}", f"{self._name}-{place.stack}-{duty}"
        role = aws.iam.Role(
            f"{name}-role",
            name=called,
            description=f"GitHub's workflows that {duty} {place.prefix}",
            max_session_duration=_SESSION_SECONDS[duty],
            assume_role_policy=pulumi.Output.from_input(self.provider).apply(
                lambda provider: _trust(provider, subjects, of_main=duty == "deploy")
            ),
            opts=self._within,
        )
        for number, part in enumerate(parts(statements), 1):
            policy = aws.iam.Policy(
                f"{name}-policy-{number}",
                name=f"{called}-{number}",
                description=f"What GitHub's workflows may do that {duty} {place.prefix}, part {number}",
                policy=document(part),
                opts=self._within,
            )
            aws.iam.RolePolicyAttachment(
                f"{name}-attached-{number}", role=role.name, policy_arn=policy.arn, opts=self._within
            )
        self.roles[place.stack, duty] = role.arn


def _trust(provider: str, subjects: Sequence[str], *, of_main: bool) -> str:
    """Let workflows take a role whose tokens are for AWS and say that they are one of these subjects.

    STS looks at GitHub's claim `ref` since January 2026 (AWS, what's new: STS supports validation of identity
    provider claims).
    """
    equals: dict[str, Any] = {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": list(subjects)}
    if of_main:
        equals[f"{HOST}:ref"] = MAIN
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equals},
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]})


def parts(statements: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Divide statements among as few policies as IAM's limit on their length lets."""
    part: list[dict[str, Any]] = []
    for each in statements:
        if part and length([*part, each]) > _ROOM:
            yield part
            part = []
        part.append(each)
    yield part


def length(statements: Sequence[dict[str, Any]]) -> int:
    """Count characters; an ARN that is not known yet counts as a long one."""

    def shown(_: Any) -> str:
        return "x" * 100

    return len(
        json.dumps({"Version": VERSION, "Statement": list(statements)}, default=shown, separators=(",", ":"))
    )
