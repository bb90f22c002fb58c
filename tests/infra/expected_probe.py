"""What the probe is expected to consist of: see test_probe.py."""

from typing import Any

from tests.infra.expected_aws import PLACEHOLDER_ACCOUNT, Env, tls_only
from tests.infra.expected_sink import REGION, allow, credentials, lambda_function

Expected = dict[str, tuple[str, dict[str, Any]]]

ENHANCED = ("plain", "parts", "halves", "aged", "keyed", "windows", "filtered")
PARTS = {"functionResponseTypes": ["ReportBatchItemFailures"]}


def through(*patterns: dict[str, Any]) -> dict[str, Any]:
    """A filter; its patterns are JSON, which the comparison reads."""
    return {"filterCriteria": {"filters": [{"pattern": {"data": pattern}} for pattern in patterns]}}


def to(mapping: str) -> dict[str, Any]:
    return through({"to": [mapping]})


MAPPINGS: dict[str, dict[str, Any]] = {
    "plain": {"maximumBatchingWindowInSeconds": 1, **PARTS},
    "parts": {"batchSize": 10, "maximumBatchingWindowInSeconds": 2, **PARTS, **to("parts")},
    "halves": {
        "batchSize": 8,
        "maximumBatchingWindowInSeconds": 2,
        "maximumRetryAttempts": 1,
        "bisectBatchOnFunctionError": True,
        **PARTS,
        **to("halves"),
    },
    "aged": {"maximumRetryAttempts": -1, "maximumRecordAgeInSeconds": 60, **to("aged")},
    "keyed": {"batchSize": 1, "parallelizationFactor": 4, **to("keyed")},
    "windows": {"maximumRetryAttempts": 3, "tumblingWindowInSeconds": 10, **to("windows")},
    "filtered": through(
        {"to": ["filtered"], "case": ["numbers"], "x": [{"numeric": [">", 0]}]},
        {"to": ["filtered"], "case": ["nothing"], "x": [None]},
        {"to": ["filtered"], "case": ["absence"], "x": [{"exists": False}]},
        {"to": ["filtered"], "case": ["unlike"], "x": [{"anything-but": ["EUR"]}]},
        {"to": ["filtered"], "case": ["texts"], "x": ["wanted"]},
    ),
    "shared": through({"to": ["shared"], "x": ["wanted"]}),
}


