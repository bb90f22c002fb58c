"""Where every record goes that a sink cannot take: a queue, and a bucket for payloads too large for it."""

from typing import Any

import pulumi
import pulumi_aws as aws

from infra import limits
from infra.environment import Environment
from infra.policy import deny_without_tls, document

_DAY_SECONDS = 86_400
_DATA_KEY_SECONDS = 300

PREFIX = "dead-letters"
"""First part of the keys in the bucket: dead-letters/SINK/SHARD/SEQUENCE."""


class DeadLetters(pulumi.ComponentResource):
    """An encrypted, TLS-only queue and bucket."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:DeadLetters", name, None, env.component)
        self._queue(name, env)
        self._bucket(name, env)
        self.register_outputs({"queue_url": self.queue_url, "bucket": self.bucket})

    def _queue(self, name: str, env: Environment) -> None:
        key = env.settings.kms_key_arn
        encryption: dict[str, Any] = (
            {"kms_master_key_id": key, "kms_data_key_reuse_period_seconds": _DATA_KEY_SECONDS}
            if key
            else {"sqs_managed_sse_enabled": True}
        )
        queue = aws.sqs.Queue(
            f"{name}-queue",
            name=env.names.thing("dead-letters"),
            message_retention_seconds=env.settings.dead_letters.retention_days * _DAY_SECONDS,
            max_message_size=limits.QUEUE_MESSAGE_BYTES,
            opts=env.keeping(self),
            **encryption,
        )
        aws.sqs.QueuePolicy(
            f"{name}-queue-policy",
            queue_url=queue.url,
            policy=document([deny_without_tls("sqs:*", queue.arn)]),
            opts=env.within(self),
        )
        self.queue_url, self.queue_arn = queue.url, queue.arn

    def _bucket(self, name: str, env: Environment) -> None:
        key = env.settings.kms_key_arn
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=env.names.bucket,
            force_destroy=not env.settings.protect,
            opts=env.keeping(self),
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-bucket-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": (
                        {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
                        if key
                        else {"sse_algorithm": "AES256"}
                    ),
                    "bucket_key_enabled": key is not None,
                }
            ],
            opts=env.within(self),
        )
        closed = aws.s3.BucketPublicAccessBlock(
            f"{name}-bucket-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=env.within(self),
        )
        aws.s3.BucketPolicy(
            f"{name}-bucket-policy",
            bucket=bucket.bucket,
            policy=document([deny_without_tls("s3:*", bucket.arn, pulumi.Output.concat(bucket.arn, "/*"))]),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-bucket-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "expire-payloads",
                    "status": "Enabled",
                    "filter": {"prefix": f"{PREFIX}/"},
                    "expiration": {"days": env.settings.dead_letters.payload_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            opts=env.within(self),
        )
        self.bucket, self.bucket_arn = bucket.bucket, bucket.arn
