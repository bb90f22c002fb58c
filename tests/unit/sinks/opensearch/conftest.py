from collections.abc import Callable, Iterator

import pytest

from sluice.sinks.opensearch import connection
from sluice.sinks.opensearch.bulk import BulkWriter, Limits
from sluice.sinks.opensearch.connection import Cluster, connect
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.sink import SearchSink
from tests.unit.delivery.builders import Time
from tests.unit.sinks.opensearch.events import CONTRACT
from tests.unit.sinks.opensearch.stub_opensearch import StubOpenSearch


@pytest.fixture
def stub() -> Iterator[StubOpenSearch]:
    server = StubOpenSearch()
    yield server
    server.close()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sink_with(stub: StubOpenSearch) -> Iterator[Callable[[Limits], SearchSink]]:
    clients = []

    def make(limits: Limits) -> SearchSink:
        clients.append(connect(stub.url, None, connections=limits.concurrency))
        return SearchSink(CONTRACT, BulkWriter(Cluster(clients[-1]), limits), Indices("test"))

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def sink(sink_with: Callable[[Limits], SearchSink]) -> SearchSink:
    return sink_with(Limits())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_READ_SECONDS", 0.3)
