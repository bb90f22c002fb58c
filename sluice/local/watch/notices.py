"""What an alarm tells a topic, in CloudWatch's own form, and who hears it here.

SNS brings it to the topic's SQS subscriptions. Mail and HTTPS have no server here, and nothing of the local
cloud speaks to the world outside: such subscriptions stay as they are, and hear nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sluice.local.watch.evaluation import State


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm's way from one state to another, at a moment in epoch seconds."""

    before: State
    after: State
    reason: str
    moment: float


@dataclass(frozen=True, slots=True)
class Notice:
    """Subject and text of a notification."""

    subject: str
    message: str

    @classmethod
    def of(cls, given: Mapping[str, Any], arn: str, change: Change) -> "Notice":
        """The notice of one change of state, as a topic's subscribers get it."""
        region, account = arn.split(":")[3:5]
        name = str(given["AlarmName"])
        stamp = datetime.fromtimestamp(change.moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        told = {
            "AlarmName": name,
            "AlarmDescription": given.get("AlarmDescription"),
            "AWSAccountId": account,
            "NewStateValue": change.after,
            "NewStateReason": change.reason,
            "StateChangeTime": f"{stamp[:-3]}+0000",
            "Region": region,
            "AlarmArn": arn,
            "OldStateValue": change.before,
            "OKActions": given.get("OKActions") or [],
            "AlarmActions": given.get("AlarmActions") or [],
            "InsufficientDataActions": given.get("InsufficientDataActions") or [],
            **({"AlarmRule": given["AlarmRule"]} if "AlarmRule" in given else {"Trigger": _trigger(given)}),
        }
        return cls(f'{change.after}: "{name}" in {region}'[:100], json.dumps(told))


def _trigger(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the alarm watches, with the notification's own spelling of it."""
    found = {
        "Period": given.get("Period"),
        "EvaluationPeriods": given.get("EvaluationPeriods"),
        "DatapointsToAlarm": given.get("DatapointsToAlarm"),
        "ComparisonOperator": given.get("ComparisonOperator"),
        "Threshold": given.get("Threshold"),
        "TreatMissingData": given.get("TreatMissingData") or "",
        "EvaluateLowSampleCountPercentile": given.get("EvaluateLowSampleCountPercentile") or "",
    }
    if given.get("Metrics"):
        return {**found, "Metrics": given["Metrics"]}
    return {
        "MetricName": given.get("MetricName"),
        "Namespace": given.get("Namespace"),
        "StatisticType": "Statistic" if given.get("Statistic") else "ExtendedStatistic",
        "Statistic": str(given.get("Statistic") or given.get("ExtendedStatistic")).upper(),
        "Unit": given.get("Unit"),
        "Dimensions": [
            {"value": each["Value"], "name": each["Name"]} for each in given.get("Dimensions") or []
        ],
        **found,
    }
