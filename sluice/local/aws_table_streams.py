"""Streams of DynamoDB tables: iterators that say where they are, 24 hours of records, only of what changed.

moto keeps every iterator that it has handed out and every record for ever, names a fixed region, records a
new item that an update creates twice, and records writes that change nothing; DynamoDB does none of that
(developer guide, "Change data capture for DynamoDB Streams", read 2026-11).
"""

import base64
import binascii
import time
import uuid
from collections import deque
from typing import Any

import msgspec
from moto.core.responses import ActionResult
from moto.dynamodb import models as dynamodb
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import table as tables
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoResult
from moto.dynamodbstreams import models, responses

RETENTION_SECONDS = 24 * 3600
MOST_RECORDS = 1000
FIRST_SEQUENCE = 1_100_000_000_017_454_423_009
_ERROR = "com.amazonaws.dynamodb.v20120810#"


class TableShard(tables.StreamShard):
    """The one shard of a table's stream."""

    def __init__(self, account_id: str, table: Any) -> None:
        super().__init__(account_id, table)
        self._records: deque[tuple[float, dict[str, Any]]] = deque()
        self._forgotten = 0
        self.skips_next = False

    @property
    def length(self) -> int:
        """How many records there have been."""
        return self._forgotten + len(self._records)

    def forget_after(self, length: int) -> None:
        """Take back the newest records, of a transaction that failed."""
        while self.length > length:
            self._records.pop()

    def add(self, old: Any, new: Any) -> None:
        """Record a change, unless nothing is another than before."""
        if self.skips_next:
            self.skips_next = False
            return
        if old is not None and new is not None and old.attrs == new.attrs:
            return
        now = time.time()
        while self._records and self._records[0][0] < now - RETENTION_SECONDS:
            self._records.popleft()
            self._forgotten += 1
        self._records.append((now, self._record(old, new, now)))

    def since(self, position: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Up to `limit` records from a position on, and the position after them; expired ones move up."""
        begin = max(position - self._forgotten, 0)
        end = min(begin + limit, len(self._records))
        found = [self._records[place][1] for place in range(begin, end)]
        return found, self._forgotten + max(begin, end)

    def _record(self, old: Any, new: Any, now: float) -> dict[str, Any]:
        specification: Any = self.table.stream_specification
        view = specification["StreamViewType"]
        keys = {name: (old if new is None else new).attrs[name] for name in self.table.table_key_attrs}
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": int(now),
            "Keys": _plain(keys),
            "SequenceNumber": str(FIRST_SEQUENCE + self.length),
            "StreamViewType": view,
        }
        if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["NewImage"] = _plain(new.attrs)
        if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["OldImage"] = _plain(old.attrs)
        change["SizeBytes"] = len(msgspec.json.encode(change))
        return {
            "eventID": uuid.uuid4().hex,
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.table.region_name,
            "dynamodb": change,
        }


def patch() -> None:
    """Replace moto's own ways in this process."""
    module: Any = tables
    backend: Any = models.DynamoDBStreamsBackend
    handler: Any = responses.DynamoDBStreamsHandler
    database: Any = dynamodb.DynamoDBBackend
    module.StreamShard = TableShard
    backend.get_records = _get_records
    handler.get_shard_iterator = _get_shard_iterator
    handler.get_records = lambda self: DynamoResult(
        self.backend.get_records(self._get_param("ShardIterator"), self._get_param("Limit") or MOST_RECORDS)
    )
    update = database.update_item

    def update_item(self: Any, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        table = self.get_table(table_name)
        places = self.get_keys_value(table, key)
        if table.get_item(*places) is not None:
            return update(self, table_name, key, *args, **kwargs)
        if table.stream_shard is not None:
            table.stream_shard.skips_next = True  # the bare key that moto puts first
        try:
            return update(self, table_name, key, *args, **kwargs)
        except Exception:
            if table.stream_shard is not None:
                table.stream_shard.skips_next = table.get_item(*places) is not None
            table.delete_item(*places)
            if table.stream_shard is not None:
                table.stream_shard.skips_next = False
            raise

    database.update_item = update_item


def _get_shard_iterator(handler: Any) -> Any:
    arn, kind = handler._get_param("StreamArn"), handler._get_param("ShardIteratorType")  # noqa: SLF001 - moto's way
    shard = handler.backend._get_table_from_arn(arn).stream_shard  # noqa: SLF001 - moto's way
    if shard is None or shard.id != handler._get_param("ShardId"):  # noqa: SLF001 - moto's way
        raise DynamodbException(_ERROR + "ResourceNotFoundException", "Requested resource not found")
    if kind == "TRIM_HORIZON":
        position = 0
    elif kind == "LATEST":
        position = shard.length
    else:
        sequence = int(handler._get_param("SequenceNumber"))  # noqa: SLF001 - moto's way
        position = sequence - FIRST_SEQUENCE + (kind == "AFTER_SEQUENCE_NUMBER")
    return ActionResult({"ShardIterator": _iterator(arn, position)})


def _get_records(backend: Any, iterator: str, limit: int) -> dict[str, Any]:
    try:
        arn, position = base64.urlsafe_b64decode(iterator).decode().split("\n")
    except (binascii.Error, ValueError):
        raise DynamodbException(_ERROR + "ValidationException", "Invalid ShardIterator") from None
    shard = backend._get_table_from_arn(arn).stream_shard  # noqa: SLF001 - moto's way
    records, after = shard.since(int(position), min(limit, MOST_RECORDS))
    return {"NextShardIterator": _iterator(arn, after), "Records": records}


def _iterator(arn: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{arn}\n{position}".encode()).decode()


def _plain(attributes: dict[str, Any]) -> Any:
    """Attributes as they are now: moto changes items in place."""
    encoded = msgspec.json.encode(dict(attributes), enc_hook=_dictionary)
    return msgspec.json.decode(encoded)


def _dictionary(value: Any) -> dict[str, Any]:
    if isinstance(value, DynamoType):
        return {value.type: value.value}
    raise NotImplementedError(f"{type(value).__name__} in an item of DynamoDB")
