"""BigQuery: raw tables that only the sink writes, and views without duplicates that analysts read.

A change of the contract never replaces a table and never drops a column: `sluice contract check` refuses what
BigQuery or its provider could not do in place, retired fields stay as nullable columns of the contract, and
`ignore_auto_generated_schema` keeps the provider from dropping what it did not declare.
"""

import json
from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra.dataset_grants import DatasetGrants, reading, writing
from infra.environment import Environment
from infra.warehouse_tables import RawTable, View, raw_tables, views
from sluice.pipeline import Pipeline

_DAY_MILLISECONDS = 86_400_000
_WRITER_PERMISSIONS = ("bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.updateData")


class Warehouse(pulumi.ComponentResource):
    """The raw dataset with a table per event type, and the analysts' dataset of views.

    Either dataset may exist already, and so may raw tables: of a dataset that exists nothing is declared but
    entries in its access list, of such a table nothing at all.
    """

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        pipeline: Pipeline,
        writers: Sequence[pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        """Declare the datasets; `writers`, as the federation names them, may add rows to the raw tables."""
        super().__init__("sluice:infra:Warehouse", name, None, env.holding)
        self._name, self._env, self._after = name, env, after
        self.views_dataset = self._views()
        self.dataset = self._raw(writers)
        settings = env.settings
        self.tables = {
            table.name: self._table(table)
            for table in raw_tables(pipeline, settings.warehouse)
            if table.name not in settings.adopted.tables
        }
        for view in views(pipeline, settings, env.names.dataset):
            self._view(view)
        self.register_outputs({"dataset": self.dataset, "views_dataset": self.views_dataset})

    def _views(self) -> pulumi.Output[str]:
        """Let the analysts read the views, and run queries in the project."""
        env = self._env
        analysts = [_as_google_keeps_it(member) for member in env.settings.warehouse.analysts]
        for given, member in zip(env.settings.warehouse.analysts, analysts, strict=True):
            gcp.projects.IAMMember(
                f"{self._name}-queries-{given}",
                project=env.settings.google_project,
                role="roles/bigquery.jobUser",
                member=member,
                opts=env.within(self),
            )
        if env.settings.adopted.views_dataset:
            grants = self._grants("views", env.names.views_dataset)
            for member in analysts:
                grants.reader(member)
            return pulumi.Output.from_input(env.names.views_dataset)
        return self._dataset(
            "views",
            env.names.views_dataset,
            "Events without duplicates, for analysts",
            [gcp.bigquery.DatasetAccessArgs(**reading(member)) for member in analysts],
        )

    def _raw(self, writers: Sequence[pulumi.Input[str]]) -> pulumi.Output[str]:
        """Let the sinks add rows, and the views read; nobody else is let into the raw tables.

        The views are authorised by their dataset: an entry for a single view is void as soon as that view
        changes, which every new column makes it do.
        """
        env = self._env
        role = gcp.projects.IAMCustomRole(
            f"{self._name}-writer-role",
            project=env.settings.google_project,
            role_id=env.names.writer_role,
            title=f"{env.names.prefix} sink writer",
            description="Adds rows to existing tables; cannot read, create, change or delete them",
            permissions=list(_WRITER_PERMISSIONS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after),
        )
        self.writer_role = role.name
        if env.settings.adopted.dataset:
            grants = self._grants("raw", env.names.dataset)
            grants.views(self.views_dataset)
            for number, writer in enumerate(writers):
                grants.writer(f"writer-{number}", role.name, writer)
            return pulumi.Output.from_input(env.names.dataset)
        views = gcp.bigquery.DatasetAccessDatasetArgs(
            dataset=gcp.bigquery.DatasetAccessDatasetDatasetArgs(
                project_id=env.settings.google_project, dataset_id=self.views_dataset
            ),
            target_types=["VIEWS"],
        )
        return self._dataset(
            "raw",
            env.names.dataset,
            "Raw events, one row per delivered record",
            [
                gcp.bigquery.DatasetAccessArgs(dataset=views),
                *(gcp.bigquery.DatasetAccessArgs(**writing(env, role.name, each)) for each in writers),
            ],
        )

    def _grants(self, part: str, dataset_id: str) -> DatasetGrants:
        return DatasetGrants(
            f"{self._name}-{part}", self._env, self, dataset_id=dataset_id, after=self._after
        )

    def _dataset(
        self, part: str, dataset_id: str, description: str, accesses: list[gcp.bigquery.DatasetAccessArgs]
    ) -> pulumi.Output[str]:
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
        ).dataset_id

    def _table(self, table: RawTable) -> gcp.bigquery.Table:
        settings = self._env.settings
        return gcp.bigquery.Table(
            f"{self._name}-table-{table.name}",
            project=settings.google_project,
            dataset_id=self.dataset,
            table_id=table.name,
            description=table.description,
            schema=json.dumps(list(table.schema)),
            time_partitioning=gcp.bigquery.TableTimePartitioningArgs(
                type=table.partition[1],
                field=table.partition[0],
                expiration_ms=table.days * _DAY_MILLISECONDS if table.days else None,
            ),
            clusterings=list(table.cluster) or None,
            require_partition_filter=table.require_filter,
            ignore_auto_generated_schema=True,
            deletion_protection=settings.protect,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._after, protect=settings.protect),
        )

    def _view(self, view: View) -> None:
        reads = [self.tables[name] for name in view.reads if name in self.tables]
        gcp.bigquery.Table(
            f"{self._name}-view-{view.name}",
            project=self._env.settings.google_project,
            dataset_id=self.views_dataset,
            table_id=view.name,
            description=view.description,
            view={"query": view.query, "use_legacy_sql": False},
            # A view holds no data; and a protected one could not be renamed with its event or metric.
            deletion_protection=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*reads, *self._after]),
        )


def _as_google_keeps_it(member: str) -> str:
    """Write an address in small letters, as Google answers it: else every update would see a change."""
    kind, _, address = member.partition(":")
    return f"{kind}:{address.lower()}"
