"""What a day costs, as CloudWatch computes it: what was used, times the prices in sluice/planner/prices.py.

An estimate: taxes, discounts, free tiers and the prices of other regions are not in it. Records count with
the least that is charged for one, on average: where small ones and large ones mix, a day costs more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from infra.alarm import Alarm, Metric, of_firehose, of_function, of_stream, of_table, signal
from infra.alarms_sinks import BIGQUERY
from infra.alarms_stores import route_firehoses, tables
from infra.alarms_watched import AUDITOR, PUBLISHER, Watched
from infra.dashboard_widgets import Chart, Widget, text
from infra.firehose_sink import FirehoseSink
from infra.settings_functions import FunctionSettings, StreamSettings
from sluice.planner.load import FIREHOSE_STEP, KB
from sluice.planner.prices import AS_OF, PRICES, REGION

_DAY_SECONDS: Final = 86_400
_DAYS: Final = 365 / 12
"""Of a month."""

_GB: Final = 10**9
_ICEBERG: Final = "iceberg"
_GB_MEMORY: Final = 1024
"""MB, as Lambda counts memory."""

_LONGEST: Final = 2048
"""Characters of an expression (CloudWatch API, MetricDataQuery)."""


@dataclass
class DailySum:
    """What one service costs a day: metrics, each times its price, and what is the same every day."""

    prefix: str
    chart: Chart
    fixed: float = 0.0
    metrics: int = 0
    parts: list[str] = field(default_factory=list)

    def per(self, dollars: float, metric: Metric, statistic: str = "Sum") -> None:
        """Add so many dollars for each of a metric's units; a metric that is not there costs nothing."""
        self.parts.append(f"{self._filled(metric, statistic)} * {_plain(dollars)}")

    def per_byte(self, dollars: float, sent: Metric, pieces: Metric, least: int) -> None:
        """Add so many dollars for each byte; each piece is charged as so many bytes at least."""
        charged = f"{self._filled(pieces)} * {least}"
        self.parts.append(f"MAX([{self._filled(sent)}, {charged}]) * {_plain(dollars)}")

    def show(self, label: str) -> None:
        """Show the sum."""
        fixed = [f"TIME_SERIES({_plain(round(self.fixed, 6))})"] if self.fixed or not self.parts else []
        whole = ""
        for at, part in enumerate([*self.parts, *fixed]):
            longer = f"{whole} + {part}" if whole else part
            if len(longer) > _LONGEST:
                so_far = f"{self.prefix}_sum{at}"
                self.chart.compute(whole, label=label, key=so_far, visible=False)
                longer = f"{so_far} + {part}"
            whole = longer
        self.chart.compute(whole, label=label, key=f"{self.prefix}_sum")

    def _filled(self, metric: Metric, statistic: str = "Sum") -> str:
        """Add a metric by an id of its own, and name it so that it is 0 where it is not there."""
        self.metrics += 1
        key = f"{self.prefix}{self.metrics}"
        self.chart.hide(key, metric, statistic)
        return f"FILL({key}, 0)"


def _plain(dollars: float) -> str:
    """Write a number without an exponent, which CloudWatch's guide to metric math does not mention."""
    return f"{dollars:.15f}".rstrip("0").rstrip(".")


def costs(watched: Watched, *, alarms: Sequence[Alarm], composites: int) -> list[Widget]:
    """Chart what each service costs a day, and say what is not counted."""
    chart = Chart("What does each day cost, in US dollars?", stacked=True, period=_DAY_SECONDS)
    parts: tuple[tuple[str, str, Callable[[DailySum, Watched], None]], ...] = (
        ("kinesis", "Kinesis", _kinesis),
        ("lambda", "Lambda", _lambda),
        ("dynamodb", "DynamoDB", _dynamodb),
        ("firehose", "Firehose", _firehose),
        ("google", "BigQuery, and the way there", _google),
    )
    for prefix, label, count in parts:
        summed = DailySum(prefix, chart)
        count(summed, watched)
        if summed.parts or summed.fixed:
            summed.show(label)
    watching = DailySum("watching", chart, fixed=_watching(alarms, composites))
    watching.show("Alarms and this page")
    note = (
        f"List prices of {REGION}, {AS_OF}. Not counted: logs, custom metrics, traces, S3, SQS, keys, an"
        " OpenSearch domain, BigQuery's storage and queries. What a change will cost: `sluice graph --diff`."
    )
    return [chart.widget(wide=True), text(note)]


