"""Where a route leads to a Firehose of its own, and the bucket that all such routes share.

The bucket's objects are JSON lines, packed with gzip: ROUTE/date=2026-01-31/hour=12/..., in UTC. What
Firehose could not deliver lies under delivery-errors/ROUTE/.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.bucket import bucket, tidied
from infra.environment import Environment
from infra.firehose_role import FirehoseRole, at_rest
from infra.policy import allow
from infra.settings_functions import FirehoseSettings

_ERRORS = "delivery-errors/"
"""No route can have this name."""


class RoutesBucket(pulumi.ComponentResource):
    """One bucket for the objects of all routes, each under its name: a bucket's name has no room for more."""

    def __init__(self, name: str, env: Environment, *, days: Mapping[str, int]) -> None:
        super().__init__("sluice:infra:RoutesBucket", name, None, env.component)
        declared = bucket(
            f"{name}-bucket",
            env,
            self,
            called=env.names.routes_bucket,
            rules=tidied(
                {
                    f"{prefix}{route}/": kept
                    for route, kept in days.items()
                    for prefix in ("", _ERRORS)
                    if kept
                },
                abandoned_days=1,
            ),
        )
        self.bucket, self.arn = declared.bucket, declared.arn
        self.register_outputs({"bucket": self.bucket})


class RouteFirehose(pulumi.ComponentResource):
    """A Firehose that is put to directly, with a role and logs of its own."""

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        route: str,
        called: str,
        objects: RoutesBucket,
        settings: FirehoseSettings,
    ) -> None:
        super().__init__("sluice:infra:RouteFirehose", name, None, env.component)
        role = FirehoseRole(
            name,
            env,
            self,
            called=called,
            duty=f"Firehose of the route {route}",
            statements=_statements(objects, route),
        )
        firehose = aws.kinesis.FirehoseDeliveryStream(
            f"{name}-firehose",
            name=called,
            destination="extended_s3",
            extended_s3_configuration={
                "role_arn": role.arn,
                "bucket_arn": objects.arn,
                "prefix": f"{route}/date=!{{timestamp:yyyy-MM-dd}}/hour=!{{timestamp:HH}}/",
                "error_output_prefix": (
                    f"{_ERRORS}{route}/!{{firehose:error-output-type}}/date=!{{timestamp:yyyy-MM-dd}}/"
                ),
                "buffering_size": settings.buffer_mb,
                "buffering_interval": settings.buffer_seconds,
                "compression_format": "GZIP",
                "kms_key_arn": env.key,
                "cloudwatch_logging_options": role.logging,
            },
            server_side_encryption=at_rest(env),
            # What is in its buffer is data as well.
            opts=pulumi.ResourceOptions(parent=self, protect=env.settings.protect, depends_on=[role.policy]),
        )
        self.statements = [allow("SendToTheFirehose", ["firehose:PutRecordBatch"], firehose.arn)]
        self.environment = {"SLUICE_TARGET_FIREHOSE": firehose.name}
        self.outputs = {
            "target": "firehose",
            "name": firehose.name,
            "bucket": objects.bucket,
            "prefix": f"{route}/",
        }
        self.register_outputs(self.outputs)


def _statements(objects: RoutesBucket, route: str) -> list[dict[str, Any]]:
    """Let it write its own objects (Firehose developer guide, controlling access)."""
    within = [pulumi.Output.concat(objects.arn, f"/{part}{route}/*") for part in ("", _ERRORS)]
    return [
        allow(
            "KnowTheBucket",
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            objects.arn,
        ),
        allow("WriteObjects", ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], *within),
    ]
