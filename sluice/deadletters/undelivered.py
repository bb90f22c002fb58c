"""What a Firehose could not deliver, as dead letters: lines of the objects under its error prefix.

Each line is a JSON object: attemptsMade, arrivalTimestamp, errorCode, errorMessage, attemptEndingTimestamp,
rawData in base64, and more by destination (Firehose guide, "Handle failure in data transformation", "Handle
data delivery failures", read 2026-11; where a stream's record format is converted, the code is called
lastErrorCode). Objects may be packed with gzip.

What failed in the transform is the record as it came; what failed behind it is a row that the transform made,
which says in its lineage which record it was. Where nobody wrote down a record's place, its line makes one
up, the same at each reading.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from sluice.deadletters.letter import DeadLetter
from sluice.records import Record
from sluice.records.wrapped import Wrapped, unwrap

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNKNOWN_SHARD = "undelivered"
"""Stands for the shard of a record of which nobody wrote down the place; no shard is called so."""

CHUNK_BYTES = 256 * 1024

_BY_TRANSFORM = "Lambda.ProcessingFailedStatus"
_OF_TRANSFORM = "Lambda."
"""Codes of what failed before there was a row: by the transform's own word, or because it did not answer."""

EPOCH = datetime.fromtimestamp(0, UTC)

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """One line of an object under the error prefix.

    `booked` says that the ledger counts the record as handed to Firehose: the transform answered for it. Else
    no ledger knows of it. `ready` says that the content is a finished row, not a record. `line` is the line
    itself, and the letter holds its payload, only where payloads were asked for; a broken object's rest has
    none. `letter` is None of a line that Firehose did not write.
    """

    key: str
    letter: DeadLetter | None
    booked: bool = False
    ready: bool = False
    line: bytes = b""

    @property
    def broken(self) -> bool:
        """Whether nothing can be said about the line."""
        return self.letter is None

    @property
    def shard(self) -> str | None:
        """The record's shard, or UNKNOWN_SHARD; None of a broken line."""
        return None if self.letter is None else self.letter.shard

    @property
    def sequence(self) -> str | None:
        """The record's place in its shard as the column `_sequence` has it; None of a broken line."""
        return None if self.letter is None else self.letter.position

    @property
    def arrived_at(self) -> datetime | None:
        """When the stream took the record in, or, where nobody wrote that down, Firehose."""
        return None if self.letter is None else self.letter.arrived_at


def read(s3: "S3Client", bucket: str, prefix: str) -> Iterator[Undelivered]:
    """Yield what lies under `errors/SINK/` (or `redriven/SINK/`), object by object, without payloads.

    Lets botocore's errors pass.
    """
    for key in keys(s3, bucket, prefix):
        yield from read_object(s3, bucket, key, payloads=False)


def returned(s3: "S3Client", bucket: str, prefix: str, since: datetime) -> int:
    """Count the lines that were redriven since a moment, out of what lay under `prefix`.

    Lets botocore's errors pass.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=redriven_to(prefix))
    return sum(
        sum(1 for _ in read_object(s3, bucket, each["Key"], payloads=False))
        for page in pages
        for each in page.get("Contents", ())
        if each["LastModified"] >= since
    )


def redriven_to(key: str) -> str:
    """Return where what lies under a key, or a prefix, goes once it was redriven."""
    return f"redriven/{key.partition('/')[2]}"


def keys(s3: "S3Client", bucket: str, prefix: str) -> Iterator[str]:
    """Yield the objects' keys, page by page, in their order."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Contents", ()):
            yield each["Key"]


def read_object(s3: "S3Client", bucket: str, key: str, *, payloads: bool) -> Iterator[Undelivered]:
    """Yield the lines of one object as they are read, the same line under the same id each time.

    An object that is gone by now, because a redrive moved it, has none.
    """
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except s3.exceptions.NoSuchKey:
        return
    repeated: Counter[str] = Counter()
    lines = _lines(_unpacked(body.iter_chunks(CHUNK_BYTES)))
    while True:
        try:
            line = next(lines, None)
        except zlib.error:
            yield Undelivered(key=key, letter=None)
            return
        if line is None:
            return
        digest = sha256(key.encode() + b"\n" + line).hexdigest()[:24]
        repeated[digest] += 1
        name = digest if repeated[digest] == 1 else f"{digest}-{repeated[digest]}"
        yield _undelivered(bucket, key, name, line, payloads=payloads)


