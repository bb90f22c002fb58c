"""Where the evidence lies: the clients, and what is known of each sink beforehand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sluice.audit.evidence import FilteredOut
from sluice.audit.handed import Lake
from sluice.audit.stream import MOST_BEHIND

if TYPE_CHECKING:
    from google.cloud import bigquery
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSource:
    """One sink: its function's name, and how many batches of a shard run at once.

    `stream` is what it reads (None: the pipeline's), `into` the stream that it writes to, if any. A sink that
    `keeps` rows has them in BigQuery; `windows_table` is where one holds its events that counts them into
    windows instead, `lake` where a Firehose takes them on to, `documents` counts those of a search index that
    arrived since a moment (None: all). What other sinks did with an event cannot be counted.
    """

    function: str
    parallelization: int = 1
    stream: str | None = None
    into: str | None = None
    keeps: bool = True
    windows_table: str | None = None
    lake: Lake | None = None
    documents: Callable[[datetime | None], int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the evidence lies.

    Without `queue_url` no letter is read, and the ledger alone tells of dead letters. Of what a stream has
    still for a sink, `most_behind` records are counted.

    `patience_seconds` is SQS's long polling: an empty answer then is the end. The stream's metric may be
    `metric_lag_seconds` late; what arrived since may exceed it. `filtered` looks up what the filters of the
    sinks' mappings have dropped since a moment (None: ever); sinks without a filter are not in it. `lagging`
    says of a sink whether the batches that it works on are old.
    """

    kinesis: "KinesisClient"
    cloudwatch: "CloudWatchClient"
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    bigquery: "bigquery.Client"
    stream: str
    ledger_table: str
    queue_url: str | None
    dataset: str
    sinks: Mapping[str, SinkSource]
    filtered: Callable[[datetime | None], Mapping[str, FilteredOut]] = lambda _: {}
    lagging: Callable[[str], bool] = lambda _: False
    patience_seconds: int = 1
    metric_lag_seconds: int = 0
    most_behind: int = MOST_BEHIND

    def stream_of(self, sink: str) -> str:
        """Return the stream that a sink reads."""
        return self.sinks[sink].stream or self.stream
