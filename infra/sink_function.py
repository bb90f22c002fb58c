"""A sink: a consumer of the stream, a function with a role of its own, and the mapping between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra import limits
from infra.dead_letters import PREFIX, DeadLetters
from infra.environment import Environment
from infra.ledger import Ledger
from infra.packaging import ARCHITECTURE, RUNTIME, package
from infra.policy import VERSION, allow, allow_through, document
from infra.settings import SinkSettings
from infra.stream import Stream


@dataclass(frozen=True, kw_only=True)
class Sink:
    """What a sink function is made of."""

    sink: str
    function: str
    settings: SinkSettings
    stream: Stream
    dead_letters: DeadLetters
    ledger: Ledger
    pipeline: str
    environment: Mapping[str, pulumi.Input[str]]
    after: Sequence[pulumi.Resource]


class SinkFunction(pulumi.ComponentResource):
    """One sink, fed over its own enhanced fan-out consumer."""

    def __init__(self, name: str, env: Environment, args: Sink) -> None:
        super().__init__("sluice:infra:SinkFunction", name, None, env.component)
        self._resource, self._env, self._args = name, env, args
        self._called = env.names.sink(args.sink)
        self._warn_when_a_killer_would_hold_its_shard()
        self.consumer = aws.kinesis.StreamConsumer(
            f"{name}-consumer", name=self._called, stream_arn=args.stream.arn, opts=env.within(self)
        )
        self.logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{self._called}",
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=env.settings.kms_key_arn,
            opts=env.within(self),
        )
        self.role = aws.iam.Role(
            f"{name}-role",
            name=self._called,
            description=f"What the {args.sink} sink of {env.names.prefix} may do",
            assume_role_policy=_trust(),
            opts=env.within(self),
        )
        self.policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name=self._called,
            role=self.role.name,
            policy=document(self._statements()),
            opts=env.within(self),
        )
        self.function = self._function()
        self.mapping = self._mapping()
        self.outputs = {
            "function": self.function.name,
            "consumer": self.consumer.arn,
            "mapping": self.mapping.uuid,
            "parallelization": args.settings.parallelization,
        }
        self.register_outputs(self.outputs)

    def _warn_when_a_killer_would_hold_its_shard(self) -> None:
        batch = self._args.settings.batch_size
        if batch > limits.BATCH_FOR_A_MINUTE:
            pulumi.log.warn(
                f"{self._args.sink}_sink.batch_size is {batch}: to find a record that kills the function"
                " among so many may hold its shard for more than a minute;"
                f" {limits.BATCH_FOR_A_MINUTE} or less keeps it within one"
            )

    def _statements(self) -> list[dict[str, object]]:
        args, key = self._args, self._env.settings.kms_key_arn
        statements = [
            allow(
                "ReadOwnConsumer",
                ["kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"],
                self.consumer.arn,
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
                args.stream.arn,
            ),
            allow("SendDeadLetters", ["sqs:SendMessage"], args.dead_letters.queue_arn),
            allow(
                "KeepLargePayloads",
                ["s3:PutObject"],
                pulumi.Output.concat(args.dead_letters.bucket_arn, f"/{PREFIX}/{args.sink}/*"),
            ),
            allow(
                "KeepTheLedger",
                ["dynamodb:Query", "dynamodb:UpdateItem"],
                args.ledger.table_arn,
            ),
            # A log stream's name is Lambda's own, so the group's streams are as exact as it gets.
            allow(
                "WriteOwnLogs",
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                pulumi.Output.concat(self.logs.arn, ":*"),
            ),
        ]
        if key:
            # Stream, queue, bucket and the function's variables take two rights; a table takes more.
            statements += [
                allow("UseTheKey", ["kms:Decrypt", "kms:GenerateDataKey"], key),
                allow_through(
                    f"dynamodb.{self._env.settings.aws_region}.amazonaws.com",
                    "UseTheKeyForTheLedger",
                    ["kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
                    key,
                ),
            ]
        return statements

    def _function(self) -> aws.lambda_.Function:
        args, settings = self._args, self._args.settings
        return aws.lambda_.Function(
            f"{self._resource}-function",
            name=self._called,
            description=f"Delivers the stream's events to {args.sink}",
            role=self.role.arn,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler="handler.handler",
            code=pulumi.FileArchive(
                package(
                    args.function,
                    pipeline=args.pipeline,
                    with_dependencies=self._env.settings.package_dependencies,
                )
            ),
            timeout=settings.timeout_seconds,
            memory_size=settings.memory_mb,
            kms_key_arn=self._env.settings.kms_key_arn,
            environment={
                "variables": {
                    "SLUICE_SINK": args.sink,
                    "SLUICE_PARALLELIZATION": str(settings.parallelization),
                    "SLUICE_LEDGER_TABLE": args.ledger.table,
                    "SLUICE_LEDGER_DAYS": str(self._env.settings.ledger.days),
                    "SLUICE_DEAD_LETTER_QUEUE_URL": args.dead_letters.queue_url,
                    "SLUICE_DEAD_LETTER_BUCKET": args.dead_letters.bucket,
                    "POWERTOOLS_SERVICE_NAME": self._called,
                    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
                    "POWERTOOLS_LOG_LEVEL": settings.log_level,
                    **args.environment,
                }
            },
            # Lambda would make a log group that never expires, if it ran before ours exists. And code that
            # knows a new column must not run before the table has it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.logs, self.policy, *args.after]),
        )

    def _mapping(self) -> aws.lambda_.EventSourceMapping:
        """Feed the function; the mapping holds the checkpoint, so it is kept as data is.

        Another consumer or starting position replaces a mapping and loses its checkpoint. The old one goes
        first: Lambda refuses two mappings of one function on one consumer.
        """
        args, settings = self._args, self._args.settings
        return aws.lambda_.EventSourceMapping(
            f"{self._resource}-mapping",
            event_source_arn=self.consumer.arn,
            function_name=self.function.arn,
            enabled=settings.enabled,
            starting_position=settings.starting_position,
            starting_position_timestamp=settings.starting_position_timestamp,
            batch_size=settings.batch_size,
            maximum_batching_window_in_seconds=settings.batching_window_seconds,
            parallelization_factor=settings.parallelization,
            maximum_retry_attempts=settings.retry_attempts,
            maximum_record_age_in_seconds=settings.max_record_age_seconds,
            bisect_batch_on_function_error=settings.bisect,
            function_response_types=["ReportBatchItemFailures"],
            destination_config={"on_failure": {"destination_arn": args.dead_letters.queue_arn}},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._env.settings.protect,
                delete_before_replace=True,
                depends_on=[self.policy, *args.after],
            ),
        )


def _trust() -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )
