"""The aggregator's Lambda, put together from its environment."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sluice.deadletters import DeadLetterQueue
from sluice.deadline import LambdaContext
from sluice.delivery import Ledger, clients
from sluice.delivery.environment import days, required
from sluice.delivery.function import refused
from sluice.delivery.watchdog import ending_the_process
from sluice.observing.observer import MOST_NAMED, Observer, age, shortened, unfinished
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
    observer = Observer.of(sink, environ)
    aggregates = Aggregator(
        Tumbling(taker, lanes=lanes, committer=committer, stream=stream, now=now),
        census=Census(dynamodb, table, stream, keep=keep, now=now),
        definitions=Definitions(dynamodb, table, pipeline, now=now),
        redriver=Redriver(dynamodb, table, taker, committer, books, keep=keep, now=now),
        report=Reporter(observer),
    )
    return observer.around(aggregates, "the invocation is repeated", unfinished)


class Reporter:
    """Logs and counts what an invocation did; no payload comes here."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def __call__(self, report: WindowReport) -> None:
        """Say the signals, and log what is worth a line."""
        states = {
            "Delivered": report.states["delivered"],
            "DeadLettered": report.states["dead_lettered"],
            "Skipped": report.states["skipped"],
            "Retried": report.retried,
            "Segments": report.segments,
        }
        trouble = {
            **refused(report.refusals),
            "UnsentLetters": report.unsent,
            "Careful": int(report.careful),
            "Spilled": report.spilled,
            "Recovered": report.recovered,
            "Lost": int(report.lost),
            "StateNearLimit": int(report.near_limit),
            "WatermarkFailures": int(report.unwatermarked),
        }
        figures = {**(states if report.shard is not None else {}), **trouble}
        optional = {"StateBytes": report.state_bytes, "WatermarkLag": report.lag}
        known = {name: value for name, value in optional.items() if value is not None}
        fresh = {} if report.redriven else age(report.oldest)
        self._observer.say({**figures, **known, **fresh})
        details: dict[str, Any] = {
            "shard": report.shard,
            "first": report.first,
            "last": report.last,
            "redriven": report.redriven,
            **{name: count for name, count in {**states, **trouble}.items() if count},
        }
        if report.named:
            details["records"] = report.named[:MOST_NAMED]
        self._tell(report, details)

    def _tell(self, report: WindowReport, details: dict[str, Any]) -> None:
        log = self._observer.log
        if report.lost:
            log.error("records have left the stream before they were counted", extra=details)
        if report.failed is not None:
            log.error("the call is repeated", extra={**details, "reason": shortened(report.failed)})
        elif report.trouble is not None:
            log.warning("not all went well", extra={**details, "reason": shortened(report.trouble)})
        elif report.careful or report.refusals or report.spilled or report.recovered:
            log.info("records taken in", extra=details)
        else:
            log.debug("records taken in", extra=details)


def _now() -> datetime:
    return datetime.now(UTC)
