"""The lake: Iceberg tables in S3, in Glue's catalogue, and the views over them that analysts query."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.keys import key_rights
from infra.lake_bucket import RESULTS, TABLES, LakeBucket
from infra.lake_tables import table_input, view_input
from infra.policy import allow, document, sibling, trust
from infra.role import role
from infra.stream import Stream
from sluice.contract import iceberg
from sluice.contract.contract import EventType
from sluice.pipeline import Pipeline

_GIB = 2**30
_ENGINE = "Athena engine version 3"


class Lake(pulumi.ComponentResource):
    """Two databases, a table and a view per event type, and the workgroup that the views are queried in."""

    def __init__(
        self, name: str, env: Environment, *, pipeline: Pipeline, bucket: LakeBucket, stream: Stream
    ) -> None:
        super().__init__("sluice:infra:Lake", name, None, env.component)
        self._resource, self._env, self._bucket, self._stream = name, env, bucket, stream
        self._kinds = list(pipeline.contract.types.values())
        self.database = self._database(
            "raw", env.names.lake_database, "Raw events, one row per delivered record"
        )
        self.views_database = self._database(
            "views", env.names.lake_views, "Events without duplicates, for analysts"
        )
        self.tables = {kind.name: self._table(kind) for kind in self._kinds}
        self.workgroup = self._workgroup()
        self.reader = self._reader()
        if env.settings.lake.optimize:
            self._optimize()
        self.outputs: dict[str, pulumi.Input[Any]] = {
            "bucket": bucket.bucket,
            "database": self.database.name,
            "views_database": self.views_database.name,
            "workgroup": self.workgroup.name,
            "reader_policy": self.reader.arn,
        }
        self.register_outputs(self.outputs)

    def declare_views(self, after: Sequence[pulumi.Resource]) -> None:
        """Declare the views, after whatever brings the tables up to date."""
        names = self._env.names
        for kind in self._kinds:
            aws.glue.CatalogTable(
                f"{self._resource}-view-{iceberg.table_name(kind)}",
                name=iceberg.table_name(kind),
                database_name=self.views_database.name,
                description=_short(kind.description),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.tables[kind.name], *after]),
                **view_input(kind, database=names.lake_database, views_database=names.lake_views),
            )

    def arns(self, *databases: str) -> list[pulumi.Output[str]]:
        """The catalogue, these databases, and all that is in them: what rights on a table are asked of."""
        glue = (
            "catalog",
            *(f"database/{each}" for each in databases),
            *(f"table/{each}/*" for each in databases),
        )
        return [sibling(self._stream.arn, "glue", each) for each in glue]

    def _database(self, part: str, called: str, description: str) -> aws.glue.CatalogDatabase:
        return aws.glue.CatalogDatabase(
            f"{self._resource}-{part}",
            name=called,
            description=description,
            opts=self._env.keeping(self),
        )

    def _table(self, kind: EventType) -> aws.glue.CatalogTable:
        """Declare a table; what it is made of is said once, when it is made: see infra/lake_tables.py."""
        name = iceberg.table_name(kind)
        made: Any = table_input(kind, location=f"s3://{self._env.names.lake_bucket}/{TABLES}{name}")
        return aws.glue.CatalogTable(
            f"{self._resource}-table-{name}",
            name=name,
            database_name=self.database.name,
            table_type="EXTERNAL_TABLE",
            open_table_format_input=made,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._env.settings.protect,
                ignore_changes=["openTableFormatInput"],
                depends_on=[self._bucket],
            ),
        )

    def _workgroup(self) -> aws.athena.Workgroup:
        """Declare where queries run: with a limit of what one may read, and results that are encrypted."""
        env, key = self._env, self._env.key
        return aws.athena.Workgroup(
            f"{self._resource}-workgroup",
            name=env.names.thing("lake"),
            description="Queries of the lake",
            force_destroy=not env.settings.protect,
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": env.settings.lake.query_gib * _GIB,
                "engine_version": {"selected_engine_version": _ENGINE},
                "result_configuration": {
                    "output_location": f"s3://{env.names.lake_bucket}/{RESULTS}",
                    "encryption_configuration": (
                        {"encryption_option": "SSE_KMS", "kms_key_arn": key}
                        if key is not None
                        else {"encryption_option": "SSE_S3"}
                    ),
                },
            },
            opts=env.within(self),
        )

    def _reader(self) -> aws.iam.Policy:
        """Declare what an analyst's role needs, for its owner to attach: nobody has it by itself.

        A view reads its tables with the rights of who asks (Athena user guide, working with views).
        """
        env = self._env
        within = [pulumi.Output.concat(self._bucket.arn, f"/{prefix}*") for prefix in (TABLES, RESULTS)]
        statements = [
            allow(
                "Query",
                [
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:GetWorkGroup",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ],
                self.workgroup.arn,
            ),
            allow(
                "KnowTablesAndViews",
                ["glue:GetDatabase", "glue:GetTable", "glue:GetTables"],
                *self.arns(env.names.lake_database, env.names.lake_views),
            ),
            allow("KnowTheBucket", ["s3:GetBucketLocation", "s3:ListBucket"], self._bucket.arn),
            allow("ReadTablesAndResults", ["s3:GetObject"], *within),
            allow("WriteResults", ["s3:AbortMultipartUpload", "s3:PutObject"], within[1]),
            *key_rights(env, ["s3"]),
        ]
        return aws.iam.Policy(
            f"{self._resource}-reader",
            name=env.names.thing("lake-reader"),
            path=env.settings.roles.path,
            description=f"Reads the lake of {env.names.prefix}",
            policy=document(statements),
            opts=env.within(self),
        )

    def _optimize(self) -> None:
        """Let Glue join small files, forget old snapshots, and delete files that no snapshot has."""
        settings = self._env.settings
        optimizer, policy = self._optimizer_role()
        configurations: dict[str, dict[str, Any]] = {
            "compaction": {"compaction_configuration": {"iceberg_configuration": {"strategy": "binpack"}}},
            "retention": {
                "retention_configuration": {
                    "iceberg_configuration": {
                        "snapshot_retention_period_in_days": settings.lake.snapshot_days,
                        "number_of_snapshots_to_retain": 1,
                        "clean_expired_files": True,
                    }
                }
            },
            "orphan_file_deletion": {
                "orphan_file_deletion_configuration": {
                    "iceberg_configuration": {
                        "orphan_file_retention_period_in_days": settings.lake.orphan_days
                    }
                }
            },
        }
        for kind in self._kinds:
            for work, configuration in configurations.items():
                name = iceberg.table_name(kind)
                given: Any = {"enabled": True, "role_arn": optimizer.arn, **configuration}
                aws.glue.CatalogTableOptimizer(
                    f"{self._resource}-{work.replace('_', '-')}-{name}",
                    catalog_id=settings.aws_account_id,
                    database_name=self.database.name,
                    table_name=self.tables[kind.name].name,
                    type=work,
                    configuration=given,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
                )

    def _optimizer_role(self) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        """Declare the role that Glue works with (Glue user guide, table optimization prerequisites)."""
        env, name = self._env, f"{self._resource}-optimizer"
        called = env.names.thing("lake-optimizer")
        made = role(
            name, env, self, called=called, duty="optimizers of the lake", trusts=trust("glue.amazonaws.com")
        )
        logs = [
            sibling(self._stream.arn, "logs", f"log-group:/aws-glue/iceberg-{work}/logs:*")
            for work in ("compaction", "retention", "orphan-file-deletion")
        ]
        statements = [
            allow(
                "RewriteTables",
                ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                pulumi.Output.concat(self._bucket.arn, f"/{TABLES}*"),
            ),
            allow("ListTables", ["s3:ListBucket"], self._bucket.arn),
            allow("CommitTables", ["glue:GetTable", "glue:UpdateTable"], *self.arns(env.names.lake_database)),
            allow(
                "WriteOwnLogs", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], *logs
            ),
            *key_rights(env, ["s3"]),
        ]
        policy = aws.iam.RolePolicy(
            f"{name}-policy", name=called, role=made.name, policy=document(statements), opts=env.within(self)
        )
        return made, policy


def _short(description: str) -> str:
    """Cut to what Glue keeps of a description, on one line."""
    return " ".join(description.split())[:2048]
