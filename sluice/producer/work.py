"""What a producer has to do: which records go next, and what an answer means. No threads, no clock, no calls.

The engine calls it under its lock; times are seconds of the engine's clock.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from sluice.producer.backlog import Backlog
from sluice.producer.destinations import Placed
from sluice.producer.failures import Failure, Why
from sluice.producer.pace import Pace
from sluice.producer.packing import Packer, place_of
from sluice.producer.receipts import REMEMBERED, Parcel, Receipt
from sluice.producer.settings import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sluice.producer.destinations import Answer
    from sluice.producer.settings import Settings
    from sluice.producer.shards import Shards

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds before a record that failed goes out again: doubled each time, the second half of it at random."""

MOST_STRAYS: Final = 4
"""Times that an event is sent again for having arrived in another shard than its own. Each is a reshard that
the map of shards did not show yet, so a stream that distributes by keys needs one or two."""


class Work:
    """The state of a producer. `jitter` gives numbers from 0 to 1."""

    def __init__(
        self,
        settings: Settings,
        shards: Shards | None = None,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._jitter = jitter
        self._pace = Pace(settings.rate)
        self._backlog = Backlog(
            most=settings.max_batch_records, most_bytes=settings.max_batch_bytes, linger=settings.linger
        )
        self._packer: Packer | None = None
        if shards is not None:
            self._packer = Packer(
                shards,
                max_bytes=settings.max_aggregate_bytes,
                linger=settings.linger,
                ordered=settings.ordered,
            )
        self._flying = 0
        self._hold = False
        self._epochs: Counter[int] = Counter()
        self._epoch = 0
        self._counts: Counter[str] = Counter()
        self.pending = 0
        self.pending_bytes = 0
        self.hasty = False
        """What fails now is given up: the producer is being closed and its time is over."""
        self.broken: Failure | None = None
        """Why the destination takes nothing at all."""

    def report(self) -> Report:
        """Return the figures of this moment."""
        return Report(pending=self.pending, **self._counts)

    def has_room(self, size: int) -> bool:
        """Whether one more event of `size` bytes may be taken in; a first one always may."""
        settings = self._settings
        return not self.pending or (
            self.pending < settings.max_pending_records
            and self.pending_bytes + size <= settings.max_pending_bytes
        )

    def add(self, receipt: Receipt, now: float) -> bool:
        """Take an event in; returns whether a sender should look."""
        receipt.epoch = self._epoch
        self._epochs[self._epoch] += 1
        self.pending += 1
        self.pending_bytes += receipt.size
        return self._line_up(receipt, now)

    def next_epoch(self) -> int:
        """Return a number for all that was taken in up to here: see `through`."""
        self._epoch += 1
        return self._epoch - 1

    def through(self, epoch: int) -> bool:
        """Whether everything taken in up to then is settled."""
        return all(number > epoch for number in self._epochs)

    def take(self, now: float, *, all_at_once: bool) -> list[Parcel] | float | None:
        """Return the records of the next request, or in how many seconds to ask again; None: when told."""
        if self._hold and self._flying:
            return None
        self._hold = False
        if self._packer is not None:
            for parcel in self._packer.due(now, all_at_once=all_at_once):
                self._backlog.add(parcel)
        pace = self._pace
        if pace.due > now:
            return None if self._next_at() is None else pace.due - now
        taken = self._backlog.take(now, most_events=pace.at_once or float("inf"), all_at_once=all_at_once)
        if not taken:
            wanted = self._next_at()
            return None if wanted is None else max(0.0, wanted - now)
        for parcel in taken:
            if parcel.begun is None:
                parcel.begun = now
        pace.sent(sum(len(parcel.receipts) for parcel in taken if not parcel.attempts), now)
        self._flying += len(taken)
        return taken

    def shards_version(self) -> int:
        """Return the version of the map of shards; 0 without one."""
        return 0 if self._packer is None else self._packer.shards.version

    def outdated(self, parcels: Sequence[Parcel], answers: Sequence[Answer]) -> int | None:
        """Return the version of the map of shards that an answer shows to be wrong, if one does."""
        if self._packer is None:
            return None
        shards = self._packer.shards
        outdated = any(
            isinstance(answer, Placed)
            and _astray(parcel, answer)
            and (parcel.version == shards.version or answer.shard not in shards.ranges)
            for parcel, answer in zip(parcels, answers, strict=True)
        )
        return shards.version if outdated else None

    def renew(self, shards: Shards, now: float) -> None:
        """Pack what waits by a newer map; where order matters, it goes once what is on its way is back."""
        if self._packer is None or shards.version <= self._packer.shards.version:
            return
        self._packer.shards = shards
        self._hold = self._settings.ordered
        self._repack([], now)

    def settle(self, parcels: Sequence[Parcel], answers: Sequence[Answer], now: float) -> list[Receipt]:
        """Take in the answers to one request, and return the receipts whose fate is known now."""
        counts = self._counts
        counts["requests"] += 1
        counts["failed"] += all(isinstance(answer, Failure) and not answer.throttled for answer in answers)
        self._flying -= len(parcels)
        settled: list[Receipt] = []
        first: list[Receipt] = []
        jitter = self._jitter()  # one for all: what failed together goes together again, in as few requests
        for parcel, answer in zip(parcels, answers, strict=True):
            if isinstance(answer, Placed):
                counts["records"] += 1
                counts["bytes"] += parcel.size
                strayed = self._arrived(parcel, answer, settled)
                counts["retried"] += bool(strayed)
                first += strayed
            elif answer.why is Why.PASSING and not self._over(parcel, now):
                counts["retried"] += 1
                counts["throttled"] += answer.throttled
                if self._outpaced(parcel):
                    first += parcel.receipts
                else:
                    self._again(parcel, now, jitter)
                    continue
            else:
                counts["throttled"] += answer.throttled
                self._give_up(parcel.receipts, answer, settled)
                if answer.why is Why.DESTINATION:
                    self.broken = answer
            self._backlog.done(parcel)
        if first:
            self._repack(first, now)
        if self.broken is not None:
            self._abandon(self.broken, settled)
        self._account(settled)
        return settled

    def abandon(self, failure: Failure) -> list[Receipt]:
        """Give up everything that waits; what is on its way is settled by its answer."""
        settled: list[Receipt] = []
        self._abandon(failure, settled)
        self._account(settled)
        return settled

    def _next_at(self) -> float | None:
        times = [self._backlog.next_at(), None if self._packer is None else self._packer.next_at()]
        return min((time for time in times if time is not None), default=None)

    def _abandon(self, failure: Failure, settled: list[Receipt]) -> None:
        if self._packer is not None:
            self._give_up(self._packer.clear(), failure, settled)
        self._give_up((r for parcel in self._backlog.clear() for r in parcel.receipts), failure, settled)

    def _line_up(self, receipt: Receipt, now: float) -> bool:
        if self._packer is None:
            row = (receipt.key, receipt.data, receipt.hash_key)
            lane = receipt.key if self._settings.ordered else None
            return self._backlog.add(Parcel(row, receipt.size - REMEMBERED, [receipt], now, lane))
        idle = self._packer.empty
        full = self._packer.add(receipt, now)
        return idle or (full is not None and self._backlog.add(full))

    def _arrived(self, parcel: Parcel, placed: Placed, settled: list[Receipt]) -> list[Receipt]:
        """Settle a record's events, and return those that readers would drop: they belong to another shard.

        Readers by the Kinesis Client Library drop user records whose key is outside their shard's range; KPL
        sends such records again for that reason. Where they were read after all, the event's id tells.
        A stream that goes on putting an event elsewhere pays no heed to keys, and is left to it.
        """
        strayed: list[Receipt] = []
        several = parcel.row[1] is not parcel.receipts[0].data
        check = self._packer is not None and _astray(parcel, placed)
        for index, receipt in enumerate(parcel.receipts):
            if (
                check
                and self._packer is not None
                and receipt.strays < MOST_STRAYS
                and not self._packer.shards.holds(placed.shard, place_of(receipt))
            ):
                receipt.strays += 1
                strayed.append(receipt)
                continue
            receipt.placed = Placed(placed.shard, placed.sequence, index) if several else placed
            receipt.data = b""
            settled.append(receipt)
        return strayed

    def _outpaced(self, parcel: Parcel) -> bool:
        """Whether an aggregate was packed by an older map of shards."""
        return (
            self._packer is not None
            and parcel.shard is not None
            and parcel.version < self._packer.shards.version
        )

    def _over(self, parcel: Parcel, now: float) -> bool:
        begun = now if parcel.begun is None else parcel.begun
        return self.hasty or now - begun >= self._settings.retry_for

    def _again(self, parcel: Parcel, now: float, jitter: float) -> None:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(parcel.attempts, 16))
        parcel.attempts += 1
        self._backlog.again(parcel, now + longest * (0.5 + 0.5 * jitter))

    def _repack(self, first: Iterable[Receipt], now: float) -> None:
        """Line up again what waits, behind `first`."""
        waiting = [receipt for parcel in self._backlog.clear() for receipt in parcel.receipts]
        packed = self._packer.clear() if self._packer is not None else []
        for receipt in [*first, *waiting, *packed]:
            self._line_up(receipt, now)

    def _give_up(self, receipts: Iterable[Receipt], failure: Failure, settled: list[Receipt]) -> None:
        for receipt in receipts:
            receipt.failure = failure
            settled.append(receipt)

    def _account(self, settled: list[Receipt]) -> None:
        """Take what is settled off what is pending."""
        undelivered = len([receipt for receipt in settled if receipt.failure is not None])
        self._counts["undelivered"] += undelivered
        self._counts["accepted"] += len(settled) - undelivered
        self.pending -= len(settled)
        self.pending_bytes -= sum([receipt.size for receipt in settled])
        if len(self._epochs) == 1:  # as ever between two flushes
            gone = {epoch: len(settled) for epoch in self._epochs}
        else:
            gone = Counter(receipt.epoch for receipt in settled)
        for epoch, number in gone.items():
            self._epochs[epoch] -= number
            if not self._epochs[epoch]:
                del self._epochs[epoch]


def _astray(parcel: Parcel, answer: Answer) -> bool:
    return isinstance(answer, Placed) and parcel.shard is not None and parcel.shard != answer.shard
