"""What resources cost a month: by hand, and in proportion."""

from typing import Any

import pytest

from sluice.planner.cost import monthly
from sluice.planner.load import SECONDS_A_MONTH, Load
from sluice.planner.prices import HOURS_A_MONTH, PRICES, usd
from sluice.policies import Resource

ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/events"
LOAD = Load(rate=1_000, bytes=1_000)
PER_MONTH = 1_000 * SECONDS_A_MONTH


def stream(**inputs: Any) -> Resource:
    return Resource(type="aws:kinesis/stream:Stream", name="stream", inputs={"name": "events", **inputs})


PROVISIONED = stream(shardCount=4, streamModeDetails={"streamMode": "PROVISIONED"}, retentionPeriod=24)
ON_DEMAND = stream(streamModeDetails={"streamMode": "ON_DEMAND"}, retentionPeriod=24)
CONSUMER = Resource(
    type="aws:kinesis/streamConsumer:StreamConsumer",
    name="consumer",
    inputs={"name": "sink", "streamArn": ARN},
)


def function(**more: Any) -> Resource:
    return Resource(
        type="aws:lambda/function:Function",
        name="function",
        inputs={
            "name": "sink",
            "memorySize": 1769,
            "architectures": ["arm64"],
            "environment": {"variables": {}},
            **more,
        },
    )


def mapping(**more: Any) -> Resource:
    source = f"{ARN}/consumer/sink:1700000000"
    given = {"functionName": "sink", "eventSourceArn": source, "batchSize": 1_000, "parallelizationFactor": 1}
    return Resource(
        type="aws:lambda/eventSourceMapping:EventSourceMapping", name="mapping", inputs={**given, **more}
    )


def costs(*resources: Resource, load: Load = LOAD) -> dict[str, float]:
    return {each.what: each.quantity for each in monthly(resources, load).items}


def test_a_provisioned_stream_is_paid_by_shards_and_payload_units() -> None:
    assert costs(PROVISIONED) == {"kinesis.shard": 4 * HOURS_A_MONTH, "kinesis.put": PER_MONTH}
    large = Load(rate=1_000, bytes=26_000)
    assert costs(PROVISIONED, load=large)["kinesis.put"] == 2 * PER_MONTH
    cost = monthly([PROVISIONED], LOAD)
    assert cost.fixed == pytest.approx(43.8)
    assert cost.by_load == pytest.approx(2628 * 0.014)


def test_an_on_demand_stream_is_paid_by_the_hour_and_by_kilobytes() -> None:
    found = costs(ON_DEMAND)
    assert found["kinesis.on_demand"] == HOURS_A_MONTH
    assert found["kinesis.on_demand_in"] == pytest.approx(PER_MONTH * 1024 / 1e9)


def test_records_kept_for_longer_cost_more_in_two_steps() -> None:
    week = costs(stream(shardCount=1, retentionPeriod=168))
    assert week["kinesis.retention"] == HOURS_A_MONTH
    assert "kinesis.long_retention" not in week
    assert costs(stream(shardCount=1, retentionPeriod=200))["kinesis.long_retention"] > 0
    kept = costs(stream(streamModeDetails={"streamMode": "ON_DEMAND"}, retentionPeriod=168))
    assert kept["kinesis.on_demand_retention"] == pytest.approx(144 / HOURS_A_MONTH * PER_MONTH * 1_000 / 1e9)


def test_an_enhanced_consumer_is_paid_by_shard_and_gigabyte_or_by_gigabyte_alone() -> None:
    found = monthly([PROVISIONED, CONSUMER], LOAD)
    assert found.of("consumer") == pytest.approx(
        usd("kinesis.consumer", 4 * HOURS_A_MONTH) + usd("kinesis.consumer_out", 2628)
    )
    assert set(costs(ON_DEMAND, CONSUMER)) >= {"kinesis.on_demand_consumer_out"}
    assert costs(CONSUMER)["kinesis.consumer"] == HOURS_A_MONTH, "an adopted stream: shards for the load"


def test_a_shared_reader_of_an_on_demand_stream_pays_for_what_it_reads() -> None:
    shared = mapping(eventSourceArn=ARN)
    assert "kinesis.on_demand_out" in costs(ON_DEMAND, function(), shared)
    assert "kinesis.on_demand_out" not in costs(PROVISIONED, function(), shared)
    assert "kinesis.on_demand_out" not in costs(ON_DEMAND, function(), mapping())


@pytest.mark.parametrize(
    ("settings", "records"),
    [
        ({}, 62.5),
        ({"maximumBatchingWindowInSeconds": 2}, 500),
        ({"maximumBatchingWindowInSeconds": 60}, 1_000),
        ({"parallelizationFactor": 10}, 6.25),
        ({"eventSourceArn": ARN}, 250),
    ],
)
def test_invocations_follow_from_shards_batches_and_windows(settings: dict[str, int], records: float) -> None:
    found = costs(PROVISIONED, function(), mapping(**settings))
    assert found["lambda.request"] == pytest.approx(PER_MONTH / records)
    assert found["lambda.gb_second_arm64"] == pytest.approx(
        PER_MONTH / records * (0.1 + records * 0.000_02) * 1769 / 1024
    )


def test_a_payload_of_six_megabytes_ends_a_batch() -> None:
    large = Load(rate=1_000, bytes=600_000)
    found = costs(PROVISIONED, function(), mapping(maximumBatchingWindowInSeconds=60), load=large)
    assert found["lambda.request"] == pytest.approx(PER_MONTH / 10)


def test_an_alias_invokes_the_same_function_and_an_idle_one_costs_nothing() -> None:
    alias = mapping(functionName="arn:aws:lambda:eu-central-1:1:function:sink:live")
    assert costs(PROVISIONED, function(), alias) == costs(PROVISIONED, function(), mapping())
    assert monthly([function()], LOAD).total == 0


