"""Where the probe of a stack is, and what the command needs to use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sluice.errors import NoCloud

if TYPE_CHECKING:
    from google.cloud import bigquery
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the program exports of its probe: names, and the length of the tumbling window in seconds."""

    streams: Mapping[str, str]
    function: str
    journal: str
    queue_url: str
    dataset: str
    tumbling_window_seconds: int

    @classmethod
    def parse(cls, exported: Mapping[str, Any]) -> Self:
        """Read the export; raises NoCloud when it is another version's."""
        try:
            return cls(
                streams={str(key): str(name) for key, name in exported["streams"].items()},
                function=str(exported["function"]),
                journal=str(exported["journal"]),
                queue_url=str(exported["queue_url"]),
                dataset=str(exported["dataset"]),
                tumbling_window_seconds=int(exported["tumbling_window_seconds"]),
            )
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise NoCloud(
                f"the stack's probe is another version's ({error} is missing): deploy this version there"
            ) from None


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The clients of the person who probes."""

    kinesis: "KinesisClient"
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    functions: "LambdaClient"
    bigquery: "bigquery.Client"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds: between two looks, for what should come, for the end of a quiet window.

    `schema_seconds` is for what BigQuery may take minutes to see: a new table, a new column.
    """

    poll_seconds: float = 1.0
    seconds: float = 90.0
    window_seconds: float = 240.0
    schema_seconds: float = 600.0
    queue_seconds: int = 2
