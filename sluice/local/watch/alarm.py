"""Metric alarms as CloudWatch's PutMetricAlarm declares them, and what they say of the metrics.

What is not evaluated here is refused when the alarm is made, in one line: another service's metrics may come
as they like, but an alarm that is guessed at would be worse than none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sluice.local.watch.evaluation import OPERATORS, SPARE_POINTS, Missing, State, enough_samples, evaluate
from sluice.local.watch.expression import Expression, ExpressionError
from sluice.local.watch.functions import Series
from sluice.local.watch.points import dimensions_of, is_known, percentile_of
from sluice.local.watch.store import Key, MetricStore

MINUTE: Final = 60
DAY_SECONDS, WEEK_SECONDS, HOUR_SECONDS = 86_400, 604_800, 3_600
MOST_METRICS: Final = 10
"""Metrics that an alarm's metric math may take (PutMetricAlarm)."""

_SAID: Final = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED: Final = {Missing.BREACHING: "Breaching", Missing.NOT_BREACHING: "NonBreaching"}


class AlarmError(ValueError):
    """An alarm that CloudWatch would not take, or that is not evaluated here; its text says which and why."""


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of an alarm, or an expression over others."""

    id: str
    key: Key | None = None
    statistic: str = ""
    unit: str | None = None
    expression: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an evaluation came to; `state` is None where the alarm stays as it is.

    `points` are the values of the evaluation range, the newest last, `starts` their times in epoch seconds.
    """

    state: State | None
    reason: str
    points: Series
    starts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAlarm:
    """What is to be watched. `minutes` is the period's length, `deciding` the id of what is compared."""

    name: str
    queries: tuple[Query, ...]
    deciding: str
    minutes: int
    periods: int
    enough: int
    threshold: float
    comparison: str
    missing: Missing
    waits_for_samples: bool

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> "MetricAlarm":
        """Read PutMetricAlarm's parameters; raises AlarmError."""
        name = str(given["AlarmName"])
        try:
            return cls._parse(name, given)
        except (AlarmError, ExpressionError) as error:
            raise AlarmError(f"alarm {name}: {error}") from None

    @classmethod
    def _parse(cls, name: str, given: Mapping[str, Any]) -> "MetricAlarm":
        comparison = str(given.get("ComparisonOperator"))
        if comparison not in OPERATORS:
            raise AlarmError(f"{comparison} is not evaluated here; what is: {', '.join(OPERATORS)}")
        queries, deciding, period = _metrics(given) if given.get("Metrics") else _metric(given)
        periods = int(given.get("EvaluationPeriods", 1))
        enough = int(given.get("DatapointsToAlarm") or periods)
        if not 1 <= enough <= periods:
            raise AlarmError(f"{enough} data points to alarm of {periods} evaluation periods")
        _check_period(period, periods)
        if given.get("Threshold") is None or given.get("ThresholdMetricId"):
            raise AlarmError(
                "a threshold that is a number is needed: anomaly detection is not evaluated here"
            )
        usual = Missing.MISSING
        if any(query.key and query.key[0] == "AWS/DynamoDB" for query in queries):
            usual = Missing.IGNORE  # "default to ignore missing data"
        treated = given.get("TreatMissingData") or usual
        if treated not in {*Missing}:
            raise AlarmError(f"{treated} is no way to treat missing data; {', '.join(Missing)} are")
        low = given.get("EvaluateLowSampleCountPercentile") or "evaluate"
        if low not in ("evaluate", "ignore"):
            raise AlarmError(f"EvaluateLowSampleCountPercentile {low}: evaluate or ignore")
        return cls(
            name=name,
            queries=queries,
            deciding=deciding,
            minutes=period // MINUTE,
            periods=periods,
            enough=enough,
            threshold=float(given["Threshold"]),
            comparison=comparison,
            missing=Missing(treated),
            waits_for_samples=low == "ignore",
        )

    def judge(self, store: MetricStore, end: int) -> Verdict:
        """What the metrics say up to the minute `end`, which is over; periods slide from minute to minute."""
        length = self.periods + SPARE_POINTS
        firsts = [end - self.minutes * place for place in range(length, 0, -1)]
        points, few = self._points(store, firsts)
        breaks = OPERATORS[self.comparison]
        breaches = [None if point is None else breaks(point, self.threshold) for point in points]
        state = evaluate(breaches, self.periods, self.enough, self.missing)
        starts = tuple(first * store.minute_seconds for first in firsts)
        return Verdict(
            state=None if few else state,
            reason=self._reason(state, points, starts),
            points=points,
            starts=starts,
        )

    def _points(self, store: MetricStore, firsts: Sequence[int]) -> tuple[Series, bool]:
        """Values of what is compared, and whether percentiles of it rest on too few samples."""
        known: dict[str, Series] = {}
        few = False
        for query in self.queries:
            if query.expression is not None:
                known[query.id] = query.expression.series(known, len(firsts), self.minutes * MINUTE)
            elif query.key is not None:
                known[query.id], scarce = self._read(store, query, query.key, firsts)
                few = few or scarce
        return known[self.deciding], few and self.waits_for_samples

    def _read(self, store: MetricStore, query: Query, key: Key, firsts: Sequence[int]) -> tuple[Series, bool]:
        cells = [store.span(key, first, first + self.minutes, query.unit) for first in firsts]
        share = percentile_of(query.statistic)
        scarce = share is not None and any(
            cell is not None and not enough_samples(share, cell.count) for cell in cells[-self.periods :]
        )
        return tuple(None if cell is None else cell.statistic(query.statistic) for cell in cells), scarce

    def _reason(self, state: State | None, points: Series, starts: Sequence[float]) -> str:
        """In CloudWatch's words, as its notifications have them."""
        there = [(point, start) for point, start in zip(points, starts, strict=True) if point is not None]
        if state is State.INSUFFICIENT_DATA:
            return f"Insufficient Data: {self.periods} datapoint{_s(self.periods)} were unknown."
        if not there:
            treated = _TREATED.get(self.missing)
            return (
                f"Threshold Crossed: no datapoints were received for {self.periods} period{_s(self.periods)} "
                f"and {self.periods} missing datapoint{_s(self.periods)} "
                f"{'was' if self.periods == 1 else 'were'} treated as [{treated}]."
            )
        newest = there[-self.periods :][::-1]
        breaks = OPERATORS[self.comparison]
        breaching = [each for each in newest if breaks(each[0], self.threshold)]
        shown = breaching if state is State.ALARM and breaching else newest
        count = f"{len(shown)} out of the last {len(newest)} datapoint{_s(len(newest))}"
        listed = ", ".join(f"{point} ({_moment(start)})" for point, start in shown)
        verb, other = ("was", "were") if state is State.ALARM else ("was not", "were not")
        return (
            f"Threshold Crossed: {count} [{listed}] {verb if len(shown) == 1 else other} "
            f"{_SAID[self.comparison]} the threshold ({self.threshold})"
            + (
                f" (minimum {self.enough} datapoint{_s(self.enough)} for OK -> ALARM transition)."
                if state is State.ALARM
                else "."
            )
        )


