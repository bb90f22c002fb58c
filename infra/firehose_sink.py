"""A sink that a Firehose feeds: it reads the stream, asks a function about each record, and delivers answers.

The function is the sink: it checks, keeps the books and sends dead letters as every sink's does, and answers
rows instead of writing them. A Firehose that reads a stream takes no records from anybody else, so a second
one with the same function and destination takes those that are redriven.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.firehose_role import FirehoseRole, at_rest
from infra.function import Code, Function
from infra.lake_bucket import LakeBucket
from infra.ledger import Ledger
from infra.policy import allow, allow_through, sibling
from infra.settings_lake import FirehoseSinkSettings
from infra.sink_function import keeping_books, told
from infra.stream import Stream

FUNCTION: Final = "firehose_sink"
"""The folder of the function that every such sink runs."""

PARALLELIZATION: Final = 2
"""Firehose asks about several batches of a shard at once: its books are right by their counts alone."""

_USUAL: Final = {"NumberOfRetries": "3", "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}
"""What the provider tells Firehose unless told otherwise (its defaultProcessorParameters).

It forgets parameters with these values, and would see a change at every deployment if they were given.
"""

_SPLUNK: Final = {"BufferSizeInMBs": "0.25"}
"""What is otherwise for Splunk."""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a Firehose delivers to.

    `kind` is what exports and the function call it, `provider` what the provider does, `block` the argument
    with its `configuration`, to which what all destinations have is added. `statements` are rights beyond
    what every such Firehose has, `most` how large and how old a buffer may become, None where the buffer is
    that of the objects in S3. `error_prefix` says whether Firehose takes a prefix for what failed.
    """

    kind: str
    provider: str
    block: str
    configuration: Mapping[str, Any]
    s3: Mapping[str, Any] = field(default_factory=dict)
    statements: Sequence[dict[str, Any]] = ()
    secret_arn: str | None = None
    most: tuple[int, int] | None = (128, 900)
    error_prefix: bool = True
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FirehoseArgs:
    """What such a sink is made of; `types` are the types of events that it takes, none for all of them."""

    sink: str
    description: str
    settings: FirehoseSinkSettings
    destination: Destination
    types: Sequence[str] = ()
    stream: Stream
    bucket: LakeBucket
    dead_letters: DeadLetters
    ledger: Ledger
    pipeline: str
    after: Sequence[pulumi.Resource] = ()


