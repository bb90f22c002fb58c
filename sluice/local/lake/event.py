"""What a Firehose tells its transform, and how it reads the answer.

Sources: Amazon Data Firehose developer guide, "Data transformation", "Required parameters", "Handle failure
in data transformation" (read 2026-11). What the guide leaves open, error codes and texts above all, is as
others saw it at AWS (floci-io/floci, FirehoseLambdaTransformer: probed 2026-09).
"""

import binascii
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sluice.local.lake.declared import Firehose

PAYLOAD_BYTES = 6 * 1024 * 1024
"""Of an invocation's event and of its answer."""

ENVELOPE_BYTES = 420
"""Room that a record takes in the event beside its data and partition key."""

FUNCTION_ERROR = "Lambda.FunctionError"
_MESSAGES = {
    FUNCTION_ERROR: "The Lambda function was successfully invoked but it returned an error result.",
    "Lambda.MissingRecordId": (
        "One or more record Ids were not returned. Ensure that the Lambda function returns all received"
        " record Ids."
    ),
    "Lambda.DuplicatedRecordId": (
        "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a"
        " unique record Id for each record."
    ),
    "Lambda.ProcessingFailedStatus": "ProcessingFailed status set for record",
    "Lambda.InvalidReturnFormat": (
        "The result field must be one of Ok, Dropped or ProcessingFailed, and Ok must have data."
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on its way. `arrived` in epoch seconds.

    `sub`: its place in an aggregate of the KPL. `last`: no further one of the same stream record follows.
    """

    record_id: str
    shard: str
    sequence: str
    arrived: float
    data: bytes
    partition_key: str | None = None
    sub: int | None = None
    last: bool = True

    @property
    def event_bytes(self) -> int:
        """Bytes that it takes in the event, at most."""
        return len(self.data) * 4 // 3 + 4 + 6 * len(self.partition_key or "") + ENVELOPE_BYTES


@dataclass(frozen=True, slots=True)
class Row:
    """What the transform made of a record, and where it is to go, as the answer's `metadata` has it.

    The record's own data are not needed any more.
    """

    entry: Entry
    data: bytes
    metadata: Any = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that goes to the error prefix, with what goes there. `kind` is the error output type."""

    kind: str
    entry: Entry
    data: bytes
    code: str
    message: str
    attempts: int


def event(firehose: Firehose, entries: Sequence[Entry]) -> bytes:
    """The JSON event of one invocation."""
    return msgspec.json.encode(
        {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": firehose.arn,
            **({"sourceKinesisStreamArn": firehose.stream} if firehose.stream else {}),
            "region": firehose.region,
            "records": [_record(entry) for entry in entries],
        }
    )


def _record(entry: Entry) -> dict[str, Any]:
    arrived = int(entry.arrived * 1000)
    told = {
        "recordId": entry.record_id,
        "approximateArrivalTimestamp": arrived,
        "data": b64encode(entry.data).decode(),
    }
    if entry.partition_key is None:
        return told
    return told | {
        "kinesisRecordMetadata": {
            "shardId": entry.shard,
            "partitionKey": entry.partition_key,
            "approximateArrivalTimestamp": arrived,
            "sequenceNumber": entry.sequence,
            "subsequenceNumber": "" if entry.sub is None else entry.sub,
        }
    }


class AnswerError(Exception):
    """The answer as a whole is none, as good as a function that failed."""


def read_answer(payload: bytes, entries: Sequence[Entry], attempts: int) -> tuple[list[Row], list[Failed]]:
    """Rows and failures of an answer; what is in neither was dropped, without a trace.

    Raises:
        AnswerError: it is above 6 MB, or holds data that is no base64.
    """
    if len(payload) > PAYLOAD_BYTES:
        raise AnswerError(f"an answer of {len(payload)} bytes")
    answered, twice = _answered(payload)
    rows: list[Row] = []
    failed: list[Failed] = []
    for entry in entries:
        found = answered.get(entry.record_id)
        code = _code(found, twice=entry.record_id in twice)
        if code:
            failed.append(failure(entry, code, attempts))
        elif found is not None and found.get("result") == "Ok":
            rows.append(Row(replace(entry, data=b""), _data(found["data"]), found.get("metadata")))
    return rows, failed


def failure(entry: Entry, code: str, attempts: int) -> Failed:
    """A record that the transform did not take, as it was read."""
    return Failed("processing-failed", entry, entry.data, code, _MESSAGES[code], attempts)


def _answered(payload: bytes) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Answers by record id, and the ids that came more than once; strange ids and shapes are passed over."""
    try:
        answer = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        answer = None
    records = answer.get("records") if isinstance(answer, dict) else None
    found: dict[str, dict[str, Any]] = {}
    twice: set[str] = set()
    for record in records if isinstance(records, list) else []:
        identity = record.get("recordId") if isinstance(record, dict) else None
        if isinstance(identity, str):
            if identity in found:
                twice.add(identity)
            found[identity] = record
    return found, twice


def _code(found: dict[str, Any] | None, *, twice: bool) -> str:
    if found is None:
        return "Lambda.MissingRecordId"
    if twice:
        return "Lambda.DuplicatedRecordId"
    result = found.get("result")
    if result == "ProcessingFailed":
        return "Lambda.ProcessingFailedStatus"
    if result == "Dropped" or (result == "Ok" and isinstance(found.get("data"), str)):
        return ""
    return "Lambda.InvalidReturnFormat"


def _data(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AnswerError("data that is no base64") from None
