"""What the routes of tests/infra/routed.py are expected to consist of: see test_routes.py."""

from typing import Any

from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT, Env, tls_only
from tests.infra.expected_sink import REGION, allow, sink

Expected = dict[str, tuple[str, dict[str, Any]]]


def function(env: Env, *, sends: dict[str, Any] | None = None, **more: Any) -> Expected:
    """A sink of a route, with default settings."""
    target = more.pop("target", {})
    return sink(
        env,
        timeout=20,
        memory=512,
        log_level="INFO",
        log_days=30,
        ledger=["dynamodb:Query", "dynamodb:UpdateItem"],
        statements=[sends] if sends else [],
        variables={"SLUICE_ROUTE": more.pop("route"), **target},
        mapping={
            "batchSize": 1000,
            "functionResponseTypes": ["ReportBatchItemFailures"],
            **more.pop("filtered", {}),
            **more.pop("waits", {}),
        },
        **more,
    )


def large_orders(env: Env, **more: Any) -> Expected:
    """To a function of the user's."""
    return function(
        env,
        logical="route-large-orders",
        sink="large_orders",
        route="large_orders",
        folder="transactions",
        description="Takes the events of the route large_orders",
        **more,
    )


def paid(env: Env) -> Expected:
    """To a stream, and the function that reads it."""
    name = f"{env.prefix}-paid-route"
    return {
        "target-paid-stream": (
            "aws:kinesis/stream:Stream",
            {
                "name": name,
                "streamModeDetails": {"streamMode": "ON_DEMAND"},
                "retentionPeriod": 168,
                "encryptionType": "KMS",
                "kmsKeyId": "alias/aws/kinesis",
                "enforceConsumerDeletion": not env.protect,
            },
        ),
        **function(
            env,
            logical="route-paid",
            sink="paid",
            route="paid",
            folder="router",
            description="Takes the events of the route paid",
            target={"SLUICE_TARGET_STREAM": name},
            waits={"maximumBatchingWindowInSeconds": 0},
            sends=allow("SendToTheStream", ["kinesis:PutRecords"], f"arn:aws:kinesis:{REGION}:stream/{name}"),
        ),
        **function(
            env,
            logical="route-paid-transactions",
            sink="paid-transactions",
            route="paid",
            folder="transactions",
            description="Reads the stream of the route paid",
            stream="paid-route",
            waits={"maximumBatchingWindowInSeconds": 0},
        ),
    }


def queue(env: Env, route: str, **fifo: Any) -> Expected:
    """To a queue."""
    dashed = route.replace("_", "-")
    name = f"{env.prefix}-{dashed}-route{'.fifo' if fifo else ''}"
    url = f"https://sqs.eu-central-1.amazonaws.com/{PLACEHOLDER_ACCOUNT}/{name}"
    arn = f"arn:aws:sqs:{REGION}:{name}"
    return {
        f"target-{dashed}-queue": (
            "aws:sqs/queue:Queue",
            {
                "name": name,
                "messageRetentionSeconds": 14 * 86_400,
                "maxMessageSize": 1_048_576,
                "sqsManagedSseEnabled": True,
                "visibilityTimeoutSeconds": 30,
                **fifo,
            },
        ),
        f"target-{dashed}-queue-policy": (
            "aws:sqs/queuePolicy:QueuePolicy",
            {"queueUrl": url, "policy": tls_only("sqs:*", arn)},
        ),
        **function(
            env,
            logical=f"route-{dashed}",
            sink=route,
            route=route,
            folder="router",
            description=f"Takes the events of the route {route}",
            target={"SLUICE_TARGET_QUEUE_URL": url},
            sends=allow("SendToTheQueue", ["sqs:SendMessage"], arn),
        ),
    }


def all_orders(env: Env) -> Expected:
    """To a Firehose."""
    name, bucket = f"{env.prefix}-all-orders-route", routes_bucket(env)
    logs = f"/aws/kinesisfirehose/{name}"
    objects = f"arn:aws:s3:::{bucket}"
    return {
        "target-all-orders-logs": (
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": logs, "retentionInDays": 30},
        ),
        "target-all-orders-log-stream": (
            "aws:cloudwatch/logStream:LogStream",
            {"name": "delivery", "logGroupName": logs},
        ),
        "target-all-orders-role": (
            "aws:iam/role:Role",
            {
                "name": name,
                "description": f"What the Firehose of the route all_orders of {env.prefix} may do",
                "assumeRolePolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "firehose.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"sts:ExternalId": env.account}},
                        }
                    ],
                },
            },
        ),
        "target-all-orders-policy": (
            "aws:iam/rolePolicy:RolePolicy",
            {
                "name": name,
                "role": name,
                "policy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        allow(
                            "KnowTheBucket",
                            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                            objects,
                        ),
                        allow(
                            "WriteObjects",
                            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                            f"{objects}/all_orders/*",
                            f"{objects}/delivery-errors/all_orders/*",
                        ),
                        allow(
                            "WriteOwnLogs",
                            ["logs:PutLogEvents"],
                            f"arn:aws:logs:{REGION}:log-group:{logs}:log-stream:delivery",
                        ),
                    ],
                },
            },
        ),
        "target-all-orders-firehose": (
            "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
            {
                "name": name,
                "destination": "extended_s3",
                "extendedS3Configuration": {
                    "roleArn": f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/{name}",
                    "bucketArn": objects,
                    "prefix": "all_orders/date=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/",
                    "errorOutputPrefix": (
                        "delivery-errors/all_orders/!{firehose:error-output-type}"
                        "/date=!{timestamp:yyyy-MM-dd}/"
                    ),
                    "bufferingSize": 16,
                    "bufferingInterval": 300,
                    "compressionFormat": "GZIP",
                    "cloudwatchLoggingOptions": {
                        "enabled": True,
                        "logGroupName": logs,
                        "logStreamName": "delivery",
                    },
                },
                "serverSideEncryption": {"enabled": True, "keyType": "AWS_OWNED_CMK"},
            },
        ),
        **function(
            env,
            logical="route-all-orders",
            sink="all_orders",
            route="all_orders",
            folder="router",
            description="Takes the events of the route all_orders",
            target={"SLUICE_TARGET_FIREHOSE": name},
            sends=allow(
                "SendToTheFirehose",
                ["firehose:PutRecordBatch"],
                f"arn:aws:firehose:{REGION}:deliverystream/{name}",
            ),
        ),
    }


def routes_bucket(env: Env) -> str:
    return f"{env.prefix}-routes-{env.account}-eu-central-1"


def objects(env: Env) -> Expected:
    """The bucket of all Firehose routes."""
    bucket = routes_bucket(env)
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "routes-bucket": ("aws:s3/bucket:Bucket", {"bucket": bucket, "forceDestroy": not env.protect}),
        "routes-bucket-encryption": (
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
        "routes-bucket-public-access": (
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            {
                "bucket": bucket,
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
            },
        ),
        "routes-bucket-policy": (
            "aws:s3/bucketPolicy:BucketPolicy",
            {"bucket": bucket, "policy": tls_only("s3:*", arn, f"{arn}/*")},
        ),
        "routes-bucket-lifecycle": (
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            {
                "bucket": bucket,
                "rules": [
                    {
                        "id": "tidy-up",
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
                    }
                ],
            },
        ),
    }


FIFO = {"fifoQueue": True, "deduplicationScope": "queue", "fifoThroughputLimit": "perQueue"}
