"""A local cloud whose shards are throttled: everything comes later, and nothing is lost."""

import datetime as dt
import gzip
import json

import boto3
import pytest

from sluice.producer import put_records
from tests.e2e.conftest import DATA, WEB_REQUESTS, of_sink, running

pytestmark = pytest.mark.e2e

EVENTS = 500
PADDED = 3_000
"""Bytes of an event: one request brings 1.5 MB to a shard that takes 1 MB a second."""


def events() -> list[bytes]:
    now = {"requested_at": dt.datetime.now(dt.UTC).isoformat()}
    with gzip.open(DATA) as file:
        return [json.dumps(json.loads(next(file)) | now).encode().ljust(PADDED) for _ in range(EVENTS)]


def test_what_a_shard_refused_arrives_later_once_at_shared_readers_and_at_enhanced_consumers() -> None:
    overrides = {"bigquery_sink": {"consumer": "shared"}}
    with running(WEB_REQUESTS, shards=1, limits=True, overrides=overrides) as pipeline:
        rows = [(str(place), event, None) for place, event in enumerate(events())]
        stream = pipeline.target.outputs.stream_name
        answers = put_records(pipeline.target.kinesis, stream, rows, remaining=lambda: 60)
        assert answers == [None] * EVENTS
        books = pipeline.books()
        assert books.balanced, books.sentences
        for sink in ("bigquery", "windows"):
            assert of_sink(books, sink).delivered == EVENTS
        now = dt.datetime.now(dt.UTC)
        cloudwatch = boto3.client(
            "cloudwatch",
            endpoint_url=pipeline.cloud.endpoints.aws_url,
            region_name=pipeline.target.kinesis.meta.region_name,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - nobody checks it
        )
        refused = cloudwatch.get_metric_statistics(
            Namespace="AWS/Kinesis",
            MetricName="WriteProvisionedThroughputExceeded",
            Dimensions=[{"Name": "StreamName", "Value": stream}],
            StartTime=now - dt.timedelta(minutes=10),
            EndTime=now + dt.timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        assert sum(point["Sum"] for point in refused) >= 1
