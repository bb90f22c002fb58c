"""The sink's Lambda, put together from its environment."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from sluice.contract import Contract
from sluice.deadletters import DeadLetterQueue
from sluice.deadline import LambdaContext
from sluice.delivery import Ledger, Processor, Report, clients
from sluice.delivery.environment import days, required
from sluice.delivery.watchdog import ending_the_process
from sluice.sinks.bigquery import BigQuerySink
from sluice.sinks.transport import connect

Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]


def bigquery_sink(contract: Contract, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the BigQuery sink.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    name = environ.get("SLUICE_SINK", "bigquery")
    sink = BigQuerySink(contract, connect(environ), name)
    ledger = Ledger(
        clients.dynamodb(),
        required(environ, "SLUICE_LEDGER_TABLE"),
        name,
        keep=timedelta(days=days(environ, "SLUICE_LEDGER_DAYS", 35)),
        disjoint=environ.get("SLUICE_PARALLELIZATION") == "1",
    )
    queue = DeadLetterQueue(
        clients.sqs,
        required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL"),
        clients.s3,
        required(environ, "SLUICE_DEAD_LETTER_BUCKET"),
    )
    reporter = _Reporter(name)
    return _observed(
        Processor(contract, sink, ledger, queue, report=reporter, watchdog=ending_the_process), reporter
    )


class _Reporter:
    """Logs and counts what an invocation did; no payload comes here."""

    def __init__(self, sink: str) -> None:
        self.logger = Logger()
        self.metrics = Metrics()
        self.metrics.set_default_dimensions(sink=sink)

    def __call__(self, report: Report) -> None:
        figures = {
            "Delivered": report.states["delivered"],
            "DeadLettered": report.states["dead_lettered"],
            "Skipped": report.states["skipped"],
            "Retried": report.retried,
            "Unlisted": report.unlisted,
        }
        for metric, count in figures.items():
            self.metrics.add_metric(metric, MetricUnit.Count, count)
        self.metrics.flush_metrics()
        details = {
            "shard": report.shard,
            "refusals": dict(report.refusals),
            "careful": report.careful,
            "redriven": report.redriven,
            **{name: count for name, count in figures.items() if count},
        }
        if report.retried or report.unlisted:
            details["reason"] = report.reason or report.unlisted_reason
            self.logger.warning(
                "records go back to the stream" if report.retried else "a list is behind", extra=details
            )
        elif report.careful or report.refusals:
            self.logger.info("batch settled", extra=details)
        else:
            self.logger.debug("batch settled", extra=details)


def _observed(processor: Processor[Any], reporter: _Reporter) -> Handler:
    """Log what the processor lets through, once, before Lambda sees it."""

    def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        try:
            return processor(event, context)
        except Exception:
            reporter.logger.exception("the whole batch goes back to the stream")
            raise

    return handler
