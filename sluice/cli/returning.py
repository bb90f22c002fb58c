"""Records on their way back into the sink that refused them: where they are read from, and in what order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluice.deadletters import BatchPointer, DeadLetter, Held
from sluice.records import Record, unpacked

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

    from sluice.cli.target import Target


@dataclass(frozen=True, slots=True)
class Returning:
    """One record on its way back. `letter` is what is deleted when it arrives, shared by a whole batch."""

    letter: Held
    stream: str
    shard: str
    sequence: str
    sub_sequence: int | None
    partition_key: str
    arrived_at: float
    data: bytes

    @property
    def identity(self) -> str:
        """The name under which the function's answer speaks of this record."""
        sub = "" if self.sub_sequence is None else f":{self.sub_sequence}"
        return f"{self.shard}/{self.sequence}{sub}"


def from_stream(target: "Target", held: Held, pointer: BatchPointer) -> Iterator[Returning]:
    """Yield what Lambda gave up on, read again from its shard: of an aggregate each user record."""
    stream, last = pointer.stream, int(pointer.last)
    gone = target.kinesis.exceptions
    try:
        iterator = target.kinesis.get_shard_iterator(
            StreamName=stream,
            ShardId=pointer.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=pointer.first,
        )["ShardIterator"]
    except (gone.InvalidArgumentException, gone.ResourceNotFoundException):
        return
    while iterator:
        answer = target.kinesis.get_records(ShardIterator=iterator, Limit=1000)
        for record in answer["Records"]:
            if int(record["SequenceNumber"]) > last:
                return
            yield from _events_of(held, pointer, record)
        if not answer.get("MillisBehindLatest"):
            return
        iterator = answer.get("NextShardIterator", "")


def _events_of(held: Held, pointer: BatchPointer, record: "RecordTypeDef") -> Iterator[Returning]:
    arrived = record["ApproximateArrivalTimestamp"].timestamp()
    whole = Record(
        pointer.stream,
        pointer.shard,
        record["SequenceNumber"],
        record["PartitionKey"],
        arrived,
        record["Data"],
    )
    for each in unpacked(whole):
        yield Returning(
            held,
            each.stream,
            each.shard,
            each.sequence,
            each.sub_sequence,
            each.partition_key,
            arrived,
            each.data,
        )


def order(letter: DeadLetter) -> tuple[str, str, int, int]:
    """Return what sorts letters as their records came: by stream, shard and place."""
    return (
        letter.stream,
        letter.shard,
        int(letter.sequence),
        -1 if letter.sub_sequence is None else letter.sub_sequence,
    )
