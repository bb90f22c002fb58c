"""What is named in the ledger before it is touched, when an earlier attempt was killed.

A plain record is named by itself. The records of an aggregate come again together, so all of them have to be
got through within one invocation: they are named in groups, and only a group in which an attempt died is cut
into smaller ones. 20,000 records are down to a single one after two such deaths, after three in small steps.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sluice.records import Record

GROUPS = 500
"""Of one aggregate, each named by a write of some 5 ms to the ledger."""

DELIVERED_GROUPS = 32
"""Where each group is delivered by itself, too, which takes some 100 ms."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """The records `start` to `stop`, that one not included, of a batch; `ends` an aggregate, or a record."""

    name: str
    start: int
    stop: int
    ends: bool


def suspects(records: Sequence[Record], blamed: Collection[str], *, groups: int) -> Iterator[Suspect]:
    """Cut a batch into what is named together.

    `blamed` are the names of suspects in whose hands an attempt died: one of several records is cut further.
    """
    start = 0
    for (sequence, _), group in groupby(records, key=_together):
        stop = start + sum(1 for _ in group)
        within = [_subs(name) for name in blamed if ":" in name and name.partition(":")[0] == sequence]
        for first, last in _cut(records, start, stop, within, groups):
            yield Suspect(_name(records[first:last]), first, last, last == stop)
        start = stop


def _together(record: Record) -> tuple[str, bool]:
    """Return what the records share that are named together: a plain one is alone."""
    return record.sequence, record.sub_sequence is None


def _cut(
    records: Sequence[Record], start: int, stop: int, blamed: Sequence[tuple[int, int]], groups: int
) -> Iterator[tuple[int, int]]:
    size = -(-(stop - start) // groups)
    for first in range(start, stop, size):
        last = min(first + size, stop)
        subs = records[first].sub_sequence or 0, records[last - 1].sub_sequence or 0
        if last - first > 1 and any(subs[0] <= low and high <= subs[1] for low, high in blamed):
            yield from _cut(records, first, last, blamed, groups)
        else:
            yield first, last


def _name(records: Sequence[Record]) -> str:
    """Return the position of a record, or `sequence:first-last` of several out of an aggregate."""
    if len(records) == 1:
        return records[0].position
    return f"{records[0].position}-{records[-1].sub_sequence}"


def _subs(name: str) -> tuple[int, int]:
    first, _, last = name.partition(":")[2].partition("-")
    return int(first), int(last or first)
