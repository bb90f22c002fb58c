"""The publisher's Lambda, put together from its environment."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from sluice.deadline import Deadline, LambdaContext
from sluice.delivery import clients
from sluice.delivery.environment import required
from sluice.publisher.publisher import Publisher, Report
from sluice.sinks.bigquery.transport import connect
from sluice.sinks.bigquery.writer import Writer
from sluice.windows.store import WindowTable

Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]

RESERVE_SECONDS = 2.0
"""Of an invocation, left for noting what is published and for the log."""


def window_publisher(environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the window publisher.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    table = WindowTable(clients.windows(), required(environ, "SLUICE_WINDOWS_TABLE"))
    publisher = Publisher(table, Writer(connect(environ)))
    logger, metrics = Logger(), Metrics()
    metrics.set_default_dimensions(sink="window_publisher")

    def handler(_: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Publish all there is: the event only says that there may be something."""
        seconds = context.get_remaining_time_in_millis() / 1000
        try:
            report = publisher.publish(Deadline.after(seconds).earlier(RESERVE_SECONDS))
        except Exception:
            logger.exception("windows wait to be published")
            raise
        _measure(metrics, report)
        _log(logger, report)
        return {}

    return handler


def _measure(metrics: Metrics, report: Report) -> None:
    """Count what was published; PublishDelay is how old the oldest segment is once BigQuery has it."""
    metrics.add_metric("PublishedSegments", MetricUnit.Count, report.segments)
    metrics.add_metric("PublishedRows", MetricUnit.Count, report.rows)
    metrics.add_metric("RefusedRows", MetricUnit.Count, report.refused)
    if report.oldest is not None:
        delay = (datetime.now(UTC) - report.oldest).total_seconds()
        metrics.add_metric("PublishDelay", MetricUnit.Seconds, max(0.0, delay))
    metrics.flush_metrics()


def _log(logger: Logger, report: Report) -> None:
    details = {
        "segments": report.segments,
        "rows": report.rows,
        "watermark": report.watermark.isoformat() if report.watermark else None,
    }
    if report.refused:
        # A row that BigQuery will never take must not hold up all others.
        details |= {"refused": report.refused, "reason": report.reason}
        logger.error("BigQuery refused rows of windows, which stay in DynamoDB alone", extra=details)
    else:
        logger.debug("windows published", extra=details)
