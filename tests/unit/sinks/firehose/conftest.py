from collections.abc import Iterator

import pytest

from tests.unit.delivery import aws as local


@pytest.fixture
def aws() -> Iterator[local.Aws]:
    with local.running() as running:
        yield running
