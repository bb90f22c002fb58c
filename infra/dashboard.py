"""One page that answers in this order: is it healthy, is it late, is it losing anything, what does it cost.

All that it shows is known by name before anything is there, so that a preview shows the page as it will be.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.alarm import Alarm, Metric
from infra.alarm_groups import Group
from infra.alarm_kinds import KINDS
from infra.alarms_watched import Watched
from infra.dashboard_costs import costs
from infra.dashboard_widgets import WIDTH, Chart, Widget, laid_out, text
from infra.environment import Environment
from sluice.signals import ENVIRONMENT, NAMESPACE, SINK

_MOST_ALARMS: Final = 100
"""Of one alarm widget (CloudWatch API, dashboard body structure)."""

_HEALTHY: Final = (
    ("Do functions fail, or may they not run?", ("function-failing", "function-throttled")),
    ("How near do functions come to their time-out?", ("function-slow",)),
    ("Do the services behind sinks answer?", ("sink-unanswered", "token-failing")),
    ("Do Firehoses get answers?", ("transform-failing",)),
    ("Do schedules start their functions, and do these end well?", ("schedule-failing", "watermark-failing")),
    ("Are tables throttled?", ("table-throttled",)),
    ("Does OpenSearch take writes?", ("search-red", "search-blocked")),
    ("Is there room on OpenSearch's disks?", ("search-disk",)),
)
_LATE: Final = (
    ("How long do records wait until a sink reads them?", ("sink-late", "firehose-behind")),
    ("How old is what reaches BigQuery?", ("bigquery-stale", "windows-unpublished")),
    ("How far behind are complete windows?", ("watermark-late",)),
    ("How old is what Firehoses hold?", ("delivery-late",)),
    ("Do readers wait for each other?", ("stream-read-throttled", "consumer-throttled")),
)
_LOSING: Final = (
    ("Are producers refused?", ("stream-write-throttled",)),
    ("What became dead letters?", ("contract-violations", "rejected-rows", "record-crashes")),
    ("Do dead letters wait for somebody?", ("dead-letters-waiting",)),
    ("Do the books balance?", ("audit-difference", "audit-overcounted", "audit-failing", "windows-lost")),
    ("Are batches given up without a word?", ("destination-failing",)),
    ("How old is the oldest that a sink has yet to read?", ("records-expiring",)),
    ("How old is the oldest message of a queue?", ("queue-expiring",)),
    ("Does the lake refuse rows?", ("delivery-failing",)),
    ("Is there room for the state of windows?", ("window-state",)),
    ("Were segments committed early for want of room?", ("window-spill",)),
)


def dashboard(
    name: str,
    env: Environment,
    parent: pulumi.Resource,
    *,
    watched: Watched,
    alarms: Sequence[Alarm],
    together: Sequence[Group],
) -> pulumi.Output[str]:
    """Declare the page; return its name."""
    region = env.settings.aws_region
    rows = [
        _row("Is it healthy?", [*_ringing(env, alarms, together), *_charts(_HEALTHY, alarms)]),
        _row("Is it late?", _charts(_LATE, alarms)),
        _row("Is it losing anything?", [_settled(watched), *_charts(_LOSING, alarms)]),
        _row("What does it cost?", costs(watched, alarms=alarms, composites=len(together))),
    ]
    # Periods stay as they are said, whatever time is looked at: a day's cost is a day's.
    body = {"start": "-P3D", "periodOverride": "inherit", "widgets": laid_out(rows, region=region)}
    return aws.cloudwatch.Dashboard(
        f"{name}-dashboard",
        dashboard_name=env.names.prefix,
        dashboard_body=json.dumps(body),
        opts=env.within(parent),
    ).dashboard_name


def _row(question: str, widgets: Iterable[Widget]) -> list[Widget]:
    return [text(f"## {question}"), *widgets]


def _ringing(env: Environment, alarms: Sequence[Alarm], together: Sequence[Group]) -> list[Widget]:
    """Show all that rings, and of what rings together the members that are the reason."""
    members = [alarm.slug for group in together for alarm in group.members]
    alone = [alarm.slug for alarm in alarms if alarm.slug not in set(members)]
    rings = [*(group.slug for group in together), *alone]
    return [
        *_states(env, "Does anything ring?", rings, height=6),
        *_states(env, "Which of those that ring together do?", members, height=3, states=["ALARM"]),
    ]


def _states(
    env: Environment, title: str, slugs: Sequence[str], *, height: int, **more: list[str]
) -> list[Widget]:
    arns = [env.arn("cloudwatch", f"alarm:{env.names.thing(slug)}") for slug in slugs]
    parts = [arns[at : at + _MOST_ALARMS] for at in range(0, len(arns), _MOST_ALARMS)]
    return [
        Widget(
            kind="alarm",
            width=WIDTH,
            height=height,
            properties={"title": title, "alarms": part, "sortBy": "stateUpdatedTimestamp", **more},
        )
        for part in parts
    ]


def _charts(questions: Iterable[tuple[str, tuple[str, ...]]], alarms: Sequence[Alarm]) -> list[Widget]:
    """Chart the metrics of alarms of these kinds, with the thresholds that they ring at."""
    charts = []
    for title, kinds in questions:
        shown = [alarm for alarm in alarms if alarm.kind.name in kinds]
        if not shown:
            continue
        chart = Chart(title)
        for alarm in shown:
            for metric, statistic in _metrics(alarm):
                label = alarm.subject or alarm.about
                chart.add(metric, statistic, label=f"{label} {metric.name}", period=alarm.period)
        for kind in kinds:
            thresholds = {alarm.threshold for alarm in shown if alarm.kind.name == kind}
            if len(thresholds) == 1 and KINDS[kind].setting is not None:
                chart.line(thresholds.pop(), kind)
        charts.append(chart.widget())
    return charts


def _metrics(alarm: Alarm) -> list[tuple[Metric, str]]:
    if isinstance(alarm.looks_at, Metric):
        return [(alarm.looks_at, alarm.kind.statistic)]
    return list(alarm.looks_at.metrics.values())


def _settled(watched: Watched) -> Widget:
    """Chart what came in beside what became of it at each sink."""
    chart = Chart("Does all that comes in go somewhere?")
    incoming = Metric(
        namespace="AWS/Kinesis", name="IncomingRecords", dimensions={"StreamName": watched.stream.called}
    )
    chart.add(incoming, "Sum", label="came in")
    for sink in watched.sinks:
        for name in ("Delivered", "DeadLettered", "Skipped"):
            dimensions = {ENVIRONMENT: watched.env.names.prefix, SINK: sink}
            metric = Metric(namespace=NAMESPACE, name=name, dimensions=dimensions)
            chart.add(metric, "Sum", label=f"{sink} {name}")
    return chart.widget(wide=True)
