"""What Firehose hands to its transform, as records with their place in the stream.

The event's shape: docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html and the type stubs and
captured events of several SDKs (read 2026-11). They differ in `subsequenceNumber`: empty, absent, a number,
or a number in a string; a captured event has 0 for a record that came out of no aggregate. So 0 cannot tell
the first record of an aggregate from a plain one, and both have no number here. Firehose takes aggregates of
the Kinesis Producer Library apart before it asks the transform (Firehose guide, "Data delivery").
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from sluice.errors import DeliveryError
from sluice.records import Record
from sluice.records.wrapped import Sequence, Wrapped, unwrap


class _Metadata(msgspec.Struct, rename="camel", gc=False):
    """Where in the stream a record stood."""

    shard_id: str
    partition_key: str
    sequence_number: Sequence
    approximate_arrival_timestamp: float | datetime
    subsequence_number: int | str | None = None


class _Entry(msgspec.Struct, rename="camel", gc=False):
    """An entry of the event; msgspec reads the data from base64."""

    record_id: str
    data: bytes
    kinesis_record_metadata: _Metadata | None = None


class _Event(msgspec.Struct, rename="camel"):
    records: list[_Entry]
    delivery_stream_arn: str
    source_kinesis_stream_arn: str | None = None


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """What one answer is owed for: a record, a finished row that comes back, or something unknown (None)."""

    record_id: str
    content: Record | Wrapped | None


class Arrivals(msgspec.Struct, frozen=True):
    """An event's content. `direct` says that it comes from the Firehose that redriven records are put to."""

    direct: bool
    each: list[Arrival]


def arrivals_of(event: Mapping[str, Any], redrive: str) -> Arrivals:
    """Return what is in Firehose's event, in its order. `redrive` is the Firehose for redriven records.

    Raises DeliveryError when the event is not one that Firehose writes.
    """
    try:
        found = msgspec.convert(event, _Event)
        direct = found.delivery_stream_arn.rpartition("/")[2] == redrive
        if direct:
            each = [Arrival(entry.record_id, unwrap(entry.data)) for entry in found.records]
        else:
            stream = (found.source_kinesis_stream_arn or "").rpartition("/")[2]
            each = [Arrival(entry.record_id, _record(stream, entry)) for entry in found.records]
    except (LookupError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise DeliveryError(
            f"the invocation's event is not a Firehose event ({type(error).__name__}: {error}): let the "
            "Firehose that reads the stream, or `sluice dlq redrive`, invoke the function"
        ) from error
    if len({arrival.record_id for arrival in each}) < len(each):
        raise DeliveryError("the invocation's event has a recordId twice: no answer could tell them apart")
    return Arrivals(direct, each)


def told_apart(records: Iterable[Record]) -> list[Record | None]:
    """Return the records, those at one place told apart; None for one that is there already.

    Firehose may hand over a record twice. Different records at one place, which no source describes, are
    numbered as they come.
    """
    seen: dict[tuple[str, str, int | None], bytes] = {}
    places: Counter[tuple[str, str]] = Counter()
    found: list[Record | None] = []
    for record in records:
        place = record.shard, record.sequence
        key = (*place, record.sub_sequence)
        if seen.get(key) == record.data:
            found.append(None)
            continue
        while key in seen:
            places[place] += 1
            key = (*place, places[place])
        seen[key] = record.data
        found.append(msgspec.structs.replace(record, sub_sequence=key[2]))
    return found


def _record(stream: str, entry: _Entry) -> Record:
    kinesis = entry.kinesis_record_metadata
    if kinesis is None:
        raise ValueError("a record without kinesisRecordMetadata")
    return Record(
        stream,
        kinesis.shard_id,
        kinesis.sequence_number,
        kinesis.partition_key,
        _seconds(kinesis.approximate_arrival_timestamp),
        entry.data,
        _sub(kinesis.subsequence_number),
    )


def _sub(number: int | str | None) -> int | None:
    """Return the number within an aggregate; none for its first, as for a plain record."""
    found = int(number or 0)
    if found < 0:
        raise ValueError(f"a subsequenceNumber of {found}")
    return found or None


def _seconds(moment: float | datetime) -> float:
    """Return epoch seconds of Firehose's milliseconds, or of the text in the guide's example."""
    return moment.timestamp() if isinstance(moment, datetime) else moment / 1000
