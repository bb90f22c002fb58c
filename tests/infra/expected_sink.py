"""What a sink is expected to consist of: see test_every_aws_resource.py."""

from typing import Any

from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT, Env


def expected(env: Env, google_project: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Type and inputs of each resource, under its logical name."""
    region = f"eu-central-1:{PLACEHOLDER_ACCOUNT}"
    bucket = f"{env.prefix}-dead-letters-{env.account}-eu-central-1"
    sink = f"{env.prefix}-bigquery-sink"
    stream_arn = f"arn:aws:kinesis:{region}:stream/{env.prefix}-events"
    consumer_arn = f"{stream_arn}/consumer/{sink}:1700000000"
    queue_arn = f"arn:aws:sqs:{region}:{env.prefix}-dead-letters"
    queue_url = f"https://sqs.eu-central-1.amazonaws.com/{PLACEHOLDER_ACCOUNT}/{env.prefix}-dead-letters"
    return {
        "bigquery-sink-consumer": (
            "aws:kinesis/streamConsumer:StreamConsumer",
            {"name": sink, "streamArn": stream_arn},
        ),
        "bigquery-sink-logs": (
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": f"/aws/lambda/{sink}", "retentionInDays": env.log_days},
        ),
        "bigquery-sink-role": (
            "aws:iam/role:Role",
            {
                "name": sink,
                "description": f"What the bigquery sink of {env.prefix} may do",
                "assumeRolePolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
            },
        ),
        "bigquery-sink-policy": (
            "aws:iam/rolePolicy:RolePolicy",
            {
                "name": sink,
                "role": sink,
                "policy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        allow(
                            "ReadOwnConsumer",
                            ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"],
                            consumer_arn,
                        ),
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
                            f"arn:aws:s3:::{bucket}/dead-letters/bigquery/*",
                        ),
                        allow(
                            "KeepTheLedger",
                            ["dynamodb:Query", "dynamodb:UpdateItem"],
                            f"arn:aws:dynamodb:{region}:table/{env.prefix}-ledger",
                        ),
                        allow(
                            "WriteOwnLogs",
                            ["logs:CreateLogStream", "logs:PutLogEvents"],
                            f"arn:aws:logs:{region}:log-group:/aws/lambda/{sink}:*",
                        ),
                    ],
                },
            },
        ),
        "bigquery-sink-function": (
            "aws:lambda/function:Function",
            {
                "name": sink,
                "description": "Delivers the stream's events to bigquery",
                "role": f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/{sink}",
                "runtime": "python3.13",
                "architectures": ["arm64"],
                "handler": "handler.handler",
                "code": {"archive": "functions/bigquery_sink"},
                "timeout": 20,
                "memorySize": env.memory,
                "environment": {
                    "variables": {
                        "SLUICE_SINK": "bigquery",
                        "SLUICE_PARALLELIZATION": "1",
                        "SLUICE_LEDGER_TABLE": f"{env.prefix}-ledger",
                        "SLUICE_LEDGER_DAYS": env.ledger_days,
                        "SLUICE_DEAD_LETTER_QUEUE_URL": queue_url,
                        "SLUICE_DEAD_LETTER_BUCKET": bucket,
                        "SLUICE_BIGQUERY_PROJECT": google_project,
                        "SLUICE_BIGQUERY_DATASET": env.prefix.replace("-", "_"),
                        "SLUICE_GOOGLE_CREDENTIALS": credentials(env),
                        "POWERTOOLS_SERVICE_NAME": sink,
                        "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
                        "POWERTOOLS_LOG_LEVEL": env.log_level,
                    }
                },
            },
        ),
        "bigquery-sink-mapping": (
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            {
                "eventSourceArn": consumer_arn,
                "functionName": f"arn:aws:lambda:{region}:function:{sink}",
                "enabled": True,
                "startingPosition": "TRIM_HORIZON",
                "batchSize": 1000,
                "maximumBatchingWindowInSeconds": 1,
                "parallelizationFactor": 1,
                "maximumRetryAttempts": -1,
                "maximumRecordAgeInSeconds": -1,
                "bisectBatchOnFunctionError": False,
                "functionResponseTypes": ["ReportBatchItemFailures"],
                "destinationConfig": {"onFailure": {"destinationArn": queue_arn}},
            },
        ),
    }


def allow(sid: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource]}


def credentials(env: Env) -> dict[str, Any]:
    pool = f"projects/1234567890/locations/global/workloadIdentityPools/{env.prefix}-a"
    return {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}/providers/aws",
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {
            "environment_id": "aws1",
            "regional_cred_verification_url": (
                "https://sts.eu-central-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
            ),
        },
    }
