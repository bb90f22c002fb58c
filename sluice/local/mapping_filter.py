"""What a mapping's filter lets through of the records that were read.

Documented (AWS Lambda developer guide, with-kinesis-filtering, read 2026-11): a record whose data is no valid
JSON is dropped; on an enhanced fan-out consumer Lambda filters an aggregate of the Kinesis Producer Library
record by record "and passes only those records that meet your filter criteria"; on a shared one that is not
supported. In what shape they are passed is not said. Here each is an entry of its own, with its own data and
partition key and the aggregate's sequence number. As Lambda's checkpoints and answers know sequence numbers
only, those entries stay together: in one lane, by the aggregate's own partition key, and in one batch, unless
no event could hold them. On a shared mapping an aggregate is what it looks like: no JSON, and dropped.
"""

import binascii
from base64 import b64encode
from dataclasses import dataclass, replace

import msgspec

from sluice.local.filters import compile_data_filters, compile_filters
from sluice.local.mapping_types import MappingConfig, StreamRecord
from sluice.records.aggregate import AggregateError, is_aggregate, unpack


@dataclass(frozen=True, slots=True)
class Tally:
    """What a filter did, in events that it dropped, and in records of which it left nothing.

    `aggregates` are records that it unpacked, `unpacked` the events that were in them.
    """

    filtered: int = 0
    dropped: int = 0
    aggregates: int = 0
    unpacked: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.filtered + other.filtered,
            self.dropped + other.dropped,
            self.aggregates + other.aggregates,
            self.unpacked + other.unpacked,
        )


NOTHING = Tally()
DROPPED = Tally(filtered=1, dropped=1)


class RecordFilter:
    """The filter of one mapping."""

    def __init__(self, config: MappingConfig) -> None:
        compiled = compile_filters if config.reads_table else compile_data_filters
        self._passes = compiled(config.filters)
        self._table = config.reads_table
        self._unpacks = bool(config.consumer)

    def entries(self, record: StreamRecord) -> tuple[list[StreamRecord], Tally]:
        """The entries that a function gets to see of a record."""
        if self._table:
            return ([record], NOTHING) if self._passes(record.data.encode()) else ([], DROPPED)
        data = binascii.a2b_base64(record.data)
        if self._unpacks and is_aggregate(data):
            return self._of_aggregate(record, data)
        return ([record], NOTHING) if self._passes(data) else ([], DROPPED)

    def _of_aggregate(self, record: StreamRecord, data: bytes) -> tuple[list[StreamRecord], Tally]:
        try:
            inner = unpack(data)
        except AggregateError:
            return [], DROPPED
        found = [
            msgspec.structs.replace(
                record, data=b64encode(one.data).decode(), partition_key=one.partition_key, part=True
            )
            for one in inner
            if self._passes(one.data)
        ]
        tally = Tally(filtered=len(inner) - len(found), aggregates=1, unpacked=len(inner))
        if not found:
            return [], replace(tally, dropped=1)
        found[-1] = msgspec.structs.replace(found[-1], part=False)
        return found, tally
