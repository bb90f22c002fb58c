"""The local CloudWatch over its API: metrics in and out, alarms that ring, faults that it counts."""

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from sluice.errors import SettingsError
from sluice.local.cloud_process import ChildProcess
from sluice.local.deploy_result import Made
from sluice.local.deploy_watch import COMPOSITE_ALARM, METRIC_ALARM, WatchCreator
from sluice.local.watch.answers import PATH as ALARMS
from sluice.local.watch.answers import told
from sluice.local.watch.collector import Collector
from tests.unit.local_cloud.clients import client
from tests.unit.local_cloud.measured import span, total

MINUTE_SECONDS = 0.25
REGION = "eu-west-1"
DIMENSIONS = [{"Name": "sink", "Value": "bigquery"}]


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    child = ChildProcess("sluice.local.aws", f"--minute-seconds={MINUTE_SECONDS}", name="the local AWS")
    try:
        yield f"http://127.0.0.1:{child.hear(60)['port']}"
    finally:
        child.close()
        child.wait()


@pytest.fixture(scope="module")
def queue(sqs: Any) -> str:
    return str(sqs.create_queue(QueueName="told")["QueueUrl"])


@pytest.fixture(scope="module")
def creator(aws_url: str) -> WatchCreator:
    return WatchCreator(lambda service: client(service, aws_url), lambda: REGION)


def put(cloudwatch: Any, name: str, *values: float, ago: float = 0.0, **more: Any) -> None:
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)
    datum = {
        "MetricName": name,
        "Dimensions": DIMENSIONS,
        "Values": list(values),
        "Timestamp": moment,
        **more,
    }
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])


def wait(done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (found := done()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_statistics_and_metric_math_come_back_by_the_minute(cloudwatch: Any) -> None:
    put(cloudwatch, "asked", 1, 2, 3, Unit="Count", ago=120)
    put(cloudwatch, "asked", 10)
    points = cloudwatch.get_metric_statistics(
        Namespace="Test",
        MetricName="asked",
        Dimensions=DIMENSIONS,
        Period=60,
        Statistics=["Sum", "Average", "SampleCount"],
        ExtendedStatistics=["p50"],
        **span(),
    )["Datapoints"]
    assert [(one["Sum"], one["Average"], one["ExtendedStatistics"]["p50"]) for one in points] == [
        (6, 2, 2),
        (10, 10, 10),
    ]
    assert all(one["Timestamp"].second == 0 for one in points)
    metric = {"Namespace": "Test", "MetricName": "asked", "Dimensions": DIMENSIONS}
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
            {"Id": "e", "Expression": "m * 100", "Label": "a hundred times"},
        ],
        **span(),
    )["MetricDataResults"]
    assert [(one["Label"], one["Values"]) for one in found] == [("a hundred times", [1000, 600])]


def test_metrics_are_listed_by_what_they_have(cloudwatch: Any) -> None:
    put(cloudwatch, "listed", 1)
    found = cloudwatch.list_metrics(Namespace="Test", MetricName="listed", Dimensions=[{"Name": "sink"}])
    assert found["Metrics"] == [{"Namespace": "Test", "MetricName": "listed", "Dimensions": DIMENSIONS}]
    assert not cloudwatch.list_metrics(Dimensions=[{"Name": "sink", "Value": "other"}])["Metrics"]


