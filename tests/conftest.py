"""What every test process does once, for speed alone."""

import gc
import os
from functools import cache
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader


@cache
def _loaded(path: str, load: Any) -> Any:
    return load(JSONFileLoader(), path)


def pytest_configure() -> None:
    """Parse each of botocore's service models once, not once for every simulated AWS: 40 % of such tests."""
    load = JSONFileLoader.load_file
    JSONFileLoader.load_file = lambda _, path: _loaded(path, load)  # type: ignore[method-assign]


def pytest_collection_finish() -> None:
    """Spare what was imported from the garbage collector."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores: a test of a local cloud waits for a third of its time."""
    return (os.cpu_count() or 1) + 1
