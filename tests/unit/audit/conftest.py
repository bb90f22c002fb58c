from collections.abc import Iterator

import pytest

from tests.unit.audit import plant as plants


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Iterator[plants.Plant]:
    with plants.running() as running:
        monkeypatch.setattr("sluice.audit.reading.count_tables", running.count)
        yield running
