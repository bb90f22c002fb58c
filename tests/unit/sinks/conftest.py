from collections.abc import Iterator

import pytest

from tests.unit.delivery.builders import Time
from tests.unit.sinks.stub_bigquery import StubBigQuery


@pytest.fixture
def stub() -> Iterator[StubBigQuery]:
    server = StubBigQuery()
    yield server
    server.close()


@pytest.fixture
def time() -> Time:
    return Time()
