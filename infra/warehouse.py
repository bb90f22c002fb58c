"""BigQuery: raw tables that only the sink writes, and views without duplicates that analysts read.

A change of the contract never replaces a table and never drops a column: `sluice contract check` refuses what
BigQuery or its provider could not do in place, retired fields stay as nullable columns of the contract, and
`ignore_auto_generated_schema` keeps the provider from dropping what it did not declare.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.environment import Environment
from sluice.contract.bigquery import DEAD_LETTER_SCHEMA, DEAD_LETTER_TABLE, raw_view_sql
from sluice.pipeline import Pipeline

_DAY_MILLISECONDS = 86_400_000
_WRITER_PERMISSIONS = ("bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.updateData")


class Warehouse(pulumi.ComponentResource):
    """The raw dataset with a table per event type, and the analysts' dataset of views."""

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        pipeline: Pipeline,
        writers: Sequence[pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        """Declare the datasets; `writers` are the principals that may add rows to the raw tables."""
        super().__init__("sluice:infra:Warehouse", name, None, env.component)
        self._name, self._env, self._after = name, env, after
        self.views = self._dataset(
            "views", env.names.views_dataset, "Events without duplicates, for analysts", self._readers()
        )
        self.raw = self._dataset(
            "raw", env.names.dataset, "Raw events, one row per delivered record", self._writers(writers)
        )
        self.tables = self._tables(pipeline)
        self._views(pipeline)
        self.dataset, self.views_dataset = self.raw.dataset_id, self.views.dataset_id
        self.register_outputs({"dataset": self.dataset, "views_dataset": self.views_dataset})

    def _writers(self, writers: Sequence[pulumi.Input[str]]) -> list[gcp.bigquery.DatasetAccessArgs]:
        """Let the sinks add rows, and the views read; nobody else is let into the raw tables.

        The views are authorised by their dataset: an entry for a single view is void as soon as that view
        changes, which every new column makes it do.
        """
        settings = self._env.settings
        role = gcp.projects.IAMCustomRole(
            f"{self._name}-writer-role",
            project=settings.google_project,
            role_id=self._env.names.writer_role,
            title=f"{self._env.names.prefix} sink writer",
            description="Adds rows to existing tables; cannot read, create, change or delete them",
            permissions=list(_WRITER_PERMISSIONS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after),
        )
        views = gcp.bigquery.DatasetAccessDatasetArgs(
            dataset=gcp.bigquery.DatasetAccessDatasetDatasetArgs(
                project_id=settings.google_project, dataset_id=self.views.dataset_id
            ),
            target_types=["VIEWS"],
        )
        return [
            gcp.bigquery.DatasetAccessArgs(dataset=views),
            *(gcp.bigquery.DatasetAccessArgs(role=role.name, iam_member=writer) for writer in writers),
        ]

    def _readers(self) -> list[gcp.bigquery.DatasetAccessArgs]:
        """Let the analysts read the views, and run queries in the project."""
        settings = self._env.settings
        for member in settings.warehouse.analysts:
            gcp.projects.IAMMember(
                f"{self._name}-queries-{member}",
                project=settings.google_project,
                role="roles/bigquery.jobUser",
                member=_as_google_keeps_it(member),
                opts=self._env.within(self),
            )
        return [_reader(_as_google_keeps_it(member)) for member in settings.warehouse.analysts]

    def _dataset(
        self, part: str, dataset_id: str, description: str, accesses: list[gcp.bigquery.DatasetAccessArgs]
    ) -> gcp.bigquery.Dataset:
        """Declare a dataset with its whole access list.

        Whole, because the provider writes the list with every change of the dataset: entries declared as
        resources of their own would be lost with the next new description. A list needs an owner, and
        without the entries that Google would add, viewers and editors of the project are not let in.
        """
        settings = self._env.settings
        owners = gcp.bigquery.DatasetAccessArgs(role="OWNER", special_group="projectOwners")
        return gcp.bigquery.Dataset(
            f"{self._name}-{part}",
            project=settings.google_project,
            dataset_id=dataset_id,
            description=description,
            location=settings.google_location,
            accesses=[owners, *accesses],
            delete_contents_on_destroy=not settings.protect,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after, protect=settings.protect),
        )

    def _tables(self, pipeline: Pipeline) -> dict[str, gcp.bigquery.Table]:
        tables = {}
        for event_type in pipeline.contract.types.values():
            tables[event_type.table] = self._table(
                event_type.table,
                description=event_type.description,
                schema=event_type.schema,
                partition=(event_type.time_column, event_type.partition),
                clusterings=event_type.cluster,
                require_filter=self._env.settings.warehouse.require_partition_filter,
            )
        tables[DEAD_LETTER_TABLE] = self._table(
            DEAD_LETTER_TABLE,
            description="Records that the sink could not take, and why; the queue holds the payloads",
            schema=DEAD_LETTER_SCHEMA,
            partition=("arrived_at", "DAY"),
            clusterings=("kind",),
            require_filter=False,
        )
        return tables

    def _table(
        self,
        table_id: str,
        *,
        description: str,
        schema: Sequence[Mapping[str, Any]],
        partition: tuple[str, str],
        clusterings: Sequence[str],
        require_filter: bool,
    ) -> gcp.bigquery.Table:
        settings = self._env.settings
        days = settings.warehouse.partition_days
        return gcp.bigquery.Table(
            f"{self._name}-table-{table_id}",
            project=settings.google_project,
            dataset_id=self.raw.dataset_id,
            table_id=table_id,
            description=description,
            schema=json.dumps(list(schema)),
            time_partitioning=gcp.bigquery.TableTimePartitioningArgs(
                type=partition[1],
                field=partition[0],
                expiration_ms=days * _DAY_MILLISECONDS if days else None,
            ),
            clusterings=list(clusterings) or None,
            require_partition_filter=require_filter,
            ignore_auto_generated_schema=True,
            deletion_protection=settings.protect,
            opts=self._env.keeping(self),
        )

    def _views(self, pipeline: Pipeline) -> None:
        project = self._env.settings.google_project
        raw = self._env.names.dataset
        queries = {
            event_type.table: (event_type.description, raw_view_sql(event_type, project, raw))
            for event_type in pipeline.contract.types.values()
        }
        queries[DEAD_LETTER_TABLE] = (
            "Records that the sink could not take and no redrive has placed since, each once, and why",
            _each_letter_once(project, raw),
        )
        for name, (description, query) in queries.items():
            gcp.bigquery.Table(
                f"{self._name}-view-{name}",
                project=project,
                dataset_id=self.views.dataset_id,
                table_id=name,
                description=description,
                view={"query": query, "use_legacy_sql": False},
                # A view holds no data; and a protected one could not be renamed with its event.
                deletion_protection=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.tables[name]]),
            )


