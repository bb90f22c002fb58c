"""PutMetricData, GetMetricData, GetMetricStatistics and ListMetrics over the store.

By CloudWatch's API reference. Data points begin at the start that was asked for, rounded down to a whole
minute, as the service's do. With minutes made shorter, times stay those of the clock on the wall.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError

from sluice.local.watch.expression import Expression, ExpressionError
from sluice.local.watch.functions import Series
from sluice.local.watch.points import STATISTICS, Dimensions, Points, dimensions_of, is_known
from sluice.local.watch.store import Key, MetricStore

MOST_POINTS: Final = 1_440
"""Of one GetMetricStatistics."""

PAGE: Final = 500
PAST_SECONDS, AHEAD_SECONDS = 14 * 86_400, 2 * 3_600
"""Timestamps that PutMetricData takes: two weeks back, two hours ahead."""

MINUTE: Final = 60
Given = Mapping[str, Any]


class Figures:
    """Answers in the API's own terms."""

    def __init__(self, store: MetricStore, now: Callable[[], float]) -> None:
        self._store, self._now = store, now

    def put_metric_data(self, given: Given) -> dict[str, Any]:
        """Keep what is sent, or nothing of it."""
        found = [self._datum(str(given["Namespace"]), one) for one in given.get("MetricData") or []]
        for keep in found:
            keep()
        return {}

    def get_metric_statistics(self, given: Given) -> dict[str, Any]:
        """One metric's statistics over periods."""
        wanted = [*(given.get("Statistics") or []), *(given.get("ExtendedStatistics") or [])]
        if not wanted:
            raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
        for name in wanted:
            _known(name)
        start, end, period = _times(given, given["Period"])
        if (end - start) / period > MOST_POINTS:
            raise InvalidParameterCombination(
                f"You have requested up to {math.ceil((end - start) / period)} datapoints, which exceeds the "
                f"limit of {MOST_POINTS}."
            )
        key = (str(given["Namespace"]), str(given["MetricName"]), _dimensions(given))
        points = []
        for moment in _starts(start, end, period):
            cell = self._store.between(key, moment, min(moment + period, end), given.get("Unit"))
            if cell is None:
                continue
            values = {name: cell.statistic(name) for name in wanted}
            usual = {name: value for name, value in values.items() if name in STATISTICS}
            further = {
                name: value for name, value in values.items() if name not in usual and value is not None
            }
            extended = {"ExtendedStatistics": further} if further else {}
            points.append({"Timestamp": _datetime(moment), "Unit": cell.unit, **usual, **extended})
        return {"Label": given["MetricName"], "Datapoints": points}

    def get_metric_data(self, given: Given) -> dict[str, Any]:
        """Metrics and expressions over them."""
        queries = given.get("MetricDataQueries") or []
        periods = {int(one["MetricStat"]["Period"]) for one in queries if one.get("MetricStat")}
        start, end, _ = _times(given, min(periods, default=MINUTE))
        known: dict[str, tuple[Series, int]] = {}
        for one in queries:
            if one.get("MetricStat"):
                known[one["Id"]] = self._series(one["MetricStat"], start, end)
        newest_first = given.get("ScanBy") != "TimestampAscending"
        results = []
        for one in queries:
            series, period = known.get(one["Id"]) or _computed(one, known)
            if one.get("ReturnData", True) is False:
                continue
            there = [
                (value, _datetime(start + place * period))
                for place, value in enumerate(series)
                if value is not None
            ]
            if newest_first:
                there.reverse()
            results.append(
                {
                    "Id": one["Id"],
                    "Label": one.get("Label") or _label(one),
                    "Timestamps": [moment for _, moment in there],
                    "Values": [value for value, _ in there],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results, "Messages": []}

    def list_metrics(self, given: Given) -> dict[str, Any]:
        """Metrics that have values, a page of them; the token is where the next one begins."""
        wanted = [(one["Name"], one.get("Value")) for one in given.get("Dimensions") or []]
        found = [
            key
            for key in self._store.metrics()
            if given.get("Namespace") in (None, key[0])
            and given.get("MetricName") in (None, key[1])
            and all(any(_same(pair, one) for pair in key[2]) for one in wanted)
        ]
        begin = int(given.get("NextToken") or 0)
        more = {"NextToken": str(begin + PAGE)} if begin + PAGE < len(found) else {}
        return {"Metrics": [_metric(key) for key in found[begin : begin + PAGE]], **more}

    def _series(self, stat: Given, start: float, end: float) -> tuple[Series, int]:
        _known(str(stat["Stat"]))
        period = int(stat["Period"])
        metric = stat["Metric"]
        key = (str(metric["Namespace"]), str(metric["MetricName"]), _dimensions(metric))
        cells = [
            self._store.between(key, moment, min(moment + period, end), stat.get("Unit"))
            for moment in _starts(start, end, period)
        ]
        found = tuple(None if cell is None else cell.statistic(str(stat["Stat"])) for cell in cells)
        return found, period

    def _datum(self, namespace: str, one: Given) -> Callable[[], None]:
        """What it takes to keep one datum, once all of them have been looked at."""
        moment = one["Timestamp"].timestamp() if one.get("Timestamp") else self._now()
        if not self._now() - PAST_SECONDS <= moment <= self._now() + AHEAD_SECONDS:
            raise InvalidParameterValue(
                "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks, "
                "or no more than two hours into the future."
            )
        key: Key = (namespace, str(one["MetricName"]), _dimensions(one))
        unit = str(one.get("Unit") or "None")
        summary = one.get("StatisticValues")
        if summary:
            figures = {name: float(summary[name]) for name in ("SampleCount", "Sum", "Minimum", "Maximum")}
            return lambda: self._store.add_summary(
                key,
                moment,
                unit,
                count=figures["SampleCount"],
                total=figures["Sum"],
                low=figures["Minimum"],
                high=figures["Maximum"],
            )
        values = [float(value) for value in one.get("Values") or [one.get("Value", 0)]]
        counts = [float(count) for count in one.get("Counts") or [1] * len(values)]
        if len(values) != len(counts) or any(math.isnan(value) for value in values):
            raise InvalidParameterValue(
                "Values and Counts must be numbers, and as many of one as of the other"
            )
        return lambda: self._store.take([Points(*key, unit, moment, values, counts)])


def _computed(one: Given, known: Mapping[str, tuple[Series, int]]) -> tuple[Series, int]:
    """An expression over the metrics that were read."""
    lengths = {(len(series), period) for series, period in known.values()}
    if len(lengths) != 1:
        raise ValidationError("metric math takes metrics of its request, with one period in common")
    length, period = lengths.pop()
    try:
        expression = Expression.parse(str(one.get("Expression")))
        return expression.series({name: known[name][0] for name in known}, length, period), period
    except ExpressionError as error:
        raise ValidationError(str(error)) from None


def _times(given: Given, period: Any) -> tuple[float, float, int]:
    """Start and end in epoch seconds, the start rounded down to a minute, and the period in seconds."""
    start, end = given["StartTime"].timestamp(), given["EndTime"].timestamp()
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    return math.floor(start / MINUTE) * float(MINUTE), end, int(period)


def _starts(start: float, end: float, period: int) -> Iterator[float]:
    return (start + place * period for place in range(math.ceil((end - start) / period)))


def _known(statistic: str) -> None:
    if not is_known(statistic):
        raise InvalidParameterValue(f"The value {statistic} is none of {', '.join(STATISTICS)} and pNN")


def _dimensions(given: Given) -> Dimensions:
    return dimensions_of({str(one["Name"]): str(one["Value"]) for one in given.get("Dimensions") or []})


def _metric(key: Key) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in key[2]]
    return {"Namespace": key[0], "MetricName": key[1], "Dimensions": dimensions}


def _same(pair: tuple[str, str], wanted: tuple[str, str | None]) -> bool:
    return pair[0] == wanted[0] and wanted[1] in (None, pair[1])


def _label(query: Given) -> str:
    stat = query.get("MetricStat")
    return str(stat["Metric"]["MetricName"]) if stat else str(query["Id"])


def _datetime(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=UTC)
