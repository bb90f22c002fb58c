"""Where a route leads to a queue of its own."""

from typing import Any

import pulumi

from infra.environment import Environment
from infra.policy import allow
from infra.queue import queue
from infra.settings_functions import QueueSettings

FIFO = ".fifo"
"""What SQS wants the names of FIFO queues to end in."""


class RouteQueue(pulumi.ComponentResource):
    """An SQS queue; who reads it, and where to messages go that a reader cannot take, is its reader's.

    A FIFO queue takes a deduplication id with each message, the event's, once in five minutes. It takes 3,000
    messages a second in batches; with `high_throughput` far more, as order and that memory are then kept for
    each partition key alone (SQS developer guide, high throughput for FIFO queues).
    """

    def __init__(
        self, name: str, env: Environment, *, called: str, fifo: bool, settings: QueueSettings
    ) -> None:
        super().__init__("sluice:infra:RouteQueue", name, None, env.component)
        declared = queue(
            f"{name}-queue",
            env,
            self,
            called=f"{called}{FIFO}" if fifo else called,
            retention_days=settings.retention_days,
            visibility_timeout_seconds=settings.visibility_timeout_seconds,
            **(_fifo(settings) if fifo else {}),
        )
        self.statements = [allow("SendToTheQueue", ["sqs:SendMessage"], declared.arn)]
        self.environment = {"SLUICE_TARGET_QUEUE_URL": declared.url}
        self.outputs = {"target": "queue", "name": declared.name, "url": declared.url}
        self.register_outputs(self.outputs)


def _fifo(settings: QueueSettings) -> dict[str, Any]:
    group, whole = ("messageGroup", "perMessageGroupId"), ("queue", "perQueue")
    scope, limit = group if settings.high_throughput else whole
    return {"fifo_queue": True, "deduplication_scope": scope, "fifo_throughput_limit": limit}
