"""The publisher's Lambda, put together from its environment."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from sluice.deadline import Deadline, LambdaContext
from sluice.delivery import clients
from sluice.delivery.environment import required
from sluice.observing.observer import Observer
from sluice.observing.tracing import subsegment
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
    transport = connect(environ)
    publisher = Publisher(table, Writer(transport))
    observer = Observer.of("window_publisher", environ)

    def handler(_: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Publish all there is: the event only says that there may be something."""
        seconds = context.get_remaining_time_in_millis() / 1000
        report = Report()
        try:
            with subsegment("publish"):
                publisher.publish(Deadline.after(seconds).earlier(RESERVE_SECONDS), report)
        finally:
            observer.say({**_figures(report), **transport.tallies()})
        _log(observer.log, report)
        return {}

    return observer.around(handler, "windows wait to be published", lambda _: {"Unfinished": 1})


def _figures(report: Report) -> dict[str, float]:
    """Return the signals of what was published; of a delay only if there was anything to publish."""
    delay = {}
    if report.oldest is not None:
        delay["PublishDelay"] = max(0.0, (datetime.now(UTC) - report.oldest).total_seconds())
    return {
        "PublishedSegments": report.segments,
        "PublishedRows": report.rows,
        "RejectedRows": report.refused,
        **delay,
    }


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
