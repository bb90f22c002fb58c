import pytest

from tests.unit.report.client import Browser
from tests.unit.report.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)
