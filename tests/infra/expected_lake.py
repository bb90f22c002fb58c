"""What the lake of tests/infra/orders.py is expected to consist of: see test_lake.py."""

from typing import Any

from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT, Env, tls_only
from tests.infra.expected_sink import REGION, allow, lambda_function

Expected = dict[str, tuple[str, dict[str, Any]]]

LINEAGE = ["_event_id", "_arrived_at", "_shard", "_sequence"]


def lake_bucket(env: Env) -> str:
    return f"{env.prefix}-lake-{env.account}-eu-central-1"


def database(env: Env) -> str:
    return f"{env.prefix.replace('-', '_')}_lake_raw"


def glue(*databases: str) -> list[str]:
    parts = [
        "catalog",
        *(f"database/{each}" for each in databases),
        *(f"table/{each}/*" for each in databases),
    ]
    return [f"arn:aws:glue:{REGION}:{part}" for part in parts]


def lake(env: Env) -> Expected:
    """Databases, workgroup and rights; tables and views are compared by themselves."""
    raw, views, bucket = database(env), database(env).removesuffix("_raw"), lake_bucket(env)
    objects = f"arn:aws:s3:::{bucket}"
    optimizer = f"{env.prefix}-lake-optimizer"
    logs = f"arn:aws:logs:{REGION}:log-group:/aws-glue/iceberg"
    return {
        "lake-raw": (
            "aws:glue/catalogDatabase:CatalogDatabase",
            {"name": raw, "description": "Raw events, one row per delivered record"},
        ),
        "lake-views": (
            "aws:glue/catalogDatabase:CatalogDatabase",
            {"name": views, "description": "Events without duplicates, for analysts"},
        ),
        "lake-workgroup": (
            "aws:athena/workgroup:Workgroup",
            {
                "name": f"{env.prefix}-lake",
                "description": "Queries of the lake",
                "forceDestroy": not env.protect,
                "configuration": {
                    "enforceWorkgroupConfiguration": True,
                    "publishCloudwatchMetricsEnabled": True,
                    "bytesScannedCutoffPerQuery": 100 * 2**30,
                    "engineVersion": {"selectedEngineVersion": "Athena engine version 3"},
                    "resultConfiguration": {
                        "outputLocation": f"s3://{bucket}/athena/",
                        "encryptionConfiguration": {"encryptionOption": "SSE_S3"},
                    },
                },
            },
        ),
        "lake-reader": (
            "aws:iam/policy:Policy",
            {
                "name": f"{env.prefix}-lake-reader",
                "description": f"Reads the lake of {env.prefix}",
                "policy": policy(
                    allow(
                        "Query",
                        [
                            "athena:GetQueryExecution",
                            "athena:GetQueryResults",
                            "athena:GetWorkGroup",
                            "athena:StartQueryExecution",
                            "athena:StopQueryExecution",
                        ],
                        f"arn:aws:athena:{REGION}:workgroup/{env.prefix}-lake",
                    ),
                    allow(
                        "KnowTablesAndViews",
                        ["glue:GetDatabase", "glue:GetTable", "glue:GetTables"],
                        *glue(raw, views),
                    ),
                    allow("KnowTheBucket", ["s3:GetBucketLocation", "s3:ListBucket"], objects),
                    allow(
                        "ReadTablesAndResults", ["s3:GetObject"], f"{objects}/tables/*", f"{objects}/athena/*"
                    ),
                    allow("WriteResults", ["s3:AbortMultipartUpload", "s3:PutObject"], f"{objects}/athena/*"),
                ),
            },
        ),
        "lake-optimizer-role": (
            "aws:iam/role:Role",
            {
                "name": optimizer,
                "description": f"What the optimizers of the lake of {env.prefix} may do",
                "assumeRolePolicy": trust("glue.amazonaws.com"),
            },
        ),
        "lake-optimizer-policy": (
            "aws:iam/rolePolicy:RolePolicy",
            {
                "name": optimizer,
                "role": optimizer,
                "policy": policy(
                    allow(
                        "RewriteTables",
                        ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                        f"{objects}/tables/*",
                    ),
                    allow("ListTables", ["s3:ListBucket"], objects),
                    allow("CommitTables", ["glue:GetTable", "glue:UpdateTable"], *glue(raw)),
                    allow(
                        "WriteOwnLogs",
                        ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                        *(f"{logs}-{work}/logs:*" for work in WORK),
                    ),
                ),
            },
        ),
        **{
            f"lake-{name}-{table}": (
                "aws:glue/catalogTableOptimizer:CatalogTableOptimizer",
                {
                    "catalogId": env.account,
                    "databaseName": raw,
                    "tableName": table,
                    "type": name.replace("-", "_"),
                    "configuration": {
                        "enabled": True,
                        "roleArn": f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/{optimizer}",
                        **configuration,
                    },
                },
            )
            for name, configuration in WORK.items()
            for table in ("order", "visit")
        },
    }


