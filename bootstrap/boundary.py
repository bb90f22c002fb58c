"""What the roles that a deployment makes may do at most, whatever their own policies say.

Who deploys writes the functions' code and their policies, and could give themselves anything through them.
So each role that GitHub's deployments make must have this boundary (or the one that the settings name): it
holds what the program's roles can need, on what bears the environment's name. A test compares it with every
right that the program grants.
"""

from collections.abc import Iterator
from typing import Any, Final

from bootstrap.place import Place

_ON_ITS_OWN: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "athena",
        "GetQueryExecution GetQueryResults GetWorkGroup StartQueryExecution StopQueryExecution",
        ("workgroup/{prefix}-*",),
    ),
    (
        "dynamodb",
        (
            "BatchGetItem BatchWriteItem DeleteItem DescribeStream DescribeTable GetItem GetRecords "
            "GetShardIterator PartiQLInsert PutItem Query UpdateItem"
        ),
        ("table/{prefix}-*",),
    ),
    (
        "es",
        "DescribeDomain DescribeDomainConfig DescribeDomains ESHttpDelete ESHttpGet ESHttpPost ESHttpPut",
        ("domain/{prefix}", "domain/{prefix}/*"),
    ),
    ("firehose", "DescribeDeliveryStream PutRecordBatch", ("deliverystream/{prefix}-*",)),
    (
        "glue",
        "GetDatabase GetTable GetTables UpdateTable",
        ("catalog", "database/{words}_*", "table/{words}_*"),
    ),
    (
        "kinesis",
        (
            "DescribeStream DescribeStreamSummary GetRecords GetShardIterator ListShards PutRecords "
            "SubscribeToShard"
        ),
        ("stream/{prefix}-*",),
    ),
    (
        "lambda",
        "GetAlias GetFunctionConfiguration GetProvisionedConcurrencyConfig InvokeFunction UpdateAlias",
        ("function:{prefix}-*",),
    ),
    (
        "logs",
        "CreateLogGroup CreateLogStream PutLogEvents",
        (
            "log-group:/aws/lambda/{prefix}-*",
            "log-group:/aws/kinesisfirehose/{prefix}-*",
            "log-group:/aws-glue/iceberg-compaction/logs:*",
            "log-group:/aws-glue/iceberg-orphan-file-deletion/logs:*",
            "log-group:/aws-glue/iceberg-retention/logs:*",
        ),
    ),
    (
        "s3",
        (
            "AbortMultipartUpload DeleteObject GetBucketLocation GetObject ListBucket "
            "ListBucketMultipartUploads PutObject"
        ),
        ("{prefix}-*",),
    ),
    (
        "sqs",
        "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage SendMessage",
        ("{prefix}-*",),
    ),
)
_EVERYWHERE: Final = (
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "dynamodb:ListStreams",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
_INTERFACES: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
_KEY: Final = "Decrypt DescribeKey Encrypt GenerateDataKey ReEncryptFrom ReEncryptTo"
_ELSEWHERE: Final = {
    **{service: actions for service, actions, _ in _ON_ITS_OWN},
    "aoss": "APIAccessAll",
    "kms": _KEY,
    "secretsmanager": "GetSecretValue",
}
"""What functions may be given beyond their environment's names, by the setting `reach`."""


def boundary(place: Place, reach: tuple[str, ...]) -> list[dict[str, Any]]:
    """Bound an environment's roles to what is its own, and to what the settings say lies elsewhere."""
    return [
        *(
            _allow(service.title(), service, actions, *_arns(place, service, ends))
            for service, actions, ends in _ON_ITS_OWN
        ),
        {
            **_allow("Key", "kms", _KEY, place.arn("kms", "key/*")),
            "Condition": {
                "StringEquals": {
                    "aws:ResourceTag/project": place.project,
                    "aws:ResourceTag/environment": place.stack,
                }
            },
        },
        {
            "Sid": "Interfaces",
            "Effect": "Allow",
            "Action": list(_INTERFACES),
            "Resource": [place.arn("ec2", "*/*")],
        },
        {"Sid": "Everywhere", "Effect": "Allow", "Action": list(_EVERYWHERE), "Resource": ["*"]},
        *_elsewhere(place, (*reach, *_keys(place))),
    ]


def _arns(place: Place, service: str, ends: tuple[str, ...]) -> list[str]:
    return [place.arn(service, end.format(prefix=place.prefix, words=place.words)) for end in ends]


def _keys(place: Place) -> list[str]:
    """Name the keys that the settings name, which bear no tags of the environment."""
    encryption = place.settings.encryption
    return [*([encryption.given] if encryption.given else []), *encryption.former_keys]


def _elsewhere(place: Place, reach: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for service in sorted({arn.split(":")[2] for arn in reach}):
        arns = [arn for arn in reach if arn.split(":")[2] == service]
        # Readers of a stream that lies elsewhere are the environment's own all the same.
        arns += [f"{arn}/consumer/{place.prefix}-*" for arn in arns if service == "kinesis"]
        yield _allow(f"{service.title()}Elsewhere", service, _ELSEWHERE[service], *arns)


def _allow(sid: str, service: str, actions: str, *on: str) -> dict[str, Any]:
    named = [f"{service}:{action}" for action in actions.split()]
    return {"Sid": sid, "Effect": "Allow", "Action": named, "Resource": list(on)}
