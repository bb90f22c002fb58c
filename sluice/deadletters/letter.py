"""The format of a dead letter: one record that one sink could not take, and why."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

from sluice.records import Record

Kind = Literal["contract", "rejected", "crash", "undelivered", "redriven"]
"""Why a record was refused: by the contract, by the sink, or because it killed the function; or because a
Firehose could not deliver it. Those of kind undelivered lie under the Firehose's error prefix, not in the
queue. Nor does one of kind redriven: it tells a sink's list that the record was placed after all."""

VERSION = 1

MOST_CHARACTERS = 1000
"""Of a reason, a field or a type: a record may name an unknown field that is a megabyte long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One refused record.

    `id` is the same however often the record is refused by the same sink. `size` is the payload's bytes.
    `payload` is None when it lies in S3 at `payload_s3`.
    """

    id: str
    sink: str
    kind: Kind
    reason: str
    field: str | None
    type: str | None
    stream: str
    shard: str
    sequence: str
    sub_sequence: int | None
    partition_key: str
    arrived_at: datetime
    failed_at: datetime
    size: int
    payload: bytes | None
    payload_s3: str | None = None

    @classmethod
    def of(
        cls,
        record: Record,
        *,
        sink: str,
        kind: Kind,
        reason: str,
        failed_at: datetime,
        field: str | None = None,
        type: str | None = None,  # noqa: A002 - the message's own name for it
    ) -> Self:
        """Return the dead letter of `record`, its payload whole."""
        return cls(
            id=f"{sink}/{record.identity}",
            sink=sink,
            kind=kind,
            reason=_short(reason),
            field=field and _short(field),
            type=type and _short(type),
            stream=record.stream,
            shard=record.shard,
            sequence=record.sequence,
            sub_sequence=record.sub_sequence,
            partition_key=record.partition_key,
            arrived_at=record.arrived,
            failed_at=failed_at,
            size=len(record.data),
            payload=record.data,
        )

    @property
    def position(self) -> str:
        """The sequence number, with `:sub` appended for a record out of an aggregate."""
        return self.sequence if self.sub_sequence is None else f"{self.sequence}:{self.sub_sequence}"

    @property
    def storage_key(self) -> str:
        """The object key of a payload that is too large for a message."""
        sub = "" if self.sub_sequence is None else f"-{self.sub_sequence}"
        return f"dead-letters/{self.sink}/{self.shard}/{self.sequence}{sub}"

    def pointing_to(self, url: str) -> Self:
        """Return the same letter with its payload at `url` instead of inside."""
        return replace(self, payload=None, payload_s3=url)

    def summary(self) -> dict[str, Any]:
        """Return everything but the payload, as JSON values: the columns of the sink's dead_letters table."""
        return {
            "id": self.id,
            "sink": self.sink,
            "kind": self.kind,
            "reason": self.reason,
            "field": self.field,
            "type": self.type,
            "stream": self.stream,
            "shard": self.shard,
            "sequence": self.sequence,
            "sub_sequence": self.sub_sequence,
            "partition_key": self.partition_key,
            "arrived_at": self.arrived_at.isoformat(),
            "failed_at": self.failed_at.isoformat(),
            "size": self.size,
            "payload_s3": self.payload_s3,
        }

    def message(self) -> str:
        """Return the message's body: JSON in plain ASCII, because SQS refuses some characters."""
        payload = None if self.payload is None else base64.b64encode(self.payload).decode("ascii")
        return json.dumps({"version": VERSION, **self.summary(), "payload": payload}, separators=(",", ":"))

    @classmethod
    def from_message(cls, body: dict[str, Any]) -> Self:
        """Return the letter that `message` wrote.

        Raises KeyError, TypeError or ValueError for anything else.
        """
        if body["version"] != VERSION:
            raise ValueError(
                f"dead letter of version {body['version']!r}; this Sluice reads version {VERSION}"
            )
        payload = body["payload"]
        return cls(
            id=body["id"],
            sink=body["sink"],
            kind=body["kind"],
            reason=body["reason"],
            field=body["field"],
            type=body["type"],
            stream=body["stream"],
            shard=body["shard"],
            sequence=body["sequence"],
            sub_sequence=body["sub_sequence"],
            partition_key=body["partition_key"],
            arrived_at=datetime.fromisoformat(body["arrived_at"]),
            failed_at=datetime.fromisoformat(body["failed_at"]),
            size=body["size"],
            payload=None if payload is None else base64.b64decode(payload, validate=True),
            payload_s3=body["payload_s3"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPointer:
    """What Lambda itself sends when it gives up on a batch: where the batch lies in the stream, no payload.

    The shape of the message: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """

    id: str
    function: str
    condition: str
    stream: str
    shard: str
    first: str
    last: str
    count: int
    attempts: int
    arrived_at: datetime
    last_arrived_at: datetime
    failed_at: datetime

    @classmethod
    def from_message(cls, body: dict[str, Any]) -> Self:
        """Return the pointer in Lambda's message.

        Raises KeyError, IndexError, TypeError, AttributeError or ValueError for anything else.
        """
        batch = body["KinesisBatchInfo"]
        context = body["requestContext"]
        function = context["functionArn"].split(":")[6]
        first, last = batch["startSequenceNumber"], batch["endSequenceNumber"]
        return cls(
            id=f"{function}/{batch['shardId']}/{first}-{last}",
            function=function,
            condition=context.get("condition", ""),
            stream=batch["streamArn"].split("/", 1)[1].split("/")[0],
            shard=batch["shardId"],
            first=first,
            last=last,
            count=int(batch["batchSize"]),
            attempts=int(context.get("approximateInvokeCount", 0)),
            arrived_at=_moment(batch["approximateArrivalOfFirstRecord"]),
            last_arrived_at=_moment(batch["approximateArrivalOfLastRecord"]),
            failed_at=_moment(body["timestamp"]),
        )


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