def _kinesis(total: DailySum, watched: Watched) -> None:
    settings = watched.env.settings
    for route, stream in watched.streams.items():
        if route not in settings.adopted.route_streams and (route or not settings.adopted.stream):
            _stream(total, stream, settings.route(route).stream if route else settings.stream)
    for name, sink in watched.sinks.items():
        if not isinstance(sink, FirehoseSink) and sink.args.settings.consumer == "enhanced":
            given = (
                settings.stream
                if sink.stream is watched.stream
                else settings.route(sink.args.route or "").stream
            )
            consumer = {"ConsumerName": watched.env.names.sink(name)}
            out = of_stream("SubscribeToShardEvent.Bytes", sink.stream.called, **consumer)
            price = "kinesis.consumer_out" if given.shards else "kinesis.on_demand_consumer_out"
            total.per(PRICES[price].one / _GB, out)
            total.fixed += (given.shards or 0) * 24 * PRICES["kinesis.consumer"].one


def _stream(total: DailySum, stream: str, settings: StreamSettings) -> None:
    if settings.shards:
        total.fixed += settings.shards * 24 * PRICES["kinesis.shard"].one
        total.per(PRICES["kinesis.put"].one, of_stream("IncomingRecords", stream))
    else:
        total.fixed += 24 * PRICES["kinesis.on_demand"].one
        written, records = of_stream("IncomingBytes", stream), of_stream("IncomingRecords", stream)
        total.per_byte(PRICES["kinesis.on_demand_in"].one / _GB, written, records, KB)
        total.per(PRICES["kinesis.on_demand_out"].one / _GB, of_stream("GetRecords.Bytes", stream))


def _lambda(total: DailySum, watched: Watched) -> None:
    gb_second = PRICES[f"lambda.gb_second_{watched.env.settings.packages.architecture}"].one
    for function, settings in _functions(watched):
        millisecond = settings.memory_mb / _GB_MEMORY * gb_second / 1000
        total.per(millisecond, of_function("Duration", function))
        total.per(PRICES["lambda.request"].one, of_function("Invocations", function))


def _functions(watched: Watched) -> Iterator[tuple[str, FunctionSettings]]:
    names, settings = watched.env.names, watched.env.settings
    for name, sink in watched.sinks.items():
        yield names.sink(name), sink.args.settings
    if watched.pipeline.metrics:
        yield names.publisher, settings.window_publisher
    if settings.auditor.enabled:
        yield names.thing(AUDITOR), settings.auditor


def _dynamodb(total: DailySum, watched: Watched) -> None:
    for table in tables(watched.env, metrics=bool(watched.pipeline.metrics)).values():
        total.per(PRICES["dynamodb.write"].one, of_table("ConsumedWriteCapacityUnits", table))
        total.per(PRICES["dynamodb.read"].one, of_table("ConsumedReadCapacityUnits", table))


def _firehose(total: DailySum, watched: Watched) -> None:
    price = PRICES["firehose.in"].one / _GB
    for name, sink in watched.sinks.items():
        if isinstance(sink, FirehoseSink):
            firehose = watched.env.names.firehose(name)
            read = of_firehose("DataReadFromKinesisStream.Bytes", firehose)
            records = of_firehose("DataReadFromKinesisStream.Records", firehose)
            if sink.args.destination.provider == _ICEBERG:
                total.per(PRICES["firehose.iceberg"].one / _GB, read)
            else:
                total.per_byte(price, read, records, FIREHOSE_STEP)
    for firehose in route_firehoses(watched.env, watched.pipeline).values():
        put, records = of_firehose("IncomingBytes", firehose), of_firehose("IncomingRecords", firehose)
        total.per_byte(price, put, records, FIREHOSE_STEP)


def _google(total: DailySum, watched: Watched) -> None:
    senders = {BIGQUERY: "Delivered"} | ({PUBLISHER: "PublishedRows"} if watched.pipeline.metrics else {})
    for sender, rows in senders.items():
        total.per(PRICES["transfer.out"].one / _GB, signal("SentBytes", watched.env, sender))
        raw = signal("RawBytes", watched.env, sender)
        total.per_byte(PRICES["bigquery.insert"].one / _GB, raw, signal(rows, watched.env, sender), KB)


def _watching(alarms: Sequence[Alarm], composites: int) -> float:
    """Return what the alarms and the page themselves cost a day."""
    looked_at = sum(alarm.charged for alarm in alarms)
    month = looked_at * PRICES["cloudwatch.alarm"].one
    month += composites * PRICES["cloudwatch.composite_alarm"].one + PRICES["cloudwatch.dashboard"].one
    return month / _DAYS
