"""Kinesis streams: the one that producers write to, and those of routes."""

from collections.abc import Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra import limits
from infra.adoption import Key, name_of
from infra.environment import Environment
from infra.policy import allow, document
from infra.settings_adoption import AdoptedStream
from infra.settings_functions import ProducedStreamSettings, StreamSettings

AWS_MANAGED_KEY = "alias/aws/kinesis"

WRITE_RECORDS: Final = (
    "kinesis:DescribeStreamSummary",
    "kinesis:ListShards",
    "kinesis:PutRecord",
    "kinesis:PutRecords",
)


def reading(
    streams: Sequence[pulumi.Input[str]], consumers: Sequence[pulumi.Input[str]]
) -> list[dict[str, Any]]:
    """Let Lambda read these streams for a function, by these consumers where there are any: ARNs."""
    return [
        *([allow("ReadOwnConsumer", ["kinesis:SubscribeToShard"], *consumers)] if consumers else []),
        allow(
            "ReadStream",
            [
                "kinesis:DescribeStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
            ],
            *streams,
        ),
    ]


class Stream(pulumi.ComponentResource):
    """A Kinesis stream, on-demand or provisioned, always encrypted; or one that exists.

    `called` is its name, which `name` says once it is there. `key` opens a stream that exists to who reads
    it, `target_key` to who writes it; `encryption_key` is what encrypts it, whoever made it.
    """

    def __init__(
        self,
        name: str,
        env: Environment,
        *,
        called: str,
        settings: StreamSettings,
        adopted: AdoptedStream | None = None,
    ) -> None:
        super().__init__("sluice:infra:Stream", name, None, env.holding)
        self._consumers: list[aws.kinesis.StreamConsumer] = []
        self.key = Key.to(adopted, env, "TheStream")
        self.target_key = Key.to(adopted, env, "TheTargetStream")
        self.encryption_key = adopted.key_arn if adopted else env.key
        self.called = name_of(adopted) if adopted else called
        if adopted:
            self.name = pulumi.Output.from_input(self.called)
            self.arn = pulumi.Output.from_input(adopted.arn)
        else:
            declared = self._declare(name, env, called, settings)
            self.name, self.arn = declared.name, declared.arn
            if isinstance(settings, ProducedStreamSettings) and settings.producers:
                self._let_in(name, env, settings.producers)
        self.register_outputs({"name": self.name})

    def _declare(
        self, name: str, env: Environment, called: str, settings: StreamSettings
    ) -> aws.kinesis.Stream:
        return aws.kinesis.Stream(
            f"{name}-stream",
            name=called,
            stream_mode_details={"stream_mode": settings.mode.replace("-", "_").upper()},
            shard_count=settings.shards,
            retention_period=settings.retention_hours,
            encryption_type="KMS",
            kms_key_id=AWS_MANAGED_KEY if env.key is None else env.key,
            enforce_consumer_deletion=not env.settings.protect,
            opts=env.keeping(self),
        )

    def _let_in(self, name: str, env: Environment, producers: Sequence[str]) -> None:
        """Let identities of other accounts write: what a producer needs, and nothing that reads.

        The actions are those of AWS's own example (Kinesis developer guide, sharing access by resource
        policies); their account's IAM must allow them as well.
        """
        written = {
            "Sid": "LetProducersWrite",
            "Effect": "Allow",
            "Principal": {"AWS": list(producers)},
            "Action": list(WRITE_RECORDS),
            "Resource": self.arn,
        }
        aws.kinesis.ResourcePolicy(
            f"{name}-producers", resource_arn=self.arn, policy=document([written]), opts=env.within(self)
        )

    def consumer(self, name: str, *, called: str, parent: pulumi.Resource) -> aws.kinesis.StreamConsumer:
        """Register an enhanced fan-out consumer, after the fifth before it.

        Kinesis refuses a registration while five others are being created.
        """
        at_once = limits.CONSUMERS_CREATED_AT_ONCE
        consumer = aws.kinesis.StreamConsumer(
            name,
            name=called,
            stream_arn=self.arn,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=self._consumers[-at_once : 1 - at_once]),
        )
        self._consumers.append(consumer)
        return consumer
