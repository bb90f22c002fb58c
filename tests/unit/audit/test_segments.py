"""What committed segments counted, as the audit counts it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from sluice.audit.books import balance
from sluice.audit.evidence import Evidence, Redriven
from sluice.audit.segments import count_segments
from sluice.audit.spans import Span
from sluice.audit.window import Window
from sluice.delivery import Entry
from sluice.windows.items import Header
from sluice.windows.store import WindowTable
from tests.unit.windows import planted as planting
from tests.unit.windows.aws import WINDOWS
from tests.unit.windows.planted import Planted

SINCE = datetime(2026, 11, 20, 12, tzinfo=UTC)
EACH = 10
"""Records of a planted segment; its sequence numbers begin at ten times its number."""


@pytest.fixture
def planted() -> Iterator[Planted]:
    with planting.running() as found:
        yield found


class Counting(WindowTable):
    """Notes which headers were asked for one by one, and from where on they were read."""

    def __init__(self, client: Any) -> None:
        super().__init__(client, WINDOWS)
        self.asked: list[int] = []
        self.read: list[tuple[int, int | None]] = []

    def header(self, lane: str, number: int) -> Header | None:
        self.asked.append(number)
        return super().header(lane, number)

    def headers(self, lane: str, start: int = 0, stop: int | None = None) -> Iterator[Header]:
        self.read.append((start, stop))
        return super().headers(lane, start, stop)


def span(shard: str, number: int) -> Span:
    """The ledger's entry that was committed with a planted segment."""
    return Span(shard=shard, first=number * EACH, last=number * EACH + EACH - 1, delivered=EACH)


def seen(*spans: Span, since: datetime | None = None, redriven: tuple[Entry, ...] = ()) -> Window:
    return Window(since, spans, redriven, (), 0, None, None)


def back(shard: str, sequence: int, state: str = "delivered") -> Entry:
    """The ledger's entry of a record that was redriven."""
    counts = cast("dict[str, Any]", {state: 1})
    return Entry(
        sink="windows",
        shard=shard,
        first=sequence,
        last=sequence,
        state="closed",
        redriven=True,
        position=str(sequence),
        **counts,
    )


def test_every_record_of_every_shards_committed_segments_is_counted(planted: Planted) -> None:
    for _ in range(3):
        planted.segment("s0")
    planted.segment("s1")
    planted.segment("s1", committed=False)
    table = WindowTable(planted.dynamodb, WINDOWS)
    assert count_segments(table, seen(*(span("s0", n) for n in range(3)), span("s1", 0))) == 4 * EACH
    assert count_segments(table, seen()) == 4 * EACH


def test_an_empty_table_holds_nothing(planted: Planted) -> None:
    table = WindowTable(planted.dynamodb, WINDOWS)
    assert count_segments(table, seen()) == count_segments(table, seen(since=SINCE)) == 0


@pytest.mark.parametrize("oldest", [0, 1, 6, 29, 30])
def test_since_a_moment_counts_from_the_oldest_audited_batch_on_and_reads_no_older_header(
    planted: Planted, oldest: int
) -> None:
    for _ in range(30):
        planted.segment("s0")
    planted.segment("s1")  # all of it is older than what is audited
    table = Counting(planted.dynamodb)
    audited = seen(*(span("s0", number) for number in range(oldest, 30)), since=SINCE)
    assert count_segments(table, audited) == (30 - oldest) * EACH
    assert table.read == ([(oldest, 30)] if oldest < 30 else [])
    assert len(table.asked) <= 6  # halving 30 takes five steps


def test_headers_that_have_expired_are_older_than_whatever_is_audited(planted: Planted) -> None:
    for _ in range(8):
        planted.segment("s0")
    for number in range(5):
        key = {"pk": {"S": "segments#s0"}, "sk": {"S": f"{number:012d}"}}
        assert "Item" in planted.dynamodb.get_item(TableName=WINDOWS, Key=key)
        planted.dynamodb.delete_item(TableName=WINDOWS, Key=key)
    table = Counting(planted.dynamodb)
    assert count_segments(table, seen(span("s0", 6), span("s0", 7), since=SINCE)) == 2 * EACH
    assert table.read == [(6, 8)]


def test_redriven_records_count_when_the_ledger_tells_of_them_too(planted: Planted) -> None:
    planted.segment("s0")
    for sequence in (3, 5, 7):
        header = planted.segment("s0#redriven", committed=False)
        planted.commit(replace(header, first=sequence, last=sequence, delivered=1))
    table = WindowTable(planted.dynamodb, WINDOWS)
    audited = seen(span("s0", 0), redriven=(back("s0", 3), back("s0", 7), back("s1", 5)))
    assert count_segments(table, audited) == EACH + 2
    assert count_segments(table, replace(audited, since=SINCE)) == EACH + 2
    assert count_segments(table, seen(since=SINCE, redriven=(back("s0", 5),))) == 1


def test_corrections_are_no_records(planted: Planted) -> None:
    planted.segment("s0")
    header = planted.segment("reconciled", committed=False)
    planted.commit(replace(header, first=0, last=0, delivered=0))
    assert count_segments(WindowTable(planted.dynamodb, WINDOWS), seen(span("s0", 0))) == EACH


def test_segments_and_ledger_balance_a_redriven_record_included(planted: Planted) -> None:
    header = planted.segment("s0", committed=False)
    planted.commit(replace(header, delivered=8))
    again = planted.segment("s0#redriven", committed=False)
    planted.commit(replace(again, first=4, last=4, delivered=1))
    books_of = Span(shard="s0", first=0, last=9, delivered=8, dead_lettered=2)
    table = WindowTable(planted.dynamodb, WINDOWS)
    evidence = Evidence(
        sink="windows",
        spans=(books_of,),
        found=(found := count_segments(table, seen(books_of, redriven=(back("s0", 4),)))),
        letters=1,
        redriven=(Redriven("s0", 4, "delivered"),),
    )
    books = balance(evidence, produced=(10, 10))
    assert (books.delivered, books.dead_lettered, books.redriven, books.problems) == (9, 1, 1, ())
    lost = balance(replace(evidence, found=found - 1), produced=(10, 10))
    assert "the ledger says 9 delivered, the sink holds 8" in lost.problems[0]
