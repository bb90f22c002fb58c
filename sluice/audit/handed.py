"""The books of a sink that a Firehose feeds: rows are handed on, and are in the lake minutes later.

Nobody tells what a Firehose holds: its buffers, its retries and its way through the stream are its own. So
what arrived in the stream and is in no state is in flight, for as long as a Firehose may keep it. And when it
begins anew it cuts other batches, which the ledger then counts a second time: what can be asked for (the
rows, the letters in the queue, the error prefix) counts here, the ledger only for what is nowhere else.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sluice.audit import differences
from sluice.audit.books import SinkBooks, States, add_up
from sluice.audit.evidence import Evidence
from sluice.audit.spans import keep_all
from sluice.audit.window import Window
from sluice.deadletters.undelivered import UNKNOWN_SHARD
from sluice.errors import EnvironmentProblem, QueryError

PATIENCE = timedelta(seconds=900 + 7200 + 900)
"""How long a record may be on its way through a Firehose: its longest buffer, its longest retry, and the
transform's buffer with its retries. docs.aws.amazon.com/firehose/latest/dev/limits.html (read 2026-11)"""

EPOCH = datetime.fromtimestamp(0, UTC)

MOST_LOOKED_UP = 20_000
"""Undelivered records that are looked for in the lake: a Firehose may deliver and refuse the same one."""

Place = tuple[str, str]
"""A record: its shard, and its sequence number as the lake has it, with `:sub` out of an aggregate."""


class Undelivered(Protocol):
    """A record under the error prefix; `shard` is None of a line that cannot be read.

    `booked` says whether the ledger knows it as handed on.
    """

    @property
    def shard(self) -> str | None:
        """Its shard."""

    @property
    def sequence(self) -> str | None:
        """Its sequence number."""

    @property
    def arrived_at(self) -> datetime | None:
        """When it arrived in the stream."""

    @property
    def booked(self) -> bool:
        """Whether the ledger knows it as handed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """Where the evidence about a Firehose's destination lies; `count` is None where nothing can be counted.

    `count` gives the distinct records that arrived from a moment on (None: ever) and before another (None:
    until now), `among` says which of some records are there, `undelivered` reads what lies under the error
    prefix, `returned` how many lines were redriven from there since a moment, `begun` when the Firehose was
    made.
    """

    undelivered: Callable[[], Iterable[Undelivered]]
    begun: Callable[[], datetime]
    count: Callable[[datetime | None, datetime | None], int] | None = None
    among: Callable[[Sequence[Place]], set[Place]] | None = None
    returned: Callable[[datetime], int] = lambda _: 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What was found out about a Firehose's destination.

    `found` are the distinct records in it (None where nothing can be counted). `undelivered` are those under
    the error prefix and nowhere else, which arrived at `arrivals`, `booked` of them in the ledger; `broken`
    lines there cannot be read. `trouble` says why the destination did not tell, so that the ledger alone
    speaks. `overdue` are records that arrived too long ago to be on their way, and are nowhere
    (sluice/audit/overdue.py).
    """

    found: int | None
    undelivered: int = 0
    booked: int = 0
    broken: int = 0
    looked_up: bool = True
    trouble: str | None = None
    arrivals: Sequence[datetime] = ()
    overdue: int = 0


def look(lake: Lake, seen: Window) -> Handed:
    """Read the error prefix, then count what is in the destination: nothing is missed between."""
    records: dict[Place, bool] = {}
    arrivals: dict[Place, datetime] = {}
    broken = 0
    for each in lake.undelivered():
        if each.shard is None or each.sequence is None:
            broken += 1
        elif seen.since is None or each.arrived_at is None or each.arrived_at >= seen.since:
            place = each.shard, each.sequence
            records[place] = records.get(place, False) or each.booked
            arrivals[place] = each.arrived_at or EPOCH
    looked_up = len(records) <= MOST_LOOKED_UP
    found, trouble = None, None
    try:
        if records and looked_up and lake.among is not None:
            for place in lake.among(list(records)):
                records.pop(place, None)
        found = None if lake.count is None else lake.count(seen.since, None)
    except (EnvironmentProblem, QueryError) as problem:
        trouble = str(problem)
    return Handed(
        found=found,
        trouble=trouble,
        arrivals=[arrivals[place] for place in records],
        undelivered=len(records),
        booked=sum(records.values()),
        broken=broken,
        looked_up=looked_up,
    )


