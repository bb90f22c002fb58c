"""The books against a simulated shard history in which the truth is known."""

from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.audit.books import Books, balance, produced_between
from sluice.audit.evidence import Evidence, Pointer, Redriven
from sluice.audit.spans import Span

STATES = ["delivered", "dead_lettered", "skipped"]


@dataclass
class History:
    """A stream's records, how batches cut them, what a redrive changed: and where each record really is."""

    truth: dict[tuple[str, int], str] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    pointers: list[Pointer] = field(default_factory=list)
    redriven: list[Redriven] = field(default_factory=list)

    def count(self, state: str) -> int:
        return list(self.truth.values()).count(state)

    def evidence(self, **changes: Any) -> Evidence:
        pointed = sum(pointer.count for pointer in self.pointers)
        pointed -= sum(
            p.shard == r.shard and p.first <= r.sequence <= p.last
            for r in self.redriven
            for p in self.pointers
        )
        return changed(
            Evidence(
                sink="bigquery",
                spans=self.spans,
                found=self.count("delivered"),
                behind=self.count("in_flight"),
                letters=self.count("dead_lettered") - pointed,
                pointers=self.pointers,
                redriven=self.redriven,
            ),
            **changes,
        )


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    clock = 0.0
    for shard in ("shardId-000", "shardId-001")[: draw(st.integers(1, 2))]:
        sequence = draw(st.integers(1, 10**56))
        for kind, size in draw(
            st.lists(
                st.tuples(st.sampled_from(["closed", "closed", "given_up"]), st.integers(1, 6)), max_size=8
            )
        ):
            numbers = []
            for _ in range(size):
                sequence += draw(st.integers(1, 1000))  # numbers rise, with gaps
                numbers.append(sequence)
            states = draw(st.lists(st.sampled_from(STATES), min_size=size, max_size=size))
            clock += 1
            if kind == "given_up":
                history.pointers.append(Pointer(shard, numbers[0], numbers[-1], size))
                states = ["dead_lettered"] * size
            else:
                history.spans.append(
                    Span(
                        shard=shard,
                        first=numbers[0],
                        last=numbers[-1],
                        closed_at=clock,
                        delivered=states.count("delivered"),
                        dead_lettered=states.count("dead_lettered"),
                        skipped=states.count("skipped"),
                    )
                )
            history.truth.update({(shard, n): s for n, s in zip(numbers, states, strict=True)})
        for _ in range(draw(st.integers(0, 3))):
            sequence += 1
            history.truth[shard, sequence] = "in_flight"
    for (shard, number), state in list(history.truth.items()):
        if state == "dead_lettered" and draw(st.booleans()):
            now = draw(st.sampled_from(STATES))
            history.redriven.append(Redriven(shard, number, now))  # type: ignore[arg-type]  # drawn from the three
            history.truth[shard, number] = now
    return history


@settings(deadline=None, max_examples=200)
@given(histories())
def test_the_books_say_where_every_record_is(history: History) -> None:
    produced = len(history.truth)
    books = balance(history.evidence(), produced=(produced, produced))
    assert books.problems == ()
    for state in [*STATES, "in_flight"]:
        assert getattr(books, state) == history.count(state), state
    assert books.total == books.records == produced


@settings(deadline=None, max_examples=200)
@given(histories(), st.data())
def test_a_lost_record_is_always_noticed(history: History, data: st.DataObject) -> None:
    produced = len(history.truth)
    honest = history.evidence()
    thefts = []
    if honest.found:
        thefts.append(history.evidence(found=honest.found - 1))
    if honest.letters:
        thefts.append(history.evidence(letters=honest.letters - 1))
    if honest.behind:
        thefts.append(history.evidence(behind=honest.behind - 1))
    else:
        thefts.append(history.evidence(found=(honest.found or 0) + 1))
    if honest.spans and not honest.redriven and not honest.pointers:
        thefts.append(history.evidence(spans=honest.spans[1:]))
    if not thefts:
        return
    stolen = data.draw(st.sampled_from(thefts))
    empty = not any(s.delivered + s.dead_lettered + s.skipped for s in honest.spans[:1])
    if stolen.spans != honest.spans and empty:
        return
    assert balance(stolen, produced=(produced, produced)).problems


def closed(first: int, last: int, **counts: Any) -> Span:
    return Span(shard="s0", first=first, last=last, **counts)


def test_rows_of_a_batch_being_written_are_delivered_not_in_flight() -> None:
    evidence = Evidence(sink="b", spans=[closed(1, 10, delivered=10)], found=13, behind=5)
    books = balance(evidence, produced=(15, 15))
    assert (books.delivered, books.in_flight, books.problems) == (13, 2, ())


