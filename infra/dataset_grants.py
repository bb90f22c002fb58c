"""Entries in the access list of a BigQuery dataset that exists: added to it, where all others stay.

Whoever declares that dataset elsewhere with its whole list (`access` of google_bigquery_dataset) takes them
out again with the next change there: docs/adoption.md says what to write into that list instead.
"""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra.environment import Environment


class DatasetGrants:
    """Declares entries one after the other: each reads the list, and writes it back with one entry more."""

    def __init__(
        self,
        name: str,
        env: Environment,
        parent: pulumi.Resource,
        *,
        dataset_id: str,
        after: Sequence[pulumi.Resource],
    ) -> None:
        self._name, self._env, self._parent, self._dataset = name, env, parent, dataset_id
        self._before = list(after)

    def views(self, dataset_id: pulumi.Input[str]) -> None:
        """Let all views of another dataset read this one."""
        project = self._env.settings.google_project
        self._after_all_others(
            gcp.bigquery.DatasetAccess(
                f"{self._name}-views",
                project=project,
                dataset_id=self._dataset,
                authorized_dataset=gcp.bigquery.DatasetAccessAuthorizedDatasetArgs(
                    dataset=gcp.bigquery.DatasetAccessAuthorizedDatasetDatasetArgs(
                        project_id=project, dataset_id=dataset_id
                    ),
                    target_types=["VIEWS"],
                ),
                opts=self._options(),
            )
        )

    def writer(self, called: str, role: pulumi.Input[str], writer: pulumi.Input[str]) -> None:
        """Let in whom the federation names: a service account's address, or a principal of the pool.

        The provider takes a principal with `iamMember:` before it, and cannot read it without.
        """
        kind = "serviceAccount" if self._env.settings.federation.mode == "impersonation" else "iamMember"
        self._member(called, role, pulumi.Output.concat(f"{kind}:", writer))

    def reader(self, member: str) -> None:
        """Let a person or a group read."""
        self._member(f"reader-{member}", "roles/bigquery.dataViewer", member)

    def _member(self, called: str, role: pulumi.Input[str], member: pulumi.Input[str]) -> None:
        self._after_all_others(
            gcp.bigquery.DatasetIamMember(
                f"{self._name}-{called}",
                project=self._env.settings.google_project,
                dataset_id=self._dataset,
                role=role,
                member=member,
                opts=self._options(),
            )
        )

    def _options(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self._parent, depends_on=self._before)

    def _after_all_others(self, declared: pulumi.Resource) -> None:
        self._before = [declared]
