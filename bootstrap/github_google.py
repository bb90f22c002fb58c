"""GitHub's way into Google: a pool that lets in one repository, and grants to single kinds of its runs."""

import re
from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_gcp as gcp

from bootstrap.account import Account
from bootstrap.github_aws import MAIN
from bootstrap.place import Place
from infra.names import shortened

ISSUER: Final = "https://token.actions.githubusercontent.com"

LOOKS: Final[Mapping[str, str]] = {
    "roles/bigquery.metadataViewer": "datasets and tables, without what they hold",
    "roles/iam.roleViewer": "the role of those who write",
    "roles/iam.serviceAccountViewer": "accounts that sinks act as",
    "roles/iam.workloadIdentityPoolViewer": "the pool that lets AWS's roles in",
    "roles/iam.securityReviewer": "who may do what",
    "roles/serviceusage.serviceUsageConsumer": "calls that count against the project",
    "roles/serviceusage.serviceUsageViewer": "which APIs are on",
}
"""What a preview looks at, by Google's role."""

CHANGES: Final[Mapping[str, str]] = {
    "roles/bigquery.dataOwner": "datasets, tables, views, and who may read them",
    "roles/bigquery.jobUser": "queries of `sluice audit`",
    "roles/iam.roleAdmin": "the role of those who write",
    "roles/iam.workloadIdentityPoolAdmin": "the pool that lets AWS's roles in",
    "roles/iam.securityReviewer": "who may do what",
    "roles/serviceusage.serviceUsageAdmin": "switching APIs on",
}
"""What a deployment changes (docs/deploy.md says the same of people)."""

_JOBS_ALONE: Final = (
    "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/bigquery.jobUser'])"
)
"""Analysts are allowed to run queries, and nobody is allowed anything else (IAM guide, setting limits on
granting roles, read 2026-11)."""

_POOL_CHARACTERS: Final = 32
"""IAM API, workloadIdentityPools.create."""

_SUBJECT: Final = re.compile(r"repo:([^@/]+)(?:@(\d+))?/([^@/]+)(?:@(\d+))?")


class GitHubOnGoogle(pulumi.ComponentResource):
    """A pool with GitHub as its only provider, and what workflows may do in the project."""

    def __init__(self, name: str, account: Account) -> None:
        super().__init__("sluice:bootstrap:GitHubOnGoogle", name, None, account.component)
        self._name, self._project = name, account.google_project
        within = pulumi.ResourceOptions(parent=self)
        called = shortened(f"github-{account.project.lower()}", _POOL_CHARACTERS)
        pool = gcp.iam.WorkloadIdentityPool(
            f"{name}-pool",
            project=self._project,
            workload_identity_pool_id=called,
            display_name=called,
            description=f"GitHub's workflows that preview and deploy {account.project}",
            opts=within,
        )
        provider = gcp.iam.WorkloadIdentityPoolProvider(
            f"{name}-provider",
            project=self._project,
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="github",
            oidc={"issuer_uri": ISSUER},
            attribute_mapping={"google.subject": "assertion.sub"},
            attribute_condition=_condition(account.settings.github_subject),
            opts=within,
        )
        self.provider = provider.name
        for number, subject in enumerate(account.settings.previews, 1):
            for role in LOOKS:
                self._grant(f"preview-{number}", _member(pool, subject), role)
        for place in account.places:
            self._may_deploy(place, _member(pool, account.settings.subject(place.stack)))
        self.register_outputs({"provider": self.provider})

    def _may_deploy(self, place: Place, member: pulumi.Output[str]) -> None:
        for role in CHANGES:
            self._grant(place.stack, member, role)
        if place.settings.federation.mode == "impersonation":
            self._grant(place.stack, member, "roles/iam.serviceAccountAdmin")
        if place.settings.warehouse.analysts:
            self._grant(place.stack, member, "roles/resourcemanager.projectIamAdmin", only=_JOBS_ALONE)

    def _grant(self, to: str, member: pulumi.Output[str], role: str, *, only: str | None = None) -> None:
        condition = {"title": "queries-alone", "expression": only} if only else None
        gcp.projects.IAMMember(
            f"{self._name}-{to}-{role.rpartition('.')[2]}-{role.partition('/')[2].partition('.')[0]}",
            project=self._project,
            role=role,
            member=member,
            condition=condition,  # type: ignore[arg-type]  # pulumi-gcp has a type for it that is None or whole
            opts=pulumi.ResourceOptions(parent=self),
        )


def _condition(subject: str) -> str:
    """Let in one repository: by its ids where the subject has them, which no later namesake has."""
    found = _SUBJECT.fullmatch(subject)
    owner, owner_id, repository, repository_id = found.groups() if found else ("", "", "", "")
    named = f"assertion.repository == '{owner}/{repository}'"
    if owner_id and repository_id:
        named = (
            f"assertion.repository_id == '{repository_id}' && assertion.repository_owner_id == '{owner_id}'"
        )
    # Whoever may push could name an environment in a workflow of their branch.
    return f"{named} && (assertion.ref == '{MAIN}' || assertion.sub.endsWith(':pull_request'))"


def _member(pool: gcp.iam.WorkloadIdentityPool, subject: str) -> pulumi.Output[str]:
    """Name one kind of run the way Google's grants do."""
    return pulumi.Output.concat("principal://iam.googleapis.com/", pool.name, "/subject/", subject)
