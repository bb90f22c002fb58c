"""Putting records on a stream: batches, partial failures, pace."""

from sluice.producer.batches import Batch, Outgoing, batches
from sluice.producer.failures import Failure, Why
from sluice.producer.pace import Pace
from sluice.producer.producer import Producer, Tally
from sluice.producer.put import put_record_batch, put_records

__all__ = [
    "Batch",
    "Failure",
    "Outgoing",
    "Pace",
    "Producer",
    "Tally",
    "Why",
    "batches",
    "put_record_batch",
    "put_records",
]
