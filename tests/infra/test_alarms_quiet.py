"""What rings, and what does not, where records come in now and then: judged as CloudWatch judges."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pytest

from sluice.local.watch.alarm import MetricAlarm
from sluice.local.watch.evaluation import State
from sluice.local.watch.store import MetricStore
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.program import Program

INCOMING: Final = ("AWS/Kinesis", "IncomingRecords", (("StreamName", "sluice-dev-events"),))
READ: Final = ("AWS/Lambda", "IteratorAge", (("FunctionName", "sluice-dev-bigquery-sink"),))
HOUR: Final = 60


@pytest.fixture
def silent(everything: "Program") -> MetricAlarm:
    """The alarm on the BigQuery sink's silence, as CloudWatch has it: two periods of five minutes."""
    given = by_name(everything)["alarms-bigquery-sink-silent"].inputs
    queries = []
    for one in given["metricQueries"]:
        if "expression" in one:
            queries.append({"Id": one["id"], "Expression": one["expression"], "ReturnData": True})
            continue
        metric = one["metric"]
        dimensions = [{"Name": name, "Value": value} for name, value in metric["dimensions"].items()]
        named = {"Namespace": metric["namespace"], "MetricName": metric["metricName"]}
        stat = {"Metric": named | {"Dimensions": dimensions}, "Stat": metric["stat"]}
        stat["Period"] = int(metric["period"])
        queries.append({"Id": one["id"], "MetricStat": stat, "ReturnData": False})
    return MetricAlarm.parse(
        {
            "AlarmName": given["name"],
            "ComparisonOperator": given["comparisonOperator"],
            "EvaluationPeriods": int(given["evaluationPeriods"]),
            "DatapointsToAlarm": int(given["datapointsToAlarm"]),
            "Threshold": given["threshold"],
            "TreatMissingData": given["treatMissingData"],
            "Metrics": queries,
        }
    )


def rings(alarm: MetricAlarm, *, incoming: Iterable[int], read: Iterable[int]) -> list[int]:
    """Return the minutes of three hours at which it rings; `incoming` and `read` are minutes, too."""
    store = MetricStore()
    for key, minutes in ((INCOMING, incoming), (READ, read)):
        for minute in minutes:
            store.add(key, 100.0, minute * 60 + 1)
    return [end for end in range(1, 3 * HOUR) if alarm.judge(store, end).state is State.ALARM]


@pytest.mark.parametrize("every", [6, 10, 15, 20])
def test_batches_that_are_read_a_minute_later_are_no_silence(silent: MetricAlarm, every: int) -> None:
    """A sink with a batching window reads after the minute, and now and then after the period."""
    batches = range(0, 3 * HOUR, every)
    assert rings(silent, incoming=batches, read=[minute + 1 for minute in batches]) == []


@pytest.mark.parametrize("every", [1, 10])
def test_a_sink_that_stops_reading_is_noticed_though_batches_are_rare(
    silent: MetricAlarm, every: int
) -> None:
    stopped = rings(silent, incoming=range(0, 3 * HOUR, every), read=range(0, HOUR, every))
    assert HOUR < min(stopped) <= HOUR + every + 15
    assert rings(silent, incoming=[], read=[]) == []
