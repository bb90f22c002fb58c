"""What a sink that a Firehose feeds is expected to consist of: see test_lake.py and test_firehoses.py."""

from typing import Any

from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT, Env
from tests.infra.expected_lake import Expected, lake_bucket, policy, trust
from tests.infra.expected_sink import REGION, allow, lambda_function

PARAMETERS = {"NumberOfRetries": "300", "BufferSizeInMBs": "0.4"}
ERRORS = "!{firehose:error-output-type}/date=!{timestamp:yyyy-MM-dd}/"


def sink(
    env: Env,
    name: str,
    *,
    destination: str,
    provider: str,
    configuration: dict[str, Any],
    statements: list[dict[str, Any]],
    s3: dict[str, Any] | None = None,
    error_prefix: bool = True,
    variables: dict[str, str] | None = None,
    parameters: dict[str, str] | None = None,
    logs_of: tuple[str, int] = ("INFO", 30),
) -> Expected:
    """Function, role and the two Firehoses of a sink."""
    logical, dashed = f"firehose-{name.replace('_', '-')}", name.replace("_", "-")
    called, function = f"{env.prefix}-{dashed}-firehose", f"{env.prefix}-{dashed}-sink"
    objects = f"arn:aws:s3:::{lake_bucket(env)}"
    letters = f"arn:aws:s3:::{env.prefix}-dead-letters-{env.account}-eu-central-1/dead-letters/{name}/*"
    stream = f"arn:aws:kinesis:{REGION}:stream/{env.prefix}-events"
    invoked = f"arn:aws:lambda:{REGION}:function:{function}"
    logs = f"/aws/kinesisfirehose/{called}"
    queue = f"https://sqs.eu-central-1.amazonaws.com/{PLACEHOLDER_ACCOUNT}/{env.prefix}-dead-letters"
    role = f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/{called}"
    block = {
        "cloudwatchLoggingOptions": {"enabled": True, "logGroupName": logs, "logStreamName": "delivery"},
        "processingConfiguration": {
            "enabled": True,
            "processors": [
                {
                    "type": "Lambda",
                    "parameters": [
                        {"parameterName": key, "parameterValue": value}
                        for key, value in {
                            "LambdaArn": f"{invoked}:$LATEST",
                            **PARAMETERS,
                            **(parameters or {}),
                        }.items()
                    ],
                }
            ],
        },
        "retryDuration": 7200,
        "s3Configuration": {
            "roleArn": role,
            "bucketArn": objects,
            "prefix": f"staging/{name}/",
            **({"errorOutputPrefix": f"errors/{name}/{ERRORS}"} if error_prefix else {}),
            **(s3 or {}),
        },
        **({} if provider == "splunk" else {"roleArn": role}),
        **configuration,
    }
    firehose = {"destination": provider, f"{provider}Configuration": block}
    kind = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
    return {
        **lambda_function(
            env,
            logical,
            function,
            folder="firehose_sink",
            description=(
                f"Answers rows of the stream's events for {'the lake' if name == 'lake' else destination}"
            ),
            duty=f"{name} sink",
            timeout=120,
            memory=512,
            log_level=logs_of[0],
            log_days=logs_of[1],
            statements=[
                allow(
                    "SendDeadLetters", ["sqs:SendMessage"], f"arn:aws:sqs:{REGION}:{env.prefix}-dead-letters"
                ),
                allow("KeepLargePayloads", ["s3:PutObject"], letters),
                allow(
                    "KeepTheLedger",
                    ["dynamodb:Query", "dynamodb:UpdateItem"],
                    f"arn:aws:dynamodb:{REGION}:table/{env.prefix}-ledger",
                ),
                allow(
                    "PutRedrivenRecords",
                    ["firehose:PutRecordBatch"],
                    f"arn:aws:firehose:{REGION}:deliverystream/{env.prefix}-{dashed}-redrive",
                ),
            ],
            variables={
                "SLUICE_SINK": name,
                "SLUICE_PARALLELIZATION": "2",
                "SLUICE_LEDGER_TABLE": f"{env.prefix}-ledger",
                "SLUICE_LEDGER_DAYS": env.ledger_days,
                "SLUICE_DEAD_LETTER_QUEUE_URL": queue,
                "SLUICE_DEAD_LETTER_BUCKET": letters.removeprefix("arn:aws:s3:::").partition("/")[0],
                "SLUICE_FIREHOSE_DESTINATION": destination,
                "SLUICE_REDRIVE_FIREHOSE": f"{env.prefix}-{dashed}-redrive",
                "SLUICE_FIREHOSE_TYPES": "",
                **(variables or {}),
            },
        ),
        f"{logical}-firehose-logs": (
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": logs, "retentionInDays": 30},
        ),
        f"{logical}-firehose-log-stream": (
            "aws:cloudwatch/logStream:LogStream",
            {"name": "delivery", "logGroupName": logs},
        ),
        f"{logical}-firehose-role": (
            "aws:iam/role:Role",
            {
                "name": called,
                "description": f"What the Firehoses of the {name} sink of {env.prefix} may do",
                "assumeRolePolicy": trust(
                    "firehose.amazonaws.com", StringEquals={"sts:ExternalId": env.account}
                ),
            },
        ),
        f"{logical}-firehose-policy": (
            "aws:iam/rolePolicy:RolePolicy",
            {
                "name": called,
                "role": called,
                "policy": policy(
                    allow("ReadStream", READ, stream),
                    allow(
                        "AskTheFunction",
                        ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
                        invoked,
                        f"{invoked}:$LATEST",
                    ),
                    allow(
                        "KnowTheBucket",
                        ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                        objects,
                    ),
                    allow(
                        "WriteOwnObjects",
                        ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                        *([f"{objects}/errors/{name}/*"] if error_prefix else []),
                        f"{objects}/staging/{name}/*",
                    ),
                    *statements,
                    allow(
                        "WriteOwnLogs",
                        ["logs:PutLogEvents"],
                        f"arn:aws:logs:{REGION}:log-group:{logs}:log-stream:delivery",
                    ),
                ),
            },
        ),
        f"{logical}-firehose": (
            kind,
            {
                "name": called,
                "kinesisSourceConfiguration": {"kinesisStreamArn": stream, "roleArn": role},
                **firehose,
            },
        ),
        f"{logical}-redrive": (
            kind,
            {
                "name": f"{env.prefix}-{dashed}-redrive",
                "serverSideEncryption": {"enabled": True, "keyType": "AWS_OWNED_CMK"},
                **firehose,
            },
        ),
    }


READ = ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
