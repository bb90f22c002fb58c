"""The stream that producers write to, and that every sink reads over a consumer of its own."""

import pulumi
import pulumi_aws as aws

from infra.environment import Environment

_AWS_MANAGED_KEY = "alias/aws/kinesis"


class Stream(pulumi.ComponentResource):
    """A Kinesis stream, on-demand or provisioned, always encrypted."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:Stream", name, None, env.component)
        settings = env.settings.stream
        self.stream = aws.kinesis.Stream(
            f"{name}-stream",
            name=env.names.thing("events"),
            stream_mode_details={"stream_mode": settings.mode.replace("-", "_").upper()},
            shard_count=settings.shards,
            retention_period=settings.retention_hours,
            encryption_type="KMS",
            kms_key_id=env.settings.kms_key_arn or _AWS_MANAGED_KEY,
            enforce_consumer_deletion=not env.settings.protect,
            opts=env.keeping(self),
        )
        self.name = self.stream.name
        self.arn = self.stream.arn
        self.register_outputs({"name": self.name})
