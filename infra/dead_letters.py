"""Where every record goes that a sink cannot take: a queue, and a bucket for payloads too large for it."""

import pulumi

from infra.bucket import bucket
from infra.environment import Environment
from infra.queue import queue

PREFIX = "dead-letters"
"""First part of the keys in the bucket: dead-letters/SINK/SHARD/SEQUENCE."""


class DeadLetters(pulumi.ComponentResource):
    """An encrypted, TLS-only queue and bucket."""

    def __init__(self, name: str, env: Environment) -> None:
        super().__init__("sluice:infra:DeadLetters", name, None, env.component)
        settings = env.settings.dead_letters
        letters = queue(
            f"{name}-queue",
            env,
            self,
            called=env.names.thing("dead-letters"),
            retention_days=settings.retention_days,
        )
        payloads = bucket(
            f"{name}-bucket",
            env,
            self,
            called=env.names.bucket,
            rules=[
                {
                    "id": "expire-payloads",
                    "status": "Enabled",
                    "filter": {"prefix": f"{PREFIX}/"},
                    "expiration": {"days": settings.payload_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
        )
        self.queue_url, self.queue_arn = letters.url, letters.arn
        self.bucket, self.bucket_arn = payloads.bucket, payloads.arn
        self.register_outputs({"queue_url": self.queue_url, "bucket": self.bucket})
