from collections.abc import Iterator

import pytest

from sluice.sinks.bigquery import transport
from sluice.sinks.bigquery.sink import BigQuerySink
from sluice.sinks.bigquery.transport import Transport
from tests.unit.delivery.builders import CONTRACT, Time
from tests.unit.sinks.bigquery.stub_bigquery import StubBigQuery


@pytest.fixture
def stub() -> Iterator[StubBigQuery]:
    server = StubBigQuery()
    yield server
    server.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sink(stub: StubBigQuery) -> BigQuerySink:
    return BigQuerySink(CONTRACT, Transport("project", "raw", base_url=stub.url))


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no answer for long; only for tests that get none, since a busy machine answers late."""
    monkeypatch.setattr(transport, "FIRST_READ_SECONDS", 0.3)
