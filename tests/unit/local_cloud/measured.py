"""What the local CloudWatch holds, summed up."""

import datetime as dt
from typing import Any


def span() -> dict[str, dt.datetime]:
    now = dt.datetime.now(dt.UTC)
    return {"StartTime": now - dt.timedelta(minutes=5), "EndTime": now + dt.timedelta(minutes=1)}


def total(cloudwatch: Any, namespace: str, name: str, **dimensions: str) -> float:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    points = cloudwatch.get_metric_statistics(
        Namespace=namespace, MetricName=name, Dimensions=pairs, Period=60, Statistics=["Sum"], **span()
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))
