"""Alarms as lines that one can read and compare: what is looked at, how, and when it rings."""

from typing import Any

from sluice.local.declared import Declared
from sluice.local.program import Program

METRIC = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


def alarms(program: Program) -> dict[str, Declared]:
    """The metric alarms of a program, by their names."""
    return {each.inputs["name"]: each for each in program.resources if each.type == METRIC}


def composites(program: Program) -> dict[str, Declared]:
    """The composite alarms of a program, by their names."""
    return {each.inputs["alarmName"]: each for each in program.resources if each.type == COMPOSITE}


def metrics(alarm: Declared) -> list[tuple[str, dict[str, Any]]]:
    """The metrics that an alarm looks at, each with the id that it has in an expression, if any."""
    given = alarm.inputs
    if "metricQueries" not in given:
        return [("", {**given, "stat": given["statistic"]})]
    return [(query["id"], query["metric"]) for query in given["metricQueries"] if "metric" in query]


def named(metric: dict[str, Any]) -> str:
    """A metric by its dimensions."""
    dimensions = ", ".join(f"{key}={value}" for key, value in metric["dimensions"].items())
    name = metric.get("metricName") or metric["name"]
    return f"{metric['stat']} of {metric['namespace']} {name} {{{dimensions}}}"


def line(alarm: Declared) -> str:
    """One alarm: NAME: WHAT > THRESHOLD, M of N times SECONDS s."""
    given, looked_at = alarm.inputs, metrics(alarm)
    what = "; ".join(f"{key}: {named(metric)}" if key else named(metric) for key, metric in looked_at)
    expression = next(
        (query["expression"] for query in given.get("metricQueries", []) if "expression" in query), None
    )
    operator = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}[given["comparisonOperator"]]
    periods, seconds = given["evaluationPeriods"], looked_at[0][1]["period"]
    times = f"{given['datapointsToAlarm']:g} of {periods:g} times {seconds:g} s"
    head = f"{expression}, {what}" if expression else what
    return f"{given['name']}: {head} {operator} {given['threshold']:g}, {times}"
