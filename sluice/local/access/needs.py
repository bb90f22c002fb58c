"""Which actions on which resources a request to the local AWS needs of IAM.

By the Service Authorization Reference: an operation's action has its name, but for those in `_OTHERWISE`; its
resource is what its parameters name. Operations that take several items need an authorisation for each
resource. S3 and DynamoDB have modules of their own.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from sluice.local.access.needs_dynamodb import dynamodb
from sluice.local.access.needs_s3 import s3
from sluice.local.access.request import Fields, Need, Request

_EVERYTHING: Final = "*"

_PREFIXES: Final = {"monitoring": "cloudwatch"}
"""Services that sign with another name than IAM knows them by."""

_OTHERWISE: Final = {
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
"""Operations that IAM knows by another name."""

_FREE: Final = frozenset({"sts:GetCallerIdentity"})
"""Operations that need no permission (STS API, GetCallerIdentity)."""


def needs(request: Request) -> list[Need]:
    """All that a request needs; empty where nothing is needed."""
    if request.service == "s3":
        return s3(request)
    prefix = _PREFIXES.get(request.service, request.service)
    operation = operation_of(request)
    if operation is None:
        return [Need(f"{prefix}:{request.method} {request.path}", None)]
    if prefix == "dynamodb":
        return dynamodb(operation, request)
    action = f"{prefix}:{operation}"
    if action in _FREE:
        return []
    action = _OTHERWISE.get(action, action)
    rule = _RESOURCES.get(prefix)
    return [Need(action, resource) for resource in (rule(operation, request) if rule else [None])]


def operation_of(request: Request) -> str | None:
    """The operation's name in AWS' JSON, CBOR and query protocols."""
    target = request.headers.get(b"x-amz-target")
    if target is not None:
        return target.decode("latin-1").rpartition(".")[2]
    if "/operation/" in request.path:
        return request.path.rpartition("/")[2]
    for form in (request.query, request.body.decode("latin-1")):
        if "Action=" in form:
            return parse_qs(form).get("Action", [None])[0]
    return None


def _fields(request: Request) -> Fields:
    try:
        found = msgspec.json.decode(request.body)
    except msgspec.MsgspecError:  # the service says so itself
        return {}
    return found if isinstance(found, dict) else {}


class _OfAStream(msgspec.Struct):
    StreamName: str | None = None
    StreamARN: str | None = None
    ConsumerARN: str | None = None


_BEFORE_RECORDS: Final = re.compile(rb'(\{"Stream(?:ARN|Name)": *"[^"\\]*"), *"Records": *\[')
"""How a PutRecords begins as botocore writes it, whose records need not be read: 0.2 ms of 500 KB."""


def _kinesis(operation: str, request: Request) -> list[str | None]:
    """A stream that is named twice has to be allowed by both names: the service chooses."""
    if operation in ("ListStreams", "DescribeLimits"):
        return [_EVERYTHING]
    begins = _BEFORE_RECORDS.match(request.body) if request.body.endswith(b"]}") else None
    try:
        named = msgspec.json.decode(begins[1] + b"}" if begins else request.body, type=_OfAStream)
    except msgspec.MsgspecError:  # the service says so itself
        return [None]
    found: list[str | None] = [arn for arn in (named.ConsumerARN or named.StreamARN,) if arn]
    if named.StreamName and not (found and str(found[0]).endswith(f"/{named.StreamName}")):
        found.append(request.arn("kinesis", f"stream/{named.StreamName}"))
    return found or [None]


class _OfAQueue(msgspec.Struct):
    QueueUrl: str | None = None
    QueueName: str | None = None


def _sqs(operation: str, request: Request) -> list[str | None]:
    if operation == "ListQueues":
        return [_EVERYTHING]
    try:
        named = msgspec.json.decode(request.body, type=_OfAQueue)
    except msgspec.MsgspecError:  # the service says so itself
        return [None]
    name = urlsplit(named.QueueUrl).path.rpartition("/")[2] if named.QueueUrl else named.QueueName
    return [request.arn("sqs", unquote(name)) if name else None]


class _OfAFirehose(msgspec.Struct):
    DeliveryStreamName: str | None = None


def _firehose(operation: str, request: Request) -> list[str | None]:
    if operation == "ListDeliveryStreams":
        return [_EVERYTHING]
    try:
        name = msgspec.json.decode(request.body, type=_OfAFirehose).DeliveryStreamName
    except msgspec.MsgspecError:  # the service says so itself
        return [None]
    return [request.arn("firehose", f"deliverystream/{name}") if name else None]


def _glue(_operation: str, request: Request) -> list[str | None]:
    """A table's database and catalog are asked about as well (Glue developer guide, "Specifying ARNs")."""
    given = _fields(request)
    database = given.get("DatabaseName") or (given.get("DatabaseInput") or {}).get("Name")
    table = given.get("TableName") or (given.get("TableInput") or {}).get("Name")
    if "DatabaseName" in given:
        table = table or given.get("Name") or _EVERYTHING
    else:
        database = database or given.get("Name")
    if not database:
        return [request.arn("glue", "catalog")]
    of_table = [request.arn("glue", f"table/{database}/{table}")] if table else []
    return [request.arn("glue", "catalog"), request.arn("glue", f"database/{database}"), *of_table]


def _secrets(_operation: str, request: Request) -> list[str | None]:
    """A secret's ARN ends in six characters of its own, so a name alone does not give it."""
    given = str(_fields(request).get("SecretId", ""))
    return [given if given.startswith("arn:") else None]


def _whole_account(_operation: str, _request: Request) -> list[str | None]:
    return [_EVERYTHING]


_RESOURCES: Final[dict[str, Callable[[str, Request], list[str | None]]]] = {
    "cloudwatch": _whole_account,
    "firehose": _firehose,
    "glue": _glue,
    "kinesis": _kinesis,
    "secretsmanager": _secrets,
    "sqs": _sqs,
}
