"""What each kind of resource takes of what is paid for."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sluice.planner import load as assumed
from sluice.planner.flow import CONSUMER, Flow, variables
from sluice.planner.load import GB, KB, SECONDS_A_MONTH
from sluice.planner.prices import HOURS_A_MONTH, INSTANCES, usd
from sluice.policies import Resource, kinds
from sluice.policies.resource import listed
from sluice.signals import SIGNALS

_DAY_HOURS: Final = 24
_WEEK_HOURS: Final = 168
_MANY: Final = 10
"""Messages that a route sends to a queue with one request, and kilobytes in 64 that one is counted by."""

_ICEBERG: Final = "icebergConfiguration"
_AUDITED: Final = "SLUICE_AUDIT_SINKS"
"""Set for the auditor alone: each sink that it audits, by name."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something that is paid for: how much of it a month, and what that costs in US dollars.

    `fixed`: without any record. `unknown`: no price is known for it, `what` names it.
    """

    resource: str
    what: str
    quantity: float = 0.0
    usd: float = 0.0
    fixed: bool = False
    unknown: bool = False


def _item(resource: Resource, key: str, quantity: float, *, fixed: bool = False) -> Item:
    return Item(resource=resource.name, what=key, quantity=quantity, usd=usd(key, quantity), fixed=fixed)


def _stream(stream: Resource, flow: Flow) -> Iterator[Item]:
    facts, load = flow.streams[str(stream.at("name"))], flow.load
    longer = facts.retention_hours > _DAY_HOURS
    beyond = max(facts.retention_hours - _WEEK_HOURS, 0) / HOURS_A_MONTH * load.gigabytes()
    if facts.on_demand:
        yield _item(stream, "kinesis.on_demand", HOURS_A_MONTH, fixed=True)
        yield _item(stream, "kinesis.on_demand_in", load.gigabytes(step=KB))
        if longer:
            week = (min(facts.retention_hours, _WEEK_HOURS) - _DAY_HOURS) / HOURS_A_MONTH * load.gigabytes()
            yield _item(stream, "kinesis.on_demand_retention", week)
    else:
        yield _item(stream, "kinesis.shard", facts.shards * HOURS_A_MONTH, fixed=True)
        yield _item(stream, "kinesis.put", load.payload_units)
        if longer:
            yield _item(stream, "kinesis.retention", facts.shards * HOURS_A_MONTH, fixed=True)
    if beyond:
        yield _item(stream, "kinesis.long_retention", beyond)


def _consumer(consumer: Resource, flow: Flow) -> Iterator[Item]:
    facts = flow.stream(str(consumer.at("streamArn")))
    if facts.on_demand:
        yield _item(consumer, "kinesis.on_demand_consumer_out", flow.load.gigabytes())
    else:
        yield _item(consumer, "kinesis.consumer", facts.shards * HOURS_A_MONTH, fixed=True)
        yield _item(consumer, "kinesis.consumer_out", flow.load.gigabytes())


def _function(function: Resource, flow: Flow) -> Iterator[Item]:
    work, given = flow.work(function), variables(function)
    name = str(function.at("name"))
    architecture = next(iter(listed(function.at("architectures"))), "x86_64")
    gigabytes = float(function.at("memorySize") or 128) / KB
    yield _item(function, "lambda.request", work.invocations)
    yield _item(function, f"lambda.gb_second_{architecture}", work.seconds * gigabytes)
    if function.at("tracingConfig", "mode") == "Active":
        sampled = min(work.rate, 1) + max(work.rate - 1, 0) * assumed.TRACED
        yield _item(function, "xray.trace", sampled * SECONDS_A_MONTH)
    if said := _signals(given):
        yield _item(function, "cloudwatch.metric", said, fixed=_AUDITED in given)
    if "SLUICE_BIGQUERY_PROJECT" in given and work.invocations:
        yield _item(function, "bigquery.insert", flow.load.gigabytes(least=KB))
        yield _item(function, "transfer.out", flow.load.gigabytes() * assumed.COMPRESSED)
    for mapping in flow.mappings(name):
        source = str(mapping.at("eventSourceArn"))
        if ":kinesis:" in source and "/consumer/" not in source and flow.stream(source).on_demand:
            yield _item(function, "kinesis.on_demand_out", flow.load.gigabytes())


def _signals(given: Mapping[str, Any]) -> int:
    """Count the metrics that a sink's function, the window publisher or the auditor sends while it works."""
    if _AUDITED in given:
        return _always("auditor") + _always("audited") * len(json.loads(given[_AUDITED]))
    google = {"google"} if "SLUICE_BIGQUERY_PROJECT" in given else set[str]()
    windows = "SLUICE_WINDOWS_TABLE" in given
    if "SLUICE_SINK" in given:
        return _always("sinks", *google, *(("windows",) if windows else ()))
    return _always("publisher", *google) if google and windows else 0


def _always(*by: str) -> int:
    """Count what these say with every invocation, zero included."""
    return sum(signal.always and not set(by).isdisjoint(signal.by) for signal in SIGNALS)


