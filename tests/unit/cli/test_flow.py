import random
from collections import Counter
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.cli.flow import Item, Strays, from_lines, key_by, mixed
from sluice.producer.destinations import MAX_KEY_CHARACTERS
from tests.unit.delivery.builders import CONTRACT, visit


def bad() -> Iterator[tuple[str, bytes]]:
    while True:
        yield "not JSON", b"{"


@settings(deadline=None, max_examples=100)
@given(
    sent=st.integers(0, 400),
    poison=st.integers(0, 100),
    duplicates=st.integers(0, 100),
    seed=st.integers(0, 9),
)
def test_poison_and_duplicates_come_on_top_in_exact_shares(
    sent: int, poison: int, duplicates: int, seed: int
) -> None:
    items = [Item(str(n), b"%d" % n, known=True) for n in range(sent)]
    flow = mixed(items, poison=poison, duplicates=duplicates, bad=bad(), rng=random.Random(seed))  # noqa: S311
    found = Counter(data for _, data in (record for record in flow if record))
    assert found.pop(b"{", 0) == sent * poison // 100
    assert sorted(found, key=int) == [item.data for item in items]
    assert sum(found.values()) == sent + sent * duplicates // 100
    assert set(found.values()) <= {1, 2}


def test_a_record_without_an_id_is_never_sent_twice() -> None:
    items = [Item(str(n), b"%d" % n, known=n % 2 == 0) for n in range(100)]
    flow = list(mixed(items, poison=0, duplicates=100, bad=bad(), rng=random.Random(1)))  # noqa: S311
    twice = {data for data, times in Counter(r[1] for r in flow if r).items() if times == 2}
    assert twice == {item.data for item in items if item.known}


def test_a_duplicate_goes_to_the_shard_of_its_first() -> None:
    items = [Item(f"key-{n}", b"%d" % n, known=True) for n in range(50)]
    flow = mixed(items, poison=0, duplicates=100, bad=bad(), rng=random.Random(1))  # noqa: S311
    assert {(f"key-{int(r[1])}", r[1]) for r in flow if r} == {(item.key, item.data) for item in items}


def test_a_pause_of_the_source_is_passed_on() -> None:
    items = [Item("a", b"1", known=True), None, Item("b", b"2", known=True)]
    flow = list(mixed(items, poison=0, duplicates=0, bad=bad(), rng=random.Random(1)))  # noqa: S311
    assert flow == [("a", b"1"), None, ("b", b"2")]


def test_an_id_longer_than_a_partition_key_goes_to_one_shard_each_time() -> None:
    ids = ["x" * 300 + name for name in "aab"] + ["short"]
    lines = [visit(0, id=name) for name in ids]
    items = from_lines(lines, CONTRACT, key_of=key_by(CONTRACT, None), strays=Strays())
    first, again, other, short = (item.key for item in items if item)
    assert first == again != other
    assert short == "short"
    assert all(0 < len(key) <= MAX_KEY_CHARACTERS for key in (first, other))
