"""What a service asks of KMS in the name of who calls it, when a key encrypts what the call is about.

By the services' guides; but for that of Kinesis they were not read again for this.

- S3: "kms:GenerateDataKey" to put, "kms:Decrypt" to get, both to upload in parts (S3 user guide, SSE-KMS,
  "Permissions").
- SQS: producers need both, consumers "kms:Decrypt" (SQS developer guide, "Key management").
- Kinesis: producers "kms:GenerateDataKey", consumers "kms:Decrypt" (Streams developer guide, "Permissions to
  use user-generated KMS keys", read 2026-11).
- DynamoDB: "kms:Decrypt" of the table's key (developer guide, "Encryption at rest: how it works"); which
  of the other rights it uses when is not said, so they are judged by nobody.
"""

from collections.abc import Iterator
from typing import Final

from sluice.local.access.request import Need, Request, World

_DECRYPT, _GENERATE = "kms:Decrypt", "kms:GenerateDataKey"

_ASKED: Final[dict[str, tuple[str, ...]]] = {
    "kinesis:GetRecords": (_DECRYPT,),
    "kinesis:PutRecord": (_GENERATE,),
    "kinesis:PutRecords": (_GENERATE,),
    "kinesis:SubscribeToShard": (_DECRYPT,),
    "s3:GetObject": (_DECRYPT,),
    "s3:GetObjectVersion": (_DECRYPT,),
    "s3:PutObject": (_GENERATE,),
    "sqs:ReceiveMessage": (_DECRYPT,),
    "sqs:SendMessage": (_DECRYPT, _GENERATE),
}
_ITEMS: Final = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PartiQLDelete",
        "PartiQLInsert",
        "PartiQLSelect",
        "PartiQLUpdate",
        "PutItem",
        "Query",
        "Scan",
        "UpdateItem",
    }
)
"""Actions of DynamoDB that read or write items."""


def of_a_service(need: Need, request: Request, world: World) -> Iterator[Need]:
    """What else a request needs, because a key encrypts what it is about."""
    service, _, name = need.action.partition(":")
    if need.resource is None:
        return
    asked = (_DECRYPT,) if service == "dynamodb" and name in _ITEMS else _ASKED.get(need.action, ())
    if not asked:
        return
    key = world.key_of(service, need.resource, request.region)
    if key is None:
        return
    if need.action == "s3:PutObject" and ("uploadId=" in request.query or "uploads" in request.query):
        asked = (_DECRYPT, _GENERATE)
    for action in asked:
        yield Need(action, key, via=f"{service}.{request.region}.amazonaws.com")