def _logs(group: Resource, flow: Flow) -> Iterator[Item]:
    name = str(group.at("name")).removeprefix("/aws/lambda/")
    for function in flow.all:
        if function.type == kinds.FUNCTION and function.at("name") == name:
            yield _item(group, "logs.in", flow.work(function).invocations * assumed.LOGGED / GB)


def _table(table: Resource, flow: Flow) -> Iterator[Item]:
    writes = 0.0
    for function in flow.all:
        if function.type != kinds.FUNCTION:
            continue
        given = variables(function)
        if given.get("SLUICE_LEDGER_TABLE") == table.at("name"):
            writes += flow.work(function).invocations * assumed.LEDGER_WRITES
        if given.get("SLUICE_WINDOWS_TABLE") == table.at("name"):
            writes += _segments(function, flow) * assumed.SEGMENT_WRITES
        if given.get("SLUICE_CLAIMS_TABLE") == table.at("name") and flow.load.deduped:
            writes += flow.load.records
    yield _item(table, "dynamodb.write", writes)


def _segments(function: Resource, flow: Flow) -> float:
    """Return the segments of windows that an aggregator commits a month."""
    found = 0.0
    for mapping in flow.mappings(str(function.at("name"))):
        if tumbling := mapping.at("tumblingWindowInSeconds"):
            shards = flow.stream(str(mapping.at("eventSourceArn"))).shards
            found += shards * SECONDS_A_MONTH / float(tumbling)
    return found


def _queue(queue: Resource, flow: Flow) -> Iterator[Item]:
    """Yield requests of a queue that a route fills; dead letters are none on a healthy day."""
    for function in flow.all:
        if function.type == kinds.FUNCTION and queue.at("name") and _leads(function, queue):
            kind = "sqs.fifo_request" if queue.at("fifoQueue") else "sqs.request"
            yield _item(queue, kind, flow.load.records / _MANY)


def _leads(function: Resource, queue: Resource) -> bool:
    target = str(variables(function).get("SLUICE_TARGET_QUEUE_URL", ""))
    return bool(target.rpartition("/")[2] == queue.at("name"))


def _firehose(firehose: Resource, flow: Flow) -> Iterator[Item]:
    """Yield what a Firehose takes in; one beside it takes redriven records alone, and those are none."""
    source = str(firehose.at("kinesisSourceConfiguration", "kinesisStreamArn") or "")
    routed = any(
        variables(each).get("SLUICE_TARGET_FIREHOSE") == firehose.at("name")
        for each in flow.all
        if each.type == kinds.FUNCTION
    )
    if source or routed:
        # Into Iceberg there are no steps of 5 KB (README of AWS's guidance for a game analytics pipeline).
        if firehose.at(_ICEBERG):
            key = "firehose.iceberg" if source else "firehose.iceberg_put"
            yield _item(firehose, key, flow.load.gigabytes())
        else:
            yield _item(firehose, "firehose.in", flow.load.gigabytes(step=assumed.FIREHOSE_STEP))
    if source and flow.stream(source).on_demand:
        yield _item(firehose, "kinesis.on_demand_out", flow.load.gigabytes())


def _domain(domain: Resource, _: Flow) -> Iterator[Item]:
    cluster = domain.at("clusterConfig")
    cluster = cluster[0] if isinstance(cluster, list) and cluster else cluster or {}
    for kind, count in (("instanceType", "instanceCount"), ("dedicatedMasterType", "dedicatedMasterCount")):
        if not (name := cluster.get(kind)):
            continue
        hours = float(cluster.get(count) or 1) * HOURS_A_MONTH
        if price := INSTANCES.get(str(name)):
            what = f"opensearch {name}"
            yield Item(resource=domain.name, what=what, quantity=hours, usd=price * hours, fixed=True)
        else:
            yield Item(resource=domain.name, what=f"OpenSearch instances of {name}", unknown=True)
    volume = float(domain.at("ebsOptions", "volumeSize") or 0) * float(cluster.get("instanceCount") or 1)
    yield _item(domain, "opensearch.gp3", volume, fixed=True)


def _alarm(alarm: Resource, _: Flow) -> Iterator[Item]:
    """Yield an alarm of one metric, or of the metrics that its expression is made of."""
    queries = listed(alarm.at("metricQueries"))
    metrics = sum(isinstance(each, dict) and bool(each.get("metric")) for each in queries) or 1
    yield _item(alarm, "cloudwatch.alarm", metrics, fixed=True)


def _once(key: str) -> Callable[[Resource, Flow], Iterator[Item]]:
    def one(resource: Resource, _: Flow) -> Iterator[Item]:
        yield _item(resource, key, 1, fixed=True)

    return one


PRICED: Final[Mapping[str, Callable[[Resource, Flow], Iterator[Item]]]] = {
    CONSUMER: _consumer,
    kinds.STREAM: _stream,
    kinds.FUNCTION: _function,
    kinds.LOG_GROUP: _logs,
    kinds.TABLE: _table,
    kinds.QUEUE: _queue,
    kinds.FIREHOSE: _firehose,
    kinds.DOMAIN: _domain,
    kinds.KEY: _once("kms.key"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _once("cloudwatch.composite_alarm"),
    "aws:cloudwatch/dashboard:Dashboard": _once("cloudwatch.dashboard"),
}
"""By type, what a resource takes at the load of a flow."""
