"""Where a route leads to a Firehose of its own, and the bucket that all such routes share.

The bucket's objects are JSON lines, packed with gzip: ROUTE/date=2026-01-31/hour=12/..., in UTC. What
Firehose could not deliver lies under delivery-errors/ROUTE/.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.bucket import bucket
from infra.environment import Environment
from infra.policy import VERSION, allow, allow_through, document
from infra.settings_functions import FirehoseSettings

_ERRORS = "delivery-errors/"
"""No route can have this name."""

_LOG_DAYS = 30
_LOG_STREAM = "delivery"


class RoutesBucket(pulumi.ComponentResource):
    """One bucket for the objects of all routes, each under its name: a bucket's name has no room for more."""

    def __init__(self, name: str, env: Environment, *, days: Mapping[str, int]) -> None:
        super().__init__("sluice:infra:RoutesBucket", name, None, env.component)
        declared = bucket(
            f"{name}-bucket",
            env,
            self,
            called=env.names.routes_bucket,
            rules=[
                {
                    "id": "tidy-up",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                },
                *(
                    {
                        "id": f"expire-{prefix}{route}",
                        "status": "Enabled",
                        "filter": {"prefix": f"{prefix}{route}/"},
                        "expiration": {"days": kept},
                    }
                    for route, kept in days.items()
                    for prefix in ("", _ERRORS)
                    if kept
                ),
            ],
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
        self._resource, self._env, self._route = name, env, route
        inside, key = env.within(self), env.settings.kms_key_arn
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/kinesisfirehose/{called}",
            retention_in_days=_LOG_DAYS,
            kms_key_id=key,
            opts=inside,
        )
        errors = aws.cloudwatch.LogStream(
            f"{name}-log-stream", name=_LOG_STREAM, log_group_name=logs.name, opts=inside
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=called,
            description=f"What the Firehose of the route {route} of {env.names.prefix} may do",
            assume_role_policy=self._trust(),
            opts=inside,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name=called,
            role=role.name,
            policy=document(self._statements(objects, errors)),
            opts=inside,
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
                "kms_key_arn": key,
                "cloudwatch_logging_options": {
                    "enabled": True,
                    "log_group_name": logs.name,
                    "log_stream_name": errors.name,
                },
            },
            server_side_encryption=(
                {"enabled": True, "key_type": "CUSTOMER_MANAGED_CMK", "key_arn": key}
                if key
                else {"enabled": True, "key_type": "AWS_OWNED_CMK"}
            ),
            # What is in its buffer is data as well.
            opts=pulumi.ResourceOptions(parent=self, protect=env.settings.protect, depends_on=[policy]),
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

    def _trust(self) -> pulumi.Output[str]:
        """Let Firehose take the role, when it works for this account.

        Firehose names the account as external id (CloudWatch Logs user guide, subscriptions with Firehose).
        """
        return pulumi.Output.json_dumps(
            {
                "Version": VERSION,
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "firehose.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                        "Condition": {"StringEquals": {"sts:ExternalId": self._env.settings.aws_account_id}},
                    }
                ],
            }
        )

    def _statements(self, objects: RoutesBucket, errors: aws.cloudwatch.LogStream) -> list[dict[str, Any]]:
        """Let it write its own objects and logs (Firehose developer guide, controlling access)."""
        within = [pulumi.Output.concat(objects.arn, f"/{part}{self._route}/*") for part in ("", _ERRORS)]
        statements = [
            allow(
                "KnowTheBucket",
                ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                objects.arn,
            ),
            allow("WriteObjects", ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], *within),
            allow("WriteOwnLogs", ["logs:PutLogEvents"], errors.arn),
        ]
        key, region = self._env.settings.kms_key_arn, self._env.settings.aws_region
        if key:
            rights = ["kms:Decrypt", "kms:GenerateDataKey"]
            statements.append(allow_through(f"s3.{region}.amazonaws.com", "UseTheKey", rights, key))
        return statements
