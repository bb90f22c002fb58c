"""Rules about TLS and encryption at rest."""

from collections.abc import Iterator

from sluice.policies.resource import Resources
from sluice.policies.rule import Finding, Rule

QUEUE = "aws:sqs/queue:Queue"


def _queue_is_encrypted(resources: Resources) -> Iterator[Finding]:
    for queue in resources.of(QUEUE):
        if not queue.at("kmsMasterKeyId") and queue.at("sqsManagedSseEnabled") is not True:
            yield queue, "messages are not encrypted: set kms_master_key_id or sqs_managed_sse_enabled"


RULES = (
    Rule(
        id="queue-encrypted",
        demands="Queues encrypt their messages",
        reason="dead letters hold whole payloads",
        check=_queue_is_encrypted,
    ),
)
