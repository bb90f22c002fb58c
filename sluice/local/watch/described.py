"""CloudWatch's calls about alarms, over the alarms at work.

By its API reference. As there, DescribeAlarms leaves composite alarms out unless they are asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from moto.cloudwatch.exceptions import ResourceNotFound, ValidationError

from sluice.local.watch.alarm import AlarmError
from sluice.local.watch.evaluation import State
from sluice.local.watch.rule import Rule
from sluice.local.watch.watch import Event, Watch, Watched

METRIC, COMPOSITE = "MetricAlarm", "CompositeAlarm"
PAGE: Final = 50
MOST: Final = 100
Given = Mapping[str, Any]
Item = TypeVar("Item")


class Described:
    """Answers in the API's own terms; `arn` in a call is what an alarm of that name has."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def put_metric_alarm(self, given: dict[str, Any], arn: str) -> dict[str, Any]:
        """Make an alarm, or change one."""
        try:
            self._watch.put_metric_alarm(given, arn)
        except AlarmError as error:
            raise ValidationError(str(error)) from None
        return {}

    def put_composite_alarm(self, given: dict[str, Any], arn: str) -> dict[str, Any]:
        """Make a composite alarm, or change one."""
        try:
            self._watch.put_composite_alarm(given, arn)
        except AlarmError as error:
            raise ValidationError(str(error)) from None
        return {}

    def delete_alarms(self, given: Given) -> dict[str, Any]:
        """Delete alarms."""
        try:
            self._watch.delete(given.get("AlarmNames") or [])
        except AlarmError as error:
            raise ValidationError(str(error)) from None
        return {}

    def describe_alarms(self, given: Given) -> dict[str, Any]:
        """Alarms as they were declared, with their state."""
        kinds = given.get("AlarmTypes") or [METRIC]
        found = [
            alarm
            for alarm in self._watch.alarms()
            if _kind(composite=alarm.composite) in kinds and self._fits(alarm, given)
        ]
        shown, more = _page(found, given, PAGE)
        return {
            "MetricAlarms": [_described(alarm) for alarm in shown if not alarm.composite],
            "CompositeAlarms": [_described(alarm) for alarm in shown if alarm.composite],
            **more,
        }

    def describe_alarms_for_metric(self, given: Given) -> dict[str, Any]:
        """Metric alarms on one metric."""
        named = ("Namespace", "MetricName")
        wanted = _pairs(given.get("Dimensions"))
        return {
            "MetricAlarms": [
                _described(alarm)
                for alarm in self._watch.alarms()
                if all(alarm.given.get(key) == given[key] for key in named)
                and _pairs(alarm.given.get("Dimensions")) == wanted
            ]
        }

    def describe_alarm_history(self, given: Given) -> dict[str, Any]:
        """What happened, the newest first unless asked otherwise."""
        start, end = given.get("StartDate"), given.get("EndDate")
        found = [
            event
            for event in list(self._watch.history)
            if given.get("AlarmName") in (None, event.alarm)
            and given.get("HistoryItemType") in (None, event.kind)
            and (not given.get("AlarmTypes") or _kind(composite=event.composite) in given["AlarmTypes"])
            and (start is None or event.moment >= start.timestamp())
            and (end is None or event.moment <= end.timestamp())
        ]
        if given.get("ScanBy") != "TimestampAscending":
            found.reverse()
        shown, more = _page(found, given, MOST)
        return {"AlarmHistoryItems": [_item(event) for event in shown], **more}

    def set_alarm_state(self, given: Given) -> dict[str, Any]:
        """Put an alarm into a state for now; raises moto's errors."""
        alarm = self._watch.find(str(given["AlarmName"]))
        if alarm is None:
            raise ResourceNotFound("Unknown alarm")
        try:
            state = State(str(given["StateValue"]))
        except ValueError:
            raise ValidationError(f"{given['StateValue']} is none of {', '.join(State)}") from None
        data = str(given.get("StateReasonData") or "")
        self._watch.set_state(alarm, state, str(given["StateReason"]), data)
        return {}

    def switch_actions(self, given: Given, *, enabled: bool) -> dict[str, Any]:
        """Let alarms act, or not."""
        for name in given.get("AlarmNames") or []:
            alarm = self._watch.find(name)
            if alarm is not None:
                alarm.given["ActionsEnabled"] = enabled
        return {}

    def _fits(self, alarm: Watched, given: Given) -> bool:
        names = given.get("AlarmNames")
        action = given.get("ActionPrefix")
        parent, child = given.get("ChildrenOfAlarmName"), given.get("ParentsOfAlarmName")
        return (
            (not names or alarm.name in names)
            and alarm.name.startswith(given.get("AlarmNamePrefix") or "")
            and given.get("StateValue") in (None, alarm.state)
            and (not action or any(one.startswith(action) for one in alarm.given.get("AlarmActions") or []))
            and (not parent or alarm.name in self._children(parent))
            and (not child or child in self._children(alarm.name))
        )

    def _children(self, name: str) -> Sequence[str]:
        alarm = self._watch.find(name)
        return alarm.rule.alarms if alarm is not None and isinstance(alarm.rule, Rule) else ()


def _described(alarm: Watched) -> dict[str, Any]:
    state = {
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": _datetime(alarm.configured),
        "StateValue": str(alarm.state),
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": _datetime(alarm.updated),
        "StateTransitionedTimestamp": _datetime(alarm.since),
    }
    given = {key: value for key, value in alarm.given.items() if key != "Tags" and value is not None}
    data = {"StateReasonData": alarm.data} if alarm.data else {}
    return {"ActionsEnabled": True, **given, **state, **data}


def _item(event: Event) -> dict[str, Any]:
    return {
        "AlarmName": event.alarm,
        "AlarmType": _kind(composite=event.composite),
        "Timestamp": _datetime(event.moment),
        "HistoryItemType": event.kind,
        "HistorySummary": event.summary,
        "HistoryData": event.data,
    }


def _kind(*, composite: bool) -> str:
    return COMPOSITE if composite else METRIC


def _pairs(dimensions: Any) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in dimensions or []}


def _page(found: Sequence[Item], given: Given, usual: int) -> tuple[Sequence[Item], dict[str, str]]:
    """A page of what was found, and the token of the next one: where it begins."""
    size = min(int(given.get("MaxRecords") or usual), MOST)
    begin = int(given.get("NextToken") or 0)
    more = {"NextToken": str(begin + size)} if begin + size < len(found) else {}
    return found[begin : begin + size], more


def _datetime(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=UTC)
