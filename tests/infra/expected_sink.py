"""What a sink is expected to consist of: see test_every_aws_resource.py."""

from typing import Any

from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT, Env

REGION = f"eu-central-1:{PLACEHOLDER_ACCOUNT}"


def bigquery(env: Env, google_project: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The BigQuery sink: type and inputs of each resource, under its logical name."""
    return sink(
        env,
        "bigquery-sink",
        "bigquery",
        folder="bigquery_sink",
        description="Delivers the stream's events to bigquery",
        timeout=20,
        memory=env.memory,
        log_level=env.log_level,
        log_days=env.log_days,
        ledger=["dynamodb:Query", "dynamodb:UpdateItem"],
        statements=[],
        variables={
            "SLUICE_BIGQUERY_PROJECT": google_project,
            "SLUICE_BIGQUERY_DATASET": env.prefix.replace("-", "_"),
            "SLUICE_GOOGLE_CREDENTIALS": credentials(env),
        },
        mapping={
            "batchSize": 1000,
            "functionResponseTypes": ["ReportBatchItemFailures"],
        },
    )


def aggregator(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    """The sink that counts."""
    tables = f"arn:aws:dynamodb:{REGION}:table/{env.prefix}"
    return sink(
        env,
        "aggregator",
        "windows",
        folder="aggregator",
        description="Counts the stream's events into the windows of the metrics",
        timeout=30,
        memory=1024,
        log_level=env.log_level,
        log_days=env.log_days,
        ledger=["dynamodb:PutItem", "dynamodb:UpdateItem"],
        statements=[
            allow(
                "KeepTheWindows",
                [
                    "dynamodb:BatchWriteItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                ],
                f"{tables}-windows",
            ),
            allow("ClaimEvents", ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"], f"{tables}-claims"),
        ],
        variables={
            "SLUICE_STREAM": f"{env.prefix}-events",
            "SLUICE_WINDOWS_TABLE": f"{env.prefix}-windows",
            "SLUICE_WINDOW_DAYS": "400",
            "SLUICE_CLAIMS_TABLE": f"{env.prefix}-claims",
            "SLUICE_CLAIM_DAYS": "8",
        },
        mapping={"batchSize": 2000, "tumblingWindowInSeconds": env.tumbling_window},
    )


def sink(
    env: Env,
    logical: str,
    sink: str,
    *,
    ledger: list[str],
    statements: list[dict[str, Any]],
    variables: dict[str, Any],
    mapping: dict[str, Any],
    stream: str = "events",
    shared: bool = False,
    **function: Any,
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Any sink: type and inputs of each resource, under its logical name."""
    bucket = f"{env.prefix}-dead-letters-{env.account}-eu-central-1"
    called = f"{env.prefix}-{sink.replace('_', '-')}-sink"
    stream_arn = f"arn:aws:kinesis:{REGION}:stream/{env.prefix}-{stream}"
    consumer_arn = f"{stream_arn}/consumer/{called}:1700000000"
    queue_arn = f"arn:aws:sqs:{REGION}:{env.prefix}-dead-letters"
    queue_url = f"https://sqs.eu-central-1.amazonaws.com/{PLACEHOLDER_ACCOUNT}/{env.prefix}-dead-letters"
    consumer = {
        f"{logical}-consumer": (
            "aws:kinesis/streamConsumer:StreamConsumer",
            {"name": called, "streamArn": stream_arn},
        )
    }
    own = allow("ReadOwnConsumer", ["kinesis:SubscribeToShard"], consumer_arn)
    return {
        **({} if shared else consumer),
        **lambda_function(
            env,
            logical,
            called,
            duty=f"{sink} sink",
            statements=[
                *([] if shared else [own]),
                allow(
                    "ReadStream",
                    [
                        "kinesis:DescribeStream",
                        "kinesis:DescribeStreamSummary",
                        "kinesis:GetRecords",
                        "kinesis:GetShardIterator",
                        "kinesis:ListShards",
                    ],
                    stream_arn,
                ),
                allow("SendDeadLetters", ["sqs:SendMessage"], queue_arn),
                allow(
                    "KeepLargePayloads",
                    ["s3:PutObject"],
                    f"arn:aws:s3:::{bucket}/dead-letters/{sink}/*",
                ),
                allow("KeepTheLedger", ledger, f"arn:aws:dynamodb:{REGION}:table/{env.prefix}-ledger"),
                *statements,
            ],
            variables={
                "SLUICE_SINK": sink,
                "SLUICE_PARALLELIZATION": "1",
                "SLUICE_LEDGER_TABLE": f"{env.prefix}-ledger",
                "SLUICE_LEDGER_DAYS": env.ledger_days,
                "SLUICE_DEAD_LETTER_QUEUE_URL": queue_url,
                "SLUICE_DEAD_LETTER_BUCKET": bucket,
                **variables,
            },
            **function,
        ),
        f"{logical}-mapping": (
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            {
                "eventSourceArn": stream_arn if shared else consumer_arn,
                "functionName": f"arn:aws:lambda:{REGION}:function:{called}",
                "enabled": True,
                "startingPosition": "TRIM_HORIZON",
                "maximumBatchingWindowInSeconds": 1,
                "parallelizationFactor": 1,
                "maximumRetryAttempts": -1,
                "maximumRecordAgeInSeconds": -1,
                "bisectBatchOnFunctionError": False,
                "destinationConfig": {"onFailure": {"destinationArn": queue_arn}},
                **mapping,
            },
        ),
    }


def lambda_function(
    env: Env,
    logical: str,
    called: str,
    *,
    folder: str,
    description: str,
    duty: str,
    timeout: int,
    memory: int,
    log_level: str,
    log_days: int,
    statements: list[dict[str, Any]],
    variables: dict[str, Any],
) -> dict[str, tuple[str, dict[str, Any]]]:
    """A function with its logs, role and policy."""
    return {
        f"{logical}-logs": (
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": f"/aws/lambda/{called}", "retentionInDays": log_days},
        ),
        f"{logical}-role": (
            "aws:iam/role:Role",
            {
                "name": called,
                "description": f"What the {duty} of {env.prefix} may do",
                "assumeRolePolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": env.account}},
                        }
                    ],
                },
            },
        ),
        f"{logical}-policy": (
            "aws:iam/rolePolicy:RolePolicy",
            {
                "name": called,
                "role": called,
                "policy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        *statements,
                        allow(
                            "WriteOwnLogs",
                            ["logs:CreateLogStream", "logs:PutLogEvents"],
                            f"arn:aws:logs:{REGION}:log-group:/aws/lambda/{called}:*",
                        ),
                        allow("SendTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
                    ],
                },
            },
        ),
        f"{logical}-function": (
            "aws:lambda/function:Function",
            {
                "name": called,
                "description": description,
                "role": f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/{called}",
                "runtime": "python3.13",
                "architectures": ["arm64"],
                "handler": "handler.handler",
                "code": {"archive": f"functions/{folder}"},
                "timeout": timeout,
                "memorySize": memory,
                "tracingConfig": {"mode": "Active"},
                "environment": {
                    "variables": {
                        **variables,
                        "POWERTOOLS_SERVICE_NAME": called,
                        "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
                        "POWERTOOLS_LOG_LEVEL": log_level,
                        "SLUICE_ENVIRONMENT": env.prefix,
                    }
                },
            },
        ),
    }


def allow(sid: str, actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": list(resources)}


def credentials(env: Env) -> dict[str, Any]:
    pool = f"projects/1234567890/locations/global/workloadIdentityPools/{env.prefix}-a"
    return {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}/providers/aws-roles",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {
            "environment_id": "aws1",
            "regional_cred_verification_url": (
                "https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
            ),
        },
    }
