"""S3 buckets as all of the program's are: encrypted, closed to the public, over TLS only, tidied up."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.policy import deny_without_tls, document


def bucket(
    name: str,
    env: Environment,
    parent: pulumi.Resource,
    *,
    called: str,
    rules: Sequence[Any],
    kept: bool = True,
) -> aws.s3.Bucket:
    """Declare a bucket with the rules of its lifecycle; it is kept as data is unless told otherwise."""
    key = env.key
    declared = aws.s3.Bucket(
        name,
        bucket=called,
        force_destroy=not (kept and env.settings.protect),
        opts=env.keeping(parent) if kept else env.within(parent),
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=declared.bucket,
        rules=[
            {
                "apply_server_side_encryption_by_default": (
                    {"sse_algorithm": "aws:kms", "kms_master_key_id": key}
                    if key is not None
                    else {"sse_algorithm": "AES256"}
                ),
                "bucket_key_enabled": key is not None,
            }
        ],
        opts=env.within(parent),
    )
    closed = aws.s3.BucketPublicAccessBlock(
        f"{name}-public-access",
        bucket=declared.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=env.within(parent),
    )
    everything = pulumi.Output.concat(declared.arn, "/*")
    aws.s3.BucketPolicy(
        f"{name}-policy",
        bucket=declared.bucket,
        policy=document([deny_without_tls("s3:*", declared.arn, everything)]),
        # S3 refuses two changes of a bucket's access at the same time.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[closed]),
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle", bucket=declared.bucket, rules=rules, opts=env.within(parent)
    )
    return declared


def tidied(expire: Mapping[str, int], *, abandoned_days: int) -> list[dict[str, Any]]:
    """Return the rules of a lifecycle: what lies under each prefix expires after so many days.

    `abandoned_days` after it was begun, an upload that was never ended is given up.
    """
    return [
        {
            "id": "tidy-up",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": abandoned_days},
        },
        *(
            {
                "id": f"expire-{prefix.rstrip('/')}",
                "status": "Enabled",
                "filter": {"prefix": prefix},
                "expiration": {"days": days},
            }
            for prefix, days in expire.items()
        ),
    ]
