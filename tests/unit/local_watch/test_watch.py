"""Alarms at work: declared, refused, evaluated, followed by composite ones, told of."""

import json
from typing import Any

import pytest

from sluice.local.watch.alarm import AlarmError, MetricAlarm
from sluice.local.watch.evaluation import State
from sluice.local.watch.notices import Notice
from sluice.local.watch.points import dimensions_of
from sluice.local.watch.store import MetricStore
from sluice.local.watch.watch import Watch

TOPIC = "arn:aws:sns:eu-west-1:1:alarms"
DIMENSIONS = [{"Name": "FunctionName", "Value": "f"}]
ERRORS = ("AWS/Lambda", "Errors", dimensions_of({"FunctionName": "f"}))


def declared(name: str = "errors", **changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": DIMENSIONS,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 2.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **changes,
    }


def query(name: str, metric: str, **changes: Any) -> dict[str, Any]:
    named = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": DIMENSIONS}
    return {
        "Id": name,
        "ReturnData": False,
        "MetricStat": {"Metric": named, "Period": 60, "Stat": "Sum", **changes},
    }


def by_math(expression: str, *queries: dict[str, Any]) -> dict[str, Any]:
    kept = {"AlarmName": "math", "EvaluationPeriods": 1, "Threshold": 0.5, "TreatMissingData": "notBreaching"}
    value = {"Id": "value", "Expression": expression, "ReturnData": True}
    return {**kept, "ComparisonOperator": "GreaterThanThreshold", "Metrics": [value, *queries]}


