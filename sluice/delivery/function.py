"""A sink's Lambda, put together from the environment that the deployment gives it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    parts = equipment(sink.name, environ)
    processor = Processor(
        contract,
        sink,
        parts.ledger,
        parts.letterbox,
        report=parts.report,
        watchdog=ending_the_process,
    )
    return parts.observed(processor)


def equipment(name: str, environ: Mapping[str, str], *, cut_aggregates: bool = False) -> "Equipment":
    """Return the books, the dead letters and the reports of the sink `name`; see `Ledger` for the rest.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    ledger = Ledger(
        clients.dynamodb(),
        required(environ, "SLUICE_LEDGER_TABLE"),
        name,
        keep=timedelta(days=days(environ, "SLUICE_LEDGER_DAYS", 35)),
        disjoint=not cut_aggregates and environ.get("SLUICE_PARALLELIZATION") == "1",
        cut_aggregates=cut_aggregates,
    )
    queue = DeadLetterQueue(
        clients.sqs,
        required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL"),
        clients.s3,
        required(environ, "SLUICE_DEAD_LETTER_BUCKET"),
    )
    return Equipment(ledger, queue, _Reporter(name))


@dataclass(frozen=True, slots=True)
class Equipment:
    """What every sink's function works with, beside its sink."""

    ledger: Ledger
    letterbox: DeadLetterQueue
    report: "_Reporter"

    def observed(self, handler: Handler) -> Handler:
        """Log what the handler lets through, once, before Lambda sees it."""

        def logged(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
            try:
                return handler(event, context)
            except Exception:
                self.report.logger.exception("the whole batch goes back to the stream")
                raise

        return logged


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