def _as_google_keeps_it(member: str) -> str:
    """Write an address in small letters, as Google answers it: else every update would see a change."""
    kind, _, address = member.partition(":")
    return f"{kind}:{address.lower()}"


def _reader(member: str) -> gcp.bigquery.DatasetAccessArgs:
    """Write what IAM calls user:, group: and so on the way an access list does."""
    kind, _, address = member.partition(":")
    return gcp.bigquery.DatasetAccessArgs(
        role="READER",
        user_by_email=address if kind in {"user", "serviceAccount"} else None,
        group_by_email=address if kind == "group" else None,
        domain=address if kind == "domain" else None,
    )


def _each_letter_once(project: str, dataset: str) -> str:
    """A view of one row per dead letter that still is one: the newest of each id, unless a redrive placed it.

    A retried invocation writes the same letter again. Ranking within the arrival time, which is the same for
    every copy, lets BigQuery prune partitions.
    """
    columns = ",\n  ".join(f"`{column['name']}`" for column in DEAD_LETTER_SCHEMA)
    return (
        f"SELECT\n  {columns}\nFROM `{project}.{dataset}.{DEAD_LETTER_TABLE}`\nWHERE TRUE\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY `arrived_at`, `id` ORDER BY `failed_at` DESC) = 1\n"
        "  AND `kind` != 'redriven'"
    )
