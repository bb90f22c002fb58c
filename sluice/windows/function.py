"""The aggregator's Lambda, put together from its environment."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from sluice.deadletters import DeadLetterQueue
from sluice.deadline import LambdaContext
from sluice.delivery import Ledger, clients
from sluice.delivery.environment import days, required
from sluice.delivery.watchdog import ending_the_process
from sluice.pipeline import Pipeline
from sluice.windows.aggregator import Aggregator
from sluice.windows.census import Census
from sluice.windows.claims import Claims
from sluice.windows.commit import Committer
from sluice.windows.definitions import Definitions
from sluice.windows.lanes import Lanes
from sluice.windows.plan import Plan
from sluice.windows.recovery import Stream
from sluice.windows.redrive import Redriver
from sluice.windows.reports import WindowReport
from sluice.windows.taking import Taker
from sluice.windows.tumbling import Tumbling
from sluice.windows.writing import PartWriter

Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]


def aggregator(pipeline: Pipeline, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the aggregator.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives, and
    ContractError when a metric's filter cannot be compiled.
    """
    sink = environ.get("SLUICE_SINK", "windows")
    table, ledger = required(environ, "SLUICE_WINDOWS_TABLE"), required(environ, "SLUICE_LEDGER_TABLE")
    claims, stream_name = required(environ, "SLUICE_CLAIMS_TABLE"), required(environ, "SLUICE_STREAM")
    queue_url = required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL")
    bucket = required(environ, "SLUICE_DEAD_LETTER_BUCKET")
    keep = timedelta(days=days(environ, "SLUICE_WINDOW_DAYS", 400))
    keep_books = timedelta(days=days(environ, "SLUICE_LEDGER_DAYS", 35))
    keep_claims = timedelta(days=days(environ, "SLUICE_CLAIM_DAYS", 8))
    dynamodb, now = clients.dynamodb(), _now
    taker = Taker(
        contract=pipeline.contract,
        plan=Plan(pipeline),
        claims=Claims(dynamodb, claims, keep=keep_claims, now=now),
        letterbox=DeadLetterQueue(clients.sqs, queue_url, clients.s3, bucket),
        sink=sink,
        keep=keep,
        watchdog=ending_the_process,
        now=now,
    )
    parts = PartWriter(dynamodb, table, keep=keep, now=now)
    committer = Committer(dynamodb, table, ledger, sink, parts=parts, keep_books=keep_books, now=now)
    books = Ledger(dynamodb, ledger, sink, keep=keep_books, disjoint=True, now=now)
    stream = Stream(clients.kinesis(), stream_name)
    lanes = Lanes(dynamodb, table, process=uuid4().hex, now=now)
    return Aggregator(
        Tumbling(taker, lanes=lanes, committer=committer, stream=stream, now=now),
        census=Census(dynamodb, table, stream, keep=keep, now=now),
        definitions=Definitions(dynamodb, table, pipeline, now=now),
        redriver=Redriver(dynamodb, table, taker, committer, books, keep=keep, now=now),
        report=_Reporter(sink),
    )


class _Reporter:
    """Logs and counts what an invocation did; no payload comes here."""

    def __init__(self, sink: str) -> None:
        self._logger = Logger()
        self._metrics = Metrics()
        self._metrics.set_default_dimensions(sink=sink)

    def __call__(self, report: WindowReport) -> None:
        figures = {
            "Delivered": report.states["delivered"],
            "DeadLettered": report.states["dead_lettered"],
            "Skipped": report.states["skipped"],
            "Segments": report.segments,
            "Spilled": report.spilled,
            "Recovered": report.recovered,
            "StateNearLimit": int(report.near_limit),
        }
        if report.shard is not None:
            for metric, count in figures.items():
                self._metrics.add_metric(metric, MetricUnit.Count, count)
        if report.state_bytes is not None:
            self._metrics.add_metric("StateBytes", MetricUnit.Bytes, report.state_bytes)
        if report.lag is not None:
            self._metrics.add_metric("WatermarkLag", MetricUnit.Seconds, report.lag)
        if report.shard is not None or report.lag is not None:
            self._metrics.flush_metrics()
        details = {
            "shard": report.shard,
            "refusals": dict(report.refusals),
            "careful": report.careful,
            "redriven": report.redriven,
            **{name: count for name, count in figures.items() if count},
        }
        if report.lost:
            self._logger.error("records have left the stream before they were counted", extra=details)
        if report.failed is not None:
            self._logger.error("the call is repeated", extra={**details, "reason": report.failed})
        elif report.trouble is not None:
            self._logger.warning("not all went well", extra={**details, "reason": report.trouble})
        elif report.careful or report.refusals or report.spilled or report.recovered:
            self._logger.info("records taken in", extra=details)
        else:
            self._logger.debug("records taken in", extra=details)


def _now() -> datetime:
    return datetime.now(UTC)
