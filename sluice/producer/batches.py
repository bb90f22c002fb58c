"""Cutting a flow of records into PutRecords requests.

Limits of the PutRecords API as its reference states them (seen in 2026): 500 records a request, 10 MiB a
request (5 MiB in older endpoints, so batches stay at 5), by default 1 MiB for one record's data and partition
key together, a partition key of 1 to 256 characters.
https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_RECORDS = 500
MAX_REQUEST_BYTES = 5 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024
MAX_KEY_CHARACTERS = 256

Outgoing = tuple[str, bytes]
"""A partition key and the record's data."""


@dataclass(slots=True)
class Batch:
    """The records of one request, and how many bytes it carries.

    `refused` counts the records met on the way that no request could ever carry.
    """

    records: list[Outgoing] = field(default_factory=list)
    size: int = 0
    refused: int = 0


def batches(records: Iterable[Outgoing | None], *, most: int = MAX_RECORDS) -> Iterator[Batch]:
    """Cut `records` into batches that PutRecords takes, in order.

    A `None` among the records says that the source has nothing more for now: what was gathered goes out at
    once, so that a slow pipe is not held back until 500 records came together. A record above 1 MiB is
    counted in its batch's `refused`, never sent: the stream would refuse the whole request because of it.
    """
    batch = Batch()
    for outgoing in records:
        if outgoing is None:
            if batch.records or batch.refused:
                yield batch
                batch = Batch()
            continue
        key, data = outgoing
        size = len(data) + (len(key) if key.isascii() else len(key.encode()))
        if size > MAX_RECORD_BYTES:
            batch.refused += 1
            continue
        if len(batch.records) >= most or batch.size + size > MAX_REQUEST_BYTES:
            yield batch
            batch = Batch()
        batch.records.append(outgoing)
        batch.size += size
    if batch.records or batch.refused:
        yield batch
