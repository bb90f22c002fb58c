"""What services do with a role, beside what its function calls: each right with its reason.

A function's own calls are recorded and compared with what its role allows, in tests/e2e/test_roles.py. What
no function calls is here, or it is not granted.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Need:
    """Actions of one statement that a service asks for, and how one knows.

    `roles` are the ends of the names of roles that have the statement for this reason, none for all.
    """

    statement: str
    actions: tuple[str, ...]
    because: str
    roles: tuple[str, ...] = ()

    def covers(self, role: str, statement: str, action: str) -> bool:
        """Whether it is the reason for a right."""
        return (
            statement == self.statement
            and action in self.actions
            and (not self.roles or role.endswith(self.roles))
        )


_KINESIS: Final = "Lambda's poller reads the stream (AWSLambdaKinesisExecutionRole, read 2026-11)"
_DYNAMODB: Final = "Lambda's poller reads the table's stream (AWSLambdaDynamoDBExecutionRole)"
_FIREHOSE: Final = "Firehose's own work (Firehose developer guide, controlling access)"
_CODEDEPLOY: Final = (
    "CodeDeploy shifts an alias, and back when an alarm rings (AWSCodeDeployRoleForLambdaLimited)"
)
_OPTIMIZER: Final = "Glue's own work (Glue user guide, table optimization prerequisites)"

POLLERS: Final = (
    Need(
        statement="ReadStream",
        actions=(
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ),
        because=_KINESIS,
    ),
    Need(statement="ReadOwnConsumer", actions=("kinesis:SubscribeToShard",), because=_KINESIS),
    Need(
        statement="SendDeadLetters",
        actions=("sqs:SendMessage",),
        because="Lambda's poller tells the queue of a batch that it gives up (Lambda developer guide, "
        "on-failure destinations); the functions send as well",
    ),
    Need(
        statement="ReportGivenUp",
        actions=("sqs:SendMessage",),
        because="Lambda's poller tells the probe's queue of a batch that it gives up (Lambda developer "
        "guide, on-failure destinations)",
    ),
    Need(
        statement="ReadTheWindowsStream",
        actions=("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        because=_DYNAMODB,
    ),
    Need(statement="ListStreams", actions=("dynamodb:ListStreams",), because=_DYNAMODB),
)
"""What Lambda's event-source mappings do with the role of their function."""

LAMBDA: Final = (
    Need(
        statement="WriteOwnLogs",
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        because="Lambda writes what the function prints (AWSLambdaBasicExecutionRole; the group is there)",
    ),
    Need(
        statement="SendTraces",
        actions=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        because="Lambda's X-Ray daemon sends traces (AWSXRayDaemonWriteAccess)",
    ),
    Need(
        statement="UseTheKey",
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        because="Lambda opens the function's variables, CloudWatch Logs asks in the name of who writes "
        "(AWS's CloudWatchLogsAPIKeyAccess, read 2026-11), and the services open what lies with them",
    ),
    Need(
        statement="UseTheKeyForTables",
        actions=("kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
        because="DynamoDB opens and closes its tables for who asks (DynamoDB developer guide, encryption at "
        "rest: permissions)",
    ),
    Need(
        statement="HaveNetworkInterfaces",
        actions=(
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:UnassignPrivateIpAddresses",
        ),
        because="Lambda makes and drops a function's interfaces (AWSLambdaVPCAccessExecutionRole)",
    ),
    Need(
        statement="FindNetworkInterfaces",
        actions=("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
        because="Lambda looks for them (AWSLambdaVPCAccessExecutionRole)",
    ),
)
"""What Lambda does with the role of any function, and KMS on its behalf."""

NOT_HERE: Final = (
    Need(
        statement="ReadMetrics",
        actions=("cloudwatch:GetMetricStatistics",),
        because="asked for minutes that CloudWatch has counted whole, of which a new cloud has none "
        "(tests/unit/report/test_flow.py)",
        roles=("-report",),
    ),
    Need(
        statement="ReadStreams",
        actions=("kinesis:GetRecords",),
        because="asked with an iterator, from which nobody here tells the stream "
        "(tests/unit/audit/test_scheduled.py)",
        roles=("-auditor",),
    ),
    Need(
        statement="SetOpenSearchUp",
        actions=("es:ESHttpDelete", "es:ESHttpPost"),
        because="asked of plug-ins that no local OpenSearch has, and of indices without their aliases "
        "(tests/unit/sinks/opensearch_setup)",
        roles=("-search-setup",),
    ),
)
"""What functions call where it cannot happen in a local cloud that is seconds old; other tests show it."""

OF_CALLS: Final = (
    Need(
        statement="ReadAndWriteMetadata",
        actions=("s3:PutObject",),
        because="Glue's UpdateTable writes Iceberg's metadata with the rights of who calls it",
        roles=("-lake-setup",),
    ),
    Need(
        statement="ListTables",
        actions=("s3:ListBucket",),
        because="as for Glue's own work on the same files; not tried at AWS without it",
        roles=("-lake-setup",),
    ),
)
"""What a service does while a function's call lasts, with the caller's rights."""

SERVICES: Final = (
    *(
        Need(statement=statement, actions=actions, because=_FIREHOSE)
        for statement, actions in {
            "AskTheFunction": ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction"),
            "KnowTheBucket": ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
            "WriteObjects": ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
            "WriteOwnObjects": ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"),
            "WriteTables": ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            "ReadTheSecret": ("secretsmanager:GetSecretValue",),
            "UseTheKeyForTheStream": ("kms:Decrypt",),
            "KnowTheDomain": ("es:DescribeDomain", "es:DescribeDomainConfig", "es:DescribeDomains"),
            "WriteDocuments": ("aoss:APIAccessAll", "es:ESHttpPost", "es:ESHttpPut"),
            "AskTheDomain": ("es:ESHttpGet",),
        }.items()
    ),
    Need(
        statement="CommitTables",
        actions=("glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
        because="Firehose's own work (Firehose developer guide, grant access to Iceberg tables); and Glue's",
    ),
    Need(
        statement="RewriteTables",
        actions=("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
        because=_OPTIMIZER,
    ),
    Need(statement="ListTables", actions=("s3:ListBucket",), because=_OPTIMIZER, roles=("-lake-optimizer",)),
    Need(
        statement="WriteOwnLogs",
        actions=("logs:CreateLogGroup",),
        because=_OPTIMIZER,
        roles=("-lake-optimizer",),
    ),
    *(
        Need(statement=statement, actions=actions, because=_CODEDEPLOY, roles=("-rollout",))
        for statement, actions in {
            "ShiftAliases": ("lambda:GetAlias", "lambda:UpdateAlias"),
            "KnowWhatIsProvisioned": ("lambda:GetProvisionedConcurrencyConfig",),
            "HearAlarms": ("cloudwatch:DescribeAlarms",),
        }.items()
    ),
)
"""What Firehose, Glue and CodeDeploy do with roles of their own, which no function has."""

NEEDS: Final = (*POLLERS, *LAMBDA, *NOT_HERE, *OF_CALLS, *SERVICES)
