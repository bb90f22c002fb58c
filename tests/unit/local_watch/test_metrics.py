"""Points, minutes and the log lines that bring them."""

import json
from typing import Any

import pytest

from sluice.local.watch.emf import points_of
from sluice.local.watch.points import Cell, Points, dimensions_of
from sluice.local.watch.store import APART_MINUTES, MetricStore

KEY = ("N", "m", dimensions_of({"a": "b"}))


def cell_of(*values: float) -> Cell:
    cell = Cell()
    for value in values:
        cell.add(value)
    return cell


def emf(**changes: Any) -> bytes:
    document = {
        "_aws": {
            "Timestamp": 1_767_225_600_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Sluice",
                    "Dimensions": [["sink"]],
                    "Metrics": [{"Name": "Delivered", "Unit": "Count"}, {"Name": "Lag"}],
                }
            ],
        },
        "sink": "bigquery",
        "Delivered": [3.0, 4],
        "Lag": 1.5,
        **changes,
    }
    return json.dumps(document).encode() + b"\n"


@pytest.mark.parametrize(
    ("statistic", "value"),
    [
        ("SampleCount", 4),
        ("Sum", 10),
        ("Average", 2.5),
        ("Minimum", 1),
        ("Maximum", 4),
        ("p50", 2),
        ("p75", 3),
        ("p99.9", 4),
        ("p0", 1),
        ("p100", 4),
    ],
)
def test_statistics_are_those_of_the_values(statistic: str, value: float) -> None:
    assert cell_of(4, 1, 3, 2).statistic(statistic) == value


def test_percentiles_of_many_different_values_stay_within_one_per_cent_and_sums_exact() -> None:
    cell = cell_of(*range(1, 10_001))
    assert cell.statistic("Sum") == 50_005_000
    assert cell.statistic("p99") == pytest.approx(9_900, rel=0.01)
    assert cell.statistic("p50") == pytest.approx(5_000, rel=0.01)
    assert len(cell.values or {}) < 2_000
    both = Cell()
    both.merge(cell)
    assert (both.count, both.total, both.low, both.high) == (cell.count, cell.total, cell.low, cell.high)


def test_percentiles_of_a_summary_are_not_invented() -> None:
    cell = cell_of(1)
    cell.add_summary(3, 30, 5, 20)
    assert (cell.statistic("p50"), cell.statistic("Average"), cell.statistic("Maximum")) == (None, 7.75, 20)


def test_minutes_are_as_long_as_they_are_said_to_be_and_add_up_to_longer_periods() -> None:
    store = MetricStore(minute_seconds=2)
    for second in range(8):
        store.add(KEY, second, 1000 + second)
    first = store.minute(1000)
    assert [store.span(KEY, first + n, first + n + 1).total for n in range(4)] == [1, 5, 9, 13]  # type: ignore[union-attr]
    whole = store.between(KEY, 1000, 1008)
    assert whole is not None
    assert (whole.count, whole.total) == (8, 28)
    assert store.span(KEY, first - 5, first) is None


def test_metrics_differ_by_every_dimension_and_by_unit_when_one_is_asked_for() -> None:
    store = MetricStore()
    store.add(KEY, 1, 60, unit="Seconds")
    assert store.between(KEY, 0, 120, "Seconds")
    assert store.between(KEY, 0, 120, "Count") is None
    assert store.between(("N", "m", ()), 0, 120) is None


def test_old_minutes_keep_their_sums_and_forget_single_values() -> None:
    store = MetricStore()
    for minute in range(APART_MINUTES + 1):
        store.add(KEY, 5, minute * 60)
        store.add(KEY, 7, minute * 60)
    old, new = store.span(KEY, 0, 1), store.span(KEY, APART_MINUTES, APART_MINUTES + 1)
    assert old is not None
    assert new is not None
    assert (old.total, old.statistic("p50"), new.statistic("p50")) == (12, None, 5)


def test_a_log_line_in_the_embedded_metric_format_is_its_points() -> None:
    dimensions = (("sink", "bigquery"),)
    moment = 1_767_225_600.0
    assert points_of(emf()) == [
        Points("Sluice", "Delivered", dimensions, "Count", moment, [3.0, 4.0], [1.0, 1.0]),
        Points("Sluice", "Lag", dimensions, "None", moment, [1.5], [1.0]),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"INFO nothing\n",
        b'{"_aws": 1, "CloudWatchMetrics": 2}',
        b'["_aws", "CloudWatchMetrics"]',
        b'{"_aws": {"CloudWatchMetrics": [',
        emf(sink=7),
        emf(Delivered="many", Lag=True),
        emf(Delivered=[0.0] * 101, Lag=[]),
    ],
)
def test_a_line_that_does_not_hold_to_the_format_is_no_metric_and_no_error(line: bytes) -> None:
    assert points_of(line) == []
