"""What a shard takes in and gives out per second, in the time of a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from sluice.local.budgets import MOST_CONSUMERS, PUSH_AT_ONCE, ShardBudget

MB = 1_000_000
moments = st.lists(st.floats(0, 3), min_size=1, max_size=60)


def admitted(budget: ShardBudget, count: int, size: int, now: float) -> int:
    return sum(budget.write(size, now) for _ in range(count))


def test_a_shard_takes_a_thousand_small_records_a_second_and_no_more() -> None:
    budget = ShardBudget.at(0)
    assert admitted(budget, 1_500, 100, 0) == 1_000
    assert admitted(budget, 10, 100, 0.0005) == 0
    assert admitted(budget, 1_000, 100, 0.5) == 500
    assert admitted(budget, 9_999, 100, 60) == 1_000


def test_a_shard_takes_a_megabyte_a_second_and_a_smaller_record_where_a_large_one_does_not_fit() -> None:
    budget = ShardBudget.at(0)
    assert admitted(budget, 100, 30_000, 0) == 33
    assert budget.write(10_000, 0)
    assert not budget.write(1, 0)
    assert budget.write(250_000, 0.25)


def test_a_record_of_one_mebibyte_passes_a_shard_that_has_rested() -> None:
    budget = ShardBudget.at(0)
    assert budget.write(1_048_576, 0)
    assert not budget.write(1_048_576, 1.0)
    assert budget.write(1_048_576, 1.1)


@given(sizes=st.lists(st.tuples(st.floats(0, 4), st.integers(1, 1_048_576)), max_size=300))
def test_no_pattern_of_writes_gets_more_into_a_shard_than_its_rate_and_one_second_ahead(
    sizes: list[tuple[float, int]],
) -> None:
    budget = ShardBudget.at(0)
    taken = [(now, size) for now, size in sorted(sizes) if budget.write(size, now)]
    for place, (since, _) in enumerate(taken):
        total = 0
        for until, size in taken[place:]:
            total += size
            assert total <= (until - since + 1) * MB + 48_577


def test_pollers_share_five_calls_a_second() -> None:
    budget = ShardBudget.at(0)
    assert [budget.may_read(0.01 * n) for n in range(6)] == [True] * 5 + [False]
    assert [budget.may_read(0.3), budget.may_read(0.31)] == [True, False]


def test_five_calls_that_find_what_a_second_allows_are_not_refused_in_the_next() -> None:
    budget = ShardBudget.at(0)
    for n in range(50):
        assert budget.may_read(n / 5)
        budget.have_read(400_000, n / 5)


def test_ten_megabytes_at_once_refuse_every_call_within_the_next_five_seconds() -> None:
    budget = ShardBudget.at(100)
    assert budget.may_read(100)
    budget.have_read(10 * MB, 100)
    assert not any(budget.may_read(100 + tenth / 10) for tenth in range(50))
    assert budget.may_read(105)


def test_a_little_too_much_refuses_every_call_within_the_next_second() -> None:
    budget = ShardBudget.at(0)
    assert budget.may_read(0)
    budget.have_read(2 * MB + 1, 0)
    assert not any(budget.may_read(tenth / 10) for tenth in range(11))
    assert budget.may_read(1.01)


@given(calls=moments, size=st.integers(1, 10 * MB))
def test_no_pattern_of_polling_gets_more_out_of_a_shard_than_its_rate(calls: list[float], size: int) -> None:
    budget = ShardBudget.at(0)
    reads = []
    for now in sorted(calls):
        if budget.may_read(now):
            budget.have_read(size, now)
            reads.append(now)
    for place, since in enumerate(reads):
        for count, until in enumerate(reads[place:]):
            assert count <= (until - since + 1) * 5 + 1e-6
            assert count * size <= (until - since + 1) * 2 * MB + 1e-3


def test_each_enhanced_consumer_has_two_megabytes_a_second_of_its_own_beside_the_pollers() -> None:
    budget = ShardBudget.at(0)
    budget.have_read(10 * MB, 0)
    arrived = {consumer: [0.0] for consumer in "abc"}
    for _ in range(100):
        for times in arrived.values():
            now = times[-1]
            consumer = next(name for name, found in arrived.items() if found is times)
            size = budget.push_room(consumer, now)
            times.append(now + budget.push(consumer, size, now))
    for times in arrived.values():
        assert times == sorted(times)
        assert round((2 * MB + 99 * PUSH_AT_ONCE) / (times[-1] + 1)) == 2 * MB


def test_consumers_that_come_and_go_leave_nothing_behind() -> None:
    budget = ShardBudget.at(0)
    for number in range(10 * MOST_CONSUMERS):
        budget.push(f"arn:consumer:{number}", PUSH_AT_ONCE, number)
    assert len(budget._pushed) <= MOST_CONSUMERS


def test_a_clock_that_goes_back_gives_nothing_away_and_takes_nothing() -> None:
    budget = ShardBudget.at(100)
    assert admitted(budget, 2_000, 10, 100) == 1_000
    assert admitted(budget, 10, 10, 50) == 0
    assert admitted(budget, 10, 10, 100.0055) == 5
