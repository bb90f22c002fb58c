"""What the stream itself says: how much it took in, and what lies after a shard's mark."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sluice.records.aggregate import events_in

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

MAX_DATAPOINTS = 1440
"""Of one GetMetricStatistics call; 60-second periods are kept 15 days, 300 s 63 days, an hour 455 days.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html (2026)"""

READ_LIMIT = 10_000
"""Records that one GetRecords call gives at most."""

FIRST_LOOK = 10
"""Records that are read of a shard of which most likely none counts."""

MOST_EMPTY = 5
"""Empty answers in a row that may come before the first record (Kinesis developer guide, troubleshooting)."""

READS_PER_SECOND = 4
"""A shard allows five reads a second to all of its standard readers together: leave one to the others."""

MOST_BEHIND = 500_000
"""Records in flight that are counted one by one; beyond, reading them all would take longer than waiting."""


def taken_in(
    cloudwatch: "CloudWatchClient",
    stream: str,
    since: datetime,
    now: datetime,
    *,
    until: datetime | None = None,
) -> int:
    """Return how many records the stream accepted between `since` and `now`, by its IncomingRecords metric.

    The metric counts whole minutes (or more, far back) and is some minutes late in the cloud. `until`, at a
    moment that `begin` gave, leaves out what arrived from then on.
    """
    where = "StreamName", stream
    return _sum(cloudwatch, "AWS/Kinesis", "IncomingRecords", where, since=since, now=now, until=until)


def filtered_out(cloudwatch: "CloudWatchClient", mapping: str, since: datetime, now: datetime) -> int:
    """Return how many events the filter of a mapping dropped between `since` and `now`, by Lambda's metric.

    There is one only for mappings that were told to keep `EventCount` metrics; what Lambda reads again after
    an error may be counted again. docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (2026)
    """
    where = "EventSourceMappingUUID", mapping
    return _sum(cloudwatch, "AWS/Lambda", "FilteredOutEventCount", where, since=since, now=now)


def oldest_invoked(cloudwatch: "CloudWatchClient", function: str, since: datetime, now: datetime) -> float:
    """Return how old, in seconds, the newest record of a batch was at most when a function was given it.

    By Lambda's metric IteratorAge, which counts attempts that fail, too; 0 where it was given none.
    docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (2026)
    """
    period = _period(since, now)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="IteratorAge",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=begin(since, now),
        EndTime=now + timedelta(seconds=period),
        Period=period,
        Statistics=["Maximum"],
    )
    return max((point["Maximum"] for point in answer["Datapoints"]), default=0.0) / 1000


def _sum(
    cloudwatch: "CloudWatchClient",
    namespace: str,
    metric: str,
    dimension: tuple[str, str],
    *,
    since: datetime,
    now: datetime,
    until: datetime | None = None,
) -> int:
    if until is not None and until <= since:
        return 0
    period = _period(since, now)
    name, value = dimension
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value}],
        StartTime=begin(since, now),
        EndTime=until or now + timedelta(seconds=period),
        Period=period,
        Statistics=["Sum"],
    )
    return round(sum(point["Sum"] for point in answer["Datapoints"]))


def begin(since: datetime, now: datetime) -> datetime:
    """Return where the metric can begin to count: it is kept in whole minutes, later in longer periods."""
    kept = _kept(now - since)
    return datetime.fromtimestamp(since.timestamp() // kept * kept, UTC)


def begin_after(moment: datetime, now: datetime) -> datetime:
    """Return where the metric can begin to count next after a moment."""
    return begin(moment, now) + timedelta(seconds=_kept(now - moment))


def _kept(age: timedelta) -> int:
    return 60 if age < timedelta(days=15) else 300 if age < timedelta(days=63) else 3600


def _period(since: datetime, now: datetime) -> int:
    """Return the shortest period, in seconds, that covers the span in one answer and is still kept."""
    age = now - since
    kept = _kept(age)
    minutes = -(-age.total_seconds() // (60 * (MAX_DATAPOINTS - 2)))
    wanted = max(int(minutes), 1) * 60
    return -(-max(wanted, kept) // kept) * kept


@dataclass(frozen=True, slots=True)
class Behind:
    """Records after the marks, and the events in them; `complete` is False when there were too many to count.

    `oldest` is when the one that has waited longest arrived in the stream.
    """

    records: int
    events: int
    complete: bool
    oldest: datetime | None = None


def behind(
    kinesis: "KinesisClient",
    stream: str,
    marks: Mapping[str, int],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = MOST_BEHIND,
    passed: Collection[str] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> Behind:
    """Count the records after each shard's mark; of shards without one, all that the stream keeps.

    `since` leaves out what arrived earlier in shards without a mark, `until` what arrived from then on.
    Shards in `passed` have nothing that counts.
    """
    total = events = 0
    oldest: datetime | None = None
    for shard in shards_of(kinesis, stream):
        if shard in passed:
            continue
        limit = READ_LIMIT if until is None else FIRST_LOOK
        mark = marks.get(shard)
        where: dict[str, Any]
        if mark is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": str(mark)}
        elif since is not None:
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
        else:
            where = {"ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **where)["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=limit)
            read = answer["Records"]
            records = read if until is None else [each for each in read if _arrived(each) < until]
            total += len(records)
            events += sum(events_in(record["Data"]) for record in records)
            for record in records[:1]:
                arrived = _arrived(record)
                oldest = min(oldest or arrived, arrived)
            if total > most:
                return Behind(total, events, complete=False, oldest=oldest)
            caught_up = len(read) < limit and not answer.get("MillisBehindLatest")
            if caught_up or len(records) < len(read):
                break
            limit = READ_LIMIT
            iterator = answer.get("NextShardIterator", "")
            sleep(1 / READS_PER_SECOND)
    return Behind(total, events, complete=True, oldest=oldest)


def waiting_since(
    kinesis: "KinesisClient", stream: str, shard: str, mark: int | None, until: datetime
) -> datetime | None:
    """Return when the first record after a shard's mark arrived, if that was before `until`.

    Without a mark it is the oldest that the stream keeps.
    """
    where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
    if mark is not None:
        where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": str(mark)}
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **where)["ShardIterator"]
    for _ in range(MOST_EMPTY):
        answer = kinesis.get_records(ShardIterator=iterator, Limit=FIRST_LOOK)
        if answer["Records"]:
            arrived = _arrived(answer["Records"][0])
            return arrived if arrived < until else None
        iterator = answer.get("NextShardIterator", "")
        if not iterator or not answer.get("MillisBehindLatest"):
            break
    return None


def _arrived(record: "RecordTypeDef") -> datetime:
    return record["ApproximateArrivalTimestamp"].astimezone(UTC)


def created_at(kinesis: "KinesisClient", stream: str) -> datetime:
    """Return when the stream was created."""
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return summary["StreamCreationTimestamp"].astimezone(UTC)


def shards_since(
    kinesis: "KinesisClient", stream: str, since: datetime | None, now: datetime
) -> list[str] | None:
    """Return the shards that took in records since then; None when the stream may have forgotten some."""
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    kept = timedelta(hours=summary["RetentionPeriodHours"])
    return None if since is None or since <= now - kept else shards_of(kinesis, stream)


def shards_of(kinesis: "KinesisClient", stream: str) -> list[str]:
    """Return all shards that the stream lists, closed ones too."""
    found: list[str] = []
    answer = kinesis.list_shards(StreamName=stream)
    while True:
        found += [shard["ShardId"] for shard in answer["Shards"]]
        if not answer.get("NextToken"):
            return found
        answer = kinesis.list_shards(NextToken=answer["NextToken"])
