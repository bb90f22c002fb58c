"""Reads the stream of a DynamoDB table over HTTP for a mapping."""

from typing import Any

import msgspec

from sluice.local.mapping_types import Page, ShardInfo, Start, StartKind, StreamRecord
from sluice.local.source import AwsJson

MOST_RECORDS = 1000


class _Change(msgspec.Struct):
    SequenceNumber: str
    ApproximateCreationDateTime: float
    Keys: msgspec.Raw


class _Record(msgspec.Struct):
    dynamodb: _Change


class _Records(msgspec.Struct):
    Records: list[msgspec.Raw]
    NextShardIterator: str | None = None


class TableSource:
    """A table's stream in the local AWS. A record's `data` is its JSON, its key the item's key."""

    def __init__(self, url: str, region: str, arn: str) -> None:
        self._arn = arn
        self._aws = AwsJson(url, region, "dynamodb", "DynamoDBStreams_20120810", "1.0")

    def shards(self) -> list[ShardInfo]:
        """The stream's shards."""
        answer = msgspec.json.decode(self._aws.call("DescribeStream", StreamArn=self._arn))
        return [
            ShardInfo(shard["ShardId"], tuple(filter(None, [shard.get("ParentShardId")])))
            for shard in answer["StreamDescription"]["Shards"]
        ]

    def open(self, shard: str, start: Start) -> str:
        """A cursor into a shard."""
        arguments: dict[str, Any] = {"StreamArn": self._arn, "ShardId": shard}
        if start.kind is StartKind.AFTER_SEQUENCE_NUMBER:
            arguments["SequenceNumber"] = start.sequence
        answer = self._aws.call("GetShardIterator", ShardIteratorType=start.kind.value, **arguments)
        return str(msgspec.json.decode(answer)["ShardIterator"])

    def read(self, shard: str, cursor: str, limit: int) -> Page:
        """Up to `limit` records from a cursor on."""
        del shard
        body = self._aws.call("GetRecords", ShardIterator=cursor, Limit=min(limit, MOST_RECORDS))
        answer = msgspec.json.decode(body, type=_Records)
        return Page([_stream_record(bytes(raw)) for raw in answer.Records], answer.NextShardIterator)


def _stream_record(raw: bytes) -> StreamRecord:
    change = msgspec.json.decode(raw, type=_Record).dynamodb
    arrived, key = change.ApproximateCreationDateTime, bytes(change.Keys).decode()
    return StreamRecord(change.SequenceNumber, arrived, raw.decode(), key)
