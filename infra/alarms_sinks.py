"""Alarms of sinks: those that a mapping feeds, and those that a Firehose does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from infra.alarm import Alarm, Metric, of_firehose, of_function, of_stream
from infra.alarm_kind import Statistic
from infra.alarm_kinds import KINDS
from infra.alarms_functions import MILLISECONDS, of_a_function, said, silent
from infra.environment import Environment
from infra.firehose_sink import FirehoseSink
from infra.search import SINK as SEARCH
from infra.sink_function import SinkFunction

if TYPE_CHECKING:
    import pulumi

BIGQUERY: Final = "bigquery"

_FRESHNESS: Final = {
    "iceberg": "DeliveryToIceberg",
    "redshift": "DeliveryToRedshift",
    "opensearch": "DeliveryToAmazonOpenSearchService",
    "opensearchserverless": "DeliveryToAmazonOpenSearchServerless",
    "splunk": "DeliveryToSplunk",
    "snowflake": "DeliveryToSnowflake",
    "extended_s3": "DeliveryToS3",
}
"""By the provider's name of a destination: how Firehose's metrics of it begin (Firehose developer guide,
monitoring with CloudWatch metrics)."""


def of_a_sink(env: Environment, name: str, sink: SinkFunction | FirehoseSink) -> Iterator[Alarm]:
    """Watch one sink: its function, how it is fed, what it could not take."""
    alarms, function = env.settings.alarms, env.names.sink(name)
    yield from of_a_function(env, name, function, sink.args.settings, sink=name)
    if isinstance(sink, FirehoseSink):
        yield from _fed_by_firehose(env, name, sink)
    else:
        yield from _fed_by_mapping(env, name, function, sink)
    for kind, metric, most in (
        ("contract-violations", "ContractViolations", alarms.contract_violations),
        ("rejected-rows", "RejectedRows", alarms.rejected_rows),
        ("record-crashes", "Crashes", alarms.crashes),
    ):
        yield said(env, kind, metric, name, most, sink=name)
    if name in {BIGQUERY, SEARCH}:
        yield said(env, "sink-unanswered", "Unanswered", name, alarms.unanswered, sink=name)
    if name == BIGQUERY:
        yield said(env, "token-failing", "TokenFailures", name, alarms.token_failures, sink=name)
        yield said(env, "bigquery-stale", "Freshness", name, alarms.stale_seconds, sink=name, subject="")


def _fed_by_mapping(env: Environment, name: str, function: str, sink: SinkFunction) -> Iterator[Alarm]:
    alarms, args, stream = env.settings.alarms, sink.args, sink.stream.called
    yield Alarm(
        kind=KINDS["sink-late"],
        subject=name,
        about=f"the sink {name}",
        sink=name,
        looks_at=of_function("IteratorAge", function),
        threshold=alarms.late_seconds * MILLISECONDS,
    )
    if args.settings.consumer == "enhanced":
        yield Alarm(
            kind=KINDS["consumer-throttled"],
            subject=name,
            about=f"the consumer of the sink {name}",
            looks_at=of_stream("SubscribeToShard.RateExceeded", stream, ConsumerName=function),
            threshold=alarms.read_throttles,
        )
    if args.settings.enabled:
        incoming = of_stream("IncomingRecords", stream)
        yield silent(env, name, incoming=incoming, read=_read(sink, function), sink=name)
    if args.gives_up:
        yield Alarm(
            kind=KINDS["destination-failing"],
            subject=name,
            about=f"the sink {name}",
            looks_at=of_function("DestinationDeliveryFailures", function),
        )


def _read(sink: SinkFunction, function: str) -> tuple[Metric, Statistic]:
    """Count what a sink was given: batches, or records before its filter where it has one.

    Not invocations: others than its mapping invoke some functions too.
    """
    if not sink.args.patterns:
        return of_function("IteratorAge", function), "SampleCount"
    dimensions: dict[str, pulumi.Input[str]] = {"EventSourceMappingUUID": sink.mapping.uuid}
    return Metric(namespace="AWS/Lambda", name="PolledEventCount", dimensions=dimensions), "Sum"


def _fed_by_firehose(env: Environment, name: str, sink: FirehoseSink) -> Iterator[Alarm]:
    firehose, alarms = env.names.firehose(name), env.settings.alarms
    yield Alarm(
        kind=KINDS["firehose-behind"],
        subject=name,
        about=f"the sink {name}",
        sink=name,
        looks_at=of_firehose("KinesisMillisBehindLatest", firehose),
        threshold=alarms.late_seconds * MILLISECONDS,
    )
    yield silent(
        env,
        name,
        incoming=of_stream("IncomingRecords", sink.stream.called),
        read=(of_firehose("DataReadFromKinesisStream.Records", firehose), "Sum"),
        sink=name,
    )
    yield Alarm(
        kind=KINDS["transform-failing"],
        subject=name,
        about=f"the sink {name}",
        sink=name,
        looks_at=of_firehose("ExecuteProcessing.Success", firehose),
        threshold=1,
    )
    settings, destination = sink.args.settings, sink.args.destination
    yield delivery_late(
        env, name, firehose, provider=destination.provider, buffered=settings.buffer_seconds, sink=name
    )
    if destination.provider == "iceberg":
        yield Alarm(
            kind=KINDS["delivery-failing"],
            subject=name,
            about=f"the sink {name}",
            looks_at=of_firehose("DeliveryToIceberg.FailedRowCount", firehose),
        )


def delivery_late(
    env: Environment, subject: str, firehose: str, *, provider: str, buffered: int, sink: str | None
) -> Alarm:
    """Watch how old what a Firehose holds becomes, beyond what its buffer explains."""
    return Alarm(
        kind=KINDS["delivery-late"],
        subject=subject,
        about=f"the Firehose {firehose}",
        sink=sink,
        looks_at=of_firehose(f"{_FRESHNESS[provider]}.DataFreshness", firehose),
        threshold=buffered + env.settings.alarms.delivery_seconds,
    )
