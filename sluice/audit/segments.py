"""Counting in the windows table itself: records that committed segments say they counted."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from sluice.audit.window import Window
from sluice.delivery.entries import REDRIVEN
from sluice.windows.store import WindowTable


def count_segments(table: WindowTable, seen: Window) -> int:
    """Count the records that some metric took, in the segments of what is audited.

    A segment is committed together with its entry in the ledger, so both hold the same records of a shard.
    """
    firsts: defaultdict[str, list[int]] = defaultdict(list)
    for span in seen.spans:
        firsts[span.shard].append(span.first)
    redriven = {(entry.shard, entry.first) for entry in seen.redriven}
    counted = 0
    for lane in table.lanes().values():
        shard, _, kind = lane.lane.partition("#")
        if kind == REDRIVEN:
            counted += sum(
                header.delivered
                for header in table.headers(lane.lane, 0, lane.number)
                if (shard, header.first) in redriven
            )
        elif not kind and (seen.since is None or shard in firsts):
            counted += sum(_delivered(table, lane.lane, lane.number, firsts.get(shard), seen))
    return counted


def _delivered(
    table: WindowTable, lane: str, number: int, firsts: list[int] | None, seen: Window
) -> Iterator[int]:
    """Yield the counts of a shard's segments: all of them, or those from the oldest audited batch on."""
    start = 0
    if seen.since is not None and firsts is not None:
        oldest = min(firsts)

        def newer(candidate: int) -> bool:
            header = table.header(lane, candidate)
            return header is not None and header.last >= oldest

        start = bisect_left(range(number), x=True, key=newer)
    for header in table.headers(lane, start, number):
        yield header.delivered
