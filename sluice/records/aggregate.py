"""Aggregates of the Kinesis Producer Library (KPL): many user records packed into one Kinesis record.

The format: four magic bytes, a protobuf message (proto2) and its MD5.
https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md

    message AggregatedRecord {
      repeated string partition_key_table     = 1;
      repeated string explicit_hash_key_table = 2;
      repeated Record records                 = 3;
    }
    message Record {
      required uint64 partition_key_index     = 1;
      optional uint64 explicit_hash_key_index = 2;
      required bytes  data                    = 3;
      repeated Tag    tags                    = 4;   // "not yet implemented": left unread here
    }

Google's library reads them, and is imported with the first one: who meets none does not wait for it.
"""

import hashlib
from functools import cache, lru_cache
from typing import Any, NamedTuple, NoReturn

from sluice.contract import ContractViolation

MAGIC = b"\xf3\x89\x9a\xc2"
"""No valid UTF-8 starts like this, so no JSON does."""

DIGEST_BYTES = 16

MOST_RECORDS = 20_000
"""User records of an aggregate that is read. KPL's aggregates are 50 KiB unless set otherwise; in one
of 1 MiB, that many are 46 bytes each. More could not be refused one by one within an invocation."""

MOST_KEY_CHARACTERS = 256
"""Of a partition key: docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html (2026)."""

HASH_KEYS = 2**128
"""Explicit hash keys are decimal numbers below that: the same page."""

MOST_HASH_KEY_DIGITS = 39


class AggregateError(ContractViolation):
    """The record begins as an aggregate and cannot be read as one, or cannot be built."""


class UserRecord(NamedTuple):
    """What a producer put in, before it was packed with others."""

    partition_key: str
    data: bytes
    explicit_hash_key: str | None = None


def is_aggregate(data: bytes) -> bool:
    """Whether a Kinesis record's data claim to be an aggregate: whole or broken, it is no plain record."""
    return data.startswith(MAGIC)


def unpack(data: bytes) -> list[UserRecord]:
    """Return an aggregate's user records, in order, at least one.

    What they hold is not looked into: an aggregate inside an aggregate stays packed.

    Raises:
        AggregateError: the record is none, or is cut off, corrupt, empty or beyond the limits; its `reason`
            is a sentence for a person and holds nothing of the record.
    """
    message = _message(data)
    count = len(message.records)
    if not count:
        raise AggregateError("an aggregate that holds no records")
    if count > MOST_RECORDS:
        raise AggregateError(
            f"an aggregate of {count} records; {MOST_RECORDS} at most are read: "
            "let the producer pack fewer (KPL's AggregationMaxCount)"
        )
    keys = [_partition_key(key) for key in message.partition_key_table]
    hash_keys = [_hash_key(key) for key in message.explicit_hash_key_table]
    found = []
    for record in message.records:
        if record.partition_key_index >= len(keys):
            _without("partition key", record.partition_key_index, len(keys))
        hash_key = None
        if record.HasField("explicit_hash_key_index"):
            if record.explicit_hash_key_index >= len(hash_keys):
                _without("explicit hash key", record.explicit_hash_key_index, len(hash_keys))
            hash_key = hash_keys[record.explicit_hash_key_index]
        found.append(UserRecord(keys[record.partition_key_index], record.data, hash_key))
    return found


def events_in(data: bytes) -> int:
    """Return how many events a Kinesis record is for a sink; a broken aggregate is one, to be refused."""
    try:
        return len(unpack(data)) if is_aggregate(data) else 1
    except AggregateError:
        return 1


def _message(data: bytes) -> Any:
    """Return the protobuf message, every required field there."""
    if not is_aggregate(data):
        raise AggregateError("not an aggregate: the magic number is missing")
    if len(data) < len(MAGIC) + DIGEST_BYTES:
        raise AggregateError(f"an aggregate that ends after {len(data)} bytes, before its checksum")
    body = memoryview(data)[len(MAGIC) : -DIGEST_BYTES]
    if hashlib.md5(body, usedforsecurity=False).digest() != data[-DIGEST_BYTES:]:
        raise AggregateError("an aggregate whose checksum is wrong: it was cut off or changed on its way")
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - see _aggregated_record

    message = _aggregated_record()()
    try:
        message.ParseFromString(body.tobytes())
    except DecodeError as error:
        raise AggregateError("an aggregate whose message is not valid protobuf") from error
    if not message.IsInitialized():
        raise AggregateError("an aggregate with a record that lacks its data or its partition key")
    return message


def _without(what: str, index: int, size: int) -> NoReturn:
    raise AggregateError(f"an aggregate with a record of {what} {index}, of which its table has {size}")


def _partition_key(key: bytes) -> str:
    try:
        text = key.decode()
    except UnicodeDecodeError as error:
        raise AggregateError("an aggregate with a partition key that is not UTF-8") from error
    if len(text) > MOST_KEY_CHARACTERS:
        raise AggregateError(
            f"an aggregate with a partition key of {len(text)} characters; at most {MOST_KEY_CHARACTERS} are"
            " accepted"
        )
    return text


def _hash_key(key: bytes) -> str:
    text = key.decode("ascii", "replace")
    if not is_hash_key(text):
        raise AggregateError("an aggregate with an explicit hash key that is no number below 2 to the 128")
    return text


