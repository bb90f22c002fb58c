"""A ledger, a queue and a bucket in moto, inside the test's process, and ways to make their clients fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

TABLE, BUCKET = "ledger", "payloads"
REGION: Final = "eu-central-1"


@dataclass(frozen=True, slots=True)
class Aws:
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    s3: "S3Client"
    queue_url: str


def create_ledger(dynamodb: "DynamoDBClient", name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "lane", "KeyType": "HASH"},
            {"AttributeName": "first", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "lane", "AttributeType": "S"},
            {"AttributeName": "first", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def running() -> Iterator[Aws]:
    with mock_aws():
        session = boto3.Session("test", "test", region_name=REGION)
        dynamodb, sqs, s3 = session.client("dynamodb"), session.client("sqs"), session.client("s3")
        create_ledger(dynamodb, TABLE)
        queue = sqs.create_queue(QueueName="letters", Attributes={"MaximumMessageSize": "1048576"})
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield Aws(dynamodb, sqs, s3, queue["QueueUrl"])


def refusal(code: str = "ThrottlingException", operation: str = "Any") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class Intercepted:
    """A client whose calls go through `around`, which gets a call's name and the way to carry it out."""

    def __init__(self, client: Any, around: Callable[[str, Callable[[], Any], dict[str, Any]], Any]) -> None:
        self._client = client
        self._around = around

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **request: self._around(name, lambda: method(**request), request)
