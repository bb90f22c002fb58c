from collections.abc import Iterator

import pytest

from tests.unit.delivery import aws as local
from tests.unit.delivery.builders import Time


@pytest.fixture
def aws() -> Iterator[local.Aws]:
    with local.running() as running:
        yield running


@pytest.fixture
def time() -> Time:
    return Time()
