"""The sink's Lambda, put together from its environment."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from sluice.contract import Contract
from sluice.deadletters import DeadLetterQueue
from sluice.deadline import LambdaContext
from sluice.delivery import Ledger, Processor, Report
from sluice.delivery.watchdog import ending_the_process
from sluice.errors import SettingsError
from sluice.sinks.bigquery import BigQuerySink
from sluice.sinks.environment import required
from sluice.sinks.transport import connect

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]

LEDGER_CALL = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}, tcp_keepalive=True)
"""Seconds; DynamoDB answers within milliseconds, and whether there is time to ask again is decided here."""

LETTER_CALL = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, max_pool_connections=16
)


def bigquery_sink(contract: Contract, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the BigQuery sink.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    name = environ.get("SLUICE_SINK", "bigquery")
    sink = BigQuerySink(contract, connect(environ), name)
    ledger = Ledger(
        _dynamodb(),
        required(environ, "SLUICE_LEDGER_TABLE"),
        name,
        keep=timedelta(days=_number(environ, "SLUICE_LEDGER_DAYS", 35)),
        disjoint=environ.get("SLUICE_PARALLELIZATION") == "1",
    )
    queue = DeadLetterQueue(
        _sqs,
        required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL"),
        _s3,
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


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def _dynamodb() -> "DynamoDBClient":
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=LEDGER_CALL))


@cache
def _sqs() -> "SQSClient":
    return cast("SQSClient", _session().create_client("sqs", config=LETTER_CALL))


@cache
def _s3() -> "S3Client":
    return cast("S3Client", _session().create_client("s3", config=LETTER_CALL))


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdecimal():
        raise SettingsError(
            f"{name} is {text!r}, not a whole number of days: deploy again with the settings' ledger days"
        )
    return int(text)
