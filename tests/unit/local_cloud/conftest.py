from collections.abc import Iterator
from typing import Any

import pytest

from sluice.local.cloud_process import ChildProcess
from tests.unit.local_cloud.clients import client


@pytest.fixture(scope="module")
def aws_url() -> Iterator[str]:
    child = ChildProcess("sluice.local.aws", "--port", "0", name="the local AWS")
    try:
        yield f"http://127.0.0.1:{child.hear(60)['port']}"
    finally:
        child.close()
        child.wait()


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
