"""Where every record goes that a sink cannot take: a queue, and a bucket for payloads too large for it."""

import pulumi

from infra.adoption import Key, name_of, queue_url
from infra.bucket import bucket
from infra.environment import Environment
from infra.queue import queue

PREFIX = "dead-letters"
"""First part of the keys in the bucket: dead-letters/SINK/SHARD/SEQUENCE."""


class DeadLetters(pulumi.ComponentResource):
    """An encrypted, TLS-only queue and bucket; either may exist already."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:DeadLetters", name, None, env.holding)
        self._name, self._env = name, env
        self._queue()
        self._bucket()
        self.register_outputs({"queue_url": self.queue_url, "bucket": self.bucket})

    def _queue(self) -> None:
        env, adopted = self._env, self._env.settings.adopted.dead_letter_queue
        self.queue_key = Key.to(adopted, env, "TheQueue")
        if adopted:
            self.queue_url = pulumi.Output.from_input(queue_url(adopted))
            self.queue_arn = pulumi.Output.from_input(adopted.arn)
            return
        letters = queue(
            f"{self._name}-queue",
            env,
            self,
            called=env.names.thing("dead-letters"),
            retention_days=env.settings.dead_letters.retention_days,
        )
        self.queue_url, self.queue_arn = letters.url, letters.arn

    def _bucket(self) -> None:
        env, adopted = self._env, self._env.settings.adopted.dead_letter_bucket
        self.bucket_key = Key.to(adopted, env, "TheBucket")
        if adopted:
            self.bucket = pulumi.Output.from_input(name_of(adopted))
            self.bucket_arn = pulumi.Output.from_input(adopted.arn)
            return
        payloads = bucket(
            f"{self._name}-bucket",
            env,
            self,
            called=env.names.bucket,
            rules=[
                {
                    "id": "expire-payloads",
                    "status": "Enabled",
                    "filter": {"prefix": f"{PREFIX}/"},
                    "expiration": {"days": env.settings.dead_letters.payload_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
        )
        self.bucket, self.bucket_arn = payloads.bucket, payloads.arn