@pytest.mark.parametrize(
    "datum",
    [
        {"Timestamp": dt.datetime.now(dt.UTC) - dt.timedelta(days=20)},
        {"Timestamp": dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)},
        {"Counts": [1.0, 2.0]},
    ],
    ids=["too old", "of the future", "counts of nothing"],
)
def test_what_cloudwatch_does_not_take_is_refused(cloudwatch: Any, datum: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        put(cloudwatch, "refused", 1.0, **datum)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert not cloudwatch.list_metrics(MetricName="refused")["Metrics"]


def test_an_alarm_that_the_program_declares_rings_at_its_topics_queues_and_in_the_status(
    cloudwatch: Any, creator: WatchCreator, aws_url: str, sqs: Any, queue: str
) -> None:
    make = creator.by_type
    topic, _ = make["aws:sns/topic:Topic"]({"name": "alarms", "signatureVersion": 2})
    arn = f"arn:aws:sqs:{REGION}:123456789012:told"
    for protocol, endpoint in (("sqs", arn), ("email", "nobody@example.com"), ("https", "https://x.invalid")):
        make["aws:sns/topicSubscription:TopicSubscription"](
            {"topic": topic, "protocol": protocol, "endpoint": endpoint}
        )
    name, outputs = make[METRIC_ALARM](
        {
            "name": "late",
            "alarmDescription": "It is late. Runbook: docs/runbooks/late.md",
            "namespace": "Test",
            "metricName": "age",
            "dimensions": {"sink": "bigquery"},
            "statistic": "Maximum",
            "period": 60,
            "evaluationPeriods": 1,
            "threshold": 5,
            "comparisonOperator": "GreaterThanThreshold",
            "treatMissingData": "notBreaching",
            "tags": {"a": "b"},
        }
    )
    make[COMPOSITE_ALARM](
        {
            "alarmName": "trouble",
            "alarmRule": f'ALARM("{name}")',
            "alarmActions": [topic],
            "okActions": [topic],
        }
    )

    def states() -> dict[str, str]:
        return {each.name: each.state for each in told(urllib3.request("GET", aws_url + ALARMS).data)}

    wait(lambda: states() == {"late": "OK", "trouble": "OK"})
    put(cloudwatch, "age", 9)
    put(cloudwatch, "age", 9, ago=-MINUTE_SECONDS)
    wait(lambda: "ALARM" in {item["HistorySummary"][-5:] for item in history(cloudwatch, "trouble")})

    def notices() -> list[str]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
        bodies = [json.loads(each["Body"]) for each in messages.get("Messages", [])]
        return [json.loads(body["Message"])["NewStateValue"] for body in bodies]

    assert "ALARM" in wait(notices)
    (described,) = cloudwatch.describe_alarms(AlarmNames=["late"])["MetricAlarms"]
    assert described["AlarmArn"] == outputs["arn"]
    assert described["Dimensions"] == DIMENSIONS
    assert cloudwatch.list_tags_for_resource(ResourceARN=outputs["arn"])["Tags"] == []
    creator.remove(
        {f"x${METRIC_ALARM}::a": Made("late", {}, {}), f"x${COMPOSITE_ALARM}::b": Made("trouble", {}, {})}
    )
    assert states() == {}


def history(cloudwatch: Any, name: str) -> list[dict[str, Any]]:
    found = cloudwatch.describe_alarm_history(AlarmName=name, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return list(found["AlarmHistoryItems"])


def test_alarms_are_found_by_name_kind_state_action_and_kinship(cloudwatch: Any) -> None:
    told_to = f"arn:aws:sns:{REGION}:123456789012:somewhere"
    plain = {
        "Namespace": "Test",
        "MetricName": "never",
        "Statistic": "Sum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "ignore",
    }
    for name, actions in (("f-one", [told_to]), ("f-two", [])):
        cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=actions, **plain)
    cloudwatch.put_composite_alarm(AlarmName="f-both", AlarmRule='ALARM("f-one") AND ALARM("f-two")')

    def names(**wanted: Any) -> list[str]:
        kinds = ["MetricAlarm", "CompositeAlarm"]
        found = cloudwatch.describe_alarms(**{"AlarmTypes": kinds, **wanted})
        return sorted(each["AlarmName"] for each in found["MetricAlarms"] + found["CompositeAlarms"])

    assert names(AlarmNamePrefix="f-") == ["f-both", "f-one", "f-two"]
    assert names(AlarmNamePrefix="f-", AlarmTypes=["MetricAlarm"]) == ["f-one", "f-two"]
    assert names(ActionPrefix=told_to) == ["f-one"]
    assert names(ChildrenOfAlarmName="f-both") == ["f-one", "f-two"]
    assert names(ParentsOfAlarmName="f-one") == ["f-both"]
    for name in ("f-one", "f-two"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert names(StateValue="ALARM") == ["f-both", "f-one", "f-two"]
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmTypes=["MetricAlarm"], AlarmNamePrefix="f-", PaginationConfig={"PageSize": 1}
    )
    assert [len(page["MetricAlarms"]) for page in pages] == [1, 1]
    with pytest.raises(ClientError, match="there are composite alarm"):
        cloudwatch.delete_alarms(AlarmNames=["f-one"])
    cloudwatch.delete_alarms(AlarmNames=["f-one", "f-two", "f-both"])
    assert names(AlarmNamePrefix="f-") == []


def test_a_declared_alarm_that_is_not_evaluated_here_is_refused_in_one_line(creator: WatchCreator) -> None:
    inputs = {
        "name": "a",
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "threshold": 1,
    }
    named = {"namespace": "N", "metricName": "m", "statistic": "Sum"}
    with pytest.raises(SettingsError, match="alarm a: a period of 10 s"):
        creator.by_type[METRIC_ALARM]({**inputs, **named, "period": 10})
    with pytest.raises(SettingsError, match="alarm a: the local CloudWatch does not know surprise"):
        creator.by_type[METRIC_ALARM]({**inputs, **named, "period": 60, "surprise": 1})
    with pytest.raises(SettingsError, match="alarm c: its rule names b, which does not exist"):
        creator.by_type[COMPOSITE_ALARM]({"alarmName": "c", "alarmRule": "ALARM(b)"})


def test_what_a_process_gathers_arrives_added_up(aws_url: str, cloudwatch: Any) -> None:
    collector = Collector(aws_url, MINUTE_SECONDS)
    for value in (1, 2, 2):
        collector.add("Test", "gathered", {"sink": "bigquery"}, value)
    collector.stop()
    assert total(cloudwatch, "Test", "gathered", sink="bigquery") == 5


def test_how_much_lies_in_a_queue_is_measured_each_minute(cloudwatch: Any, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="measured")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=600)

    def newest(name: str) -> float:
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=name,
            Dimensions=[{"Name": "QueueName", "Value": "measured"}],
            Period=60,
            Statistics=["Maximum"],
            **span(),
        )["Datapoints"]
        return float(max((point["Maximum"] for point in points), default=-1))

    wait(lambda: newest("ApproximateNumberOfMessagesNotVisible") == 1)
    assert newest("ApproximateNumberOfMessagesVisible") >= 2
    wait(lambda: newest("ApproximateAgeOfOldestMessage") > 0)
    assert total(cloudwatch, "AWS/SQS", "NumberOfMessagesSent", QueueName="measured") == 3
