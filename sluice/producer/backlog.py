"""The records that wait to be sent: new ones, those that failed and wait a while, those behind another."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.producer.receipts import Parcel


class Backlog:
    """Keeps parcels, and hands out those that may go.

    Parcels of one lane go one after the other: the next one is let out when the one before is done. A parcel
    without a lane waits for nobody. Times are seconds of whatever clock the caller has.
    """

    def __init__(self, *, most: int, most_bytes: int, linger: float) -> None:
        self.most = most
        self._most_bytes = most_bytes
        self._linger = linger
        self._ready: deque[Parcel] = deque()
        self._ready_bytes = 0
        self._late: list[tuple[float, int, Parcel]] = []
        self._behind: dict[str, deque[Parcel]] = {}
        self._order = count()

    @property
    def full(self) -> bool:
        """Whether a whole request could go."""
        return len(self._ready) >= self.most or self._ready_bytes >= self._most_bytes

    def add(self, parcel: Parcel) -> bool:
        """Take a parcel in; returns whether a sender should look: it is the first, or fills a request."""
        if parcel.lane is not None:
            behind = self._behind.get(parcel.lane)
            if behind is not None:
                behind.append(parcel)
                return False
            self._behind[parcel.lane] = deque()
        was_full = self.full
        self._let_out(parcel)
        return len(self._ready) == 1 or (not was_full and self.full)

    def again(self, parcel: Parcel, due: float) -> None:
        """Take back a parcel that failed, to be sent from `due` on; what is behind it goes on waiting."""
        heapq.heappush(self._late, (due, next(self._order), parcel))

    def done(self, parcel: Parcel) -> None:
        """Let out what waits behind a parcel that is settled."""
        if parcel.lane is None:
            return
        behind = self._behind[parcel.lane]
        if behind:
            self._let_out(behind.popleft())
        else:
            del self._behind[parcel.lane]

    def take(self, now: float, *, most_events: float, all_at_once: bool) -> list[Parcel]:
        """Return what may go in one request: what failed and is due, filled up with new parcels.

        New ones wait for company, up to the linger time, unless `all_at_once`. A single parcel may hold more
        than `most_events`.
        """
        taken: list[Parcel] = []
        size = events = 0

        def fits(parcel: Parcel) -> bool:
            return not taken or (
                len(taken) < self.most and size + parcel.size <= self._most_bytes and events < most_events
            )

        while self._late and self._late[0][0] <= now and fits(self._late[0][2]):
            parcel = heapq.heappop(self._late)[2]
            taken.append(parcel)
            size += parcel.size
            events += len(parcel.receipts)
        ready = self._ready
        if ready and (taken or all_at_once or self.full or ready[0].queued + self._linger <= now):
            while ready and fits(ready[0]):
                parcel = ready.popleft()
                taken.append(parcel)
                size += parcel.size
                events += len(parcel.receipts)
                self._ready_bytes -= parcel.size
        return taken

    def next_at(self) -> float | None:
        """Return when something may go next, if nothing else happens; None when nothing waits for time."""
        times = [self._late[0][0]] if self._late else []
        if self._ready:
            times.append(self._ready[0].queued + self._linger)
        return min(times, default=None)

    def clear(self) -> list[Parcel]:
        """Take everything out, oldest first within each lane; what is being sent keeps its lane."""
        out: list[Parcel] = []
        for parcel in [*(late for _, _, late in sorted(self._late)), *self._ready]:
            out.append(parcel)
            if parcel.lane is not None:
                out += self._behind.pop(parcel.lane)
        for behind in self._behind.values():
            out += behind
            behind.clear()
        self._late.clear()
        self._ready.clear()
        self._ready_bytes = 0
        return out

    def _let_out(self, parcel: Parcel) -> None:
        self._ready.append(parcel)
        self._ready_bytes += parcel.size
