"""What Lambda hands over from Kinesis, as typed records: those inside aggregates one by one.

The event's shape: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html

Readers that follow a shard by themselves, as KCL does, drop user records whose key hashes into another shard:
after a reshard both shards' readers would count them. Lambda hands each Kinesis record over in one shard
and does not tell a function which keys that shard holds, so here all of them count, once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from sluice.errors import DeliveryError
from sluice.records.aggregate import AggregateError, is_aggregate, unpack


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a shard, or one user record out of an aggregate of the Kinesis Producer Library.

    `arrived_at` is Kinesis' approximate arrival in epoch seconds. `sub_sequence` numbers the user records
    inside one aggregate from 0, and is None for a plain record; `partition_key` is the user record's own.
    """

    stream: str
    shard: str
    sequence: str
    partition_key: str
    arrived_at: float
    data: bytes
    sub_sequence: int | None = None

    @property
    def position(self) -> str:
        """The sequence number, with `:sub` appended for a record out of an aggregate."""
        return self.sequence if self.sub_sequence is None else f"{self.sequence}:{self.sub_sequence}"

    @property
    def identity(self) -> str:
        """What names this record for good: the same in every retry, replay and redrive."""
        return f"{self.shard}/{self.position}"

    @property
    def fallback_id(self) -> str:
        """The event id of a type that declares none."""
        return f"{self.partition_key}:{self.position}"

    @property
    def arrived(self) -> datetime:
        """The approximate arrival as a moment in UTC."""
        return datetime.fromtimestamp(self.arrived_at, UTC)

    @property
    def arrived_text(self) -> str:
        """The approximate arrival in RFC 3339; four times as fast as `arrived.isoformat()`."""
        seconds, micros = divmod(round(self.arrived_at * 1_000_000), 1_000_000)
        return f"{_second(seconds)}.{micros:06d}Z"

    @property
    def order(self) -> tuple[int, str, int]:
        """What sorts the records of a shard: a number's length and digits do so faster than its value.

        Sequence numbers are decimal, without zeros in front, of up to 57 digits so far:
        docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html (2026).
        """
        return len(self.sequence), self.sequence, -1 if self.sub_sequence is None else self.sub_sequence


@lru_cache(maxsize=8)
def _second(epoch_seconds: int) -> str:
    """Return a whole second in RFC 3339; the records of a batch share few."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _Kinesis(msgspec.Struct, rename="camel", gc=False):
    """What an entry says about its record; msgspec reads the data from base64."""

    partition_key: str
    approximate_arrival_timestamp: float
    data: bytes
    sequence_number: str | None = None
    sub_sequence_number: int | None = None


class _Entry(msgspec.Struct, gc=False):
    """An entry of Lambda's event."""

    kinesis: _Kinesis
    event_id: str = msgspec.field(name="eventID")
    source: str = msgspec.field(name="eventSourceARN")


def records_of(event: Mapping[str, Any]) -> list[Record]:
    """Return the records of Lambda's Kinesis event, in the event's order, aggregates unpacked.

    An aggregate that cannot be read stays one record, as it came: `readable` says why. What a redrive hands
    over with its sub-sequence is out of an aggregate already.

    A mapping with a filter looks into aggregates (only where it reads over enhanced fan-out), and how it then
    hands over what matched is not documented. So several entries of one sequence number are numbered as
    they come, which is the same in every retry; a single one counts as a plain record.

    Raises DeliveryError when the event is not one that a Kinesis event-source mapping writes.
    """
    try:
        records = [_record(entry) for entry in msgspec.convert(event["Records"], list[_Entry])]
    except (LookupError, msgspec.ValidationError) as error:
        raise DeliveryError(
            f"the invocation's event is not a Kinesis event ({type(error).__name__}: {error}): "
            "invoke the function through its event-source mapping or with `sluice dlq redrive`"
        ) from error
    if any(is_aggregate(record.data) for record in records):
        records = [each for record in records for each in unpacked(record)]
    return _numbered(records)


def unpacked(record: Record) -> list[Record]:
    """Return what is inside an aggregate; the record itself where it is none, or cannot be read."""
    if record.sub_sequence is not None or not is_aggregate(record.data):
        return [record]
    try:
        inside = unpack(record.data)
    except AggregateError:
        return [record]
    return [
        Record(record.stream, record.shard, record.sequence, key, record.arrived_at, data, place)
        for place, (key, data, _) in enumerate(inside)
    ]


def readable(record: Record) -> bytes:
    """Return the record's data, for the contract to decode.

    Raises:
        AggregateError: they are a broken aggregate, or one inside another, which no reader unpacks.
    """
    data = record.data
    if is_aggregate(data):
        if record.sub_sequence is None:
            unpack(data)
        raise AggregateError("an aggregate inside an aggregate: only what the outer one holds is read")
    return data


def packed(records: Iterable[Record]) -> tuple[int, int]:
    """Return how many aggregates the records of a shard, in order, came out of, and how many of them did.

    The stream counts an aggregate as one record.
    """
    aggregates = inside = 0
    last: str | None = None
    for record in records:
        if record.sub_sequence is not None:
            inside += 1
            aggregates += record.sequence != last
        last = record.sequence
    return aggregates, inside


def _numbered(records: list[Record]) -> list[Record]:
    """Tell apart what Lambda took out of an aggregate by itself."""
    if len({(record.sequence, record.sub_sequence) for record in records}) == len(records):
        return records
    many = Counter((record.shard, record.sequence) for record in records if record.sub_sequence is None)
    return list(_with_places(records, many))


def _with_places(records: Iterable[Record], many: Mapping[tuple[str, str], int]) -> Iterator[Record]:
    places: Counter[tuple[str, str]] = Counter()
    for record in records:
        name = record.shard, record.sequence
        if record.sub_sequence is None and many[name] > 1:
            yield msgspec.structs.replace(record, sub_sequence=places[name])
            places[name] += 1
        else:
            yield record


def _record(entry: _Entry) -> Record:
    kinesis = entry.kinesis
    shard, _, sequence = entry.event_id.partition(":")
    return Record(
        _stream(entry.source),
        shard,
        sequence if kinesis.sequence_number is None else kinesis.sequence_number,
        kinesis.partition_key,
        kinesis.approximate_arrival_timestamp,
        kinesis.data,
        kinesis.sub_sequence_number,
    )


@lru_cache(maxsize=8)
def _stream(arn: str) -> str:
    """Return NAME of `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`, to which a consumer adds its own."""
    return arn.split("/", 2)[1]