class FirehoseSink(pulumi.ComponentResource):
    """One sink: its function, the Firehose that reads the stream, and the one for redriven records."""

    def __init__(self, name: str, env: Environment, args: FirehoseArgs) -> None:
        super().__init__("sluice:infra:FirehoseSink", name, None, env.component)
        self._resource, self._env, self.args = name, env, args
        self.stream = args.stream
        redrive = env.names.redrive(args.sink)
        self.function = self._function(redrive)
        self._role = FirehoseRole(
            f"{name}-firehose",
            env,
            self,
            called=env.names.firehose(args.sink),
            duty=f"Firehoses of the {args.sink} sink",
            statements=self._rights(),
        )
        self.firehose = self._firehose(
            "firehose",
            called=env.names.firehose(args.sink),
            kinesis_source_configuration={
                "kinesis_stream_arn": args.stream.arn,
                "role_arn": self._role.arn,
            },
        )
        self.redrive = self._firehose("redrive", called=redrive, server_side_encryption=at_rest(env))
        self.outputs: dict[str, pulumi.Input[Any]] = {
            "function": self.function.name,
            "consumer": None,
            "mapping": None,
            "parallelization": PARALLELIZATION,
            "reads": "firehose",
            "stream": args.stream.name,
            "filtered": False,
            "route": None,
            "firehose": self.firehose.name,
            "redrive": self.redrive.name,
            "destination": args.destination.kind,
            "bucket": args.bucket.bucket,
            "errors": (
                args.bucket.errors(args.sink)
                if args.destination.error_prefix
                else args.bucket.failed(args.sink)
            ),
        }
        self.register_outputs(self.outputs)

    def _function(self, redrive: str) -> Function:
        """Declare the function that answers; it is invoked by the Firehoses' role, and by a redrive."""
        env, args = self._env, self.args
        put = sibling(args.stream.arn, "firehose", f"deliverystream/{redrive}")
        return Function(
            self._resource,
            env,
            self,
            Code(
                called=env.names.sink(args.sink),
                folder=FUNCTION,
                description=args.description,
                duty=f"{args.sink} sink",
                settings=args.settings,
                pipeline=args.pipeline,
                statements=[
                    *keeping_books(args.sink, args.dead_letters, args.ledger),
                    allow("PutRedrivenRecords", ["firehose:PutRecordBatch"], put),
                ],
                environment={
                    **told(env, args.sink, PARALLELIZATION, args.dead_letters, args.ledger),
                    "SLUICE_FIREHOSE_DESTINATION": args.destination.kind,
                    "SLUICE_FIREHOSE_TYPES": ",".join(args.types),
                    "SLUICE_REDRIVE_FIREHOSE": redrive,
                    **args.destination.environment,
                },
                after=args.after,
            ),
        )

    def _firehose(self, part: str, *, called: str, **source: Any) -> aws.kinesis.FirehoseDeliveryStream:
        """Declare one of the two: what it holds is data, and what it reads on from a checkpoint."""
        destination = self.args.destination
        arguments: dict[str, Any] = {destination.block: self._configuration(), **source}
        return aws.kinesis.FirehoseDeliveryStream(
            f"{self._resource}-{part}",
            name=called,
            destination=destination.provider,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._env.settings.protect,
                depends_on=[self._role.policy, self.function.function, *self.args.after],
            ),
            **arguments,
        )

    def _configuration(self) -> dict[str, Any]:
        args, role, settings = self.args, self._role, self.args.settings
        destination = args.destination
        return {
            **destination.configuration,
            # Splunk is told a token, and takes no role.
            **({} if destination.provider == "splunk" else {"role_arn": role.arn}),
            **(self._buffer(destination.most) if destination.most else {}),
            **(
                {
                    "secrets_manager_configuration": {
                        "enabled": True,
                        "secret_arn": destination.secret_arn,
                        "role_arn": role.arn,
                    }
                }
                if destination.secret_arn
                else {}
            ),
            "retry_duration": settings.retry_seconds,
            "cloudwatch_logging_options": role.logging,
            "processing_configuration": {
                "enabled": True,
                "processors": [{"type": "Lambda", "parameters": self._parameters()}],
            },
            "s3_configuration": {
                "role_arn": role.arn,
                "bucket_arn": args.bucket.arn,
                "prefix": args.bucket.staging(args.sink),
                **(
                    {
                        "error_output_prefix": (
                            f"{args.bucket.errors(args.sink)}!{{firehose:error-output-type}}"
                            "/date=!{timestamp:yyyy-MM-dd}/"
                        )
                    }
                    if destination.error_prefix
                    else {}
                ),
                "kms_key_arn": self._env.key,
                **({} if destination.most else self._buffer()),
                **destination.s3,
            },
        }

    def _buffer(self, most: tuple[int, int] = (128, 900)) -> dict[str, Any]:
        settings = self.args.settings
        return {
            "buffering_size": min(settings.buffer_mb, most[0]),
            "buffering_interval": min(settings.buffer_seconds, most[1]),
        }

    def _parameters(self) -> list[dict[str, Any]]:
        settings = self.args.settings
        usual = {**_USUAL, **(_SPLUNK if self.args.destination.provider == "splunk" else {})}
        wanted = {
            "NumberOfRetries": str(settings.transform_retries),
            "BufferSizeInMBs": f"{settings.transform_buffer_kb / 1000:g}",
            "BufferIntervalInSeconds": str(settings.transform_buffer_seconds),
        }
        return [
            {
                "parameter_name": "LambdaArn",
                "parameter_value": pulumi.Output.concat(self.function.arn, ":$LATEST"),
            },
            *(
                {"parameter_name": key, "parameter_value": value}
                for key, value in wanted.items()
                if value != usual[key]
            ),
        ]

    def _rights(self) -> list[dict[str, Any]]:
        """Let both read the stream, ask the function and write what failed.

        Firehose developer guide, controlling access (read 2026-11).
        """
        args, bucket, region = self.args, self.args.bucket, self._env.settings.aws_region
        own = [f"/{bucket.staging(args.sink)}*"]
        if args.destination.error_prefix:
            own.insert(0, f"/{bucket.errors(args.sink)}*")
        key, former = args.stream.encryption_key, self._env.settings.encryption.former_keys
        keys = [*([key] if key is not None else []), *former]
        through = f"kinesis.{region}.amazonaws.com"
        return [
            allow(
                "ReadStream",
                [
                    "kinesis:DescribeStream",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ],
                args.stream.arn,
            ),
            allow(
                "AskTheFunction",
                ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
                self.function.arn,
                pulumi.Output.concat(self.function.arn, ":$LATEST"),
            ),
            allow(
                "KnowTheBucket",
                ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                bucket.arn,
            ),
            allow(
                "WriteOwnObjects",
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                *(pulumi.Output.concat(bucket.arn, part) for part in own),
            ),
            *args.destination.statements,
            *(
                [allow("ReadTheSecret", ["secretsmanager:GetSecretValue"], args.destination.secret_arn)]
                if args.destination.secret_arn
                else []
            ),
            *([allow_through(through, "UseTheKeyForTheStream", ["kms:Decrypt"], *keys)] if keys else []),
        ]
