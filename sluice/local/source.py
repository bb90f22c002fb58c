"""Reads a Kinesis stream over HTTP for a mapping, without a per-record parser in between.

Enhanced fan-out pushes; here GetRecords is polled in the consumer's name, which is the same to the function
and takes nothing from what the shard gives to pollers. What differs is said in docs/local-cloud.md.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import urllib3

from sluice.local.aws_kinesis import CONSUMER
from sluice.local.identities import OWNER, Credentials
from sluice.local.mapping_types import Page, ShardInfo, SourceError, Start, StartKind, StreamRecord


class Source(Protocol):
    """A stream as a mapping needs it. Every call may raise `SourceError`."""

    def shards(self) -> list[ShardInfo]:
        """The stream's shards, closed ones included."""
        ...

    def open(self, shard: str, start: Start) -> str:
        """A cursor into a shard."""
        ...

    def read(self, shard: str, cursor: str, limit: int) -> Page:
        """Up to `limit` records from a cursor on."""
        ...


class _Records(msgspec.Struct):
    Records: list[StreamRecord]
    NextShardIterator: str | None = None
    MillisBehindLatest: int = 0


def authorization(region: str, service: str, credentials: Credentials = OWNER) -> dict[str, str]:
    """Headers that tell the local AWS region, service and caller; it checks no signature."""
    token = {"X-Amz-Security-Token": credentials.token} if credentials.token else {}
    scope = f"{credentials.access_key}/20250101/{region}/{service}/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        **token,
    }


class AwsJson:
    """Calls one service of the local AWS in its JSON protocol over kept-alive connections."""

    def __init__(
        self,
        url: str,
        region: str,
        service: str,
        target: str,
        version: str,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials = OWNER,
    ) -> None:
        self._url = url
        self._target = target
        self._pool = urllib3.PoolManager(maxsize=32, timeout=urllib3.Timeout(30), retries=False)
        self._headers = {
            **authorization(region, service, credentials),
            "Content-Type": f"application/x-amz-json-{version}",
            **(headers or {}),
        }

    def call(self, operation: str, **arguments: Any) -> bytes:
        """The answer's body; raises `SourceError` with what the service said."""
        headers = {**self._headers, "X-Amz-Target": f"{self._target}.{operation}"}
        try:
            response = self._pool.request(
                "POST", self._url, headers=headers, body=msgspec.json.encode(arguments)
            )
        except urllib3.exceptions.HTTPError as error:
            raise SourceError(f"{operation}: {error}") from error
        if response.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise SourceError(f"{operation}: {response.data[:500].decode(errors='replace')}")
        return response.data


class KinesisSource:
    """A stream of the local AWS, read by an enhanced `consumer` (its ARN) or, without one, as any poller."""

    def __init__(
        self, url: str, region: str, stream: str, consumer: str = "", *, credentials: Credentials = OWNER
    ) -> None:
        self._stream = stream
        headers, target = {CONSUMER: consumer} if consumer else {}, "Kinesis_20131202"
        self._aws = AwsJson(url, region, "kinesis", target, "1.1", headers=headers, credentials=credentials)

    def shards(self) -> list[ShardInfo]:
        """The stream's shards, closed ones included."""
        found: list[ShardInfo] = []
        arguments: dict[str, Any] = {"StreamName": self._stream}
        while True:
            answer = msgspec.json.decode(self._aws.call("ListShards", **arguments))
            found += [
                ShardInfo(
                    shard["ShardId"],
                    tuple(shard[key] for key in ("ParentShardId", "AdjacentParentShardId") if shard.get(key)),
                )
                for shard in answer["Shards"]
            ]
            if not answer.get("NextToken"):
                return found
            arguments = {"NextToken": answer["NextToken"]}

    def open(self, shard: str, start: Start) -> str:
        """A cursor into a shard."""
        arguments: dict[str, Any] = {
            "StreamName": self._stream,
            "ShardId": shard,
            "ShardIteratorType": start.kind.value,
        }
        if start.kind is StartKind.AT_TIMESTAMP:
            arguments["Timestamp"] = start.timestamp
        if start.kind is StartKind.AFTER_SEQUENCE_NUMBER:
            arguments["StartingSequenceNumber"] = start.sequence
        answer = msgspec.json.decode(self._aws.call("GetShardIterator", **arguments))
        return str(answer["ShardIterator"])

    def read(self, shard: str, cursor: str, limit: int) -> Page:
        """Up to `limit` records from a cursor on."""
        del shard
        answer = msgspec.json.decode(
            self._aws.call("GetRecords", ShardIterator=cursor, Limit=limit), type=_Records
        )
        return Page(answer.Records, answer.NextShardIterator, answer.MillisBehindLatest)
