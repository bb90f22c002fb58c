from collections.abc import Iterator

import pytest

from sluice.publisher.publisher import Publisher
from sluice.sinks.bigquery.writer import Writer
from sluice.windows.store import WindowTable
from tests.unit.publisher.warehouse import Warehouse
from tests.unit.windows import planted
from tests.unit.windows.aws import WINDOWS
from tests.unit.windows.planted import NOW, Planted


@pytest.fixture
def table() -> Iterator[Planted]:
    with planted.running() as running:
        yield running


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = Warehouse()
    yield made
    made.server.store.close()


@pytest.fixture
def publisher(table: Planted, warehouse: Warehouse) -> Publisher:
    writer = Writer(warehouse)  # type: ignore[arg-type] # stands in for the transport
    return Publisher(WindowTable(table.dynamodb, WINDOWS), writer, now=lambda: NOW)
