"""Entries in the access list of a BigQuery dataset; in that of one that exists, where all others stay.

`DatasetAccess` declares a single entry there. `DatasetIamMember` cannot be used beside it, and takes
authorised views out of the list: so its documentation (pulumi-gcp 10.2), though today's code puts them back.

Whoever declares that dataset elsewhere with its whole list (`access` of google_bigquery_dataset) takes them
out again with the next change there: docs/adoption.md says what to write into that list instead.
"""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.environment import Environment


def writing(env: Environment, role: pulumi.Input[str], writer: pulumi.Input[str]) -> dict[str, Any]:
    """Let in whom the federation names: BigQuery keeps accounts by their address, principals as IAM does."""
    key = "user_by_email" if env.settings.federation.mode == "impersonation" else "iam_member"
    return {"role": role, key: writer}


def reading(member: str) -> dict[str, Any]:
    """Let in what IAM calls user:, group: and so on, with the role as an access list keeps it."""
    kind, _, address = member.partition(":")
    keys = {"group": "group_by_email", "domain": "domain"}
    return {"role": "READER", keys.get(kind, "user_by_email"): address}


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
        authorized = gcp.bigquery.DatasetAccessAuthorizedDatasetArgs(
            dataset=gcp.bigquery.DatasetAccessAuthorizedDatasetDatasetArgs(
                project_id=self._env.settings.google_project, dataset_id=dataset_id
            ),
            target_types=["VIEWS"],
        )
        self._entry("views", authorized_dataset=authorized)

    def writer(self, called: str, role: pulumi.Input[str], writer: pulumi.Input[str]) -> None:
        """Let in whom the federation names: a service account's address, or a principal of the pool."""
        self._entry(called, **writing(self._env, role, writer))

    def reader(self, member: str) -> None:
        """Let a person or a group read."""
        self._entry(f"reader-{member}", **reading(member))

    def _entry(self, called: str, **entry: Any) -> None:
        declared = gcp.bigquery.DatasetAccess(
            f"{self._name}-{called}",
            project=self._env.settings.google_project,
            dataset_id=self._dataset,
            **entry,
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=self._before),
        )
        self._before = [declared]
