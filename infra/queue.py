"""SQS queues as all of the program's are: encrypted, over TLS only, with room for the largest message."""

from typing import Any

import pulumi
import pulumi_aws as aws

from infra import limits
from infra.environment import Environment
from infra.policy import deny_without_tls, document

_DAY_SECONDS = 86_400
_DATA_KEY_SECONDS = 300


def queue(
    name: str, env: Environment, parent: pulumi.Resource, *, called: str, retention_days: int, **more: Any
) -> aws.sqs.Queue:
    """Declare a queue, which is kept as data is."""
    encryption: dict[str, Any] = (
        {"kms_master_key_id": env.key, "kms_data_key_reuse_period_seconds": _DATA_KEY_SECONDS}
        if env.key is not None
        else {"sqs_managed_sse_enabled": True}
    )
    declared = aws.sqs.Queue(
        name,
        name=called,
        message_retention_seconds=retention_days * _DAY_SECONDS,
        max_message_size=limits.QUEUE_MESSAGE_BYTES,
        opts=env.keeping(parent),
        **encryption,
        **more,
    )
    aws.sqs.QueuePolicy(
        f"{name}-policy",
        queue_url=declared.url,
        policy=document([deny_without_tls("sqs:*", declared.arn)]),
        opts=env.within(parent),
    )
    return declared
