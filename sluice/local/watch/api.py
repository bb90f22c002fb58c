"""Puts the local CloudWatch in the place of moto's: its metrics and its alarms; dashboards stay moto's.

moto reads requests and writes answers in CloudWatch's protocols; what they are about is decided here.
"""

import uuid
from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.cloudwatch.utils import make_arn_for_alarm
from moto.core.responses import ActionResult
from moto.sns.models import sns_backends

from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.watch.described import Described
from sluice.local.watch.figures import Figures
from sluice.local.watch.notices import Notice
from sluice.local.watch.store import MetricStore
from sluice.local.watch.watch import Watch

Call = Callable[[dict[str, Any]], dict[str, Any]]


def publish(topic_arn: str, notice: Notice) -> bool:
    """Tell a topic's SQS subscriptions; whether there is such a topic."""
    backend = sns_backends[ACCOUNT][topic_arn.split(":")[3]]
    if topic_arn not in backend.topics:
        return False
    for subscription in list(backend.subscriptions.values()):
        if subscription.topic_arn == topic_arn and subscription.protocol == "sqs":
            subscription.publish(notice.message, str(uuid.uuid4()), subject=notice.subject)
    return True


def patch(store: MetricStore, now: Callable[[], float]) -> Watch:
    """Answer for CloudWatch in this process; who evaluates the alarms is left to the caller."""
    watch = Watch(store, publish, now=now)
    figures, described = Figures(store, now), Described(watch)
    calls: dict[str, Call] = {
        "put_metric_data": figures.put_metric_data,
        "get_metric_data": figures.get_metric_data,
        "get_metric_statistics": figures.get_metric_statistics,
        "list_metrics": figures.list_metrics,
        "delete_alarms": described.delete_alarms,
        "describe_alarms": described.describe_alarms,
        "describe_alarms_for_metric": described.describe_alarms_for_metric,
        "describe_alarm_history": described.describe_alarm_history,
        "set_alarm_state": described.set_alarm_state,
        "enable_alarm_actions": lambda given: described.switch_actions(given, enabled=True),
        "disable_alarm_actions": lambda given: described.switch_actions(given, enabled=False),
    }
    response: Any = CloudWatchResponse
    for name, call in calls.items():
        setattr(response, name, _answering(call))
    response.put_metric_alarm = _making(described.put_metric_alarm)
    response.put_composite_alarm = _making(described.put_composite_alarm)
    response.tag_resource = _tag
    return watch


def _answering(call: Call) -> Callable[[Any], ActionResult]:
    return lambda response: ActionResult(call(_given(response)))


def _making(call: Callable[[dict[str, Any], str], dict[str, Any]]) -> Callable[[Any], ActionResult]:
    def answer(response: Any) -> ActionResult:
        given = _given(response)
        arn = make_arn_for_alarm(response.region, response.current_account, given["AlarmName"])
        found = call(given, arn)
        backend = cloudwatch_backends[response.current_account][response.region]
        backend.tagger.tag_resource(arn, given.get("Tags") or [])
        return ActionResult(found)

    return answer


def _tag(response: Any) -> ActionResult:
    given = _given(response)
    backend = cloudwatch_backends[response.current_account][response.region]
    backend.tagger.tag_resource(given["ResourceARN"], given.get("Tags") or [])
    return ActionResult({})


def _given(response: Any) -> dict[str, Any]:
    """A request's parameters, read by moto."""
    found: dict[str, Any] = response._get_params()  # noqa: SLF001 - moto's own responses read them so
    return found