class World:
    """A watch whose minutes last a second, and what it told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Notice]] = []
        self.store = MetricStore(minute_seconds=1)
        self.minute = 1000
        self.watch = Watch(self.store, self._publish, now=lambda: float(self.minute))

    def _publish(self, action: str, notice: Notice) -> bool:
        self.told.append((action, notice))
        return action == TOPIC

    def alarm(self, given: dict[str, Any]) -> None:
        self.watch.put_metric_alarm(given, f"arn:aws:cloudwatch:eu-west-1:1:alarm:{given['AlarmName']}")

    def composite(self, name: str, rule: str, **more: Any) -> None:
        given = {"AlarmName": name, "AlarmRule": rule, **more}
        self.watch.put_composite_alarm(given, f"arn:aws:cloudwatch:eu-west-1:1:alarm:{name}")

    def pass_minute(self, **errors: float) -> None:
        for metric, value in errors.items():
            self.store.add(("AWS/Lambda", metric, ERRORS[2]), value, self.minute + 0.5)
        self.minute += 1
        self.watch.tick(self.minute)

    def state(self, name: str) -> State:
        found = self.watch.find(name)
        assert found is not None
        return found.state


def test_an_alarm_rings_when_its_threshold_is_crossed_and_is_quiet_again_later() -> None:
    world = World()
    world.alarm(declared(AlarmActions=[TOPIC], OKActions=[TOPIC]))
    assert world.state("errors") is State.INSUFFICIENT_DATA
    for errors, state in ((2, State.OK), (3, State.ALARM), (0, State.OK)):
        world.pass_minute(Errors=errors)
        assert world.state("errors") is state
    changes = [json.loads(notice.message) for _, notice in world.told]
    assert [(one["OldStateValue"], one["NewStateValue"]) for one in changes] == [
        ("INSUFFICIENT_DATA", "OK"),
        ("OK", "ALARM"),
        ("ALARM", "OK"),
    ]
    assert changes[1]["NewStateReason"] == (
        "Threshold Crossed: 1 out of the last 1 datapoint [3.0 (01/01/70 00:16:41)] was greater than the "
        "threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert changes[1]["Trigger"]["Dimensions"] == [{"value": "f", "name": "FunctionName"}]
    assert world.told[1][1].subject == 'ALARM: "errors" in eu-west-1'


def test_periods_of_several_minutes_slide_from_minute_to_minute() -> None:
    world = World()
    world.alarm(declared(Period=300, Threshold=9))
    for _ in range(4):
        world.pass_minute(Errors=2)
        assert world.state("errors") is State.OK
    world.pass_minute(Errors=2)
    assert world.state("errors") is State.ALARM
    world.pass_minute(Errors=0)
    assert world.state("errors") is State.OK


def test_m_of_n_points_ring() -> None:
    world = World()
    world.alarm(declared(EvaluationPeriods=5, DatapointsToAlarm=3))
    states = []
    for errors in (3, 0, 3, 0, 3, 0, 0):
        world.pass_minute(Errors=errors)
        states.append(world.state("errors"))
    assert states == [*[State.OK] * 4, State.ALARM, State.OK, State.OK]


def test_what_is_missing_from_dynamodb_leaves_an_alarm_as_it_is_unless_it_says_otherwise() -> None:
    alarm = declared(Namespace="AWS/DynamoDB", MetricName="ReadThrottleEvents")
    del alarm["TreatMissingData"]
    assert MetricAlarm.parse(alarm).missing == "ignore"
    assert MetricAlarm.parse(declared()).missing == "notBreaching"
    assert MetricAlarm.parse({**declared(), "TreatMissingData": None}).missing == "missing"


def test_an_alarm_by_metric_math_rings_on_what_several_metrics_say_together() -> None:
    world = World()
    metrics = query("incoming", "Incoming"), query("read", "Read")
    world.alarm(by_math("IF(incoming > 0 AND FILL(read, 0) == 0, 1, 0)", *metrics))
    world.pass_minute(Incoming=5, Read=5)
    assert world.state("math") is State.OK
    world.pass_minute(Incoming=5)
    assert world.state("math") is State.ALARM


def test_a_percentile_of_too_few_samples_leaves_an_alarm_as_it_is_where_it_says_so() -> None:
    world = World()
    told: dict[str, Any] = {
        "ExtendedStatistic": "p99",
        "Statistic": None,
        "EvaluateLowSampleCountPercentile": "ignore",
    }
    world.alarm(declared(**told))
    world.alarm(declared("hasty", ExtendedStatistic="p99", Statistic=None))
    world.pass_minute(Errors=100)
    assert (world.state("errors"), world.state("hasty")) == (State.INSUFFICIENT_DATA, State.ALARM)


def test_a_composite_alarm_follows_its_children_in_the_same_minute_and_rings_once() -> None:
    world = World()
    for name in ("one", "two"):
        world.alarm(declared(name))
    world.composite("both", 'ALARM("one") OR ALARM("two")', AlarmActions=[TOPIC], OKActions=[TOPIC])
    world.composite("above", 'ALARM("both")')
    world.pass_minute(Errors=1)
    world.told.clear()
    world.pass_minute(Errors=3)
    world.pass_minute(Errors=4)
    assert [world.state(name) for name in ("one", "two", "both", "above")] == [State.ALARM] * 4
    ((action, notice),) = world.told
    assert action == TOPIC
    assert json.loads(notice.message)["AlarmRule"] == 'ALARM("one") OR ALARM("two")'
    assert "one, two in ALARM" in json.loads(notice.message)["NewStateReason"]


def test_an_alarm_that_is_declared_anew_keeps_its_state_until_it_is_evaluated() -> None:
    world = World()
    world.alarm(declared())
    world.pass_minute(Errors=3)
    world.alarm(declared(Threshold=10))
    assert world.state("errors") is State.ALARM
    world.pass_minute(Errors=3)
    assert world.state("errors") is State.OK


def test_actions_that_are_switched_off_are_not_done() -> None:
    world = World()
    world.alarm(declared(AlarmActions=[TOPIC], ActionsEnabled=False))
    world.pass_minute(Errors=3)
    assert world.state("errors") is State.ALARM
    assert not world.told


def test_an_alarm_cannot_be_deleted_while_a_rule_names_it() -> None:
    world = World()
    world.alarm(declared())
    world.composite("above", 'ALARM("errors")')
    with pytest.raises(AlarmError, match="Cannot delete errors"):
        world.watch.delete(["errors"])
    world.watch.delete(["errors", "above"])
    assert world.watch.alarms() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Period": 30}, "a period of 30 s: here it must be a multiple of 60 s"),
        ({"Period": 86_400, "EvaluationPeriods": 8}, "CloudWatch looks back 604800 s at most"),
        ({"Period": 300, "EvaluationPeriods": 300}, "CloudWatch looks back 86400 s at most"),
        ({"DatapointsToAlarm": 2}, "2 data points to alarm of 1 evaluation periods"),
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "LessThanLowerThreshold is not evaluated here"),
        ({"Threshold": None, "ThresholdMetricId": "band"}, "anomaly detection is not evaluated here"),
        ({"Statistic": "TM(10%:90%)"}, "statistic TM(10%:90%) is not evaluated here; percentiles (p99) are"),
        ({"Statistic": None}, "statistic none is not evaluated here"),
        ({"TreatMissingData": "guess"}, "guess is no way to treat missing data; missing, ignore, breaching"),
        ({"EvaluateLowSampleCountPercentile": "x"}, "EvaluateLowSampleCountPercentile x: evaluate or ignore"),
        ({"AlarmActions": ["arn:aws:lambda:eu-west-1:1:function:f"]}, "an alarm tells SNS topics only"),
        ({"Metrics": [query("a", "A")]}, "exactly one metric or expression returns data, not 0"),
    ],
)
def test_what_is_not_evaluated_is_refused_in_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(AlarmError) as refused:
        World().alarm(declared(**changes))
    assert said in str(refused.value)
    assert str(refused.value).startswith("alarm errors: ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (by_math("a + b", query("a", "A")), "its metric math names b, which is none of its ids"),
        (by_math("SUM(a)", query("a", "A")), "comes to one value: an alarm needs a time series"),
        (by_math("a", query("a", "A"), query("b", "B", Period=300)), "periods of their own"),
        (by_math("SEARCH('x', 'Sum')", query("a", "A")), "SEARCH is not computed here"),
        (by_math("a", *(query(f"a{n}", "A") for n in range(11)), query("a", "A")), "more than 10 metrics"),
    ],
)
def test_metric_math_that_is_not_computed_is_refused_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(AlarmError) as refused:
        World().alarm(given)
    assert said in str(refused.value)


def test_composite_alarms_that_cannot_work_are_refused_in_one_line() -> None:
    world = World()
    world.alarm(declared())
    world.composite("above", 'ALARM("errors")')
    with pytest.raises(AlarmError, match="its rule names nobody, which does not exist"):
        world.composite("c", 'ALARM("nobody")')
    with pytest.raises(AlarmError, match="its rule depends on itself"):
        world.composite("above", 'ALARM("above")')
    with pytest.raises(AlarmError, match="an actions suppressor is not imitated here"):
        world.composite("c", "TRUE", ActionsSuppressor="errors")
    with pytest.raises(AlarmError, match="another kind of alarm"):
        world.composite("errors", "TRUE")
