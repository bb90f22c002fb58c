"""The AWS clients that a producer makes for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from sluice.errors import EnvironmentProblem
from sluice.producer.wire import prepared

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

    from sluice.producer.destinations import FirehoseClient

CALL = Config(
    connect_timeout=5,
    read_timeout=10,
    retries={"total_max_attempts": 1},
    tcp_keepalive=True,
    max_pool_connections=64,
    parameter_validation=False,
)
"""Seconds. A producer retries by itself, only what failed; and it checks each record before it sends it, so
that botocore need not."""


def kinesis_client(region: str | None) -> KinesisClient:
    """Return a client of a producer's own."""
    return cast("KinesisClient", _client("kinesis", region))


def firehose_client(region: str | None) -> FirehoseClient:
    """Return a client of a producer's own."""
    return cast("FirehoseClient", _client("firehose", region))


def _client(service: str, region: str | None) -> Any:
    try:
        client = botocore.session.get_session().create_client(service, region_name=region, config=CALL)
    except BotoCoreError as error:
        raise EnvironmentProblem(
            f"{service}: {error}; set AWS_REGION or give region=..., and see `aws configure`"
        ) from error
    return prepared(client)
