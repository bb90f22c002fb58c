from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.audit.spans import Span, keep_all, marks, merge_latency, percentile, settle


def span(first: int, last: int, *, closed_at: float = 0.0, shard: str = "s0", delivered: int = 0) -> Span:
    return Span(shard=shard, first=first, last=last, closed_at=closed_at, delivered=delivered)


def test_batches_side_by_side_all_count() -> None:
    spans = [span(1, 5), span(6, 9), span(1, 9, shard="s1")]
    settled = settle(spans)
    assert set(settled.spans) == set(spans)
    assert settled.torn == ()


def test_a_second_reading_cut_otherwise_replaces_the_first() -> None:
    old = [span(1, 5, closed_at=1), span(6, 10, closed_at=2)]
    new = [span(1, 3, closed_at=3), span(4, 8, closed_at=4), span(9, 12, closed_at=5)]
    settled = settle(old + new)
    assert set(settled.spans) == set(new)
    assert settled.torn == ()


def test_a_second_reading_under_way_leaves_a_torn_batch_that_is_reported() -> None:
    old = [span(1, 5, closed_at=1), span(6, 10, closed_at=2)]
    new = [span(1, 7, closed_at=3)]
    settled = settle(old + new)
    assert settled.spans == (new[0],)
    assert settled.torn == (old[1],)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from(["s0", "s1"]), st.integers(0, 30), st.integers(0, 8)),
        min_size=1,
        max_size=12,
    )
)
def test_what_counts_never_overlaps_and_what_is_left_out_was_seen_again(
    cuts: list[tuple[str, int, int]],
) -> None:
    spans = [
        span(first, first + length, shard=shard, closed_at=age)
        for age, (shard, first, length) in enumerate(cuts)
    ]
    settled = settle(spans)
    told = [(s.shard, n) for s in settled.spans for n in range(s.first, s.last + 1)]
    assert len(told) == len(set(told))
    assert spans[-1] in settled.spans
    left_out = set(spans) - set(settled.spans)
    for gone in left_out:
        newer = [s for s in settled.spans if s.closed_at > gone.closed_at and s.shard == gone.shard]
        assert any(s.first <= gone.last and gone.first <= s.last for s in newer)
    for shard, sequence in told:
        assert settled.cover.covers(shard, sequence)
    assert not settled.cover.covers("s0", 99)


def test_interleaved_batches_all_count_and_cover_their_union() -> None:
    settled = keep_all([span(1, 10), span(3, 8), span(9, 14), span(20, 21)])
    assert len(settled.spans) == 4
    assert [n for n in range(25) if settled.cover.covers("s0", n)] == [*range(1, 15), 20, 21]


def test_the_mark_of_a_shard_is_its_highest_number() -> None:
    assert marks([("s0", 7), ("s0", 3), ("s1", 1)]) == {"s0": 7, "s1": 1}


def test_percentiles_come_from_the_merged_histograms() -> None:
    spans = [
        Span(shard="s0", first=1, last=1, latency={3: 98, 9: 1}),
        Span(shard="s0", first=2, last=2, latency={4: 1}),
    ]
    merged = merge_latency(spans)
    assert merged == {3: 98, 4: 1, 9: 1}
    assert [percentile(merged, share) for share in (0.5, 0.98, 0.99, 1.0)] == [3, 3, 4, 9]


def test_no_records_have_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.99) is None
