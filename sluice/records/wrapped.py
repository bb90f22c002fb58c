"""Records on their way into a Firehose that takes puts: a Firehose that reads a stream takes none.

What is put is a line of JSON that says where the record stood in the stream, and behind it the record's
bytes as they are, or compressed where they would be too large.
"""

import zlib
from typing import Annotated, Literal

import msgspec

from sluice.records import Record

VERSION: Literal[1] = 1

Sequence = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,60}$")]
"""A sequence number as Kinesis writes it."""

PLAIN_BYTES = 1_000_000
"""A record that is put may have 1,000 KiB (Firehose guide, quotas, read 2026-11), its line included."""

MOST_BYTES = 64 * 1024 * 1024
"""What is unpacked at most: more than any stream carries in a record."""


class _Head(msgspec.Struct, omit_defaults=True):
    """The line. `table` is that of a finished row, which is passed on as it is."""

    sluice: Literal[1]
    stream: str
    shard: str
    sequence: Sequence
    key: str
    arrived_at: float
    sub: int | None = None
    row: bool = False
    table: str = ""
    packed: bool = False


class Wrapped(msgspec.Struct, frozen=True):
    """What a wrapper holds: a record to be transformed, or, with `row`, one that has been, for `table`."""

    record: Record
    row: bool = False
    table: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Head).decode


def wrap(record: Record, *, row: bool = False, table: str = "") -> bytes:
    """Return what `unwrap` reads."""
    data = record.data
    packed = len(data) > PLAIN_BYTES
    head = _Head(
        sluice=VERSION,
        stream=record.stream,
        shard=record.shard,
        sequence=record.sequence,
        key=record.partition_key,
        arrived_at=record.arrived_at,
        sub=record.sub_sequence,
        row=row,
        table=table,
        packed=packed,
    )
    return _encode(head) + b"\n" + (zlib.compress(data, 1) if packed else data)


def unwrap(data: bytes) -> Wrapped | None:
    """Return what `wrap` was given; None for anything else."""
    line, _, body = data.partition(b"\n")
    try:
        head = _decode(line)
        if head.packed:
            unpacking = zlib.decompressobj()
            body = unpacking.decompress(body, MOST_BYTES)
            if not unpacking.eof:
                return None
    except (msgspec.MsgspecError, UnicodeError, zlib.error):
        return None
    record = Record(head.stream, head.shard, head.sequence, head.key, head.arrived_at, body, head.sub)
    return Wrapped(record, head.row, head.table)
