"""Stand-ins for boto3's clients, that refuse what a test tells them to."""

import hashlib
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Refuse = Callable[[int, bytes], Any]
"""Called with the request's number, from 1, and a record's data: false, true, or what to raise."""


def client_error(code: str, status: int = 400, message: str = "no") -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutRecords")


class Stream:
    """A stream of equal shards that remembers what it took, in order."""

    def __init__(self, refuse: Refuse = lambda _request, _data: False, *, shards: int = 1) -> None:
        self.refuse = refuse
        self.accepted: list[bytes] = []
        self.keys: list[str] = []
        self.requests: list[list[bytes]] = []
        self.strategy = "USER_PARTITION_KEY"
        self.shards = [f"shardId-{n:012}" for n in range(shards)]

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert StreamName == "clicks"
        self.requests.append([record["Data"] for record in Records])
        number = len(self.requests)
        results: list[dict[str, str]] = []
        for record, refused in _refused(Records, number, self.refuse):
            if refused:
                results.append(
                    {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
                )
            else:
                self.accepted.append(record["Data"])
                self.keys.append(record["PartitionKey"])
                place = record.get("ExplicitHashKey") or hash_of(record["PartitionKey"])
                shard = self.shards[int(place) * len(self.shards) // 2**128]
                results.append({"SequenceNumber": str(len(self.accepted)), "ShardId": shard})
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedRecordCount": failed, "Records": results}

    def list_shards(self, **_: Any) -> Any:
        width = 2**128 // len(self.shards)
        return {
            "Shards": [
                {
                    "ShardId": name,
                    "HashKeyRange": {
                        "StartingHashKey": str(width * place),
                        "EndingHashKey": str(width * (place + 1) - 1),
                    },
                    "SequenceNumberRange": {"StartingSequenceNumber": "1"},
                }
                for place, name in enumerate(self.shards)
            ]
        }

    def describe_stream_summary(self, **_: Any) -> Any:
        return {"StreamDescriptionSummary": {"RecordDistributionStrategy": self.strategy}}


class Firehose:
    """A Firehose that remembers what it took."""

    def __init__(self, refuse: Refuse = lambda _request, _data: False) -> None:
        self.refuse = refuse
        self.accepted: list[bytes] = []
        self.requests: list[list[bytes]] = []

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Any) -> Any:  # noqa: N803 - boto3's names
        assert DeliveryStreamName == "clicks"
        self.requests.append([record["Data"] for record in Records])
        number = len(self.requests)
        responses: list[dict[str, str]] = []
        for record, refused in _refused(Records, number, self.refuse):
            if refused:
                responses.append({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."})
            else:
                self.accepted.append(record["Data"])
                responses.append({"RecordId": f"id-{len(self.accepted)}"})
        failed = sum("ErrorCode" in response for response in responses)
        return {"FailedPutCount": failed, "RequestResponses": responses}


def _refused(records: Any, number: int, refuse: Refuse) -> list[tuple[Any, Any]]:
    """Return which records are refused; what breaks the whole request is raised before any is taken."""
    found = [(record, refuse(number, record["Data"])) for record in records]
    for _, refused in found:
        if isinstance(refused, Exception):
            raise refused
    return found


def hash_of(key: str) -> int:
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")


def numbered(count: int) -> list[tuple[str, bytes, str | None]]:
    return [(f"key-{n}", str(n).encode(), None) for n in range(count)]
