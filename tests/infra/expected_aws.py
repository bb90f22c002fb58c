"""What AWS is expected to hold, apart from the sink: see test_every_aws_resource.py."""

from dataclasses import dataclass
from typing import Any

PLACEHOLDER_ACCOUNT = "123456789012"
"""The account in invented ARNs; names made from settings carry the configured one."""


@dataclass(frozen=True, kw_only=True)
class Env:
    prefix: str
    account: str
    protect: bool
    stream: dict[str, Any]
    ledger_days: str
    memory: int
    log_level: str
    log_days: int
    tumbling_window: int
    tags: dict[str, str]


ENVS = {
    "dev": Env(
        prefix="sluice-dev",
        account="111111111111",
        protect=False,
        stream={"streamModeDetails": {"streamMode": "ON_DEMAND"}, "retentionPeriod": 24},
        ledger_days="90",
        memory=512,
        log_level="DEBUG",
        log_days=7,
        tumbling_window=5,
        tags={"project": "sluice", "environment": "dev", "managed-by": "pulumi"},
    ),
    "prod": Env(
        prefix="sluice-prod",
        account="222222222222",
        protect=True,
        stream={
            "streamModeDetails": {"streamMode": "PROVISIONED"},
            "shardCount": 4,
            "retentionPeriod": 168,
        },
        ledger_days="400",
        memory=1024,
        log_level="INFO",
        log_days=90,
        tumbling_window=30,
        tags={
            "project": "sluice",
            "environment": "prod",
            "managed-by": "pulumi",
            "cost-centre": "analytics",
        },
    ),
}


def expected(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    """Type and inputs of each resource, under its logical name."""
    region = f"eu-central-1:{PLACEHOLDER_ACCOUNT}"
    bucket = f"{env.prefix}-dead-letters-{env.account}-eu-central-1"
    queue_arn = f"arn:aws:sqs:{region}:{env.prefix}-dead-letters"
    queue_url = f"https://sqs.eu-central-1.amazonaws.com/{PLACEHOLDER_ACCOUNT}/{env.prefix}-dead-letters"
    return {
        "aws": (
            "pulumi:providers:aws",
            {
                "region": "eu-central-1",
                "allowedAccountIds": [env.account],
                "defaultTags": {"tags": env.tags},
                "skipCredentialsValidation": False,
                "skipRegionValidation": True,
            },
        ),
        "stream-stream": (
            "aws:kinesis/stream:Stream",
            {
                "name": f"{env.prefix}-events",
                "encryptionType": "KMS",
                "kmsKeyId": "alias/aws/kinesis",
                "enforceConsumerDeletion": not env.protect,
                **env.stream,
            },
        ),
        "dead-letters-queue": (
            "aws:sqs/queue:Queue",
            {
                "name": f"{env.prefix}-dead-letters",
                "messageRetentionSeconds": 14 * 86_400,
                "maxMessageSize": 1_048_576,
                "sqsManagedSseEnabled": True,
            },
        ),
        "dead-letters-queue-policy": (
            "aws:sqs/queuePolicy:QueuePolicy",
            {"queueUrl": queue_url, "policy": tls_only("sqs:*", queue_arn)},
        ),
        "dead-letters-bucket": (
            "aws:s3/bucket:Bucket",
            {"bucket": bucket, "forceDestroy": not env.protect},
        ),
        "dead-letters-bucket-encryption": (
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            {
                "bucket": bucket,
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
                        "bucketKeyEnabled": False,
                    }
                ],
            },
        ),
        "dead-letters-bucket-public-access": (
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            {
                "bucket": bucket,
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
            },
        ),
        "dead-letters-bucket-policy": (
            "aws:s3/bucketPolicy:BucketPolicy",
            {
                "bucket": bucket,
                "policy": tls_only("s3:*", f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"),
            },
        ),
        "dead-letters-bucket-lifecycle": (
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            {
                "bucket": bucket,
                "rules": [
                    {
                        "id": "expire-payloads",
                        "status": "Enabled",
                        "filter": {"prefix": "dead-letters/"},
                        "expiration": {"days": 90},
                        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
                    }
                ],
            },
        ),
        **table(env, "ledger-table", "ledger", "lane", "first"),
        **table(env, "windows-table", "windows", "pk", "sk", streamEnabled=True, streamViewType="KEYS_ONLY"),
        **table(env, "windows-claims", "claims", "pk"),
    }


def table(
    env: Env, logical: str, name: str, *keys: str, **more: Any
) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        logical: (
            "aws:dynamodb/table:Table",
            {
                "name": f"{env.prefix}-{name}",
                "billingMode": "PAY_PER_REQUEST",
                **dict(zip(("hashKey", "rangeKey"), keys, strict=False)),
                "attributes": [{"name": key, "type": "S"} for key in keys],
                "ttl": {"attributeName": "expires_at", "enabled": True},
                "pointInTimeRecovery": {"enabled": True},
                "serverSideEncryption": {"enabled": True},
                "deletionProtectionEnabled": env.protect,
                **more,
            },
        )
    }


def tls_only(action: str, *resources: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": action,
                "Resource": list(resources),
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
