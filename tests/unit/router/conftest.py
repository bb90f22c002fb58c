import pytest

from tests.unit.delivery.builders import Time


@pytest.fixture
def time() -> Time:
    return Time()
