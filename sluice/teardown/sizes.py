"""How much each kind of resource holds, as the service that has it tells: approximate, and free of charge.

DynamoDB counts about every six hours (API reference, TableDescription), so a table that seems empty is looked
into; SQS counts approximately; a stream's figures
are what CloudWatch saw arrive within its retention; a bucket is listed, up to a bound.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sluice.doctor.aws import Aws
from sluice.doctor.google import Google
from sluice.teardown.deployed import (
    BIGQUERY_TABLE,
    BUCKET,
    DOMAIN,
    LOGS,
    QUEUE,
    STREAM,
    TABLE,
    Deployed,
)

MOST_PAGES: Final = 10
"""Pages of 1,000 objects that are listed of a bucket; beyond, there is more than that."""

MOST_SHARDS: Final = 20
"""Shards whose oldest record is looked up: each look is one of the five reads a second that a shard gives."""

_HOUR, _DAY = 3600, 86_400
_MOST_POINTS: Final = 1440
"""Of one answer of GetMetricStatistics (CloudWatch API reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is; None is not known. `at_least`: there is more than was counted."""

    count: int | None
    unit: str
    bytes: int | None = None
    oldest: datetime | None = None
    at_least: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing, for certain."""
        return not self.count and not self.bytes and self.count is not None


def _stream(aws: Aws, _google: Google, each: Deployed) -> Size:
    kinesis, name = aws.client("kinesis"), each.name
    found = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    hours = int(found["RetentionPeriodHours"])
    records, size = (
        _sum(aws, "AWS/Kinesis", metric, {"StreamName": name}, hours)
        for metric in ("IncomingRecords", "IncomingBytes")
    )
    oldest: datetime | None = None
    for shard in aws.every("kinesis", "list_shards", "Shards", StreamName=name)[:MOST_SHARDS]:
        asked = {"StreamName": name, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        cursor = kinesis.get_shard_iterator(**asked)["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=cursor, Limit=1)["Records"]:
            arrived = record["ApproximateArrivalTimestamp"].astimezone(UTC)
            oldest = min(oldest or arrived, arrived)
    if oldest is not None and not records:  # CloudWatch is minutes behind
        return Size(count=1, unit="records", oldest=oldest, at_least=True)
    return Size(count=records, unit="records", bytes=size, oldest=oldest)


def _table(aws: Aws, _google: Google, each: Deployed) -> Size:
    client = aws.client("dynamodb")
    found = client.describe_table(TableName=each.name)["Table"]
    if not found["ItemCount"]:  # as it was up to six hours ago
        fresh = client.scan(TableName=each.name, Limit=1, Select="COUNT")["Count"]
        return Size(count=fresh, unit="items", at_least=bool(fresh))
    return Size(count=found["ItemCount"], unit="items", bytes=found["TableSizeBytes"])


def _queue(aws: Aws, _google: Google, each: Deployed) -> Size:
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    url = str(each.values.get("url") or each.id)
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return Size(count=sum(int(found[name]) for name in names if name in found), unit="messages")


def _bucket(aws: Aws, _google: Google, each: Deployed) -> Size:
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=each.name)
    count, size, oldest, more = 0, 0, None, False
    for number, page in enumerate(pages):
        if number >= MOST_PAGES:
            more = True
            break
        for one in page.get("Contents") or ():
            count, size = count + 1, size + one["Size"]
            oldest = min(oldest or one["LastModified"], one["LastModified"])
    return Size(count=count, unit="objects", bytes=size, oldest=oldest, at_least=more)


def _domain(aws: Aws, _google: Google, each: Deployed) -> Size:
    """Ask CloudWatch: the domain itself may be where only functions get to."""
    account = str(each.values.get("arn") or each.id).split(":")[4]
    named = {"DomainName": each.name, "ClientId": account}
    points = _points(aws, "AWS/ES", "SearchableDocuments", named, hours=1, statistic="Maximum")
    return Size(count=max((int(one) for one in points), default=None), unit="documents")


def _logs(aws: Aws, _google: Google, each: Deployed) -> Size:
    listed = aws.every("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=each.name)
    size = sum(int(one.get("storedBytes", 0)) for one in listed if one["logGroupName"] == each.name)
    return Size(count=0, unit="", bytes=size)


def _bigquery(_aws: Aws, google: Google, each: Deployed) -> Size:
    values = each.values
    path = f"projects/{values['project']}/datasets/{values['datasetId']}/tables/{values['tableId']}"
    found = google.call("bigquery", path)
    return table_size(found)


def table_size(found: Mapping[str, Any]) -> Size:
    """Return what BigQuery says that a table holds, with what is still in its streaming buffer."""
    buffered = found.get("streamingBuffer") or {}
    rows = int(found.get("numRows") or 0) + int(buffered.get("estimatedRows") or 0)
    size = int(found.get("numBytes") or 0) + int(buffered.get("estimatedBytes") or 0)
    made = datetime.fromtimestamp(int(found.get("creationTime") or 0) / 1000, UTC)
    return Size(count=rows, unit="rows", bytes=size, oldest=made if rows else None)


HOLDERS: Final[Mapping[str, Callable[[Aws, Google, Deployed], Size]]] = {
    STREAM: _stream,
    TABLE: _table,
    QUEUE: _queue,
    BUCKET: _bucket,
    DOMAIN: _domain,
    BIGQUERY_TABLE: _bigquery,
    LOGS: _logs,
}
"""What holds data, and how to ask how much; views of BigQuery are tables that hold none."""


def _sum(aws: Aws, namespace: str, metric: str, dimensions: Mapping[str, str], hours: int) -> int:
    return int(sum(_points(aws, namespace, metric, dimensions, hours=hours)))


def _points(
    aws: Aws,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    *,
    hours: int,
    statistic: str = "Sum",
) -> list[float]:
    now = datetime.now(UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=hours),
        EndTime=now + timedelta(minutes=1),
        Period=_HOUR if hours < _MOST_POINTS else _DAY,
        Statistics=[statistic],
    )
    return [float(point[statistic]) for point in answer["Datapoints"]]
