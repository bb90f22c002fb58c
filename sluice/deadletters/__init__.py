"""Dead letters: the message format, the queue that takes them, and reading it."""

from sluice.deadletters.letter import BatchPointer, DeadLetter, Kind
from sluice.deadletters.queue import DeadLetterQueue
from sluice.deadletters.reading import Held, Holding, Letter, Unreadable, hold, payload_of, read_queue

__all__ = [
    "BatchPointer",
    "DeadLetter",
    "DeadLetterQueue",
    "Held",
    "Holding",
    "Kind",
    "Letter",
    "Unreadable",
    "hold",
    "payload_of",
    "read_queue",
]