def balance_handed(
    evidence: Evidence,
    handed: Handed,
    *,
    produced: tuple[int, int],
    lately: int,
    surplus: int | None = None,
) -> SinkBooks:
    """Work out the books of one such sink.

    `produced` are the records that the stream took in since its books begin, before and after the reading;
    `lately` those of them that a Firehose may still hold; `surplus` is how many more events than records
    other sinks found in the same time, if they did. Records that the function never answered for lie under
    the error prefix one by one, and nobody says which of them came out of one aggregate.
    """
    settled = keep_all(evidence.spans)
    state = add_up(evidence, settled)
    delivered = state.delivered - handed.booked if handed.found is None else handed.found
    lettered = state.lettered if evidence.letters is None else evidence.letters
    books = SinkBooks(
        sink=evidence.sink,
        stream=evidence.stream,
        delivered=max(delivered, 0),
        dead_lettered=lettered + handed.undelivered,
        skipped=state.skipped,
        in_flight=0,
        surplus=state.surplus,
        redriven=state.redriven,
        spans=settled.spans,
        undelivered=handed.undelivered,
    )
    before, after = produced
    unknown = max((surplus or 0) - books.surplus, 0)
    books = replace(books, surplus=books.surplus + min(unknown, max(books.records - after, 0)))
    ahead = max(before - books.records, 0)
    books = replace(books, in_flight=ahead, produced=min(max(books.records + ahead, before), after))
    over = books.records - after
    unplaced = _unplaced(evidence, handed)
    again = over > 0 and (handed.found is None or state.skipped > 0 or over <= unplaced)
    problems = () if again else tuple(_problems(books, (before, after), lately))
    if problems:
        lost, more = max(books.in_flight - lately, 0), max(over, 0)
        books = replace(books, unaccounted=lost, overcounted=0 if lost else more)
    elif handed.overdue > 0:
        books = replace(books, unaccounted=handed.overdue)
        problems = (differences.overdue(books.sink, handed.overdue, PATIENCE),)
    return replace(
        books, problems=problems, notes=tuple(_notes(books, state, handed, again=again, unplaced=unplaced))
    )


def _unplaced(evidence: Evidence, handed: Handed) -> int:
    """Count records of which nobody wrote down where they stood: some may be there with their place, too."""
    waiting = max(handed.undelivered - handed.booked, 0)
    return waiting + sum(each.shard == UNKNOWN_SHARD for each in evidence.redriven)


def _problems(books: SinkBooks, produced: tuple[int, int], lately: int) -> Iterable[str]:
    if books.in_flight > lately:
        yield differences.total_differs(books.sink, produced[0] - books.in_flight + lately, produced)
    elif books.records > produced[1]:
        yield differences.total_differs(books.sink, books.records, produced)


def _notes(books: SinkBooks, state: States, handed: Handed, *, again: bool, unplaced: int) -> Iterable[str]:
    if again and unplaced:
        yield (
            f"{books.sink}: more records are accounted for than the stream took in: the function failed at"
            f" {unplaced}, of which Firehose does not say where they stood, and some came by once more"
        )
    elif again:
        yield (
            f"{books.sink}: the ledger speaks of more records than the stream took in: the Firehose handed "
            "some on twice, as after it began anew, and its destination cannot be asked which"
        )
    if handed.trouble is not None:
        yield f"{books.sink}: its rows are not counted, the ledger alone speaks: {handed.trouble}"
    waiting = 0 if handed.found is None else state.delivered - handed.found - handed.booked
    if books.in_flight and waiting > 0:
        held = min(waiting, books.in_flight)
        yield f"{books.sink}: {held} of its records in flight wait in Firehose's buffers"
    if handed.broken:
        yield (
            f"{books.sink}: {handed.broken} lines under the error prefix cannot be read; "
            "`sluice dlq list` names them"
        )
    if not handed.looked_up:
        yield (
            f"{books.sink}: {handed.undelivered} undelivered records are too many to look for in the lake: "
            "some may be in both"
        )
