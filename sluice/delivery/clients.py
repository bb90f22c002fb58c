"""The AWS clients of a function: made on first use, kept for all invocations, and never waited for long."""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config

from sluice.delivery.models import Models

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

DYNAMODB_CALL = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"total_max_attempts": 1},
    tcp_keepalive=True,
    max_pool_connections=16,
)
"""Seconds; DynamoDB answers within milliseconds, and whether there is time to ask again is decided here."""

READING_CALL = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 4},
    tcp_keepalive=True,
    max_pool_connections=16,
)
"""For those that read much and have nothing else to decide: botocore asks again by itself."""

LETTER_CALL = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, max_pool_connections=16
)

KINESIS_CALL = Config(
    connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1}, max_pool_connections=16
)
"""Seconds; a page of 10 MB takes about one."""


SERVICES = ("cloudwatch", "dynamodb", "firehose", "kinesis", "s3", "sqs")
"""Those that have a client here."""


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the client of the ledger and its neighbours."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=DYNAMODB_CALL))


@cache
def windows() -> "DynamoDBClient":
    """Return the client of those that read the windows."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=READING_CALL))


@cache
def cloudwatch() -> "CloudWatchClient":
    """Return the client of the metrics."""
    return cast("CloudWatchClient", _session().create_client("cloudwatch", config=READING_CALL))


@cache
def kinesis() -> "KinesisClient":
    """Return the client of the stream."""
    return cast("KinesisClient", _session().create_client("kinesis", config=KINESIS_CALL))


@cache
def stream() -> "KinesisClient":
    """Return the client of those that read a stream without haste."""
    return cast("KinesisClient", _session().create_client("kinesis", config=READING_CALL))


@cache
def firehose() -> Any:
    """Return the client of a route's Firehose; its type stubs are not among the dependencies."""
    return _session().create_client("firehose", config=KINESIS_CALL)


@cache
def sqs() -> "SQSClient":
    """Return the client of the queues: dead letters', and a route's."""
    return cast("SQSClient", _session().create_client("sqs", config=LETTER_CALL))


@cache
def s3() -> "S3Client":
    """Return the client of the bucket for large payloads."""
    return cast("S3Client", _session().create_client("s3", config=LETTER_CALL))


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", Models(SERVICES, session.get_config_variable("data_path")))
    return session
