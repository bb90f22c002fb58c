"""The documents that pass between a mapping, its function and its on-failure destination."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from sluice.local.mapping_types import Invocation, Invoke, MappingConfig, StreamRecord, WindowCall

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
AGE_EXCEEDED = "RecordAgeExceeded"


def event(config: MappingConfig, work: Invoke) -> bytes:
    """The JSON event of Lambda's Kinesis or DynamoDB integration, with its tumbling window if any."""
    tail = "]}" if work.window is None else _window_tail(config, work.shard, work.window)
    entries = _table_entries(config, work) if config.reads_table else _kinesis_entries(config, work)
    return ('{"Records":[' + entries + tail).encode()


def _window_tail(config: MappingConfig, shard: str, window: WindowCall) -> str:
    start, end = _seconds(window.start), _seconds(window.end)
    return (
        f'],"window":{{"start":"{start}","end":"{end}"}},"state":{window.state.decode()},"shardId":"{shard}",'
        f'"eventSourceARN":"{config.source_arn}",'
        f'"isFinalInvokeForWindow":{str(window.final).lower()},'
        f'"isWindowTerminatedEarly":{str(window.early).lower()}}}'
    )


def _table_entries(config: MappingConfig, work: Invoke) -> str:
    """A table's stream has each record as Lambda's event wants it, but for the ARN that it came from."""
    return ",".join(f'{record.data[:-1]},"eventSourceARN":"{config.source_arn}"}}' for record in work.records)


def _kinesis_entries(config: MappingConfig, work: Invoke) -> str:
    region, account = config.stream_arn.split(":")[3:5]
    tail = (
        '},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"%s:%s","eventName":"aws:kinesis:record",'
        f'"invokeIdentityArn":"arn:aws:iam::{account}:role/{config.function}",'
        f'"awsRegion":"{region}","eventSourceARN":"{config.source_arn}"' + "}"
    )
    return ",".join(
        '{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":'
        + msgspec.json.encode(record.partition_key).decode()
        + f',"sequenceNumber":"{record.sequence}","data":"{record.data}",'
        + f'"approximateArrivalTimestamp":{record.arrived:.3f}'
        + tail % (work.shard, record.sequence)
        for record in work.records
    )


def lowest_failure(payload: bytes, records: Sequence[StreamRecord]) -> int | None:
    """Index of the first record to retry according to a partial batch response; None when all succeeded.

    Read as Lambda does: an empty or missing list is a success; an answer that cannot be understood, or that
    names a record which was not in the batch, fails the whole batch. Of entries that a filter took out of one
    aggregate, and which share its sequence number, the first is the one that is named.
    """
    try:
        answer = msgspec.json.decode(payload) if payload else None
    except msgspec.MsgspecError:
        return 0
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return None
    places: dict[str, int] = {}
    for index, record in enumerate(records):
        places.setdefault(record.sequence, index)
    try:
        return min(places[failure["itemIdentifier"]] for failure in failures)
    except (KeyError, TypeError):
        return 0


def failure_message(
    config: MappingConfig,
    shard: str,
    records: Sequence[StreamRecord],
    condition: str,
    *,
    last: Invocation | None,
    invocations: int,
    now: float,
    count: int | None = None,
) -> dict[str, Any]:
    """What Lambda sends to an on-failure destination: which records, not what was in them.

    `records` may be the first and the last only when `count` says how many there are.
    """
    info = "DDBStreamBatchInfo" if config.reads_table else "KinesisBatchInfo"
    region, account = config.stream_arn.split(":")[3:5]
    message: dict[str, Any] = {
        "requestContext": {
            "requestId": (last.request_id if last else "") or str(uuid.uuid4()),
            "functionArn": f"arn:aws:lambda:{region}:{account}:function:{config.invoked}",
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": _iso(now),
        info: {
            "shardId": shard,
            "startSequenceNumber": records[0].sequence,
            "endSequenceNumber": records[-1].sequence,
            "approximateArrivalOfFirstRecord": _iso(records[0].arrived),
            "approximateArrivalOfLastRecord": _iso(records[-1].arrived),
            "batchSize": len(records) if count is None else count,
            "streamArn": config.stream_arn,
        },
    }
    if last is None:
        del message["responseContext"]
    return message


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _seconds(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
