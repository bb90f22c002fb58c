"""One alarm: a kind, what it is about, and which metric it looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.alarm_kind import Composite, Kind, Statistic
from infra.environment import Environment
from infra.names import dashed
from sluice.signals import BY_NAME, ENVIRONMENT, NAMESPACE, SINK


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of CloudWatch."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Formula:
    """An expression over metrics, each by its id, with its statistic."""

    expression: str
    metrics: Mapping[str, tuple[Metric, Statistic]]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm.

    `subject` is the part of its name that says what it is about, empty where an environment has one only;
    `about` says it in words. `sink` is whose trouble it is, if it is a sink's. `period` is another than the
    kind's, in seconds; `periods` another number of them, all of which must breach.
    """

    kind: Kind
    subject: str = ""
    about: str
    looks_at: Metric | Formula
    threshold: float = 0
    sink: str | None = None
    period: int | None = None
    periods: int | None = None

    @property
    def slug(self) -> str:
        """What it is called beside others of its environment."""
        return dashed(f"{self.subject}-{self.kind.name}" if self.subject else self.kind.name)

    @property
    def charged(self) -> int:
        """How many metrics it looks at, each of which CloudWatch charges as an alarm (CloudWatch pricing)."""
        return 1 if isinstance(self.looks_at, Metric) else len(self.looks_at.metrics)

    def declare(
        self, name: str, env: Environment, parent: pulumi.Resource, *, actions: list[pulumi.Input[str]]
    ) -> aws.cloudwatch.MetricAlarm:
        """Declare it; without actions it is seen, and rings within a composite."""
        kind, periods = self.kind, self.periods or self.kind.periods
        return aws.cloudwatch.MetricAlarm(
            name,
            name=env.names.thing(self.slug),
            alarm_description=described(self.about, kind, env.settings.alarms.runbooks),
            comparison_operator="GreaterThanThreshold" if kind.above else "LessThanThreshold",
            threshold=float(self.threshold),
            evaluation_periods=periods,
            datapoints_to_alarm=self.periods or kind.datapoints,
            treat_missing_data=kind.missing,
            alarm_actions=actions,
            ok_actions=actions,
            opts=env.within(parent),
            **self._metric(),
        )

    def _metric(self) -> dict[str, Any]:
        seconds = self.period or self.kind.period
        if isinstance(self.looks_at, Metric):
            return {
                "namespace": self.looks_at.namespace,
                "metric_name": self.looks_at.name,
                "dimensions": self.looks_at.dimensions,
                "statistic": self.kind.statistic,
                "period": seconds,
            }
        queries: list[dict[str, Any]] = [
            {
                "id": "value",
                "expression": self.looks_at.expression,
                "label": self.kind.name,
                "return_data": True,
            }
        ]
        for key, (metric, statistic) in self.looks_at.metrics.items():
            stat = {
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": metric.dimensions,
                "stat": statistic,
                "period": seconds,
            }
            queries.append({"id": key, "metric": stat, "return_data": False})
        return {"metric_queries": queries}


def described(about: str, kind: Kind | Composite, runbooks: str) -> str:
    """Return the text that who is alarmed reads first: what it is about, what that means, where to go.

    CloudWatch keeps 1,024 characters (its API, PutMetricAlarm); names and the address have limits of theirs.
    """
    page = f"{runbooks.rstrip('/')}/{kind.name}.md"
    return f"{about[:1].upper()}{about[1:]}: {kind.means} Runbook: {page}"


def of_function(name: str, function: str) -> Metric:
    """Name a metric of Lambda's."""
    return Metric(namespace="AWS/Lambda", name=name, dimensions={"FunctionName": function})


def of_stream(name: str, stream: str, **more: str) -> Metric:
    """Name a metric of Kinesis'."""
    return Metric(namespace="AWS/Kinesis", name=name, dimensions={"StreamName": stream, **more})


def of_firehose(name: str, firehose: str) -> Metric:
    """Name a metric of Firehose's."""
    return Metric(namespace="AWS/Firehose", name=name, dimensions={"DeliveryStreamName": firehose})


def of_table(name: str, table: str) -> Metric:
    """Name a metric of DynamoDB's."""
    return Metric(namespace="AWS/DynamoDB", name=name, dimensions={"TableName": table})


def of_queue(name: str, queue: str) -> Metric:
    """Name a metric of SQS'."""
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": queue})


def signal(name: str, env: Environment, sink: str) -> Metric:
    """Name one of the metrics that Sluice's functions say themselves."""
    return Metric(
        namespace=NAMESPACE,
        name=BY_NAME[name].name,
        dimensions={ENVIRONMENT: env.names.prefix, SINK: sink},
    )