WORK: dict[str, dict[str, Any]] = {
    "compaction": {"compactionConfiguration": {"icebergConfiguration": {"strategy": "binpack"}}},
    "retention": {
        "retentionConfiguration": {
            "icebergConfiguration": {
                "snapshotRetentionPeriodInDays": 5,
                "numberOfSnapshotsToRetain": 1,
                "cleanExpiredFiles": True,
            }
        }
    },
    "orphan-file-deletion": {
        "orphanFileDeletionConfiguration": {"icebergConfiguration": {"orphanFileRetentionPeriodInDays": 3}}
    },
}


def setup(env: Env, wanted: dict[str, Any], logs_of: tuple[str, int]) -> Expected:
    """The function that adds columns, and its invocation."""
    called, objects = f"{env.prefix}-lake-setup", f"arn:aws:s3:::{lake_bucket(env)}"
    return {
        **lambda_function(
            env,
            "lake-setup",
            called,
            folder="lake_setup",
            description="Adds new columns to the lake's tables",
            duty="setup of the lake",
            timeout=300,
            memory=512,
            log_level=logs_of[0],
            log_days=logs_of[1],
            statements=[
                allow("ReadAndWriteMetadata", ["s3:GetObject", "s3:PutObject"], f"{objects}/tables/*"),
                allow("ListTables", ["s3:ListBucket"], objects),
                allow("ChangeTables", ["glue:GetTable", "glue:UpdateTable"], *glue(database(env))),
            ],
            variables={},
        ),
        "lake-setup-invocation": (
            "aws:lambda/invocation:Invocation",
            {"functionName": called, "input": wanted},
        ),
    }


def bucket(env: Env, **days: int) -> Expected:
    """The bucket, whose objects expire by prefix."""
    name = lake_bucket(env)
    arn = f"arn:aws:s3:::{name}"
    return {
        "lake-objects-bucket": ("aws:s3/bucket:Bucket", {"bucket": name, "forceDestroy": not env.protect}),
        "lake-objects-bucket-encryption": (
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            {
                "bucket": name,
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
                        "bucketKeyEnabled": False,
                    }
                ],
            },
        ),
        "lake-objects-bucket-public-access": (
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            {
                "bucket": name,
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
            },
        ),
        "lake-objects-bucket-policy": (
            "aws:s3/bucketPolicy:BucketPolicy",
            {"bucket": name, "policy": tls_only("s3:*", arn, f"{arn}/*")},
        ),
        "lake-objects-bucket-lifecycle": (
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            {
                "bucket": name,
                "rules": [
                    {
                        "id": "tidy-up",
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                    },
                    *(
                        {
                            "id": f"expire-{prefix}",
                            "status": "Enabled",
                            "filter": {"prefix": f"{prefix}/"},
                            "expiration": {"days": kept},
                        }
                        for prefix, kept in days.items()
                    ),
                ],
            },
        ),
    }


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str, **condition: Any) -> dict[str, Any]:
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            **({"Condition": condition} if condition else {}),
        }
    )