def is_hash_key(text: str) -> bool:
    """Whether a text is an explicit hash key: a decimal number from 0 to 2 to the 128 less 1."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_HASH_KEY_DIGITS and int(text) < HASH_KEYS


class Aggregate:
    """An aggregate to be written; not for several threads at once.

    Every partition key and hash key is written once. `size` is exactly what `encode` returns, in bytes. The
    message is put together here, field by field, since a producer packs every event: two thirds of the time
    that Google's library takes for the same bytes.
    """

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._hash_keys: dict[str, int] = {}
        self._key_table: list[bytes] = []
        self._hash_key_table: list[bytes] = []
        self._records: list[bytes] = []  # a head and the data of each
        self.size = len(MAGIC) + DIGEST_BYTES

    def __len__(self) -> int:
        """How many user records it holds."""
        return len(self._records) // 2

    def size_with(self, partition_key: str, data: bytes, explicit_hash_key: str | None = None) -> int:
        """Return the size in bytes that `add` with the same arguments would lead to."""
        return self.size + sum(map(len, self._written(partition_key, data, explicit_hash_key))) + len(data)

    def add(
        self, partition_key: str, data: bytes, explicit_hash_key: str | None = None, most: int | None = None
    ) -> bool:
        """Append one user record, unless the size would be above `most` bytes; returns whether it did.

        Raises:
            AggregateError: there is no room (`MOST_RECORDS`), or Kinesis would not take the keys.
        """
        self._check(partition_key, explicit_hash_key)
        key, hash_key, head = self._written(partition_key, data, explicit_hash_key)
        size = self.size + len(key) + len(hash_key) + len(head) + len(data)
        if most is not None and size > most:
            return False
        if key:
            self._keys[partition_key] = len(self._keys)
            self._key_table.append(key)
        if hash_key and explicit_hash_key is not None:
            self._hash_keys[explicit_hash_key] = len(self._hash_keys)
            self._hash_key_table.append(hash_key)
        self._records += (head, data)
        self.size = size
        return True

    def _check(self, partition_key: str, explicit_hash_key: str | None) -> None:
        if len(self._records) >= 2 * MOST_RECORDS:
            raise AggregateError(f"an aggregate holds {MOST_RECORDS} records at most: begin another")
        if not 0 < len(partition_key) <= MOST_KEY_CHARACTERS:
            raise AggregateError(
                f"a partition key of {len(partition_key)} characters; Kinesis takes 1 to "
                f"{MOST_KEY_CHARACTERS}"
            )
        if explicit_hash_key is not None and not is_hash_key(explicit_hash_key):
            raise AggregateError(
                f"the explicit hash key {explicit_hash_key!r} is no decimal number below 2 to the 128"
            )

    def encode(self) -> bytes:
        """Return the Kinesis record's data; the aggregate can go on growing."""
        body = b"".join((*self._key_table, *self._hash_key_table, *self._records))
        return b"".join((MAGIC, body, hashlib.md5(body, usedforsecurity=False).digest()))

    def _written(
        self, partition_key: str, data: bytes, explicit_hash_key: str | None
    ) -> tuple[bytes, bytes, bytes]:
        """Return the fields of both tables, empty for keys that are there already, and the record's head."""
        key = hash_key = hash_index = b""
        index = self._keys.get(partition_key)
        if index is None:
            index = len(self._keys)
            key = _field(1, partition_key.encode())
        if explicit_hash_key is not None:
            place = self._hash_keys.get(explicit_hash_key)
            if place is None:
                place = len(self._hash_keys)
                hash_key = _field(2, explicit_hash_key.encode())
            hash_index = b"\x10" + _varint(place)
        fields = b"\x08%b%b\x1a%b" % (_varint(index), hash_index, _varint(len(data)))
        return key, hash_key, b"\x1a%b%b" % (_varint(len(fields) + len(data)), fields)


def _field(number: int, value: bytes) -> bytes:
    """Return a field of bytes: its number and kind, its length, itself."""
    return b"%c%b%b" % (number << 3 | 2, _varint(len(value)), value)


@lru_cache(maxsize=4096)
def _varint(number: int) -> bytes:
    """Return a number as protobuf writes it: seven bits a byte, the lowest first."""
    low, high = number & 0x7F, number >> 7
    return bytes((low,)) if not high else bytes((low | 0x80,)) + _varint(high)


@cache
def _aggregated_record() -> Any:
    """Return the class of the message.

    The tables are declared as bytes, which look the same on the wire: so a key that is no UTF-8 is met here,
    and not by the library in whatever way it takes it.
    """
    from google.protobuf import (  # noqa: PLC0415 - takes 50 ms, and most streams carry no aggregates
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="sluice/aggregate.proto", package="sluice", syntax="proto2"
    )
    record = file.message_type.add(name="Record")
    for name, number, label, kind in (
        ("partition_key_index", 1, types.LABEL_REQUIRED, types.TYPE_UINT64),
        ("explicit_hash_key_index", 2, types.LABEL_OPTIONAL, types.TYPE_UINT64),
        ("data", 3, types.LABEL_REQUIRED, types.TYPE_BYTES),
    ):
        record.field.add(name=name, number=number, label=label, type=kind)
    aggregated = file.message_type.add(name="AggregatedRecord")
    repeated = types.LABEL_REPEATED
    aggregated.field.add(name="partition_key_table", number=1, label=repeated, type=types.TYPE_BYTES)
    aggregated.field.add(name="explicit_hash_key_table", number=2, label=repeated, type=types.TYPE_BYTES)
    aggregated.field.add(
        name="records", number=3, label=repeated, type=types.TYPE_MESSAGE, type_name=".sluice.Record"
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sluice.AggregatedRecord"))
