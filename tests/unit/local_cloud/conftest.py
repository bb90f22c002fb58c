from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from sluice.local.cloud_process import ChildProcess


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    child = ChildProcess("sluice.local.aws", "--port", "0", name="the local AWS")
    try:
        yield f"http://127.0.0.1:{child.hear(60)['port']}"
    finally:
        child.close()
        child.wait()


def client(service: str, url: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
    )


@pytest.fixture(scope="module")
def kinesis(aws_url: str) -> Iterator[Any]:
    found = client("kinesis", aws_url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def sqs(aws_url: str) -> Iterator[Any]:
    found = client("sqs", aws_url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def cloudwatch(aws_url: str) -> Iterator[Any]:
    found = client("cloudwatch", aws_url)
    yield found
    found.close()
