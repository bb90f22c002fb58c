"""Which alarms an environment has, and how they are: asked of CloudWatch."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sluice.errors import NoCloud

if TYPE_CHECKING:
    from sluice.cli.target import Target

MOST_NAMES = 100
"""Names that one DescribeAlarms takes."""

RUNBOOK = re.compile(r" *Runbook: (\S+)\s*$")
_CHILD = re.compile(r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*\"?([^\")]+?)\"?\s*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm: its state (OK, ALARM or INSUFFICIENT_DATA) since a moment, what it means, what to do.

    `children` are the alarms that a composite one follows, by name; `parent` is the one that follows it.
    """

    name: str
    state: str
    since: datetime
    reason: str
    means: str
    runbook: str | None
    children: tuple[str, ...] = ()
    parent: str | None = None

    @property
    def rings(self) -> bool:
        """Whether it is in ALARM."""
        return self.state == "ALARM"

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "state": self.state,
            "since": self.since,
            "reason": self.reason,
            "means": self.means,
            "runbook": self.runbook,
            "children": list(self.children),
            "parent": self.parent,
        }


def alarms_of(target: "Target") -> list[Alarm]:
    """Return the alarms that ring at the environment's topic, and those that their rules name.

    What rings comes first, then what has said too little, each by name.

    Raises:
        NoCloud: the environment has no alarms.
    """
    topic = target.outputs.alarm_topic
    if topic is None:
        raise NoCloud(
            f"{target.where} has no alarms: set alarms.enabled to true in its settings and deploy it again"
        )
    told = [each for each in _described(target, ActionPrefix=topic) if topic in each.get("AlarmActions", [])]
    follows = {child: str(each["AlarmName"]) for each in told for child in _children(each)}
    known = {str(each["AlarmName"]) for each in told}
    others = sorted(follows.keys() - known)
    for begin in range(0, len(others), MOST_NAMES):
        told += _described(target, AlarmNames=others[begin : begin + MOST_NAMES])
    order = ("ALARM", "INSUFFICIENT_DATA", "OK")
    return sorted(
        (_alarm(each, follows.get(str(each["AlarmName"]))) for each in told),
        key=lambda alarm: (order.index(alarm.state), alarm.name),
    )


def _described(target: "Target", **wanted: Any) -> Iterator[dict[str, Any]]:
    kinds = ["MetricAlarm", "CompositeAlarm"]
    pages: Any = target.cloudwatch.get_paginator("describe_alarms")
    for page in pages.paginate(AlarmTypes=kinds, **wanted):
        yield from page.get("CompositeAlarms", [])
        yield from page.get("MetricAlarms", [])


def _alarm(told: dict[str, Any], parent: str | None) -> Alarm:
    description = str(told.get("AlarmDescription") or "")
    page = RUNBOOK.search(description)
    return Alarm(
        name=str(told["AlarmName"]),
        state=str(told["StateValue"]),
        since=told.get("StateTransitionedTimestamp") or told["StateUpdatedTimestamp"],
        reason=str(told.get("StateReason") or ""),
        means=RUNBOOK.sub("", description),
        runbook=page[1] if page else None,
        children=_children(told),
        parent=parent,
    )


def _children(told: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_CHILD.findall(str(told.get("AlarmRule") or ""))))
