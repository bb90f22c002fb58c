"""What became of each record of a batch, and which of them may be settled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from sluice.deadletters import DeadLetter, Kind
from sluice.delivery.outcomes import Delivered, Retry, Skipped
from sluice.records import Record


class Refused(msgspec.Struct, frozen=True):
    """The record becomes a dead letter."""

    kind: Kind
    reason: str
    field: str | None = None
    type: str | None = None


Verdict = Delivered | Skipped | Refused | Retry

_UNSENT = "its dead letter could not be sent"

STATES: dict[type, str] = {Delivered: "delivered", Skipped: "skipped", Refused: "dead_lettered"}


@dataclass(slots=True)
class Verdicts:
    """One verdict per record of a batch, in the stream's order.

    A record without a verdict yet counts as one to be retried. `read` is the last sequence number that was
    read without harm; `known` are the indices of those that the sink did not take, though they are events.
    """

    records: Sequence[Record]
    each: list[Verdict] = field(init=False)
    read: int = -1
    known: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.each = [Retry("not reached in this invocation")] * len(self.records)

    def failure(self) -> int:
        """Return the index of the first record that has to come again; if none has to, how many there are."""
        for index, verdict in enumerate(self.each):
            if isinstance(verdict, Retry):
                return self._first_of_aggregate(index)
        return len(self.records)

    def _first_of_aggregate(self, index: int) -> int:
        """Lambda retries whole Kinesis records: what came out of the same aggregate comes again together."""
        while self.comes_with_the_one_before(index):
            index -= 1
        return index

    def comes_with_the_one_before(self, index: int) -> bool:
        """Whether a record is out of the same aggregate as the one before it."""
        return index > 0 and self.records[index - 1].sequence == self.records[index].sequence

    def settled(self, below: int) -> list[tuple[Record, str]]:
        """Return the records below an index with their states, but for those that come again."""
        return [
            (record, STATES[type(verdict)])
            for record, verdict in zip(self.records[:below], self.each, strict=False)
            if not isinstance(verdict, Retry)
        ]

    def refused(self, below: int) -> list[tuple[Record, Refused]]:
        """Return the records below an index that become dead letters."""
        return [
            (record, verdict)
            for record, verdict in zip(self.records[:below], self.each, strict=False)
            if isinstance(verdict, Refused)
        ]

    @property
    def unsent(self) -> int:
        """How many dead letters could not be sent."""
        return sum(isinstance(each, Retry) and each.reason.startswith(_UNSENT) for each in self.each)

    def take_back(self, letters: Sequence[DeadLetter], failed: Mapping[str, str]) -> None:
        """Turn refusals whose dead letter could not be sent into retries."""
        lost = {
            (letter.sequence, letter.sub_sequence): failed[letter.id]
            for letter in letters
            if letter.id in failed
        }
        for index, record in enumerate(self.records):
            reason = lost.get((record.sequence, record.sub_sequence))
            if reason is not None:
                self.each[index] = Retry(f"{_UNSENT}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an invocation did with one shard's records; holds no payload. `reason` is that of the first retry.

    `first` and `last` are the positions of its first and last record. `named` tells of refused and retried
    records, but not of all (see `naming`). `oldest` is the arrival, in epoch seconds, of the oldest record
    that was not settled, else of the oldest of all. `unsent` dead letters wait with their records. `unlisted`
    counts dead letters, safe in the queue, that are missing from the sink's own list of them, and
    `unlisted_reason` says why.
    """

    shard: str
    states: Counter[str]
    refusals: Counter[str]
    retried: int
    first: str = ""
    last: str = ""
    named: Sequence[Mapping[str, str]] = ()
    oldest: float | None = None
    unsent: int = 0
    redriven: bool = False
    reason: str | None = None
    careful: bool = False
    unlisted: int = 0
    unlisted_reason: str | None = None
