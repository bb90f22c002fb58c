"""What keeps the lake's tables up to the contract: a function that a deployment invokes when that changes."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.function import Code, Function
from infra.lake import Lake
from infra.lake_bucket import TABLES, LakeBucket
from infra.policy import allow
from infra.settings_functions import FunctionSettings
from sluice.contract import iceberg
from sluice.pipeline import Pipeline

FOLDER = "lake_setup"


class LakeSetup(pulumi.ComponentResource):
    """The function, and its invocation with the wanted tables: `invoked` is what waits until they are so.

    An invocation is repeated when its input has changed. A table that lacks nothing is left as it is.
    """

    def __init__(
        self, name: str, env: Environment, *, lake: Lake, bucket: LakeBucket, pipeline: Pipeline, path: str
    ) -> None:
        super().__init__("sluice:infra:LakeSetup", name, None, env.component)
        settings, within = env.settings.lake, pulumi.Output.concat(bucket.arn, f"/{TABLES}*")
        function = Function(
            name,
            env,
            self,
            Code(
                called=env.names.thing("lake-setup"),
                folder=FOLDER,
                description="Adds new columns to the lake's tables",
                duty="setup of the lake",
                settings=FunctionSettings(
                    timeout_seconds=300,
                    log_level=settings.log_level,
                    log_retention_days=settings.log_retention_days,
                ),
                pipeline=path,
                statements=[
                    # Glue writes Iceberg's metadata with the rights of its caller.
                    allow("ReadAndWriteMetadata", ["s3:GetObject", "s3:PutObject"], within),
                    allow("ListTables", ["s3:ListBucket"], bucket.arn),
                    allow(
                        "ChangeTables",
                        ["glue:GetTable", "glue:UpdateTable"],
                        *lake.arns(env.names.lake_database),
                    ),
                ],
                environment={},
                after=list(lake.tables.values()),
            ),
        )
        self.invoked = aws.lambda_.Invocation(
            f"{name}-invocation",
            function_name=function.name,
            input=json.dumps(_wanted(env, pipeline), sort_keys=True),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[function.function, function.policy, *lake.tables.values()]
            ),
        )
        self.register_outputs({})


def _wanted(env: Environment, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "database": env.names.lake_database,
        "tables": {
            iceberg.table_name(kind): iceberg.schema_json(kind) for kind in pipeline.contract.types.values()
        },
    }
