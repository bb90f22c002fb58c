"""An alarm's state from its points, as CloudWatch's guide has it in two tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.local.watch.evaluation import Missing, State, enough_samples, evaluate

POINTS = {"0": False, "X": True, "-": None}
ALARM, OK, UNKNOWN, KEPT = State.ALARM, State.OK, State.INSUFFICIENT_DATA, None

THREE_OF_THREE = [
    ("0-X-X", OK, OK, OK, OK),
    ("0----", OK, OK, OK, OK),
    ("-----", UNKNOWN, KEPT, ALARM, OK),
    ("0XX-X", ALARM, ALARM, ALARM, ALARM),
    ("--X--", ALARM, KEPT, ALARM, OK),
]
TWO_OF_THREE = [
    ("0-X-X", ALARM, ALARM, ALARM, ALARM),
    ("00X0X", ALARM, ALARM, ALARM, ALARM),
    ("0-X--", OK, OK, ALARM, OK),
    ("----0", OK, OK, ALARM, OK),
    ("---X-", ALARM, KEPT, ALARM, OK),
]
ROWS = [(3, *row) for row in THREE_OF_THREE] + [(2, *row) for row in TWO_OF_THREE]

points = st.lists(st.sampled_from([True, False, None]), min_size=3, max_size=9)
treatments = st.sampled_from([*Missing])


def read(text: str) -> list[bool | None]:
    return [POINTS[letter] for letter in text]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} of 3: {row[1]}")
def test_states_are_those_of_the_guides_tables(row: tuple[int, str, *tuple[State | None, ...]]) -> None:
    enough, text, *wanted = row
    found = [
        evaluate(read(text), 3, enough, how)
        for how in (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)
    ]
    assert found == wanted


@pytest.mark.parametrize("text", ["----X", "---X-"])
def test_a_breach_that_is_too_young_does_not_alarm_while_the_rest_is_missing(text: str) -> None:
    assert evaluate(read(text), 3, 3, Missing.MISSING) is None


def test_an_alarm_on_what_is_missing_waits_until_its_whole_range_is() -> None:
    assert evaluate([False, None, None], 1, 1, Missing.BREACHING) is OK
    assert evaluate([None, None, None], 1, 1, Missing.BREACHING) is ALARM


@given(points, st.integers(1, 3), treatments)
def test_enough_points_decide_alone_however_missing_ones_count(
    found: list[bool | None], enough: int, how: Missing
) -> None:
    real = [each for each in found if each is not None]
    if len(real) >= 3:
        wanted = ALARM if sum(real[-3:]) >= enough else OK
        assert evaluate(found, 3, enough, how) is wanted


@given(points, st.integers(1, 3))
def test_what_is_missing_never_alarms_where_it_counts_as_fine_unless_enough_breached(
    found: list[bool | None], enough: int
) -> None:
    state = evaluate(found, 3, enough, Missing.NOT_BREACHING)
    assert state in (ALARM, OK)
    if state is ALARM:
        assert sum(1 for each in found if each) >= enough


@given(points, st.integers(1, 3))
def test_counting_what_is_missing_as_breaching_alarms_whenever_counting_it_as_fine_does(
    found: list[bool | None], enough: int
) -> None:
    if evaluate(found, 3, enough, Missing.NOT_BREACHING) is ALARM:
        assert evaluate(found, 3, enough, Missing.BREACHING) is ALARM


@given(points, st.integers(1, 3), treatments)
def test_one_breach_more_never_ends_an_alarm(found: list[bool | None], enough: int, how: Missing) -> None:
    if evaluate(found, 3, enough, how) is ALARM:
        worse = [True if each is False else each for each in found]
        assert evaluate(worse, 3, enough, how) is ALARM


@pytest.mark.parametrize(("percentile", "least"), [(99, 1000), (50, 20), (10, 100), (100, 0)])
def test_a_percentile_needs_as_many_samples_as_the_guide_says(percentile: float, least: int) -> None:
    assert enough_samples(percentile, least + 0.001)
    assert not least or not enough_samples(percentile, least - 1)
