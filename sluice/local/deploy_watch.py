"""Creates alarms, dashboards and the topic that alarms tell, in the local AWS."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from sluice.errors import SettingsError
from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.deploy_result import Made, Outputs

METRIC_ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE_ALARM: Final = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
WATCHING: Final = frozenset(
    {
        METRIC_ALARM,
        COMPOSITE_ALARM,
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
    }
)
"""Types whose creation puts them in the place of what was there."""

_ALARM: Final = {
    "name": "AlarmName",
    "alarmName": "AlarmName",
    "alarmDescription": "AlarmDescription",
    "alarmRule": "AlarmRule",
    "alarmActions": "AlarmActions",
    "okActions": "OKActions",
    "insufficientDataActions": "InsufficientDataActions",
    "actionsEnabled": "ActionsEnabled",
    "actionsSuppressor": "ActionsSuppressor",
    "namespace": "Namespace",
    "metricName": "MetricName",
    "statistic": "Statistic",
    "extendedStatistic": "ExtendedStatistic",
    "period": "Period",
    "unit": "Unit",
    "evaluationPeriods": "EvaluationPeriods",
    "datapointsToAlarm": "DatapointsToAlarm",
    "threshold": "Threshold",
    "thresholdMetricId": "ThresholdMetricId",
    "comparisonOperator": "ComparisonOperator",
    "treatMissingData": "TreatMissingData",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
}
_ELSEWHERE: Final = frozenset({"dimensions", "metricQueries", "tags", "tagsAll", "region"})
"""Inputs of an alarm that are not passed on as they are."""

_TOPIC: Final = {
    "kmsMasterKeyId": "KmsMasterKeyId",
    "displayName": "DisplayName",
    "signatureVersion": "SignatureVersion",
    "deliveryPolicy": "DeliveryPolicy",
    "policy": "Policy",
}
Inputs = dict[str, Any]


class WatchCreator:
    """Creates what watches over the rest; what the local CloudWatch does not evaluate is refused."""

    def __init__(self, client: Callable[[str], Any], region: Callable[[], str]) -> None:
        self._client, self._region = client, region
        self.by_type: dict[str, Callable[[Inputs], Outputs]] = {
            METRIC_ALARM: self._metric_alarm,
            COMPOSITE_ALARM: self._composite_alarm,
            "aws:cloudwatch/dashboard:Dashboard": self._dashboard,
            "aws:sns/topic:Topic": self._topic,
            "aws:sns/topicPolicy:TopicPolicy": self._topic_policy,
            "aws:sns/topicSubscription:TopicSubscription": self._subscription,
        }

    def remove(self, gone: Mapping[str, Made]) -> None:
        """Delete alarms that are no longer declared, given by their URN; the other kinds stay."""
        for kind in (COMPOSITE_ALARM, METRIC_ALARM):  # a rule's alarms cannot go before it
            names = [made.id for urn, made in gone.items() if kind in urn]
            if names:
                self._client("cloudwatch").delete_alarms(AlarmNames=names)

    def _metric_alarm(self, inputs: Inputs) -> Outputs:
        given = _given(inputs)
        if inputs.get("dimensions"):
            given["Dimensions"] = _dimensions(inputs)
        if inputs.get("metricQueries"):
            given["Metrics"] = [_query(one) for one in inputs["metricQueries"]]
        return self._alarm("put_metric_alarm", given)

    def _composite_alarm(self, inputs: Inputs) -> Outputs:
        return self._alarm("put_composite_alarm", _given(inputs))

    def _alarm(self, call: str, given: Inputs) -> Outputs:
        client, name = self._client("cloudwatch"), given["AlarmName"]
        try:
            getattr(client, call)(**given)
        except ClientError as error:
            raise SettingsError(str(error.response["Error"]["Message"])) from None
        return name, {"arn": f"arn:aws:cloudwatch:{self._region()}:{ACCOUNT}:alarm:{name}"}

    def _dashboard(self, inputs: Inputs) -> Outputs:
        name = inputs["dashboardName"]
        client = self._client("cloudwatch")
        client.put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])
        return name, {"dashboardArn": client.get_dashboard(DashboardName=name)["DashboardArn"]}

    def _topic(self, inputs: Inputs) -> Outputs:
        client = self._client("sns")
        arn = client.create_topic(Name=inputs["name"])["TopicArn"]
        for ours, theirs in _TOPIC.items():
            if inputs.get(ours) is not None:
                client.set_topic_attributes(
                    TopicArn=arn, AttributeName=theirs, AttributeValue=str(inputs[ours])
                )
        return arn, {"arn": arn}

    def _topic_policy(self, inputs: Inputs) -> Outputs:
        self._client("sns").set_topic_attributes(
            TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
        )
        return inputs["arn"], {}

    def _subscription(self, inputs: Inputs) -> Outputs:
        """Subscribe; only queues are told anything here."""
        arn = self._client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        return arn, {"arn": arn, "pendingConfirmation": inputs["protocol"] in ("email", "https")}


def _given(inputs: Inputs) -> Inputs:
    """An alarm's parameters under the API's names; raises SettingsError for one that is not known here."""
    unknown = sorted(inputs.keys() - _ALARM.keys() - _ELSEWHERE)
    if unknown:
        name = inputs.get("name") or inputs.get("alarmName")
        raise SettingsError(f"alarm {name}: the local CloudWatch does not know {', '.join(unknown)}")
    return {_ALARM[key]: value for key, value in inputs.items() if key in _ALARM and value is not None}


def _dimensions(inputs: Inputs) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in (inputs.get("dimensions") or {}).items()]


def _query(one: Inputs) -> Inputs:
    metric = one.get("metric")
    found: Inputs = {"Id": one["id"], "ReturnData": bool(one.get("returnData", False))}
    if one.get("label"):
        found["Label"] = one["label"]
    if metric is None:
        period = {"Period": one["period"]} if one.get("period") else {}
        return {**found, "Expression": one["expression"], **period}
    named = {"Namespace": metric["namespace"], "MetricName": metric["metricName"]}
    unit = {"Unit": metric["unit"]} if metric.get("unit") else {}
    stat = {"Period": metric["period"], "Stat": metric["stat"], **unit}
    return {**found, "MetricStat": {"Metric": {**named, "Dimensions": _dimensions(metric)}, **stat}}
