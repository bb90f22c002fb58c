"""What a shard takes in and gives out per second, as Amazon Kinesis Data Streams limits it.

Sources, read 2026-11: the developer guide's "Quotas and limits" and "Develop enhanced fan-out consumers", and
the API reference of PutRecords, GetRecords and SubscribeToShard.

- In: 1,000 records and 1 MB a second, partition keys included. What does not fit is refused record by record.
- Out, shared by all who call GetRecords: 5 calls and 2 MB a second. One call may take 10 MB at once:
  "subsequent calls made within the next 5 seconds throw". Once more was taken than there was, whoever comes
  is refused until the shard has a whole second's worth again: that is 5 s after 10 MB, 1 s after a little too
  much, and 2 MB/s on average.
- Out, to each consumer with enhanced fan-out: 2 MB a second of its own. It is pushed, so nothing is refused:
  a page arrives when the rate allows.

The guide says MB, the API reference in places MiB: the smaller is taken. Not documented, and chosen: up to
one second's worth may come at once, and a call that is refused costs nothing.
"""

from dataclasses import dataclass, field

MB = 1_000_000
WRITE_BYTES = 1 * MB
WRITE_RECORDS = 1_000
READ_BYTES = 2 * MB
READ_CALLS = 5
PUSH_BYTES = 2 * MB
PUSH_AT_ONCE = PUSH_BYTES // 10
"""A consumer that is behind gets pages of a tenth of a second."""

MOST_CONSUMERS = 50
"""Consumers with enhanced fan-out that a stream may have (On-demand Advantage)."""


class Bucket:
    """Tokens that come back at a rate, up to a second's worth. It may go below nothing."""

    __slots__ = ("_level", "_rate", "_then")

    def __init__(self, rate: int, now: float) -> None:
        self._rate = rate
        self._level = float(rate)
        self._then = now

    def level(self, now: float) -> float:
        """How much is there at a moment; a clock that goes back adds nothing."""
        if now > self._then:
            self._level = min(float(self._rate), self._level + (now - self._then) * self._rate)
            self._then = now
        return self._level

    def full(self, now: float) -> bool:
        """Whether a whole second's worth is there."""
        return self.level(now) >= self._rate

    def take(self, amount: int, now: float) -> float:
        """Take tokens, there or not; what is left."""
        self._level = self.level(now) - amount
        return self._level

    def seconds_to(self, level: float) -> float:
        """How long until so much is there, as of the last look."""
        return max(0.0, (level - self._level) / self._rate)


@dataclass(slots=True)
class ShardBudget:
    """One shard's limits. Moments are in seconds of any clock, sizes in bytes of data and partition key."""

    _bytes_in: Bucket
    _records_in: Bucket
    _bytes_out: Bucket
    _calls_out: Bucket
    _refused_until: float = 0.0
    _pushed: dict[str, Bucket] = field(default_factory=dict)

    @classmethod
    def at(cls, now: float) -> "ShardBudget":
        """The budget of a shard that nobody has used for a second."""
        return cls(
            Bucket(WRITE_BYTES, now),
            Bucket(WRITE_RECORDS, now),
            Bucket(READ_BYTES, now),
            Bucket(READ_CALLS, now),
        )

    def write(self, size: int, now: float) -> bool:
        """Let one record in, or not. One of more than 1 MB needs a whole second's worth."""
        room = self._bytes_in.level(now)
        if self._records_in.level(now) < 1 or (room < size and not self._bytes_in.full(now)):
            return False
        self._records_in.take(1, now)
        self._bytes_in.take(size, now)
        return True

    def may_read(self, now: float) -> bool:
        """Let one GetRecords call in, or not; what it then finds is told to `have_read`."""
        if now < self._refused_until or self._calls_out.level(now) < 1:
            return False
        self._calls_out.take(1, now)
        return True

    def have_read(self, size: int, now: float) -> None:
        """Account for the bytes that a GetRecords call found."""
        if self._bytes_out.take(size, now) < 0:
            self._refused_until = now + self._bytes_out.seconds_to(READ_BYTES)

    def push_room(self, consumer: str, now: float) -> int:
        """How many bytes may go to an enhanced consumer in its next page."""
        return max(int(self._consumer(consumer, now).level(now)), PUSH_AT_ONCE)

    def push(self, consumer: str, size: int, now: float) -> float:
        """Account for a page to an enhanced consumer; the seconds after which it has arrived."""
        bucket = self._consumer(consumer, now)
        bucket.take(size, now)
        return bucket.seconds_to(0)

    def _consumer(self, consumer: str, now: float) -> Bucket:
        bucket = self._pushed.get(consumer)
        if bucket is None:
            if len(self._pushed) >= MOST_CONSUMERS:  # one that has rested is like one never seen
                self._pushed = {name: kept for name, kept in self._pushed.items() if not kept.full(now)}
            bucket = self._pushed[consumer] = Bucket(PUSH_BYTES, now)
        return bucket


def write_refusal(account: str, stream: str, shard: str) -> str:
    """What PutRecord and PutRecords say of a record that did not fit (API reference, PutRecords' example)."""
    return f"Rate exceeded for shard {shard} in stream {stream} under account {account}."


def read_refusal(account: str, stream: str, shard: str) -> str:
    """What GetRecords says when it is refused (as users saw it: awslabs/amazon-kinesis-client#1521, 2025)."""
    return f"Rate exceeded for Shard - {account}/{stream}/{shard}"
