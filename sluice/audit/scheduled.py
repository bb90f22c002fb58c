"""The audit that runs by the clock: the books of `sluice audit`, of a short time, from what is cheap to read.

It reads, per sink, the ledger's items of the last hours (one query a shard, newest first), the stream's
IncomingRecords, and of the stream itself only shards whose newest settled batch is older than the grace, up
to MOST_BEHIND records. Of a Firehose it reads what lies under the error prefix, and the time is longer, since
it may hold records for PATIENCE. Letters are read only where Lambda may give up a batch, which they point to,
and only when something is missing: SQS tells no age of a message that was received three times (developer
guide, "Available CloudWatch metrics for Amazon SQS", read 2026-11), so looking at them often would hide it.

It does not ask the sinks themselves (BigQuery, the lake, an index): `sluice audit` does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from sluice.audit.books import Books, SinkBooks
from sluice.audit.evidence import FilteredOut
from sluice.audit.handed import PATIENCE, Lake
from sluice.audit.reading import read_books
from sluice.audit.sources import SinkSource, Sources
from sluice.audit.stream import begin, filtered_out, oldest_invoked
from sluice.deadletters import undelivered

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MOST_BEHIND = 5_000
"""Records that are read of what a stream has still for a sink: with more it is late, which Overdue says."""

BY_METRIC = "known from Lambda's metric FilteredOutEventCount alone, which is approximate"


class AuditedSink(msgspec.Struct, frozen=True, kw_only=True):
    """A sink as the deployment describes it."""

    function: str
    stream: str
    parallelization: int = 1
    mapping: str | None = None
    filtered: bool = False
    firehose: str | None = None
    bucket: str | None = None
    errors: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Those that the evidence is read with."""

    kinesis: "KinesisClient"
    cloudwatch: "CloudWatchClient"
    dynamodb: "DynamoDBClient"
    sqs: Callable[[], "SQSClient"]
    s3: Callable[[], "S3Client"]
    firehose: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Sinks whose books are read together: of one stream, and fed in the same way."""

    stream: str
    by_firehose: bool
    sinks: Mapping[str, AuditedSink]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledAudit:
    """Audits the sinks of an environment: what arrived within `time`, but for the last `grace`."""

    clients: Clients
    ledger_table: str
    sinks: Mapping[str, AuditedSink]
    queue_url: str | None
    time: timedelta
    grace: timedelta

    def groups(self) -> Iterator[Group]:
        """Yield the sinks as they are read; one that cannot be read does not keep back the others' groups."""

        def shared(named: tuple[str, AuditedSink]) -> tuple[str, bool]:
            return named[1].stream, named[1].firehose is not None

        for (stream, by_firehose), sinks in groupby(sorted(self.sinks.items(), key=shared), key=shared):
            yield Group(stream=stream, by_firehose=by_firehose, sinks=dict(sinks))

    def books(self, group: Group, now: datetime) -> Books:
        """Read the books of a group. Lets the clients' errors pass."""
        books = self._read(group, now, queue_url=None)
        if self.queue_url is None or not any(sink.unaccounted or sink.in_flight for sink in books.sinks):
            return books
        return self._read(group, now, queue_url=self.queue_url)

    def _read(self, group: Group, now: datetime, *, queue_url: str | None) -> Books:
        since = now - self.time - (PATIENCE if group.by_firehose else timedelta())
        return read_books(self._sources(group, now, queue_url), since=since, until=now - self.grace, now=now)

    def _sources(self, group: Group, now: datetime, queue_url: str | None) -> Sources:
        none: Any = None
        return Sources(
            kinesis=self.clients.kinesis,
            cloudwatch=self.clients.cloudwatch,
            dynamodb=self.clients.dynamodb,
            sqs=none if queue_url is None else self.clients.sqs(),
            bigquery=none,  # no sink of these `keeps` rows
            stream=group.stream,
            ledger_table=self.ledger_table,
            queue_url=queue_url,
            dataset="",
            sinks={name: self._source(sink) for name, sink in group.sinks.items()},
            filtered=lambda since: self._filtered(group, since, now),
            lagging=lambda sink: self._lagging(group.sinks[sink], now),
            most_behind=MOST_BEHIND,
        )

    def _source(self, sink: AuditedSink) -> SinkSource:
        return SinkSource(
            function=sink.function,
            parallelization=sink.parallelization,
            stream=sink.stream,
            keeps=False,
            lake=self._lake(sink),
        )

    def _lake(self, sink: AuditedSink) -> Lake | None:
        firehose, bucket, errors = sink.firehose, sink.bucket, sink.errors
        if firehose is None or bucket is None or errors is None:
            return None

        def begun() -> datetime:
            described = self.clients.firehose().describe_delivery_stream(DeliveryStreamName=firehose)
            moment: datetime = described["DeliveryStreamDescription"]["CreateTimestamp"]
            return moment.astimezone(UTC)

        return Lake(undelivered=lambda: undelivered.read(self.clients.s3(), bucket, errors), begun=begun)

    def _filtered(self, group: Group, since: datetime | None, now: datetime) -> dict[str, FilteredOut]:
        """Say that what filters dropped is not exactly known: then a difference is a note, and no signal."""
        return {
            name: FilteredOut(filtered_out(self.clients.cloudwatch, sink.mapping, since, now), BY_METRIC)
            for name, sink in group.sinks.items()
            if sink.filtered and sink.mapping is not None and since is not None
        }

    def _lagging(self, sink: AuditedSink, now: datetime) -> bool:
        """Whether the function was given, since the grace began, batches that arrived before it."""
        until = begin(now - self.grace, now)
        given = oldest_invoked(self.clients.cloudwatch, sink.function, until, now)
        return given >= self.grace.total_seconds()


def figures(books: SinkBooks, now: datetime) -> dict[str, float]:
    """Return the signals of one sink's books."""
    waiting = 0.0 if books.oldest is None else max(0.0, (now - books.oldest).total_seconds())
    return {
        "Unaccounted": books.unaccounted,
        "Overcounted": books.overcounted,
        "Overdue": books.in_flight,
        "Waiting": waiting,
    }