class _Line(msgspec.Struct, rename="camel"):
    """What a line says, whatever wrote it."""

    raw_data: bytes
    attempts_made: int | str | None = None
    arrival_timestamp: float | str | None = None
    attempt_ending_timestamp: float | str | None = None
    error_code: str | None = None
    error_message: str | None = None
    last_error_code: str | None = None
    last_error_message: str | None = None


class _Lineage(msgspec.Struct):
    """A row's, or that of the document inside an envelope of Splunk's."""

    type: str | None = None
    shard: str | None = msgspec.field(default=None, name="_shard")
    sequence: str | None = msgspec.field(default=None, name="_sequence")
    arrived_at: int | str | None = msgspec.field(default=None, name="_arrived_at")
    event: "_Lineage | None" = None


_decode_line = msgspec.json.Decoder(_Line, strict=False).decode
_decode_row = msgspec.json.Decoder(_Lineage).decode


def _undelivered(bucket: str, key: str, name: str, line: bytes, *, payloads: bool) -> Undelivered:
    kept = line if payloads else b""
    try:
        told = _decode_line(line)
        arrived, failed = _moment(told.arrival_timestamp), _moment(told.attempt_ending_timestamp)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return Undelivered(key=key, letter=None, line=kept)
    code = told.error_code or told.last_error_code or "no error code"
    ready = not code.startswith(_OF_TRANSFORM)
    wrapped = None if ready else unwrap(told.raw_data)
    record, type_name = _origin(told.raw_data, wrapped, arrived, ready=ready, name=name)
    sink = key.split("/")[1] if key.count("/") > 1 else ""
    message = told.error_message or told.last_error_message or ""
    letter = DeadLetter.of(
        record,
        sink=sink,
        kind="undelivered",
        reason=f"Firehose could not deliver it ({code}): {message}".rstrip(": "),
        type=type_name,
        failed_at=failed or arrived or EPOCH,
    )
    letter = replace(
        letter,
        id=f"{sink}/undelivered/{name}",
        payload=letter.payload if payloads else None,
        payload_s3=f"s3://{bucket}/{key}",
    )
    return Undelivered(
        key=key,
        letter=letter,
        booked=ready or wrapped is not None or code == _BY_TRANSFORM,
        ready=ready or (wrapped is not None and wrapped.row),
        line=kept,
    )


def _origin(
    data: bytes, wrapped: Wrapped | None, arrived: datetime | None, *, ready: bool, name: str
) -> tuple[Record, str | None]:
    """Return the record that a line is about, its data as they are, and its type if that is known."""
    if wrapped is not None:
        return wrapped.record, None
    row = _lineage(data) if ready else _Lineage()
    stood = row.event or row
    sequence, _, sub = (stood.sequence or "").partition(":")
    if not stood.shard or not sequence.isdecimal() or not (sub or "0").isdecimal():
        digest = sha256(name.encode()).digest()
        stood, sequence, sub = _Lineage(shard=UNKNOWN_SHARD), str(int.from_bytes(digest[:16])), ""
    moment = _arrival(stood.arrived_at) or arrived or EPOCH
    record = Record(
        stream="",
        shard=stood.shard or UNKNOWN_SHARD,
        sequence=sequence,
        partition_key="",
        arrived_at=moment.timestamp(),
        data=data,
        sub_sequence=int(sub) if sub else None,
    )
    return record, (row.event or row).type


def _lineage(row: bytes) -> _Lineage:
    try:
        return _decode_row(row)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _Lineage()


def _arrival(value: int | str | None) -> datetime | None:
    """Return the moment in a row's lineage: microseconds in the lake's, text in others."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else _moment(value, 1_000_000)
    except (ValueError, OverflowError):
        return None


def _moment(value: float | str | None, units: int = 1000) -> datetime | None:
    """Return the moment that Firehose wrote: milliseconds since 1970, as a number or as text."""
    return None if value is None else datetime.fromtimestamp(float(value) / units, UTC)


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack what is packed with gzip, in one piece or several, and let the rest pass; raises zlib.error."""
    unpacking: Any = None
    for number, chunk in enumerate(chunks):
        data = chunk
        if number == 0 and data.startswith(_GZIP):
            unpacking = zlib.decompressobj(31)
        if unpacking is None:
            yield data
            continue
        while data:
            yield unpacking.decompress(data)
            data = unpacking.unused_data
            if data:
                unpacking = zlib.decompressobj(31)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut into lines without their ends; those without anything are none."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(bytes.strip, whole)
    if rest.strip():
        yield rest
