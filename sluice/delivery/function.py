"""A sink's Lambda, put together from the environment that the deployment gives it."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from sluice.contract import Contract
from sluice.deadletters import DeadLetterQueue
from sluice.deadline import LambdaContext
from sluice.delivery import clients
from sluice.delivery.environment import days, required
from sluice.delivery.ledger import Ledger
from sluice.delivery.outcomes import Sink
from sluice.delivery.processor import Processor
from sluice.delivery.verdicts import Report
from sluice.delivery.watchdog import ending_the_process

Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]

P = TypeVar("P")


def handler_of(contract: Contract, sink: Sink[P], environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler that delivers to a sink: contract, ledger, dead letters, caution and redrive.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    ledger = Ledger(
        clients.dynamodb(),
        required(environ, "SLUICE_LEDGER_TABLE"),
        sink.name,
        keep=timedelta(days=days(environ, "SLUICE_LEDGER_DAYS", 35)),
        disjoint=environ.get("SLUICE_PARALLELIZATION") == "1",
    )
    queue = DeadLetterQueue(
        clients.sqs,
        required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL"),
        clients.s3,
        required(environ, "SLUICE_DEAD_LETTER_BUCKET"),
    )
    reporter = _Reporter(sink.name)
    return _observed(
        Processor(contract, sink, ledger, queue, report=reporter, watchdog=ending_the_process), reporter
    )


class _Reporter:
    """Logs and counts what an invocation did; no payload comes here.

    Its metrics are its own: powertools' `Metrics` shares dimensions with those that a user's function writes.
    """

    def __init__(self, sink: str) -> None:
        self.logger = Logger()
        self.metrics = AmazonCloudWatchEMFProvider()
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
