"""Putting records on a stream: batches, partial failures, pace."""

from sluice.producer.batches import Batch, Outgoing, batches
from sluice.producer.pace import Pace
from sluice.producer.producer import Producer, Tally

__all__ = ["Batch", "Outgoing", "Pace", "Producer", "Tally", "batches"]
