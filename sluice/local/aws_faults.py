"""Faults of the local AWS: calls that are throttled, that fail or take their time, and time that passed.

| kind | what happens, `count` times |
|---|---|
| `throttle` | the call is refused as the service refuses one that is too many, and CloudWatch counts it |
| `fail` | it is answered with the service's own error, status 500 |
| `slow` | it is answered `seconds` later |
| `age` | while it is set, what a stream (`kinesis`) or queue (`sqs`) takes has been there for `seconds` |

Of several ages the newest counts. `service` is as signatures name it, `operation` the API's; what an enhanced
consumer is pushed is `SubscribeToShard` here, what a Firehose of a route writes is `firehose` and `Deliver`.
`resource` is a part of what the request says; without one any is hit.
"""

import threading
from base64 import urlsafe_b64decode
from typing import Final

import msgspec

from sluice.local.access.needs import needs, operation_of
from sluice.local.access.refusals import Answer, answer
from sluice.local.access.request import Request
from sluice.local.aws_kinesis import CONSUMER
from sluice.local.aws_traffic import Traffic
from sluice.local.identities import RefusedError
from sluice.local.watch.store import MetricStore

PATH: Final = "/_sluice/faults"
KINDS: Final = ("throttle", "fail", "slow", "age")
SUBSCRIBE: Final = "SubscribeToShard"
DYNAMODB: Final = "AWS/DynamoDB"
_THROTTLED: Final = {
    "dynamodb": ("ThrottlingException", 400),
    "firehose": ("ServiceUnavailableException", 500),
    "kinesis": ("ProvisionedThroughputExceededException", 400),
    "s3": ("SlowDown", 503),
    "sqs": ("RequestThrottled", 403),
}
_FAILED: Final = {"dynamodb": "InternalServerError", "s3": "InternalError"}
_READS: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect", "ConditionCheckItem"})


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """A fault, and how often it still strikes; None for always."""

    service: str
    kind: str = "throttle"
    operation: str | None = None
    resource: str = ""
    count: int | None = None
    seconds: float = 1.0


class AwsFaults:
    """The faults that are set. Safe for several threads."""

    def __init__(self, metrics: MetricStore, traffic: Traffic) -> None:
        self._metrics, self._traffic = metrics, traffic
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def asked(self, method: str, body: bytes) -> tuple[int, bytes]:
        """Set a fault (POST) or take all away (DELETE): status and body of the answer."""
        if method == "DELETE":
            with self._lock:
                self._faults.clear()
            return 200, b"{}"
        try:
            fault = msgspec.json.decode(body, type=Fault)
        except msgspec.MsgspecError as error:
            return 400, msgspec.json.encode({"message": str(error)})
        if fault.kind not in KINDS:
            return 400, msgspec.json.encode({"message": f"kind is one of {', '.join(KINDS)}"})
        with self._lock:
            self._faults.append(fault)
            return 200, msgspec.json.encode({"id": len(self._faults)})

    def strike(self, request: Request, now: float) -> tuple[Answer | None, float]:
        """What a fault answers in the place of the service, if one does, and the seconds to wait before."""
        if not self._faults:
            return None, 0.0
        consumer = request.headers.get(CONSUMER.encode(), b"").decode()
        operation = SUBSCRIBE if consumer else operation_of(request) or request.method
        fault = self.take(request.service, operation, _said(request, consumer))
        if fault is None:
            return None, 0.0
        if fault.kind == "slow":
            return None, fault.seconds
        if fault.kind == "throttle":
            self._count(request, consumer, now)
            code, status = _THROTTLED.get(request.service, ("ThrottlingException", 400))
            refused = RefusedError(code, "Rate exceeded, as it was asked to", status)
        else:
            code, status = _FAILED.get(request.service, "InternalFailure"), 500
            refused = RefusedError(code, "The service fails, as it was asked to", status)
        _, headers, body = answer(request, refused)
        return (status, headers, body), 0.0

    def age(self, service: str, name: str) -> float:
        """How many seconds ago a stream or queue is to have got what it gets now."""
        with self._lock:
            ages = (each for each in reversed(self._faults) if (each.kind, each.service) == ("age", service))
            return next((each.seconds for each in ages if each.resource in name), 0.0)

    def take(self, service: str, operation: str, said: str) -> Fault | None:
        """A fault that strikes a call now, if there is one; it is used up."""
        with self._lock:
            for fault in self._faults:
                meant = fault.service == service and fault.operation in (None, operation)
                if meant and fault.kind != "age" and fault.resource in said and fault.count != 0:
                    if fault.count is not None:
                        fault.count -= 1
                    return fault
        return None

    def _count(self, request: Request, consumer: str, now: float) -> None:
        """Tell CloudWatch, as the service does."""
        found = needs(request)
        if request.service == "dynamodb":
            operation = operation_of(request) or ""
            for need in found:
                table = (need.resource or "").partition(":table/")[2].partition("/")[0]
                reads = need.action.partition(":")[2] in _READS
                event = "ReadThrottleEvents" if reads else "WriteThrottleEvents"
                self._metrics.add((DYNAMODB, event, (("TableName", table),)), 1.0, now)
                both = (("Operation", operation), ("TableName", table))
                self._metrics.add((DYNAMODB, "ThrottledRequests", both), 1.0, now)
        if request.service == "kinesis":
            name = _stream(request) or next((need.resource or "" for need in found), "").rpartition("/")[2]
            arn = request.arn("kinesis", f"stream/{name}")
            if operation_of(request) in ("PutRecord", "PutRecords"):
                self._traffic.put(arn, 0, 0, now, refused=None)
            else:
                self._traffic.refuse_read(arn, consumer, now)


def _said(request: Request, consumer: str) -> str:
    """What a request says of its resource."""
    return f"{request.path} {consumer} {_stream(request)} {request.body.decode('latin-1')}"


def _stream(request: Request) -> str:
    """The stream that a GetRecords reads: its iterator knows."""
    if operation_of(request) != "GetRecords":
        return ""
    try:
        iterator = msgspec.json.decode(request.body)["ShardIterator"]
        return urlsafe_b64decode(iterator).decode().partition("\n")[0]
    except (msgspec.MsgspecError, KeyError, ValueError, TypeError):
        return ""
