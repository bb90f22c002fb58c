"""What a pipeline with metrics has beyond its sinks: see test_every_aws_resource.py."""

from typing import Any

from tests.infra.expected_aws import Env
from tests.infra.expected_sink import REGION, allow, credentials, lambda_function


def census(env: Env) -> dict[str, tuple[str, dict[str, Any]]]:
    """The clock that completes quiet windows."""
    rule, aggregator = f"{env.prefix}-census", f"{env.prefix}-windows-sink"
    return {
        "census-rule": (
            "aws:cloudwatch/eventRule:EventRule",
            {
                "name": rule,
                "description": "Completes windows of shards where nothing arrives",
                "scheduleExpression": "rate(1 minute)",
            },
        ),
        "census-permission": (
            "aws:lambda/permission:Permission",
            {
                "statementId": "census",
                "action": "lambda:InvokeFunction",
                "function": aggregator,
                "principal": "events.amazonaws.com",
                "sourceArn": f"arn:aws:events:{REGION}:rule/{rule}",
            },
        ),
        "census-target": (
            "aws:cloudwatch/eventTarget:EventTarget",
            {
                "rule": rule,
                "targetId": "aggregator",
                "arn": f"arn:aws:lambda:{REGION}:function:{aggregator}",
                "retryPolicy": {"maximumEventAgeInSeconds": 60, "maximumRetryAttempts": 0},
            },
        ),
    }


def publisher(env: Env, google_project: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """The function that the windows' table wakes."""
    called = f"{env.prefix}-window-publisher"
    table_arn = f"arn:aws:dynamodb:{REGION}:table/{env.prefix}-windows"
    stream_arn = f"{table_arn}/stream/2026-01-01T00:00:00.000"
    return {
        **lambda_function(
            env,
            "window-publisher",
            called,
            folder="window_publisher",
            description="Copies committed windows to BigQuery",
            duty="window publisher",
            timeout=300,
            memory=512,
            log_level=env.log_level,
            log_days=env.log_days,
            statements=[
                allow(
                    "ReadTheWindowsStream",
                    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                    stream_arn,
                ),
                allow("ListStreams", ["dynamodb:ListStreams"], "*"),
                allow(
                    "ReadTheWindows",
                    ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
                    table_arn,
                ),
                {
                    **allow("NoteWhatIsPublished", ["dynamodb:UpdateItem"], table_arn),
                    "Condition": {
                        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["published"]},
                        "Null": {"dynamodb:LeadingKeys": "false"},
                    },
                },
            ],
            variables={
                "SLUICE_WINDOWS_TABLE": f"{env.prefix}-windows",
                "SLUICE_BIGQUERY_PROJECT": google_project,
                "SLUICE_BIGQUERY_DATASET": env.prefix.replace("-", "_"),
                "SLUICE_GOOGLE_CREDENTIALS": credentials(env),
            },
        ),
        "window-publisher-mapping": (
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            {
                "eventSourceArn": stream_arn,
                "functionName": f"arn:aws:lambda:{REGION}:function:{called}",
                "enabled": True,
                "startingPosition": "TRIM_HORIZON",
                "batchSize": 100,
                "maximumBatchingWindowInSeconds": 1,
                "parallelizationFactor": 1,
                "maximumRetryAttempts": -1,
                "maximumRecordAgeInSeconds": -1,
                "bisectBatchOnFunctionError": False,
                "filterCriteria": {
                    "filters": [
                        {
                            "pattern": {
                                "eventName": ["INSERT", "MODIFY"],
                                "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "segments#"}, "watermark"]}}},
                            }
                        }
                    ]
                },
            },
        ),
    }