def test_tables_are_paid_by_what_functions_write() -> None:
    table = Resource(type="aws:dynamodb/table:Table", name="ledger", inputs={"name": "books"})
    sink = function(environment={"variables": {"SLUICE_LEDGER_TABLE": "books"}})
    assert costs(PROVISIONED, sink, mapping(), table)["dynamodb.write"] == pytest.approx(2 * PER_MONTH / 62.5)
    windows = function(environment={"variables": {"SLUICE_WINDOWS_TABLE": "books"}})
    tumbling = mapping(tumblingWindowInSeconds=30)
    assert costs(PROVISIONED, windows, tumbling, table)["dynamodb.write"] == pytest.approx(
        4 * SECONDS_A_MONTH / 30 * 8
    )
    claims = function(environment={"variables": {"SLUICE_CLAIMS_TABLE": "books"}})
    once = Load(rate=1_000, bytes=1_000, deduped=True)
    cost = monthly([PROVISIONED, claims, tumbling, table], once)
    assert cost.of("ledger") == pytest.approx(1_642, abs=1), "docs/windows.md has the same figure"


def test_what_goes_to_google_is_paid_twice_rows_and_traffic() -> None:
    sink = function(environment={"variables": {"SLUICE_BIGQUERY_PROJECT": "p"}})
    found = costs(PROVISIONED, sink, mapping(), load=Load(rate=1_000, bytes=100))
    assert found["bigquery.insert"] == pytest.approx(PER_MONTH * 1024 / 1e9), "a row counts 1 KB at least"
    assert found["transfer.out"] == pytest.approx(PER_MONTH * 100 * 0.18 / 1e9)


def test_firehose_counts_small_records_as_five_kilobytes() -> None:
    firehose = Resource(
        type="aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        name="lake",
        inputs={"name": "lake", "kinesisSourceConfiguration": {"kinesisStreamArn": ARN}},
    )
    assert costs(PROVISIONED, firehose)["firehose.in"] == pytest.approx(PER_MONTH * 5 * 1024 / 1e9)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"kinesisSourceConfiguration": {"kinesisStreamArn": ARN}}, "firehose.iceberg"),
        ({}, "firehose.iceberg_put"),
    ],
)
def test_what_firehose_takes_into_iceberg_counts_as_it_is(source: dict[str, Any], key: str) -> None:
    """AWS's own estimate of its game analytics pipeline: 259.2 GB are $11.67 from a stream, $19.44 put."""
    firehose = Resource(
        type="aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        name="lake",
        inputs={"name": "lake", "destination": "iceberg", "icebergConfiguration": {"roleArn": "r"}, **source},
    )
    sends = function(environment={"variables": {"SLUICE_TARGET_FIREHOSE": "lake"}})
    found = costs(PROVISIONED, firehose, sends)
    assert found[key] == pytest.approx(LOAD.gigabytes())
    assert "firehose.in" not in found
    assert usd(key, 259.2) == pytest.approx({"firehose.iceberg": 11.67}.get(key, 19.44), abs=0.01)


def test_a_domain_is_paid_by_instance_and_an_unknown_instance_is_named() -> None:
    def domain(kind: str) -> Resource:
        cluster = {"instanceType": kind, "instanceCount": 1}
        inputs = {"clusterConfig": cluster, "ebsOptions": {"volumeSize": 10}}
        return Resource(type="aws:opensearch/domain:Domain", name="domain", inputs=inputs)

    assert monthly([domain("t3.small.search")]).fixed == pytest.approx(27.5)
    unknown = monthly([domain("x9.huge.search")])
    assert unknown.unknown == ("OpenSearch instances of x9.huge.search",)


def test_an_alarm_over_several_metrics_costs_each_of_them() -> None:
    queries = [
        {"id": "a", "metric": {"metricName": "x"}},
        {"id": "b", "metric": {"metricName": "y"}},
        {"id": "c", "expression": "a/b"},
    ]
    alarm = Resource(
        type="aws:cloudwatch/metricAlarm:MetricAlarm", name="alarm", inputs={"metricQueries": queries}
    )
    assert monthly([alarm]).fixed == pytest.approx(0.2)


def test_what_has_no_price_is_named_and_never_counted_as_nothing() -> None:
    cost = monthly(
        [Resource(type="aws:new/thing:Thing", name="t"), Resource(type="aws:s3/bucket:Bucket", name="b")]
    )
    assert (cost.total, cost.unknown) == (0, ("aws:new/thing:Thing",))
    assert cost.uncounted == ("Bucket: what is stored, and requests",)


def test_prices_say_what_they_are_for() -> None:
    assert str(PRICES["sqs.request"]) == "$0.4 for 1,000,000 x request of 64 KB"
    assert usd("sqs.request", 1_000_000) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("variables", "metrics"),
    [
        ({"SLUICE_SINK": "search"}, 5),
        ({"SLUICE_SINK": "bigquery", "SLUICE_BIGQUERY_PROJECT": "p"}, 5 + 3),
        ({"SLUICE_SINK": "windows", "SLUICE_WINDOWS_TABLE": "windows"}, 5 + 2),
        ({"SLUICE_WINDOWS_TABLE": "windows", "SLUICE_BIGQUERY_PROJECT": "p"}, 3 + 3),
        ({"SLUICE_AUDIT_SINKS": '{"bigquery": {}, "search": {}}'}, 2 + 2 * 3),
    ],
    ids=["sink", "sink-at-google", "aggregator", "publisher", "auditor"],
)
def test_each_function_pays_for_the_figures_that_it_says(variables: dict[str, str], metrics: int) -> None:
    assert costs(function(environment={"variables": variables}))["cloudwatch.metric"] == metrics