def _metric(given: Mapping[str, Any]) -> tuple[tuple[Query, ...], str, int]:
    statistic = str(given.get("Statistic") or given.get("ExtendedStatistic") or "")
    query = _query("metric", given, statistic, given.get("Unit"))
    return (query,), query.id, int(given.get("Period") or 0)


def _metrics(given: Mapping[str, Any]) -> tuple[tuple[Query, ...], str, int]:
    """The alarm's metrics and expressions, each after those that it names."""
    read: list[Query] = []
    periods: set[int] = set()
    deciding: list[str] = []
    for one in given["Metrics"]:
        name, stat = str(one.get("Id")), one.get("MetricStat")
        if one.get("ReturnData", True) is not False:
            deciding.append(name)
        if stat:
            read.append(_query(name, stat["Metric"], str(stat.get("Stat")), stat.get("Unit")))
            periods.add(int(stat.get("Period") or 0))
        else:
            read.append(Query(name, expression=Expression.parse(str(one.get("Expression")))))
            periods.update(int(period) for period in [one.get("Period")] if period)
    if len(deciding) != 1:
        raise AlarmError(f"exactly one metric or expression returns data, not {len(deciding)}")
    if len(periods) != 1:
        raise AlarmError("its metrics have periods of their own: here they must have one in common")
    if sum(query.key is not None for query in read) > MOST_METRICS:
        raise AlarmError(f"more than {MOST_METRICS} metrics")
    ordered = _ordered(read)
    _try(ordered)
    return ordered, deciding[0], periods.pop()


def _query(name: str, metric: Mapping[str, Any], statistic: str, unit: str | None) -> Query:
    if not is_known(statistic):
        raise AlarmError(f"statistic {statistic or 'none'} is not evaluated here; percentiles (p99) are")
    pairs = {str(one["Name"]): str(one["Value"]) for one in metric.get("Dimensions") or []}
    return Query(
        name, (str(metric["Namespace"]), str(metric["MetricName"]), dimensions_of(pairs)), statistic, unit
    )


def _ordered(queries: Sequence[Query]) -> tuple[Query, ...]:
    left = list(queries)
    found: dict[str, Query] = {}
    while left:
        ready = [
            query for query in left if query.expression is None or query.expression.names <= found.keys()
        ]
        if not ready:
            missing = {name for query in left if query.expression for name in query.expression.names}
            unknown = sorted(missing - found.keys() - {query.id for query in left})
            raise AlarmError(
                f"its metric math names {', '.join(unknown) or 'itself'}, which is none of its ids"
            )
        found |= {query.id: query for query in ready}
        left = [query for query in left if query.id not in found]
    return tuple(found.values())


def _try(queries: Sequence[Query]) -> None:
    """Compute everything once, so that what cannot be is refused now."""
    known: dict[str, Series] = {}
    for query in queries:
        known[query.id] = query.expression.series(known, 3, MINUTE) if query.expression else (1.0, None, 2.0)


def _check_period(period: int, periods: int) -> None:
    if period < MINUTE or period % MINUTE:
        raise AlarmError(f"a period of {period} s: here it must be a multiple of {MINUTE} s")
    longest = DAY_SECONDS if period < HOUR_SECONDS else WEEK_SECONDS
    if period * periods > longest:
        raise AlarmError(f"{periods} periods of {period} s: CloudWatch looks back {longest} s at most")


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _moment(start: float) -> str:
    return datetime.fromtimestamp(start, tz=UTC).strftime("%d/%m/%y %H:%M:%S")
