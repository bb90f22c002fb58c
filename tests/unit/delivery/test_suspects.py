"""How a batch is cut into what is named together, and how soon one record is left to blame."""

from collections.abc import Collection, Iterable

from hypothesis import given
from hypothesis import strategies as st

from sluice.delivery.suspects import DELIVERED_GROUPS, GROUPS, suspects
from sluice.records import Record
from sluice.records.aggregate import MOST_RECORDS
from tests.unit.delivery.builders import SHARD


def batch(sizes: Iterable[int]) -> list[Record]:
    """Return records of rising sequence numbers: 0 makes a plain one, else an aggregate of so many."""
    return [
        Record("s", SHARD, str(1000 + at), "k", 0.0, b"", sub)
        for at, size in enumerate(sizes)
        for sub in (range(size) if size else [None])
    ]


def names(records: list[Record], blamed: Collection[str] = (), groups: int = 3) -> list[str]:
    return [suspect.name for suspect in suspects(records, blamed, groups=groups)]


def test_plain_records_and_small_aggregates_are_named_one_by_one() -> None:
    assert names(batch([0, 2, 0])) == ["1000", "1001:0", "1001:1", "1002"]


def test_a_large_aggregate_is_named_in_groups_until_one_of_them_is_blamed() -> None:
    records = batch([9])

    assert names(records) == ["1000:0-2", "1000:3-5", "1000:6-8"]
    assert names(records, {"1000:3-5"}) == ["1000:0-2", "1000:3", "1000:4", "1000:5", "1000:6-8"]
    assert names(records, {"1000:3-5", "1000:4"}) == names(records, {"1000:3-5"})
    assert names(records, {"999:3-5"}) == names(records)


@given(
    st.lists(st.integers(0, 12), max_size=5),
    st.sets(st.tuples(st.integers(0, 5), st.integers(0, 11), st.integers(0, 11)), max_size=4),
    st.integers(2, 5),
)
def test_however_it_is_cut_every_record_is_in_one_suspect_and_ends_are_said(
    sizes: list[int], blamed: set[tuple[int, int, int]], groups: int
) -> None:
    records = batch(sizes)
    found = list(
        suspects(records, {f"{1000 + at}:{low}-{max(low, high)}" for at, low, high in blamed}, groups=groups)
    )

    assert [index for each in found for index in range(each.start, each.stop)] == list(range(len(records)))
    for each in found:
        following = records[each.stop].sequence if each.stop < len(records) else None
        assert each.ends == (records[each.stop - 1].sequence != following)


def test_the_largest_aggregate_is_down_to_one_record_after_three_deaths_and_few_writes() -> None:
    records = batch([MOST_RECORDS])
    for groups, deaths in ((GROUPS, 2), (DELIVERED_GROUPS, 3)):
        blamed: set[str] = set()
        for _ in range(deaths):
            found = list(suspects(records, blamed, groups=groups))
            assert len(found) <= 3 * groups
            (guilty,) = [each for each in found if each.start <= 12_345 < each.stop]
            blamed.add(guilty.name)
        assert "1000:12345" in blamed