def aws(env: Env, google_project: str) -> Expected:
    """What is in AWS: type and inputs of each resource, under its logical name."""
    called, queue = f"{env.prefix}-probe", f"{env.prefix}-probe-given-up"
    queue_arn = f"arn:aws:sqs:{REGION}:{queue}"
    queue_url = f"https://sqs.eu-central-1.amazonaws.com/{PLACEHOLDER_ACCOUNT}/{queue}"
    streams = {each: f"arn:aws:kinesis:{REGION}:stream/{called}-{each}" for each in ("cases", "plain")}
    reads = {each: streams["plain" if each == "plain" else "cases"] for each in MAPPINGS}
    consumers = {each: f"{reads[each]}/consumer/{called}-{each}:1700000000" for each in ENHANCED}
    return {
        **{f"probe-{each}-stream": _stream(f"{called}-{each}") for each in streams},
        **{
            f"probe-{each}-consumer": (
                "aws:kinesis/streamConsumer:StreamConsumer",
                {"name": f"{called}-{each}", "streamArn": reads[each]},
            )
            for each in ENHANCED
        },
        "probe-queue": (
            "aws:sqs/queue:Queue",
            {
                "name": queue,
                "messageRetentionSeconds": 86_400,
                "maxMessageSize": 1_048_576,
                "sqsManagedSseEnabled": True,
            },
        ),
        "probe-queue-policy": (
            "aws:sqs/queuePolicy:QueuePolicy",
            {"queueUrl": queue_url, "policy": tls_only("sqs:*", queue_arn)},
        ),
        "probe-journal": (
            "aws:dynamodb/table:Table",
            {
                "name": f"{called}-journal",
                "billingMode": "PAY_PER_REQUEST",
                "hashKey": "run",
                "rangeKey": "entry",
                "attributes": [{"name": "run", "type": "S"}, {"name": "entry", "type": "S"}],
                "ttl": {"attributeName": "expires_at", "enabled": True},
                "pointInTimeRecovery": {"enabled": True},
                "serverSideEncryption": {"enabled": True},
                "deletionProtectionEnabled": False,
            },
        ),
        **lambda_function(
            env,
            "probe",
            called,
            folder="probe",
            description="Does what the probe's records order, and notes what it is given",
            duty="probe",
            timeout=60,
            memory=512,
            log_level="INFO",
            log_days=30,
            statements=[
                allow("ReadOwnConsumer", ["kinesis:SubscribeToShard"], *consumers.values()),
                allow(
                    "ReadStream",
                    [
                        "kinesis:DescribeStream",
                        "kinesis:DescribeStreamSummary",
                        "kinesis:GetRecords",
                        "kinesis:GetShardIterator",
                        "kinesis:ListShards",
                    ],
                    *streams.values(),
                ),
                allow("ReportGivenUp", ["sqs:SendMessage"], queue_arn),
                allow(
                    "KeepTheJournal",
                    ["dynamodb:PutItem", "dynamodb:Query"],
                    f"arn:aws:dynamodb:{REGION}:table/{called}-journal",
                ),
            ],
            variables={
                "SLUICE_PROBE_TABLE": f"{called}-journal",
                "SLUICE_BIGQUERY_PROJECT": google_project,
                "SLUICE_BIGQUERY_DATASET": called.replace("-", "_"),
                "SLUICE_GOOGLE_CREDENTIALS": credentials(env),
            },
        ),
        **{
            f"probe-{each}-mapping": _mapping(called, consumers.get(each, reads[each]), queue_arn, more)
            for each, more in MAPPINGS.items()
        },
    }


def google(env: Env, google_project: str) -> Expected:
    """What is in Google's cloud; the writer's role is the warehouse's."""
    pool = f"projects/1234567890/locations/global/workloadIdentityPools/{env.prefix}-a"
    role = f"arn:aws:sts::{env.account}:assumed-role/{env.prefix}-probe"
    words = env.prefix.replace("-", "_")
    return {
        "probe-dataset": (
            "gcp:bigquery/dataset:Dataset",
            {
                "project": google_project,
                "datasetId": f"{words}_probe",
                "description": "Tables of sluice probe, while it runs",
                "location": "EU",
                "accesses": [
                    {"role": "OWNER", "specialGroup": "projectOwners"},
                    {
                        "role": f"projects/{google_project}/roles/{words}_sink_writer_a",
                        "iamMember": (f"principalSet://iam.googleapis.com/{pool}/attribute.aws_role/{role}"),
                    },
                ],
                "defaultTableExpirationMs": 86_400_000,
                "deleteContentsOnDestroy": True,
            },
        )
    }


def _stream(called: str) -> tuple[str, dict[str, Any]]:
    return (
        "aws:kinesis/stream:Stream",
        {
            "name": called,
            "streamModeDetails": {"streamMode": "ON_DEMAND"},
            "retentionPeriod": 24,
            "encryptionType": "KMS",
            "kmsKeyId": "alias/aws/kinesis",
            "enforceConsumerDeletion": True,
        },
    )


def _mapping(function: str, source: str, queue_arn: str, more: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return (
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        {
            "eventSourceArn": source,
            "functionName": f"arn:aws:lambda:{REGION}:function:{function}",
            "startingPosition": "TRIM_HORIZON",
            "batchSize": 100,
            "maximumBatchingWindowInSeconds": 0,
            "parallelizationFactor": 1,
            "maximumRetryAttempts": 2,
            "maximumRecordAgeInSeconds": -1,
            "bisectBatchOnFunctionError": False,
            "destinationConfig": {"onFailure": {"destinationArn": queue_arn}},
            **more,
        },
    )
