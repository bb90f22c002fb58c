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

    def __init__(self, name: str, env: Environment, *, pipeline: Pipeline) -> None:
        super().__init__("sluice:infra:Warehouse", name, None, env.component)
        self._name, self._env = name, env
        self._after: Sequence[pulumi.Resource] = self._apis()
        self.raw = self._dataset("raw", env.names.dataset, "Raw events, one row per delivered record")
        self.views = self._dataset(
            "views", env.names.views_dataset, "Events without duplicates, for analysts"
        )
        self.tables = self._tables(pipeline)
        self._views(pipeline)
        self._analysts()
        self.dataset, self.views_dataset = self.raw.dataset_id, self.views.dataset_id
        self.register_outputs({"dataset": self.dataset, "views_dataset": self.views_dataset})

    def let_write(self, sink: str, principal: pulumi.Input[str]) -> None:
        """Let one principal add rows to the raw tables, and nothing else.

        The grant is an entry of the dataset's access list, as the authorised views are: a DatasetIamMember
        would fight with them over the same list.
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
        gcp.bigquery.DatasetAccess(
            f"{self._name}-{sink}-writes",
            project=settings.google_project,
            dataset_id=self.raw.dataset_id,
            role=role.name,
            iam_member=principal,
            opts=self._env.within(self),
        )

    def _apis(self) -> list[pulumi.Resource]:
        if not self._env.settings.enable_google_apis:
            return []
        return [
            gcp.projects.Service(
                f"{self._name}-api-bigquery",
                project=self._env.settings.google_project,
                service="bigquery.googleapis.com",
                disable_on_destroy=False,
                opts=self._env.within(self),
            )
        ]

    def _dataset(self, part: str, dataset_id: str, description: str) -> gcp.bigquery.Dataset:
        settings = self._env.settings
        return gcp.bigquery.Dataset(
            f"{self._name}-{part}",
            project=settings.google_project,
            dataset_id=dataset_id,
            description=description,
            location=settings.google_location,
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
            "Records that the sink could not take, each once, and why",
            _each_letter_once(project, raw),
        )
        for name, (description, query) in queries.items():
            view = gcp.bigquery.Table(
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
            gcp.bigquery.DatasetAccess(
                f"{self._name}-authorised-{name}",
                project=project,
                dataset_id=self.raw.dataset_id,
                view={"project_id": project, "dataset_id": view.dataset_id, "table_id": view.table_id},
                opts=self._env.within(self),
            )

    def _analysts(self) -> None:
        settings = self._env.settings
        for member in settings.warehouse.analysts:
            slug = member.split(":")[1].split("@")[0]
            gcp.bigquery.DatasetIamMember(
                f"{self._name}-reads-{slug}",
                project=settings.google_project,
                dataset_id=self.views.dataset_id,
                role="roles/bigquery.dataViewer",
                member=member,
                opts=self._env.within(self),
            )
            gcp.projects.IAMMember(
                f"{self._name}-queries-{slug}",
                project=settings.google_project,
                role="roles/bigquery.jobUser",
                member=member,
                opts=self._env.within(self),
            )


def _each_letter_once(project: str, dataset: str) -> str:
    """A view of one row per dead letter: a retried invocation writes the same letter, by its id, again.

    Ranking within the arrival time, which is the same for every copy, lets BigQuery prune partitions.
    """
    columns = ",\n  ".join(f"`{column['name']}`" for column in DEAD_LETTER_SCHEMA)
    return (
        f"SELECT\n  {columns}\nFROM `{project}.{dataset}.{DEAD_LETTER_TABLE}`\nWHERE TRUE\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY `arrived_at`, `id` ORDER BY `failed_at`) = 1"
    )