def test_letters_of_a_batch_being_written_are_dead_lettered_not_in_flight() -> None:
    evidence = Evidence(sink="b", spans=[closed(1, 10, delivered=10)], found=12, behind=5, letters=2)
    books = balance(evidence, produced=(15, 15))
    assert (books.delivered, books.dead_lettered, books.in_flight, books.problems) == (12, 2, 1, ())


def test_rows_that_no_batch_in_hand_explains_are_a_difference_that_is_said() -> None:
    evidence = Evidence(sink="b", spans=[closed(1, 10, delivered=10)], found=13, behind=2)
    (problem, *_) = balance(evidence, produced=(12, 12)).problems
    assert "the sink holds 13 records, the ledger says 10 delivered" in problem


def test_records_that_arrive_while_the_books_are_read_unbalance_nothing() -> None:
    evidence = Evidence(sink="b", spans=[closed(1, 10, delivered=10)], found=10, behind=4)
    assert balance(evidence, produced=(12, 20)).problems == ()
    assert balance(evidence, produced=(15, 20)).problems
    assert balance(evidence, produced=(12, 13)).problems


def test_overlapping_batches_count_once_or_all_as_the_mapping_works() -> None:
    spans = [closed(1, 10, delivered=6), closed(3, 8, delivered=4, closed_at=1.0)]
    evidence = Evidence(sink="b", spans=spans, found=10, parallel=True)
    assert balance(evidence, produced=(10, 10)).problems == ()
    torn = balance(changed(evidence, parallel=False), produced=(10, 10)).problems
    assert "overlap newer ones in part" in torn[0]


def test_a_letter_of_a_record_that_was_delivered_all_the_same_moves_nothing_when_it_is_redriven() -> None:
    """As when the contract was mended between two attempts at the batch."""
    spans = [closed(1, 9, delivered=9), closed(10, 19, delivered=8, dead_lettered=1)]
    redriven = [Redriven("s0", 5, "delivered"), Redriven("s0", 15, "delivered")]
    books = balance(Evidence(sink="b", spans=spans, found=18, letters=0, redriven=redriven))
    assert (books.delivered, books.dead_lettered, books.problems) == (18, 0, ())


def test_interleaved_batches_give_up_a_letter_of_any_of_them() -> None:
    spans = [closed(1, 9, dead_lettered=1), closed(2, 8, delivered=1), closed(3, 10, dead_lettered=1)]
    redriven = [Redriven("s0", number, "delivered") for number in (9, 3, 4)]
    evidence = Evidence(sink="b", spans=spans, found=3, letters=0, redriven=redriven, parallel=True)
    assert balance(evidence).problems == ()


def test_a_batch_given_up_among_interleaved_ones_is_dead_lettered_all_the_same() -> None:
    spans = [closed(1, 9, delivered=5), closed(11, 19, delivered=5)]
    evidence = Evidence(sink="b", spans=spans, found=10, parallel=True, pointers=[Pointer("s0", 2, 8, 4)])
    books = balance(evidence, produced=(14, 14))
    assert (books.dead_lettered, books.problems) == (4, ())
    assert (
        balance(changed(evidence, parallel=False), produced=(10, 10)).problems == ()
    )  # as it went in after all


def test_a_queue_too_long_to_read_is_left_out_of_the_comparison() -> None:
    evidence = Evidence(sink="b", spans=[closed(1, 9, dead_lettered=9)], found=0, letters=None)
    assert balance(evidence, produced=(9, 9)).problems == ()


def test_the_document_has_the_fields_that_scripts_read() -> None:
    evidence = Evidence(
        sink="bigquery", spans=[closed(1, 9, delivered=8, dead_lettered=1)], found=8, letters=1
    )
    sink = balance(changed(evidence, duplicates=2), produced=(9, 9))
    books = Books(
        produced=produced_between(9, 9, [sink]),
        sinks=(sink,),
        dead_letters=1,
        elapsed_seconds=1.23456,
        p50=40,
        p99=90,
    )
    assert books.document() == {
        "produced": 9,
        "sinks": {
            "bigquery": {
                "delivered": 8,
                "dead_lettered": 1,
                "undelivered": 0,
                "skipped": 0,
                "filtered": 0,
                "in_flight": 0,
                "events": 9,
                "records": 9,
                "stream": "",
            }
        },
        "dead_letters": 1,
        "duplicates": 2,
        "balanced": True,
        "elapsed_seconds": 1.235,
        "latency_ms": {"p50": 40, "p99": 90},
    }


def test_the_count_of_produced_records_is_the_total_whenever_the_stream_allows_it() -> None:
    evidence = Evidence(sink="b", spans=[closed(1, 9, delivered=9)], found=9)
    sink = balance(evidence)
    assert produced_between(5, 20, [sink]) == 9
    assert produced_between(10, 20, [sink]) == 10
    assert produced_between(1, 3, [sink]) == 3
    assert produced_between(4, 4, []) == 4
