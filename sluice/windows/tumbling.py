"""One shard's calls: its records are gathered without a gap, and committed all at once.

The state covers the records from the lane's mark on. What lies at or below the mark, or in the state, is
skipped. What was handed over before (`seen` says up to where) and is in neither is read from the stream
again: so neither a lost state, nor one that another invocation's commit made void, nor a redelivered tail
leaves a gap or counts twice. A state counts only if the lane still is where that state began.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sluice.delivery.caution import Caution
from sluice.delivery.times import Times
from sluice.errors import DeliveryError
from sluice.observing.tracing import subsegment
from sluice.records import Record
from sluice.windows.aggregates import Aggregates
from sluice.windows.call import Call
from sluice.windows.commit import Committer
from sluice.windows.gathered import NEAR_LIMIT, NONE, SPILL, STATE_LIMIT, Gathered
from sluice.windows.items import Item, Lane
from sluice.windows.keys import lane_key
from sluice.windows.lanes import Lanes
from sluice.windows.recovery import PAGE, Stream
from sluice.windows.reports import WindowReport
from sluice.windows.taking import CountingFailed, Taker

CALM = Caution()

DISORDER_MS = 1_000
"""By which the arrival of a later record may be earlier: Kinesis tells arrivals only approximately."""

RETENTION = timedelta(hours=24)
"""The least that Kinesis keeps records; younger ones that it does not give must be there all the same."""

MOST_KEPT = 16
"""Shards whose newest state is kept in memory, of a few MB each, to spare unpacking it in the next call."""


@dataclass(slots=True)
class _Work:
    """A call on its way: what is known of the lane, and what is gathered so far.

    `seen` is the last sequence number that was handed over before this call, `own` that of this call; `read`
    is the last that was read without harm under suspicion.
    """

    call: Call
    before: Item
    lane: Lane
    gathered: Gathered
    seen: int
    report: WindowReport
    opened: bool = False
    caution: Caution = CALM
    read: int = NONE

    @property
    def own(self) -> int:
        return int(self.call.records[-1].sequence) if self.call.records else NONE


class Tumbling:
    """Takes the calls of Lambda's tumbling windows, shard by shard."""

    def __init__(
        self,
        taker: Taker,
        *,
        lanes: Lanes,
        committer: Committer,
        stream: Stream,
        now: Callable[[], datetime],
    ) -> None:
        self._taker = taker
        self._lanes = lanes
        self._committer = committer
        self._stream = stream
        self._now = now
        self._kept: dict[str, tuple[Mapping[str, Any], Gathered]] = {}

    def take(self, call: Call, times: Times, report: WindowReport) -> Mapping[str, Any]:
        """Take a call's records in, commit if it is final or too much is gathered, and return the state.

        Raises DeliveryError when a record could not be settled; those before it may be committed by then.
        """
        work = self._begin(call, times, report)
        try:
            self._beware(work, times)
            state = self._carry_out(work, times)
            if work.caution != CALM:
                self._end(work, work.caution, work.gathered.last, times)
        except Exception as error:
            self._abandon(work, error, times)
            raise
        if state:
            self._keep(call.shard, state, work.gathered)
        return state

    def _begin(self, call: Call, times: Times, report: WindowReport) -> _Work:
        """Write the attempt down, and find out where the lane is and what of the state still holds."""
        if call.records:
            first, last = int(call.records[0].sequence), int(call.records[-1].sequence)
            before = self._lanes.open(call.shard, first, last, times.sink)
        else:
            before = self._lanes.read(call.shard, times.sink)
        work = self._resume(call, before, report)
        work.opened = bool(call.records)
        if not work.opened and work.seen > work.gathered.last:
            work.before = self._lanes.open(call.shard, work.seen, work.seen, times.sink)
            work.opened = True
        return work

    def _beware(self, work: _Work, times: Times) -> None:
        """Learn from what became of earlier attempts, and write it down for the next one."""
        if not work.opened:
            return
        work.caution = self._lanes.caution(work.before, work.gathered.last + 1)
        work.report.careful = work.caution != CALM
        if work.report.careful or "suspect" in work.before or "careful_until" in work.before:
            self._lanes.beware(work.call.shard, work.caution, times.sink)

    def _resume(self, call: Call, before: Item, report: WindowReport) -> _Work:
        """Take the state up if it follows the lane's newest segment; else begin anew after that."""
        lane = Lane.of({**lane_key(call.shard), **before})
        mark = NONE if lane.mark is None else lane.mark
        seen = NONE if lane.seen is None else lane.seen
        state = self._state(call, report)
        if state is not None and (state.base, state.prior) == (lane.number, mark):
            return _Work(call, before, lane, state, max(seen, state.last), report)
        if state is not None and not state.empty:
            seen = max(seen, state.last)
            lane = replace(lane, begun=state.first if lane.begun is None else min(lane.begun, state.first))
        return _Work(call, before, lane, self._anew(lane.number, mark, call), seen, report)

    def _state(self, call: Call, report: WindowReport) -> Gathered | None:
        """Return what the state holds; None for none, and for one that another version of Sluice wrote."""
        state, gathered = self._kept.pop(call.shard, (None, None))
        if not call.state or call.state == state:
            return gathered if call.state else None
        try:
            return Gathered.of(self._taker.plan, call.state)
        except DeliveryError as error:
            report.trouble = str(error)
            return None

    def _keep(self, shard: str, state: Mapping[str, Any], gathered: Gathered) -> None:
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[shard] = (state, gathered)

    def _anew(self, base: int, prior: int, call: Call) -> Gathered:
        return Gathered(base=base, prior=prior, aggregates=Aggregates(self._taker.plan), step=call.step)

    def _carry_out(self, work: _Work, times: Times) -> Mapping[str, Any]:
        """Take everything in, commit what has to be, and return the state for the next call."""
        mark = partial(self._lanes.mark, work.call.shard)
        for at, records in enumerate(self._pieces(work, times)):
            if at and not times.reading.remaining():
                self._commit(work, times)
                raise DeliveryError("time is up; what is left is handed over again")
            taken = self._taker.take(work.gathered, records, work.caution, mark, times)
            work.read = max(work.read, taken.read)
            work.report.states += taken.states
            work.report.refusals += taken.refusals
            work.report.named += taken.named
            work.report.unsent += taken.unsent
            if taken.reason is not None:
                if at or taken.states:
                    self._commit(work, times)
                raise DeliveryError(taken.reason)
            if work.gathered.full:
                self._commit(work, times)
                work.report.spilled += 1
        if work.call.final:
            self._commit(work, times, closing=not work.call.early)
        return self._answer(work, times)

    def _answer(self, work: _Work, times: Times) -> Mapping[str, Any]:
        """Return the state; one that would be too large is committed instead."""
        if work.gathered.empty:
            work.report.state_bytes = 0
            return {}
        state = work.gathered.state()
        size = len(json.dumps(state))
        if size > SPILL * STATE_LIMIT:
            self._commit(work, times)
            work.report.spilled += 1
            return self._answer(work, times)
        work.report.state_bytes = size
        work.report.near_limit = size > NEAR_LIMIT * STATE_LIMIT
        return state

    def _pieces(self, work: _Work, times: Times) -> Iterator[Sequence[Record]]:
        """Yield the records to take in, in order: first those that are missing, then the call's own."""
        covered = work.gathered.last
        new = work.call.records[
            bisect_right(work.call.records, covered, key=lambda record: int(record.sequence)) :
        ]
        # a batch has no gaps: if it reaches back into what is covered, nothing is missing before it
        follows = len(new) < len(work.call.records)
        begins = covered == NONE and bool(new) and int(new[0].sequence) <= (work.lane.begun or work.seen)
        if covered < work.seen and not follows and not begins:
            yield from self._missing(work, int(new[0].sequence) - 1 if new else work.seen, times)
        yield from _portions(new)

    def _missing(self, work: _Work, upto: int, times: Times) -> Iterator[Sequence[Record]]:
        """Yield the records up to a sequence number that were handed over before and are not in the state."""
        after = None if work.gathered.last == NONE else work.gathered.last
        certain = False
        for records, last in self._stream.between(work.lane, after, upto, times.sink):
            certain = last
            if records:
                work.report.recovered += len(records)
                yield from _portions(records)
        if work.gathered.last >= work.seen or (certain and work.seen > upto):
            return
        end = work.call.end or 1000 * self._now().timestamp()
        if not certain and end > 1000 * (self._now() - RETENTION).timestamp():
            raise DeliveryError(
                f"{work.call.shard}: the stream does not give records that were handed over before; the call "
                "is repeated until it does"
            )
        work.report.lost = True

    def _commit(self, work: _Work, times: Times, *, closing: bool = False) -> None:
        """Commit what is gathered; `closing` says that all records of Lambda's window were handed over."""
        gathered = work.gathered
        if gathered.empty:
            return
        through = gathered.newest // 1000 - DISORDER_MS
        if closing and work.call.end is not None and gathered.last >= max(work.seen, work.own):
            through = work.call.end
        through = max(through, work.lane.through or 0)
        with subsegment("commit", shard=work.call.shard):
            self._committer.shard(work.call.shard, gathered, through, times.books)
        work.report.segments += 1
        work.lane = replace(work.lane, number=gathered.base + 1, mark=gathered.last, through=through)
        work.gathered = self._anew(gathered.base + 1, gathered.last, work.call)

    def _abandon(self, work: _Work, error: Exception, times: Times) -> None:
        """Write down that the attempt has ended, if that can be: else the next one takes it for killed."""
        if not work.opened:
            return
        caution, read = work.caution, work.read
        if isinstance(error, CountingFailed):
            caution, read = replace(caution, until=max(work.seen, work.own)), NONE
        with suppress(DeliveryError):
            self._end(work, caution, read, times)

    def _end(self, work: _Work, caution: Caution, read: int, times: Times) -> None:
        """End the attempt; a record that kills stays known until it is in a segment, as refused."""
        left = caution.after(read=read, settled=work.gathered.prior)
        self._lanes.end(work.call.shard, left, times.books)


def _portions(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Cut into what is counted before looking whether to commit a segment; aggregates stay whole."""
    start = 0
    while start < len(records):
        end = min(start + PAGE, len(records))
        while end < len(records) and records[end].sequence == records[end - 1].sequence:
            end += 1
        yield records[start:end]
        start = end
